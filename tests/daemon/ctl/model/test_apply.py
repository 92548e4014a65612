"""apply: order, limits, weights, what is kept, and how it ends when the kernel says no."""

from __future__ import annotations

import errno
import os

import pytest
from ipvsman.ipvs.errors import Cause, KernelRefused, Unavailable
from ipvsman.ipvs.memory import MemoryTable
from ipvsman.ipvs.scope import EVERYTHING
from ipvsman.ipvs.table import Outcome

WEB = """\
services:
- address: tcp://192.0.2.1:80
  sched: wlc
  destinations:
  - address: 10.0.0.1:80
    weight: 5
    forward: nat
  - address: 10.0.0.2:80
    weight: 5
    forward: nat
"""
OTHER = """\
services:
- address: tcp://192.0.2.2:80
  sched: rr
"""


@pytest.fixture
def apply(ctl):
    def run(text, *flags, globals_=()):
        return ctl.run(*globals_, "apply", "-f", ctl.write(text), *flags)

    return run


@pytest.fixture
def table(ctl):
    """What get prints now."""
    return lambda: ctl.run("get").out


def test_it_is_done_and_said(ctl, apply, table):
    said = apply(WEB)
    path = ctl.place / "model.yaml"
    assert (said.status, said.out) == (0, f"Applied configuration from {path}\n")
    assert table() == WEB
    assert ctl.run("apply", "-f-", stdin=WEB).out == "Applied configuration from -\n"


def test_quiet_and_verbose(apply):
    said = apply(WEB, globals_=["-q"])
    assert (said.out, said.err) == ("", "")
    said = apply(OTHER, globals_=["-v"])
    assert said.err.splitlines() == [
        "INFO add service tcp://192.0.2.2:80: scheduler rr",
        "INFO remove service tcp://192.0.2.1:80 with its 2 destinations",
    ]


def test_what_the_document_does_not_name_goes_unless_told(apply, table):
    apply(WEB)
    assert apply(OTHER, "--no-purge").status == 0
    assert table() == WEB + OTHER.removeprefix("services:\n")
    apply(OTHER, "--purge")
    assert table() == OTHER
    apply("")
    assert table() == "{}\n"


@pytest.mark.parametrize(
    "text, left",
    [
        ("timeouts: {udp: 9}\n", True),
        ("sync_daemons: []\n", False),
        ("services:\ntimeouts: {udp: 9}\n", True),
        ("services: []\ntimeouts: {udp: 9}\n", False),
        ("defaults: {port: 80}\n", False),
        ("services:\n", False),
        ("{}\n", False),
    ],
)
def test_a_document_about_other_things_leaves_services_alone(apply, table, text, left):
    apply(WEB)
    assert apply(text).status == 0
    assert (WEB in table()) is left
    assert ("udp: 9" in table()) is ("udp: 9" in text)


def test_what_the_document_does_not_speak_about_stays(ctl, apply, table):
    more = WEB.replace("sched: wlc", "sched: wlc\n  persistence: 300\n  netmask: 255.0.0.0")
    more = more.replace("weight: 5", "weight: 5\n    upper_threshold: 9")
    apply(more)
    apply(WEB.replace("wlc", "rr"))
    assert "persistence: 300\n  netmask: 255.0.0.0\n" in table()
    assert table().count("upper_threshold: 9\n") == 2


def test_defaults_and_omissions(apply, table):
    said = apply("""\
defaults: {port: 8080, sched: wrr, weight: 7}
services:
- address: tcp://192.0.2.1
  destinations:
  - address: 10.0.0.1
  - address: 10.0.0.2:81
    forward: tunnel
- address: fwmark:1
  sched: lc
""")
    assert said.status == 0
    assert (
        table()
        == """\
services:
- address: tcp://192.0.2.1:8080
  sched: wrr
  destinations:
  - address: 10.0.0.1:8080
    weight: 7
    forward: direct
  - address: 10.0.0.2:81
    weight: 7
    forward: tunnel
- address: fwmark:1
  sched: lc
"""
    )
    assert apply("services: [{address: 'udp://192.0.2.1:53', destinations: [{address: 10.0.0.1}]}]")
    assert (
        table()
        == """\
services:
- address: udp://192.0.2.1:53
  sched: rr
  destinations:
  - address: 10.0.0.1:53
    forward: direct
"""
    )


