from __future__ import annotations

import json
import os
import time

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import DNS, WEB, eventually
from ipvsman.actions import status as action
from ipvsman.control.overrides import Level, Subject
from ipvsman.ipvs.errors import Cause, Unavailable
from ipvsman.ipvs.model import Counters, DestinationCounters, ServiceCounters
from ipvsman.lock import Lock

EMPTY = """\
status=DEGRADED services=3
[DEGRADED] udp 192.0.2.53:53 group=dns frontend=udp sched=rr live=False backends_up=0/2
  - [DOWN] 10.0.0.53:53 weight=0
  - [DOWN] 10.0.0.54:5353 weight=0/1
[DEGRADED] tcp 192.0.2.1:80 group=web frontend=http sched=wrr live=False backends_up=0/2
  - [DOWN] 10.0.0.1:80 weight=0/5
  - [DOWN] 10.0.0.2:80 weight=0/3
[DEGRADED] tcp 192.0.2.2:80 group=web frontend=http sched=wrr live=False backends_up=0/2
  - [DOWN] 10.0.0.1:80 weight=0/5
  - [DOWN] 10.0.0.2:80 weight=0/3
"""
WELL = """\
status=OK services=3
[UP] udp 192.0.2.53:53 group=dns frontend=udp sched=rr live=True backends_up=1/2
  - [DOWN] 10.0.0.53:53 weight=0
  - [UP] 10.0.0.54:5353 weight=1
[UP] tcp 192.0.2.1:80 group=web frontend=http sched=wrr live=True backends_up=2/2
  - [UP] 10.0.0.1:80 weight=5
  - [UP] 10.0.0.2:80 weight=3
[UP] tcp 192.0.2.2:80 group=web frontend=http sched=wrr live=True backends_up=2/2
  - [UP] 10.0.0.1:80 weight=5
  - [UP] 10.0.0.2:80 weight=3
"""
ALONE = "ipvsman: no daemon runs, nobody is probed: told by the drop-ins and the kernel\n"
DETAILED = """\
status-detailed services=1
[UP] dns/udp udp 192.0.2.53:53 sched=rr live=True backends_up=1/2
  - [DOWN] 10.0.0.53:53 weight=0 conn_active=0 conn_inactive=0
  - [UP] 10.0.0.54:5353 weight=1 conn_active=0 conn_inactive=0
"""


@pytest.fixture
def filled(ipvsman):
    """The table is as it should be, and no daemon runs."""
    own = ipvsman.daemon()
    own.settle()
    ipvsman.stop()
    return ipvsman


def test_an_empty_table_is_not_well(ipvsman):
    said = ipvsman("-s")
    assert (said.status, said.out, said.err) == (1, EMPTY, ALONE)


def test_all_is_well(filled):
    said = filled("--status")
    assert (said.status, said.out, said.err) == (0, WELL, ALONE)


def test_what_is_out_on_purpose_is_well(filled):
    """The backend that the drop-ins disable, and the one that the operator took out."""
    assert filled("--disable-backend", "web/10.0.0.1").status == 0
    said = filled("--status")
    assert said.status == 0
    assert "  - [DOWN] 10.0.0.1:80 weight=0" in said.lines


def test_another_weight_than_wanted(filled):
    filled.write("groups/web.yaml", WEB.replace("weight: 5", "weight: 9"))
    said = filled("--status")
    assert said.status == 1
    assert "  - [UP] 10.0.0.1:80 weight=5/9" in said.lines
    assert "  - [UP] 10.0.0.1:80 weight=5/9 (actual/desired) conn_active=0 conn_inactive=0" in (
        filled("--status-detailed").lines
    )


def test_detailed(filled):
    said = filled("--status-detailed", "--filter-group", "dns")
    assert (said.status, said.out, said.err) == (0, DETAILED, ALONE)


def test_detailed_with_counters(filled):
    said = filled("--status-detailed", "--filter-group", "dns", "--show-counters")
    assert said.lines[1].endswith("backends_up=1/2 pkts_in=0 pkts_out=0")
    assert said.lines[2].endswith("conn_inactive=0 pkts_in=0 pkts_out=0")


def test_a_daemon_that_is_there_and_cannot_be_asked_is_told(filled):
    lock = Lock(str(filled.lock_file))
    lock.acquire()
    try:
        said = filled("--status")
    finally:
        lock.release()
    assert f"no daemon listens on {filled.socket}, though process {os.getpid()} is one" in said.err
    assert said.lines[0].startswith("status=")
    assert filled("--status").err == filled("--status-detailed").err == ALONE
    assert filled("--status", "--output", "json").err == ""


def test_detailed_of_what_is_not_well_is_there_to_be_read(ipvsman):
    assert ipvsman("--status-detailed").status == 0


