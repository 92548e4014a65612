from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import DNS, WEB
from ipvsman.control.journal import Kind
from ipvsman.face import asking
from ipvsman.health.spec import Verdict
from ipvsman.ipvs.errors import Cause, Unavailable
from ipvsman.ipvs.model import Family


@pytest.fixture
def own(daemon):
    return daemon(write=True)


def test_run_checks(own):
    own.prober.verdicts["10.0.0.2"] = Verdict(False, "http 500", 0.1)
    answer = own.http("POST", "/v1/healthchecks/run", b"the body is ignored")
    assert answer.status == 200
    results = answer.json["results"]
    assert {key: answer.json[key] for key in ("total", "ok", "failed")} == {
        "total": 6,
        "ok": 4,
        "failed": 2,
    }
    assert results[-1] == {
        "group": "web",
        "frontend": "http",
        "backend_ip": "10.0.0.2",
        "ok": False,
        "message": "http 500",
    }
    # It is beside the schedule: nothing is believed because of it.
    assert {row["state"] for row in own.get("/v1/health").json["targets"]} == {"unknown"}


def test_run_checks_needs_no_right_to_write(daemon):
    assert daemon().http("POST", "/v1/healthchecks/run").status == 200


def test_what_is_disabled_is_not_run(daemon):
    files = {
        "groups/web.yaml": WEB.replace("port: 80}", "port: 80, disabled: true}"),
        "groups/dns.yaml": DNS.replace("type: dns,", "type: dns, disable: true,"),
    }
    assert daemon(files=files).http("POST", "/v1/healthchecks/run").json["total"] == 0


def test_reload(own):
    own.probed("10.0.0.1", True)
    own.write("groups/web.yaml", WEB.replace("weight: 5", "weight: 9"))
    answer = own.http("POST", "/v1/reload?wait=1")
    assert answer.json == {"ok": True, "generation": 2, "applied": True}
    assert own.weights("192.0.2.1") == {"10.0.0.1": 9, "10.0.0.2": 3}
    assert own.http("POST", "/v1/reload").json == {"ok": True, "generation": 2}


def test_a_reload_that_is_refused(own):
    own.write("groups/bad.yaml", "- {group: bad}\n")
    answer = own.http("POST", "/v1/reload?wait=1")
    assert (answer.status, answer.json["error"]) == (422, "load failed")
    assert "bad.yaml:1:" in answer.json["detail"]
    last = own.get("/v1/status/detailed").json["last_reload"]
    assert last["ok"] is False
    assert last["error"] == answer.json["detail"]
    assert own.weights("192.0.2.1") == {"10.0.0.1": 5, "10.0.0.2": 3}


def test_a_kernel_that_does_not_take_it_is_told(own, monkeypatch):
    monkeypatch.setattr(asking, "WAIT", 0.2)

    def broken(scope=None):
        raise Unavailable(Cause.NO_PRIVILEGE, "not permitted")

    own.table.read = own.table.services = broken
    own.write("groups/web.yaml", WEB.replace("weight: 5", "weight: 9"))
    assert own.http("POST", "/v1/reload?wait=1").json["applied"] is False


@pytest.mark.parametrize(
    "level, name, weights",
    [
        ("group", "web", {"10.0.0.1": 0, "10.0.0.2": 0}),
        ("frontend", "web/http", {"10.0.0.1": 0, "10.0.0.2": 0}),
        ("backend", "web/10.0.0.1", {"10.0.0.1": 0, "10.0.0.2": 3}),
        ("backend", "web/10.0.0.1:80", {"10.0.0.1": 0, "10.0.0.2": 3}),
    ],
)
def test_an_override_comes_and_goes(own, level, name, weights):
    for address in ("10.0.0.1", "10.0.0.2"):
        own.probed(address, True)
    body = {"level": level, "name": name, "reason": "disk"}
    answer = own.http("POST", "/v1/overrides?wait=1", body)
    alone = [] if any(weights.values()) else ["192.0.2.1", "192.0.2.2"]
    warnings = [
        f"tcp://{vip}:80 (web/http) has no backend left that gets connections" for vip in alone
    ]
    assert (answer.status, answer.json) == (
        200,
        {"ok": True, "applied": True, "warnings": warnings},
    )
    logged = [entry.message for entry in own.journal.since() if entry.kind is Kind.OVERRIDE]
    assert [message for message in logged if "no backend left" in message] == warnings
    assert own.weights("192.0.2.1") == own.weights("192.0.2.2") == weights
    (row,) = own.get("/v1/overrides").json["overrides"]
    assert row.pop("since") > 1e9
    assert row == {
        "level": level,
        "name": name,
        "disabled": True,
        "reason": "disk",
        "configured": True,
    }
    status = own.get("/v1/status/detailed?fresh=1").json
    assert status["overrides"][0]["name"] == name
    out = next(row for row in status["services"][1]["backends"] if row["live_weight"] == 0)
    assert out["why"] == "operator"
    answer = own.http("DELETE", f"/v1/overrides/{level}/{name}?wait=1")
    assert (answer.status, answer.json) == (200, {"ok": True, "applied": True, "warnings": []})
    assert own.weights("192.0.2.1") == {"10.0.0.1": 5, "10.0.0.2": 3}
    assert own.get("/v1/overrides").json == {"overrides": []}
    again = own.http("DELETE", f"/v1/overrides/{level}/{name}")
    assert (again.status, again.json) == (404, {"error": "not found"})