def test_weights_are_compared_as_they_are(apply, table):
    apply(WEB.replace("weight: 5", "weight: 1"))
    apply(WEB.replace("    weight: 5\n", ""))
    assert "weight" not in table()


def test_keep_weights(apply, table):
    apply(WEB)
    changed = WEB.replace("weight: 5", "weight: 9")
    assert apply(changed, "--keep-weights").status == 0
    assert table() == WEB
    apply(changed.replace(": nat", ": direct"), "--keep-weights")
    assert table() == WEB.replace(": nat", ": direct")
    apply(changed + "  - address: 10.0.0.3:80\n    weight: 2\n", "--keep-weights")
    assert table() == WEB + "  - address: 10.0.0.3:80\n    weight: 2\n    forward: direct\n"


def test_dry_run(ctl, apply, table):
    apply(WEB)
    said = apply(OTHER, "--dry-run")
    assert (said.status, said.lines) == (
        0,
        [
            "add service tcp://192.0.2.2:80: scheduler rr",
            "remove service tcp://192.0.2.1:80 with its 2 destinations",
            f"Nothing was changed; changes that {ctl.place}/model.yaml needs: 2",
        ],
    )
    assert apply(OTHER, "--dry-run", globals_=["-q"]).lines == said.lines[:2]
    assert table() == WEB


@pytest.mark.parametrize(
    "allowed, status",
    [
        ("*", 0),
        ("as,ad,ds", 0),
        ("as,us,ds,ad,ud,dd", 0),
        ("as,ad", 31),
        ("as,ds", 31),
        ("ad,ds", 31),
        ("st", 31),
        ("us,*", 0),
    ],
)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_allowed_actions(apply, table, allowed, status, dry):
    apply(OTHER)
    said = apply(WEB, f"--allowed-actions={allowed}", *dry)
    assert said.status == status
    assert table() == (OTHER if status or dry else WEB)


def test_what_is_not_allowed_is_named(apply):
    apply(OTHER)
    said = apply(WEB, "--allowed-actions", "us")
    assert (said.status, said.out) == (31, "")
    assert said.err.splitlines() == [
        "Error applying updates: not allowed to add a service (as): add service"
        " tcp://192.0.2.1:80: scheduler wlc",
        "not allowed to add a destination (ad): add destination 10.0.0.1:80 to tcp://192.0.2.1:80:"
        " weight 5, forwarding masquerade; add destination 10.0.0.2:80 to tcp://192.0.2.1:80:"
        " weight 5, forwarding masquerade",
        "not allowed to delete a service (ds): remove service tcp://192.0.2.2:80; nothing was"
        " changed",
    ]


def test_each_token(ctl, apply):
    ctl.table = MemoryTable({"eth0": 1500})
    apply(WEB)
    steps = {
        "us": WEB.replace("wlc", "rr"),
        "ud": WEB.replace("weight: 5", "weight: 6"),
        "dd": WEB[: WEB.index("  - address: 10.0.0.2")],
        "ad": WEB + "  - address: 10.0.0.3:80\n",
        "as": WEB + OTHER.removeprefix("services:\n"),
        "ds": "",
        "st": WEB + "timeouts: {udp: 7}\n",
        "sd": WEB + "sync_daemons: [{role: backup, interface: eth0}]\n",
    }
    for needed, text in steps.items():
        for token in steps:
            said = apply(text, "--dry-run", f"--allowed-actions={token}")
            assert (token, said.status) == (token, 0 if token == needed else 31)