def test_json_is_the_report(filled):
    said = filled("--status", "--output", "json")
    data = json.loads(said.out)
    assert data.keys() == {
        "services",
        "state",
        "desired_generation",
        "config_version_mtime_seconds",
        "overrides",
    }
    assert said.out == json.dumps(data, indent=2, sort_keys=True) + "\n"
    assert data["desired_generation"] == 0
    assert data["config_version_mtime_seconds"] > 1e9
    assert data["services"][1].items() >= {"live_present": True, "vip": "192.0.2.1"}.items()
    assert (
        data["services"][1]["backends"][0].items()
        >= {
            "ip": "10.0.0.1",
            "weight": 5,
            "desired_weight": 5,
            "live_weight": 5,
        }.items()
    )


@pytest.mark.parametrize("flag", ["--status", "--status-detailed"])
@pytest.mark.parametrize(
    "filters, services, backends",
    [
        (["--filter-group", "web"], 2, 4),
        (["--filter-frontend", "dns/udp"], 1, 2),
        (["--filter-frontend", "web"], 0, 0),
        (["--filter-backend", "10.0.0.2"], 2, 2),
        (["--filter-group", "dns", "--filter-backend", "10.0.0.54"], 1, 1),
        (["--filter-group", "none"], 0, 0),
    ],
)
def test_filters(filled, flag, filters, services, backends):
    said = filled(flag, *filters)
    assert said.lines[0].endswith(f"services={services}")
    assert sum(line.startswith("[") for line in said.lines) == services
    assert sum(line.startswith("  - ") for line in said.lines) == backends
    data = json.loads(filled(flag, *filters, "--output=json").out)
    assert len(data["services"]) == services
    assert sum(len(row["backends"]) for row in data["services"]) == backends


def test_the_state_is_that_of_what_is_asked_for(filled):
    filled.write("groups/web.yaml", WEB.replace("weight: 5", "weight: 9"))
    assert filled("--status", "--filter-group", "dns").status == 0
    assert filled("--status", "--filter-group", "web").status == 1
    data = json.loads(filled("--status", "--filter-group", "dns", "--output=json").out)
    assert data["state"] == "OK"


def test_only_active(filled):
    filled.write("groups/mail.yaml", WEB.replace("web", "mail").replace("192.0.2", "192.0.3"))
    filled.write("groups/web.yaml", WEB.replace("10.0.0.2", "10.0.0.3"))
    said = filled("--status-detailed", "--only-active")
    assert [line.split()[1] for line in said.lines if line.startswith("[")] == [
        "dns/udp",
        "web/http",
        "web/http",
    ]
    assert "10.0.0.3" not in said.out


def test_a_kernel_that_cannot_be_read(ipvsman):
    def broken(*_unused):
        raise Unavailable(Cause.NO_PRIVILEGE, "the kernel's IPVS cannot be read: not permitted")

    ipvsman.table.read = broken
    for flag in ("--status", "--status-detailed"):
        said = ipvsman(flag)
        assert (said.status, said.out) == (2, "")
        assert said.err == "ipvsman: the kernel's IPVS cannot be read: not permitted\n"


def test_a_kernel_that_the_daemon_cannot_read(ipvsman):
    own = ipvsman.daemon()

    def broken(*_unused):
        raise Unavailable(Cause.NO_PRIVILEGE, "not permitted")

    own.table.read = own.table.counters = broken
    said = ipvsman("--status", "--show-rates", "0.1")
    assert (said.status, said.out) == (2, "")
    assert said.err == "ipvsman: kernel unreadable: not permitted\n"


def test_the_daemon_knows_why(ipvsman):
    own = ipvsman.daemon()
    own.probed("10.0.0.1", True, "http 200")
    own.probed("10.0.0.2", False, "connection refused")
    eventually(lambda: ipvsman("--status", "--show-rates=0.01").status == 1)
    said = ipvsman("--status-detailed", "--filter-group=web", "--show-rates=0.01")
    assert said.lines[1].startswith("[DEGRADED] web/http tcp 192.0.2.1:80")
    assert " weight=5 " in said.lines[2]
    assert said.lines[2].endswith("reason='up: http 200'")
    assert said.lines[3].startswith("  - [DOWN] 10.0.0.2:80 weight=0 conn_active=0")
    assert said.lines[3].endswith("reason='down: connection refused'")
    data = json.loads(ipvsman("--status", "--output=json").out)
    assert data["desired_generation"] == 1
    assert {"foreign", "last_reload", "last_apply", "overrides", "drift_found"} <= data.keys()


