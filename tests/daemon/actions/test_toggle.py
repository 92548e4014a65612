from __future__ import annotations

import json
import os

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import WEB, foreign
from ipvsman.ipvs.errors import Cause, Unavailable
from ipvsman.ipvs.scope import SERVICES
from ipvsman.lock import Lock

DONE = "runtime overrides applied\n"
FAILED = "runtime override apply failed: "


def weights(ipvsman):
    """Weights in the table, by addresses of service and destination."""
    return {
        (key.address, name.address): settings.weight
        for key, service in ipvsman.table.read(SERVICES).services.items()
        for name, settings in service.destinations.items()
    }


BEFORE = {
    ("192.0.2.1", "10.0.0.1"): 5,
    ("192.0.2.1", "10.0.0.2"): 3,
    ("192.0.2.2", "10.0.0.1"): 5,
    ("192.0.2.2", "10.0.0.2"): 3,
    ("192.0.2.53", "10.0.0.53"): 0,
    ("192.0.2.53", "10.0.0.54"): 1,
    ("203.0.113.9", "10.0.0.1"): 7,
}


@pytest.fixture
def left(ipvsman):
    """A daemon has run, knows that all are up, and has ended; there is a foreign service, too."""
    own = ipvsman.daemon()
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.53", "10.0.0.54"):
        own.probed(address, True)
    ipvsman.stop()
    foreign(ipvsman.table, "tcp://203.0.113.9:25", "10.0.0.1")
    assert weights(ipvsman) == BEFORE
    return ipvsman


def remembered(ipvsman):
    content = json.loads((ipvsman.state / "overrides.json").read_text())
    return [(row["level"], row["name"], row["disabled"], row["reason"]) for row in content["data"]]


CASES = [
    (
        "group",
        "web",
        [
            ("192.0.2.1", "10.0.0.1"),
            ("192.0.2.1", "10.0.0.2"),
            ("192.0.2.2", "10.0.0.1"),
            ("192.0.2.2", "10.0.0.2"),
        ],
    ),
    ("frontend", "dns/udp", [("192.0.2.53", "10.0.0.54")]),
    ("backend", "web/10.0.0.2", [("192.0.2.1", "10.0.0.2"), ("192.0.2.2", "10.0.0.2")]),
    ("backend", "dns/10.0.0.54:5353", [("192.0.2.53", "10.0.0.54")]),
]


def warned(out):
    """What is said of services that nobody serves any more."""
    services = {
        "192.0.2.1": "tcp://192.0.2.1:80 (web/http)",
        "192.0.2.2": "tcp://192.0.2.2:80 (web/http)",
        "192.0.2.53": "udp://192.0.2.53:53 (dns/udp)",
    }
    alone = [
        vip
        for vip in services
        if not any(BEFORE[each] for each in BEFORE if each[0] == vip and each not in out)
    ]
    said = "has no backend left that gets connections"
    return "".join(f"ipvsman: warning: {services[vip]} {said}\n" for vip in alone)


@pytest.mark.parametrize("level, name, out", CASES)
def test_without_a_daemon_it_is_noted_and_applied(left, level, name, out):
    said = left(f"--disable-{level}", name, "--reason", "disk")
    assert (said.status, said.out, said.err) == (0, DONE, warned(out))
    assert weights(left) == {**BEFORE, **dict.fromkeys(out, 0)}
    assert remembered(left) == [(level, name, True, "disk")]
    said = left(f"--enable-{level}", name)
    assert (said.status, said.out) == (0, DONE)
    assert weights(left) == BEFORE
    assert remembered(left) == []


@pytest.mark.parametrize("level, name, out", CASES)
def test_the_next_daemon_goes_on_with_it(left, level, name, out):
    left(f"--disable-{level}", name)
    after = weights(left)
    own = left.daemon()
    own.settle()
    assert weights(left) == after
    assert [each.name for each in own.director.orders.overrides.entries] == [name]


@pytest.mark.parametrize("level, name, out", CASES)
def test_the_daemon_does_it(ipvsman, level, name, out):
    own = ipvsman.daemon()
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.53", "10.0.0.54"):
        own.probed(address, True)
    before = weights(ipvsman)
    said = ipvsman(f"--disable-{level}", name, "--reason", "disk")
    # The kernel has it when the command is back.
    assert (said.status, said.out, said.err) == (0, DONE, warned(out))
    assert weights(ipvsman) == {**before, **dict.fromkeys(out, 0)}
    (override,) = own.director.orders.overrides.entries.values()
    assert override.reason == "disk"
    assert ipvsman(f"--enable-{level}", name).out == DONE
    assert weights(ipvsman) == before