@pytest.mark.parametrize("said", ["", "xx", "as,", "as, ad", "as,xx,yy"])
def test_actions_that_are_none(ctl, apply, said):
    result = apply(WEB, f"--allowed-actions={said}")
    assert result.status == 33
    assert result.err.startswith("unable to process allowed actions: invalid action ")
    assert ctl.netns == []


def test_max_removals(apply, table):
    apply(WEB)
    said = apply(OTHER, "--max-removals", "2")
    assert said.status == 31
    assert said.err == (
        "Error applying updates: --max-removals allows 2 services and destinations to go, but this"
        " would remove 1 service and 2 destinations; nothing was changed\n"
    )
    assert apply(OTHER, "--max-removals=99%").status == 31
    assert table() == WEB
    assert apply(OTHER, "--max-removals=100%").status == 0
    said = apply(OTHER, "--max-removals=many")
    assert (said.status, "--max-removals: 'many' is neither" in said.err) == (33, True)


def test_a_document_that_does_not_fit_the_table(ctl, apply, table):
    apply(WEB)
    before = table()
    said = apply(WEB.replace("sched: wlc", "sched: wlc\n  engine: sip"))
    assert said.status == 32
    assert said.err.startswith("Error validation model: Configuration not valid: ")
    assert "model.yaml:4:11: services[0].engine: 'sip' needs persistence" in said.err
    assert table() == before


class Refusing(MemoryTable):
    """Refuses what is about one address."""

    refused = "10.0.0.2"

    def apply(self, changes):
        no = [each for each in changes if self.refused in str(each)]
        outcome = super().apply([each for each in changes if each not in no])
        refused = (*outcome.refused, *(KernelRefused(each, errno.ENOMEM) for each in no))
        return Outcome(outcome.done, refused)


def test_the_kernel_refuses_midway(ctl, apply, table):
    ctl.table = Refusing()
    ctl.table.read(EVERYTHING)
    said = apply(WEB + "timeouts: {udp: 9}\n")
    assert (said.status, said.out) == (31, "")
    assert said.err.splitlines() == [
        "Error applying updates: changes planned: 4, applied: 2, refused: 1, not attempted: 1; the"
        " kernel refused",
        "- the kernel refused to add destination 10.0.0.2:80 to tcp://192.0.2.1:80: weight 5,"
        " forwarding masquerade: ENOMEM (Cannot allocate memory)",
        "done:",
        "- add service tcp://192.0.2.1:80: scheduler wlc",
        "- add destination 10.0.0.1:80 to tcp://192.0.2.1:80: weight 5, forwarding masquerade",
        "not done:",
        "- set timeouts: udp 300 -> 9",
    ]


def test_many_are_not_all_named(ctl, apply):
    ctl.table = Refusing()
    more = "".join(f"  - address: 10.0.1.{number}:80\n" for number in range(1, 31))
    lines = apply(WEB + more).err.splitlines()
    assert lines[-1] == "- and 12 more"
    assert len(lines) == 2 + 1 + 20 + 1


def test_the_kernel_refuses_at_once(ctl, apply):
    ctl.table = Refusing()
    ctl.table.refused = "192.0.2.1"
    said = apply(OTHER.replace("192.0.2.2", "192.0.2.1"))
    assert said.status == 31
    assert said.err.splitlines() == [
        "Error applying updates: the kernel refused to add service tcp://192.0.2.1:80: scheduler"
        " rr: ENOMEM (Cannot allocate memory)",
        "nothing was changed",
    ]


def test_a_table_that_does_not_read_back(ctl, apply):
    class Forgetful(MemoryTable):
        def apply(self, changes):
            return Outcome(tuple(changes))

    ctl.table = Forgetful()
    said = apply(OTHER)
    assert said.status == 31
    assert said.err.startswith("Error applying updates: changes accepted by the kernel: 1, and yet")
    assert said.err.endswith("done:\n- add service tcp://192.0.2.2:80: scheduler rr\n")


