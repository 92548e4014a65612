from __future__ import annotations

import json
import os
from pathlib import Path

import ipvsman
import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import WEB, eventually
from ipvsman.ipvs.errors import Cause, Unavailable
from ipvsman.ipvs.scope import SERVICES

HEALTHCHECK = {
    "type": "http",
    "interval": 7.0,
    "fast_interval": 7.0,
    "down_interval": 7.0,
    "timeout": 2.0,
    "rise": 1,
    "fall": 1,
    "path": "/up",
    "host": "www.example",
    "expected_status": 200,
    "expected_statuses": [[200, 200]],
    "query_name": None,
    "query_type": None,
    "disable": False,
}


def real(address, weight):
    return {
        "address": address,
        "ip": address,
        "port": 80,
        "configured_weight": weight,
        "weight": weight,
        "disabled": False,
        "method": "nat",
        "check_target": {
            "ip": address,
            "port": 80,
            "type": "http",
            "path": "/up",
            "host": "www.example",
            "query_name": None,
            "query_type": None,
            "timeout": 2.0,
        },
    }


def test_services(daemon):
    rows = daemon().get("/v1/services").json["services"]
    assert [(row["group"], row["vip"]) for row in rows] == [
        ("dns", "192.0.2.53"),
        ("web", "192.0.2.1"),
        ("web", "192.0.2.2"),
    ]
    assert rows[1] == {
        "group": "web",
        "frontend_name": "http",
        "proto": "tcp",
        "vip": "192.0.2.1",
        "port": 80,
        "scheduler": "wrr",
        "disabled": False,
        "healthcheck": HEALTHCHECK,
        "reals": [real("10.0.0.1", 5), real("10.0.0.2", 3)],
        "fallback": [],
        "quorum": 1,
        "hysteresis": 0,
    }
    assert rows[0]["scheduler"] == "rr"
    assert [(each["port"], each["weight"], each["method"]) for each in rows[0]["reals"]] == [
        (53, 0, "routing"),
        (5353, 1, "nat"),
    ]
    disabled = rows[0]["reals"][0]
    assert disabled["configured_weight"] == 1
    assert disabled["disabled"] is True
    assert rows[0]["healthcheck"]["query_name"] == "a.example"


def test_frontends(daemon):
    assert daemon().get("/v1/frontends").json == {
        "frontends": [
            {"group": "dns", "name": "udp", "proto": "udp", "vip": "192.0.2.53", "port": 53},
            {"group": "web", "name": "http", "proto": "tcp", "vip": "192.0.2.1", "port": 80},
            {"group": "web", "name": "http", "proto": "tcp", "vip": "192.0.2.2", "port": 80},
        ]
    }


def test_backends(daemon):
    rows = daemon().get("/v1/backends").json["backends"]
    assert len(rows) == 6
    assert rows[2] == {
        "group": "web",
        "frontend": "http",
        "proto": "tcp",
        "vip": "192.0.2.1",
        "frontend_port": 80,
        "fallback": False,
        **real("10.0.0.1", 5),
    }


def test_healthchecks_are_one_for_a_frontend_of_both_families(daemon):
    both = WEB.replace("192.0.2.2]", '"2001:db8::1"]')
    rows = daemon(files={"groups/g.yaml": both}).get("/v1/healthchecks").json
    assert rows == {
        "healthchecks": [{"group": "web", "frontend": "http", "healthcheck": HEALTHCHECK}]
    }