def test_what_is_disabled_by_the_drop_ins_can_be_let_in(left):
    assert left("--enable-backend", "dns/10.0.0.53").status == 0
    assert weights(left) == {**BEFORE, ("192.0.2.53", "10.0.0.53"): 1}
    assert remembered(left) == [("backend", "dns/10.0.0.53", False, "")]


def test_a_drop_in_that_disables_what_was_let_in_long_ago_is_heard(left):
    left("--disable-backend", "web/10.0.0.1")
    left("--enable-backend", "web/10.0.0.1")
    left.write("groups/web.yaml", WEB.replace("weight: 5", "weight: 5, disabled: true"))
    own = left.daemon()
    own.settle()
    assert weights(left)["192.0.2.1", "10.0.0.1"] == 0
    assert own.director.orders.overrides.entries == {}


def test_what_is_down_is_not_let_in(ipvsman):
    own = ipvsman.daemon()
    own.probed("10.0.0.1", False, "no")
    own.probed("10.0.0.2", True)
    ipvsman.stop()
    ipvsman("--disable-group", "web")
    ipvsman("--enable-group", "web")
    assert weights(ipvsman)["192.0.2.1", "10.0.0.1"] == 0
    assert weights(ipvsman)["192.0.2.1", "10.0.0.2"] == 3


def test_what_another_has_changed_is_not_touched(left):
    """Only weights are set, of what is named: everything else of the pool stays as it is."""
    left.write(
        "groups/web.yaml",
        (left.etc / "groups/web.yaml").read_text().replace("weight: 3", "weight: 30"),
    )
    left("--disable-backend", "web/10.0.0.1")
    assert weights(left)["192.0.2.1", "10.0.0.2"] == 3


def test_a_fallback_is_left_to_a_daemon_and_that_is_told(left):
    left.write("groups/web.yaml", WEB + "  fallback: [{address: 10.0.9.9}]\n")
    said = left("--disable-group", "dns", "--disable-backend", "web/10.0.0.1")
    assert said.err == warned([("192.0.2.53", "10.0.0.54")])
    said = left("--disable-backend", "web/10.0.0.2")
    assert (said.status, len(said.err.splitlines())) == (0, 2)
    for line in said.err.splitlines():
        assert line.endswith(
            "has no backend left that gets connections; its fallback serves once a daemon runs"
        )
    assert weights(left) == {**BEFORE, **{key: 0 for key in BEFORE if key[0] != "203.0.113.9"}}


def test_what_is_not_in_the_kernel_is_only_noted(ipvsman):
    said = ipvsman("--disable-group", "web")
    assert (said.status, said.out) == (0, DONE)
    assert weights(ipvsman) == {}
    assert remembered(ipvsman) == [("group", "web", True, "")]


def test_several_at_once(left):
    said = left("--disable-backend", "web/10.0.0.1", "--disable-frontend", "dns/udp")
    assert said.out == DONE
    assert {row[1] for row in remembered(left)} == {"web/10.0.0.1", "dns/udp"}
    assert weights(left)["192.0.2.53", "10.0.0.54"] == 0


def test_json(left):
    said = left("--disable-group", "web", "--output", "json")
    warnings = [
        f"tcp://192.0.2.{number}:80 (web/http) has no backend left that gets connections"
        for number in (1, 2)
    ]
    assert json.loads(said.out) == {
        "ok": True,
        "message": "runtime overrides applied",
        "warnings": warnings,
    }
    said = left("--disable-group", "wbe", "--output", "json")
    assert said.status == 1
    assert json.loads(said.out) == {
        "ok": False,
        "message": "no such group: wbe",
        "warnings": [],
    }