def test_a_table_that_cannot_be_read(ctl, apply):
    class Closed(MemoryTable):
        def read(self, scope):
            raise Unavailable(Cause.NO_PRIVILEGE, "not you")

    ctl.table = Closed()
    said = apply(WEB)
    assert (said.status, said.err) == (21, "Unable to get current ipvs config: not you\n")


def test_what_does_not_work_as_it_reads_is_told(apply):
    said = apply(WEB.replace(": nat", ": direct").replace("10.0.0.2:80", "10.0.0.2:81"))
    assert said.status == 0
    assert "Warning: 10.0.0.2:81 of tcp://192.0.2.1:80 is forwarded by direct" in said.err


def test_usage(ctl):
    for words in (["--frob"], ["-f"], ["extra"], ["--keep-weights=perhaps"]):
        said = ctl.run("apply", *words)
        assert (said.status, said.out) == (2, "")
        assert said.err.startswith("Error: ")
    said = ctl.run("apply", "--help")
    assert (said.status, said.out) == (0, "")
    assert "--allowed-actions LIST" in said.err


@pytest.mark.parametrize(
    "flags, told",
    [
        ([], "perhaps midway: `ipvsctl changeset` prints what is left to do"),
        (["--dry-run"], "nothing was changed"),
    ],
)
def test_interrupted(ctl, apply, monkeypatch, flags, told):
    def interrupted(_scope):
        raise KeyboardInterrupt

    monkeypatch.setattr(ctl.table, "read", interrupted)
    said = apply(WEB, *flags)
    assert (said.status, said.out, said.err) == (130, "", f"interrupted, {told}\n")


def test_a_pipe_that_nothing_came_through_removes_nothing(ctl, apply, table):
    apply(WEB)
    said = ctl.run("apply", "-f", "-", stdin="")
    assert (said.status, said.out, said.err) == (
        30,
        "",
        "Error reading from input file -: nothing came; `{}` is a table without services\n",
    )
    assert table() == WEB
    assert ctl.run("validate", "-f-", stdin="").status == 0
    # Who wants it says so.
    assert ctl.run("apply", "-f-", stdin="\n").status == 0
    assert table() == "{}\n"
    apply(WEB)
    assert apply("").status == 0
    assert table() == "{}\n"


def test_a_pipe_by_name_is_a_pipe(ctl, apply, table):
    apply(WEB)
    # As a shell makes it of -f <(...).
    reader, writer = os.pipe()
    os.close(writer)
    said = ctl.run("apply", "-f", f"/dev/fd/{reader}")
    os.close(reader)
    assert (said.status, said.out) == (30, "")
    assert "nothing came" in said.err
    assert table() == WEB
    # What is nothing by design is no pipe.
    assert ctl.run("apply", "-f", "/dev/null").status == 0
    assert table() == "{}\n"


@pytest.mark.parametrize(
    "more, told",
    [
        ("", True),
        ("  servers: [{address: 10.0.0.1}]\n", True),
        ("  destinations: []\n", False),
        # All below it is commented out.
        ("  destinations:\n", True),
        ("  destinations: [{address: 10.0.0.1, forward: nat}]\n", False),
    ],
)
@pytest.mark.parametrize("flags", [["--dry-run"], []])
def test_who_loses_destinations_that_nobody_spoke_of_is_named(ctl, apply, more, told, flags):
    apply(WEB)
    said = apply(f"services:\n- address: tcp://192.0.2.1:80\n  sched: wlc\n{more}", *flags)
    file = ctl.place / "model.yaml"
    line = f"Warning: tcp://192.0.2.1:80 has no destinations in {file}, and 2 in the table go; `d"
    assert said.status == 0
    assert (line in said.err) is told
    # Where none goes there is nothing to tell.
    assert "in the table go" not in apply(OTHER).err