def test_status(daemon):
    own = daemon()
    own.probed("10.0.0.1", True, "http 200")
    own.probed("10.0.0.2", False, "refused")
    own.probed("10.0.0.54", True, "1 answer")
    full = own.get("/v1/status/detailed?fresh=1").json
    assert full["state"] == "DEGRADED"
    assert full["desired_generation"] == 1
    assert full["config_version_mtime_seconds"] > 1e9
    assert full["last_reload"]["ok"] is True
    assert full["last_reload"]["error"] == ""
    assert full["last_apply"]["ok"] is True
    assert full["foreign"] == []
    assert full["overrides"] == []
    assert full["warnings"]
    dns, web, _again = full["services"]
    assert (
        web.items()
        >= {
            "group": "web",
            "frontend_name": "http",
            "proto": "tcp",
            "vip": "192.0.2.1",
            "port": 80,
            "scheduler": "wrr",
            "live_present": True,
        }.items()
    )
    assert web["backends"][0] == {
        "address": "10.0.0.1",
        "ip": "10.0.0.1",
        "port": 80,
        "weight": 5,
        "desired_weight": 5,
        "live_weight": 5,
        "why": "up",
        "reason": "up: http 200",
        "stale": False,
        "method": "nat",
        "active_conn": 0,
        "inactive_conn": 0,
        "conns": 0,
        "inpkts": 0,
        "outpkts": 0,
        "inbytes": 0,
        "outbytes": 0,
    }
    down = web["backends"][1]
    assert (down["weight"], down["desired_weight"], down["live_weight"]) == (3, 0, 0)
    assert (down["why"], down["reason"]) == ("down", "down: refused")
    out = dns["backends"][0]
    assert (out["weight"], out["desired_weight"], out["why"]) == (0, 0, "disabled")


def test_status_when_the_kernel_cannot_be_read(daemon):
    own = daemon()
    own.table.read = lambda scope: (_unused for _unused in ()).throw(
        Unavailable(Cause.NO_PRIVILEGE, "not permitted")
    )
    for path in ("/v1/status/detailed?fresh=1", "/v1/drift"):
        answer = own.get(path)
        assert answer.status == 503
        assert answer.json == {"error": "kernel unreadable", "detail": "not permitted"}


def test_health(daemon):
    own = daemon()
    own.probed("10.0.0.1", False, "refused")
    rows = own.get("/v1/health").json["targets"]
    assert {row["service"] for row in rows} == {
        "tcp://192.0.2.1:80",
        "tcp://192.0.2.2:80",
        "udp://192.0.2.53:53",
    }
    down = next(row for row in rows if row["ip"] == "10.0.0.1")
    assert down["state"] == "down"
    assert down["counter"] == 0
    assert down["message"] == "refused"
    assert [(each["from"], each["to"], each["message"]) for each in down["history"]] == [
        ("unknown", "down", "refused")
    ]
    assert down["checked_seconds"] >= 0
    assert down["stale"] is False
    unknown = next(row for row in rows if row["ip"] == "10.0.0.2")
    assert unknown["state"] == "unknown"
    assert unknown["checked_seconds"] is None


def test_health_of_what_is_not_probed(daemon):
    quiet = WEB.replace("rise: 1", "disable: true, rise: 1")
    rows = daemon(files={"groups/g.yaml": quiet}).get("/v1/health").json["targets"]
    assert {row["state"] for row in rows} == {"not_probed"}


def test_drift(daemon):
    own = daemon()
    assert own.get("/v1/drift").json == {"changes": [], "drift_found": 0}
    key = next(key for key in own.table.read(SERVICES).services if key.address == "192.0.2.2")
    own.table._settings.pop(key)
    own.table._pools.pop(key)
    changes = own.get("/v1/drift").json["changes"]
    assert next(change["action"] for change in changes) == "add_service"
    assert "192.0.2.2" in changes[0]["summary"]
    assert changes[0]["before"] is None


def test_foreign_services_are_shown(daemon):
    own = daemon()
    own.foreign("tcp://203.0.113.9:25")
    own.run(own.desk.resync)
    eventually(lambda: own.keeper.account.foreign)
    (row,) = own.get("/v1/status/detailed?fresh=1").json["foreign"]
    assert "203.0.113.9" in json.dumps(row)