def test_all_down_and_kept_is_not_well(ipvsman):
    ipvsman.write("groups/web.yaml", WEB.replace("group: web", "group: web\n  all_down: keep"))
    own = ipvsman.daemon()
    own.probed("10.0.0.1", False, "no")
    own.probed("10.0.0.2", False, "no")
    said = ipvsman("--status", "--filter-group=web", "--show-rates=0.01")
    assert said.status == 1
    assert "  - [UP] 10.0.0.1:80 weight=5" in said.lines


def test_who_may_be_dead_without_our_knowing_is_not_well(ipvsman):
    own = ipvsman.daemon()
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.54"):
        own.probed(address, True, "http 200")
    assert ipvsman("--status", "--show-rates=0.01").status == 0

    def look(now):
        # The first of two ends the round before.
        for _unused in range(2):
            own.director.ages.look(own.director.beliefs.known, now)

    own.run(lambda: look(time.monotonic() + 1000))
    said = ipvsman("--status", "--filter-group=web", "--show-rates=0.01")
    assert (said.status, said.lines[0]) == (1, "status=DEGRADED services=2")
    assert said.lines[1].startswith("[DEGRADED] tcp 192.0.2.1:80 ")
    assert said.lines[2] == "  - [UP] 10.0.0.1:80 weight=5 stale=True"
    said = ipvsman("--status-detailed", "--filter-group=web", "--show-rates=0.01")
    assert said.lines[2].endswith(" stale=True reason='up: http 200'")
    ipvsman("--disable-group", "web")
    own.settle()
    assert ipvsman("--status", "--filter-group=web", "--show-rates=0.01").status == 0
    ipvsman("--enable-group", "web")
    own.run(lambda: look(time.monotonic()))
    own.settle()
    assert ipvsman("--status", "--show-rates=0.01").status == 0


def test_what_the_kernel_refuses_is_told_with_the_reason(ipvsman):
    ipvsman.write("groups/dns.yaml", DNS.replace("scheduler: rr", "scheduler: RR"))
    own = ipvsman.daemon()
    eventually(lambda: own.desk.account.broken)
    said = ipvsman("--status", "--show-rates=0.01")
    assert said.status == 1
    assert said.err.startswith("ipvsman: the kernel refused to add service udp://192.0.2.53:53")
    assert "'RR'" in said.err
    assert "  - [DOWN] 10.0.0.54:5353 weight=0/1" in said.lines


def test_what_the_kernel_refuses_is_not_well_although_all_weights_are(ipvsman):
    own = ipvsman.daemon()
    own.probed("10.0.0.54", True)
    own.probed("10.0.0.1", True)
    own.probed("10.0.0.2", True)
    assert ipvsman("--status", "--show-rates=0.01").status == 0
    ipvsman.write("groups/dns.yaml", DNS.replace("scheduler: rr", "scheduler: RR"))
    own.call(own.desk.reload())
    eventually(lambda: own.desk.account.broken)
    said = ipvsman("--status", "--show-rates=0.01")
    assert (said.status, said.lines[0]) == (1, "status=DEGRADED services=3")
    assert ipvsman("--status", "--filter-group=web").status == 0


def test_drop_ins_that_were_refused_are_told(ipvsman):
    own = ipvsman.daemon()
    ipvsman.write("groups/web.yaml", WEB + "  colour: red\n  vap: none\n")
    own.call(own.desk.reload())
    said = ipvsman("--status-detailed")
    assert "the drop-ins as they are now were refused, those before are in force: " in said.err
    assert "colour: is not known here" in said.err
    assert said.err.endswith(" (and 1 more)\n")
    assert ipvsman("--status-detailed", "--output=json").err == ""


def test_taken_out_in_the_daemon_is_well(ipvsman):
    own = ipvsman.daemon()
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.54"):
        own.probed(address, True)
    own.run(lambda: own.desk.override(Subject(Level.BACKEND, "web/10.0.0.1"), True))
    own.settle()
    assert ipvsman("--status", "--show-rates=0.01").status == 0


def test_rates(filled, monkeypatch):
    rounds = []

    def counters(services=None):
        rounds.append(1)
        number = 100 * len(rounds)
        row = DestinationCounters(1, 2, 0, Counters(number, number, number, number, number))
        return {
            key: ServiceCounters(row.traffic, dict.fromkeys(service.destinations, row))
            for key, service in filled.table.read(action.SERVICES).services.items()
        }

    filled.table.counters = counters
    said = filled("--status-detailed", "--show-rates", "0.5", "--filter-group", "dns")
    rate = float(said.lines[1].rpartition("=")[2])
    # 100 more in half a second, or later: a busy host is no fault.
    assert 0 < rate <= 200
    names = ["conns", "inpkts", "outpkts", "inbytes", "outbytes"]
    for line in said.lines[1:]:
        words = [word for word in line.split() if word.startswith("rate_")]
        assert [word.partition("=")[0] for word in words] == [f"rate_{name}" for name in names]
    data = json.loads(filled("--status", "--show-rates", "0.1", "--output=json").out)
    assert data["services"][0]["backends"][0]["rate_inpkts"] > 0