def test_an_override_lets_in_what_the_configuration_takes_out(own):
    own.probed("10.0.0.53", True, "fine")
    body = {"level": "backend", "name": "dns/10.0.0.53", "disabled": False}
    own.http("POST", "/v1/overrides?wait=1", body)
    assert own.weights("192.0.2.53")["10.0.0.53"] == 1


def test_the_last_one_that_serves_is_told_whoever_takes_it_out(own):
    """One is down: whoever takes out the other, or leaves it to the drop-ins that do, is told."""
    own.probed("10.0.0.1", True)
    own.probed("10.0.0.2", False)
    said = "has no backend left that gets connections"
    body = {"level": "backend", "name": "web/10.0.0.2"}
    assert own.http("POST", "/v1/overrides?wait=1", body).json["warnings"] == []
    body = {"level": "backend", "name": "web/10.0.0.1"}
    for wait in ("?wait=1", ""):
        found = own.http("POST", f"/v1/overrides{wait}", body).json["warnings"]
        assert [said in warning for warning in found] == ([True, True] if wait else [])
    own.probed("10.0.0.53", True)
    for _unused in range(3):
        own.probed("10.0.0.54", False)
    own.http("POST", "/v1/overrides?wait=1", {**body, "name": "dns/10.0.0.53", "disabled": False})
    (warning,) = own.http("DELETE", "/v1/overrides/backend/dns/10.0.0.53").json["warnings"]
    assert warning == f"udp://192.0.2.53:53 (dns/udp) {said}"


def test_an_override_that_no_disk_takes_is_told_as_one_that_a_restart_forgets(own):
    own.state.rename(own.state.parent / "away")
    own.state.write_text("in the way")
    body = {"level": "backend", "name": "web/10.0.0.2"}
    (warning,) = own.http("POST", "/v1/overrides?wait=1", body).json["warnings"]
    assert warning.startswith("it is in force, and a restart forgets it: ")
    assert "overrides.json cannot be written" in warning
    own.state.unlink()
    assert own.http("DELETE", "/v1/overrides/backend/web/10.0.0.2").json["warnings"] == []


def test_an_override_of_what_is_no_longer_configured_stays_and_is_told(own):
    other = WEB.replace("web", "old").replace("192.0.2.", "192.0.3.").replace("10.0.0.", "10.0.1.")
    path = own.write("groups/old.yaml", other)
    assert own.http("POST", "/v1/reload?wait=1").status == 200
    body = {"level": "backend", "name": "old/10.0.1.1", "reason": "disk"}
    assert own.http("POST", "/v1/overrides?wait=1", body).status == 200
    assert not own.desk.astray
    path.unlink()
    for _unused in range(2):
        assert own.http("POST", "/v1/reload?wait=1").status == 200
        own.write("groups/web.yaml", WEB.replace("weight: 5", "weight: 6"))
    told = (
        "backend old/10.0.1.1, disabled by operator (disk), is not configured; this stays said"
        " until --enable-backend old/10.0.1.1 takes it back"
    )
    assert [entry.message for entry in own.journal.since()].count(told) == 1
    (row,) = own.get("/v1/overrides").json["overrides"]
    assert (row["name"], row["configured"]) == ("old/10.0.1.1", False)
    status = own.get("/v1/status/detailed").json
    assert told in status["warnings"]
    assert status["overrides"] == [row]
    # It is in force again when the thing is back, and is nothing to be warned of.
    own.write("groups/old.yaml", other)
    assert own.http("POST", "/v1/reload?wait=1").status == 200
    assert own.weights("192.0.3.1")["10.0.1.1"] == 0
    assert told not in own.get("/v1/status/detailed").json["warnings"]
    path.unlink()
    assert own.http("POST", "/v1/reload?wait=1").status == 200
    # Nothing more can be said of it than that it is taken back.
    assert own.http("POST", "/v1/overrides", body).status == 404
    assert own.http("POST", "/v1/overrides", {**body, "disabled": False}).status == 200
    assert own.get("/v1/overrides").json == {"overrides": []}
    assert not own.desk.astray