def test_journal(daemon):
    own = daemon()
    entries = own.get("/v1/journal").json["entries"]
    assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[0].keys() == {"sequence", "time", "kind", "subject", "message", "data"}
    last = entries[-1]["sequence"]
    assert own.get(f"/v1/journal?since={last}").json == {"entries": []}
    own.probed("10.0.0.1", True, "fine")
    newer = own.get(f"/v1/journal?since={last}").json["entries"]
    assert "transition" in [entry["kind"] for entry in newer]


@pytest.mark.parametrize("since", ["-1", "x", "%C2%B2", "1" * 5000, ""])
def test_journal_since_what_is_no_number(daemon, since):
    answer = daemon().get(f"/v1/journal?since={since}")
    assert (answer.status, answer.json["error"]) == (400, "bad request")


def test_about_tells_program_and_drop_ins(daemon):
    own = daemon()
    told = own.get("/v1/about").json
    assert told["version"] == ipvsman.__version__
    assert Path(told["program"]) == Path(ipvsman.__file__).resolve().parents[1]
    assert told["pid"] == os.getpid()
    assert told["config_digest"] == own.desk.config.digest
    assert told["desired_generation"] == 1
    assert told["last_reload"]["ok"]
    assert told["uptime_seconds"] >= 0


def test_healthz_and_readyz(daemon):
    own = daemon()
    assert own.get("/healthz").json == {"ok": True}
    own.settle()
    assert eventually(lambda: own.get("/readyz").status == 200)

    def broken(scope):
        raise Unavailable(Cause.NO_PRIVILEGE, "not permitted")

    own.table.read = broken
    own.table.services = lambda: broken(None)
    own.run(own.desk.resync)
    eventually(lambda: own.keeper.account.trouble)
    answer = own.get("/readyz")
    assert (answer.status, answer.json) == (503, {"ok": False})


def test_groups_and_their_tag(daemon):
    own = daemon()
    first = own.get("/v1/config")
    assert first.json == {"groups": []}
    own.write("groups/api-put.yaml", "- {group: x, frontends: [], healthcheck: {type: tcp}}\n")
    second = own.get("/v1/config")
    assert second.json["groups"][0]["group"] == "x"
    assert first.headers["ETag"] != second.headers["ETag"]
    own.write("groups/api-put.yaml", "{group: y, frontends: []}\n")
    assert own.get("/v1/config").json == {"groups": [{"group": "y", "frontends": []}]}
    own.write("groups/api-put.yaml", "{ not yaml\n")
    assert own.get("/v1/config").json == {"groups": []}


def test_groups_that_cannot_be_read(daemon):
    own = daemon()
    (own.directory / "groups" / "api-put.yaml").mkdir()
    answer = own.get("/v1/config")
    assert (answer.status, answer.json["error"]) == (507, "cannot be read")


def test_what_could_not_be_applied_is_no_good_state(daemon):
    """All weights are as wanted, and yet not all is done: as the command line has it."""
    own = daemon(api=True)
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.54"):
        own.probed(address, True)
    assert own.get("/v1/status/detailed?fresh=1").json["state"] == "OK"
    services = own.table.services

    def broken():
        raise Unavailable(Cause.NO_PRIVILEGE, "not permitted")

    own.table.services = broken
    own.run(own.desk.resync)
    eventually(lambda: own.desk.account.error)
    full = own.get("/v1/status/detailed?fresh=1").json
    assert (full["state"], full["last_apply"]["ok"]) == ("DEGRADED", False)
    own.table.services = services
    eventually(lambda: own.get("/v1/status/detailed?fresh=1").json["state"] == "OK")


def test_a_name_without_an_address_is_told(daemon):
    named = WEB.replace("10.0.0.2", "www.example")
    full = daemon(files={"groups/g.yaml": named}).get("/v1/status/detailed").json
    assert full["services"][0]["unresolved"] == ["www.example"]
    assert full["state"] == "DEGRADED"