def test_colours_only_where_somebody_sees_them(filled):
    plain = filled("--status").out
    assert "\x1b" not in plain
    seen = filled("--status", terminal=True).out
    assert seen.startswith("status=\x1b[32mOK\x1b[0m services=3\n[\x1b[32mUP\x1b[0m] udp")
    assert "[\x1b[31mDOWN\x1b[0m] 10.0.0.53:53" in seen
    assert filled("--status", "--no-color", terminal=True).out == plain


@pytest.mark.parametrize("value, colored", [("1", False), ("0", False), ("", True)])
def test_no_color_in_the_environment(filled, monkeypatch, value, colored):
    monkeypatch.setenv("NO_COLOR", value)
    assert ("\x1b" in filled("--status", terminal=True).out) is colored


def test_ipv6_is_in_brackets(ipvsman):
    ipvsman.write(
        "groups/web.yaml",
        WEB.replace("[192.0.2.1, 192.0.2.2]", "2001:db8::1")
        .replace("10.0.0.1", '"fd00::1"')
        .replace("10.0.0.2", '"fd00::2"'),
    )
    said = ipvsman("--status", "--filter-group", "web")
    assert said.lines[1].startswith("[DEGRADED] tcp [2001:db8::1]:80 ")
    assert said.lines[2] == "  - [DOWN] [fd00::1]:80 weight=0/5"


def test_a_name_without_an_address(ipvsman):
    ipvsman.write("groups/web.yaml", WEB.replace("10.0.0.2", "no-such-host.invalid"))
    said = ipvsman("--status-detailed", "--filter-group", "web")
    assert said.lines[1].endswith("backends_up=0/1 unresolved=no-such-host.invalid")


FALLBACK = WEB.replace("backends:", "fallback: [{address: 10.0.9.9}]\n  backends:", 1)


class TestFallback:
    """A fallback that waits is no fault; one that serves, or could not, is."""

    @pytest.fixture
    def web(self, ipvsman):
        assert FALLBACK != WEB
        ipvsman.write("groups/web.yaml", FALLBACK)
        own = ipvsman.daemon()
        for address in ("10.0.0.1", "10.0.0.2", "10.0.9.9"):
            own.probed(address, True, "http 200")
        return own

    @staticmethod
    def fails(own, address):
        for _unused in range(3):
            own.probed(address, False, "refused")

    def said(self, ipvsman, *words):
        return ipvsman("--status-detailed", "--filter-group", "web", *words)

    def test_it_waits(self, ipvsman, web):
        said = ipvsman("--status", "--filter-group", "web")
        assert said.status == 0
        assert said.lines[1].endswith("backends_up=2/2 fallback=standby")
        assert said.lines[4] == "  - [STANDBY] fallback 10.0.9.9:80 weight=0"
        web.settle()
        ipvsman.stop()
        assert ipvsman("--status", "--filter-group", "web").out == said.out

    def test_it_serves(self, ipvsman, web):
        self.fails(web, "10.0.0.1")
        self.fails(web, "10.0.0.2")
        said = ipvsman("--status", "--filter-group", "web")
        assert said.status == 1
        assert said.lines[1].startswith("[DEGRADED] ")
        assert said.lines[1].endswith("backends_up=0/2 fallback=IN_USE")
        assert said.lines[4] == "  - [UP] fallback 10.0.9.9:80 weight=1"
        assert "reason='no quorum (0 of 1): up: http 200'" in self.said(ipvsman).lines[4]
        ipvsman.stop()
        assert ipvsman("--status", "--filter-group", "web").lines[1].endswith("fallback=IN_USE")

    def test_it_serves_because_somebody_wants_it(self, ipvsman, web):
        for address in ("10.0.0.1", "10.0.0.2"):
            ipvsman("--disable-backend", f"web/{address}")
        web.settle()
        assert ipvsman("--status", "--filter-group", "web").status == 1

    def test_it_could_not(self, ipvsman, web):
        self.fails(web, "10.0.9.9")
        said = ipvsman("--status", "--filter-group", "web")
        assert said.status == 1
        assert said.lines[4] == "  - [DOWN] fallback 10.0.9.9:80 weight=0"

    def test_it_is_found_by_its_address(self, ipvsman, web):
        lines = self.said(ipvsman, "--filter-backend", "10.0.9.9").lines
        assert [line for line in lines if "10.0." in line] == [lines[2], lines[4]]