def test_an_address_that_a_name_may_mean_is_not_called_unknown(daemon):
    named = WEB.replace("10.0.0.2", "www.example")
    own = daemon(write=True, files={"groups/g.yaml": named})
    name = "www.example", Family.INET
    own.resolved(name, "10.0.0.7")
    own.http("POST", "/v1/overrides?wait=1", {"level": "backend", "name": "web/10.0.0.7"})
    own.resolved(name)
    assert not own.desk.astray
    own.resolved(name, "10.0.0.8")
    assert [each.name for each in own.desk.astray] == ["web/10.0.0.7"]


def test_a_name_that_has_no_address_yet_can_be_taken_out(daemon):
    named = WEB.replace("10.0.0.2", "www.example")
    own = daemon(write=True, files={"groups/g.yaml": named})
    body = {"level": "backend", "name": "web/www.example"}
    assert own.http("POST", "/v1/overrides", body).status == 200


@pytest.mark.parametrize(
    "body, detail",
    [
        (b"", "the body has to be a JSON object"),
        ([], "the body has to be a JSON object"),
        ({}, "level: None is not one of group, frontend, backend"),
        ({"level": "vip", "name": "x"}, "level: 'vip' is not one of"),
        ({"level": "group"}, "name: is needed"),
        ({"level": "group", "name": ""}, "name: is needed"),
        ({"level": "group", "name": 7}, "name: is needed"),
        ({"level": "group", "name": "web", "disabled": 1}, "disabled: has to be true or false"),
        ({"level": "group", "name": "web", "reason": None}, "reason: has to be a text"),
        ({"level": "group", "name": "web", "for": 7}, "for: is not known here"),
    ],
)
def test_an_override_that_is_malformed(own, body, detail):
    answer = own.http("POST", "/v1/overrides", body)
    assert (answer.status, answer.json["error"]) == (422, "validation failed")
    assert answer.json["detail"].startswith(detail)
    assert own.get("/v1/overrides").json == {"overrides": []}


@pytest.mark.parametrize(
    "body, detail",
    [
        ({"level": "group", "name": "wbe"}, "no such group: wbe"),
        ({"level": "frontend", "name": "web/https"}, "no such frontend: web/https"),
        ({"level": "frontend", "name": "web"}, "no such frontend: web"),
        ({"level": "backend", "name": "10.0.0.1"}, "no such backend: 10.0.0.1"),
        ({"level": "backend", "name": "web/10.0.0.9"}, "no such backend: web/10.0.0.9"),
        ({"level": "backend", "name": "dns/10.0.0.1"}, "no such backend: dns/10.0.0.1"),
    ],
)
def test_an_override_of_what_is_not_there(own, body, detail):
    answer = own.http("POST", "/v1/overrides", body)
    assert (answer.status, answer.json) == (404, {"error": "not found", "detail": detail})
    assert own.get("/v1/overrides").json == {"overrides": []}


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/v1/status/detailed?fresh=yes"),
        ("POST", "/v1/reload?wait=2"),
        ("POST", "/v1/reload?wait="),
        ("POST", "/v1/reload?wait=1&wait=1"),
        ("POST", "/v1/overrides?wait=x"),
        ("DELETE", "/v1/overrides/group/web?wait=x"),
        ("PUT", "/v1/config?wait=x"),
    ],
)
def test_a_parameter_that_is_neither_yes_nor_no(own, method, path):
    answer = own.http(method, path, {"groups": []})
    assert (answer.status, answer.json["error"]) == (400, "bad request")
    assert own.desk.generation == 1


@pytest.mark.parametrize("path", ["vip/x", "group/", "group", "group/web"])
def test_no_override_to_drop(own, path):
    assert own.http("DELETE", f"/v1/overrides/{path}").status == 404


@pytest.mark.parametrize(
    "method, path",
    [
        ("POST", "/v1/reload"),
        ("POST", "/v1/overrides"),
        ("DELETE", "/v1/overrides/group/web"),
        ("PUT", "/v1/config"),
    ],
)
def test_what_changes_something_has_to_be_allowed(daemon, method, path):
    answer = daemon().http(method, path, {})
    assert (answer.status, answer.json) == (403, {"error": "write disabled"})


def test_an_internal_error_is_told_and_ends_nothing(own, monkeypatch, caplog):
    monkeypatch.setattr(own.desk, "reload", lambda: 1 / 0)
    answer = own.http("POST", "/v1/reload")
    assert (answer.status, answer.json) == (500, {"error": "internal error"})
    assert "internal error: POST /v1/reload" in caplog.text
    assert own.get("/healthz").status == 200