@pytest.mark.parametrize("running", [False, True])
def test_what_was_said_of_what_is_gone_can_be_taken_back(left, running):
    left("--disable-backend", "web/10.0.0.2", "--reason", "disk")
    left.write("groups/web.yaml", WEB.replace("10.0.0.2", "10.0.0.9"))
    if running:
        left.daemon()
    told = (
        "ipvsman: warning: backend web/10.0.0.2, disabled by operator (disk), is not configured;"
        " this stays said until --enable-backend web/10.0.0.2 takes it back"
    )
    assert told in left("--status").err.splitlines()
    (row,) = json.loads(left("--status", "--output", "json").out)["overrides"]
    assert (row["name"], row["configured"]) == ("web/10.0.0.2", False)
    said = left("--disable-backend", "web/10.0.0.2")
    assert said.status == 1
    said = left("--enable-backend", "web/10.0.0.2")
    assert (said.status, said.out) == (0, DONE)
    assert told not in left("--status").err.splitlines()
    assert remembered(left) == []


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize(
    "flag, name, reason",
    [
        ("--disable-group", "wbe", "no such group: wbe"),
        ("--enable-frontend", "web/https", "no such frontend: web/https"),
        ("--disable-backend", "10.0.0.1", "no such backend: 10.0.0.1"),
        ("--disable-backend", "web/10.0.0.9", "no such backend: web/10.0.0.9"),
    ],
)
def test_what_is_not_there(ipvsman, running, flag, name, reason):
    if running:
        ipvsman.daemon()
    said = ipvsman(flag, name)
    told = f"not found: {reason}" if running else reason
    assert (said.status, said.out, said.err) == (1, f"{FAILED}{told}\n", "")
    assert not (ipvsman.state / "overrides.json").exists()


def test_a_daemon_that_has_other_drop_ins(ipvsman):
    """It decides, whatever the drop-ins say here."""
    own = ipvsman.daemon()
    ipvsman.write("groups/new.yaml", WEB.replace("web", "new").replace("192.0.2", "192.0.3"))
    said = ipvsman("--disable-group", "new")
    assert (said.status, said.out) == (1, f"{FAILED}not found: no such group: new\n")
    assert not own.director.orders.overrides.entries


def test_a_daemon_that_cannot_be_asked(left):
    """It runs, and would undo what we do."""
    lock = Lock(str(left.lock_file))
    lock.acquire()
    try:
        said = left("--disable-group", "web")
    finally:
        lock.release()
    assert said.status == 1
    assert said.out.startswith(f"{FAILED}no daemon listens on {left.socket}, and ")
    assert f"held by process {os.getpid()}" in said.out
    assert weights(left) == BEFORE


def test_a_kernel_that_says_no(left):
    def broken(*_unused):
        raise Unavailable(Cause.NO_PRIVILEGE, "not permitted")

    left.table.read = broken
    said = left("--disable-group", "web")
    assert (said.status, said.out) == (
        1,
        f"{FAILED}remembered for the next daemon, but not in the kernel: not permitted\n",
    )


def test_a_disk_that_does_not_take_it(left):
    """What cannot be remembered is not done either: the next daemon would undo it."""
    for each in left.state.iterdir():
        each.unlink()
    left.state.rmdir()
    left.state.write_text("in the way")
    said = left("--disable-group", "web")
    assert said.status == 1
    assert said.out.startswith(f"{FAILED}{left.state}/overrides.json cannot be written: ")
    assert weights(left) == BEFORE


def test_a_state_that_nobody_understands_is_set_aside(left):
    (left.state / "overrides.json").write_text('{"version": 1, "data": [7]}')
    said = left("--disable-group", "web")
    assert said.out == DONE
    assert "cannot be understood" in said.err
    assert [each.name for each in left.state.glob("overrides.json.broken-*")]


def test_faulty_drop_ins(left):
    left.write("groups/web.yaml", "{")
    assert left("--disable-group", "dns").status == 2


def test_faulty_drop_ins_are_no_obstacle_where_a_daemon_goes_on_with_those_before(ipvsman):
    own = ipvsman.daemon()
    own.probed("10.0.0.1", True)
    ipvsman.write("groups/web.yaml", "{")
    said = ipvsman("--disable-backend", "web/10.0.0.1")
    assert (said.status, said.out, said.err) == (0, DONE, "")
    assert weights(ipvsman)["192.0.2.1", "10.0.0.1"] == 0


def test_what_was_done_before_a_refusal_is_told(ipvsman):
    ipvsman.daemon()
    said = ipvsman("--disable-group", "web", "--disable-frontend", "dns/tcp")
    assert (said.status, said.out) == (
        1,
        f"{FAILED}not found: no such frontend: dns/tcp (done before that: group web)\n",
    )
