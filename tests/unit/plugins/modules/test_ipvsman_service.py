from __future__ import annotations

import json
import os
import socket
import threading

import pytest
from ansible_collections.lvs.ipvs.plugins.modules import ipvsman_service
from ansible_collections.lvs.ipvs.plugins.modules.ipvsman_service import Failed, Service, ask, run
from ansible_collections.lvs.ipvs.tests.unit.plugins.modules.hostmodule import HostModule

RUNNING = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "UnitFileState": "enabled",
    "NeedDaemonReload": "no",
    "MainPID": str(os.getpid()),
}
ABSENT = {
    "LoadState": "not-found",
    "ActiveState": "inactive",
    "UnitFileState": "",
    "NeedDaemonReload": "no",
    "MainPID": "0",
}
ABOUT = {"program": "/usr/lib/x/1", "config_digest": "d1"}


class Daemon:
    """What the socket answers: about, and a reload."""

    def __init__(self, monkeypatch):
        self.about = dict(ABOUT)
        self.reload = (200, {"generation": 2, "applied": True})
        self.asked = []
        self.silent = False
        monkeypatch.setattr(ipvsman_service, "ask", self._ask)

    def _ask(self, path, method, route):
        self.asked.append(f"{method} {route}")
        if self.silent:
            raise Failed("silence")
        return self.reload if method == "POST" else (200, self.about)


@pytest.fixture
def daemon(monkeypatch):
    return Daemon(monkeypatch)


def service(tmp_path, properties, check_mode=False, commands=None, **params):
    given = {
        "state": "started",
        "unit": "ipvsman.service",
        "program": "/usr/lib/x/1",
        "digest": "d1",
        "environment": {},
        "token": None,
        "socket": "/s",
        **params,
    }
    shown = "".join(f"{name}={value}\n" for name, value in properties.items())
    answers = {"/bin/systemctl show": (0, shown, ""), **(commands or {})}
    one = Service(HostModule(tmp_path, check_mode, answers, **given))
    one.unit_file = str(tmp_path / "unit")
    return one


def told(one):
    """What systemd was told."""
    return [
        line.partition(" ")[2]
        for line in one.module.told
        if "systemctl" in line and " show" not in line
    ]


def test_what_runs_as_it_shall_is_left(daemon, tmp_path):
    one = service(tmp_path, RUNNING)
    result = run(one)
    assert (result["changed"], result["action"]) == (False, "none")
    assert told(one) == []
    assert daemon.asked == ["GET /v1/about"]


def test_what_does_not_run_is_started_and_enabled(daemon, tmp_path):
    one = service(tmp_path, ABSENT)
    result = run(one)
    assert (result["action"], result["reasons"]) == ("start", ["it does not run"])
    assert told(one) == [
        "daemon-reload",
        "reset-failed ipvsman.service",
        "start ipvsman.service",
        "enable ipvsman.service",
    ]


@pytest.mark.parametrize(
    "params, reason",
    [
        ({"program": "/usr/lib/x/2"}, "it runs /usr/lib/x/1"),
        ({"environment": {"LVS_TEST_NONE": "x"}}, "its environment has another LVS_TEST_NONE"),
        ({"token": "t"}, "its token of the API is another"),
    ],
)
def test_another_process_is_a_restart(daemon, tmp_path, params, reason):
    one = service(tmp_path, RUNNING, **params)
    result = run(one)
    assert (result["action"], result["reasons"]) == ("restart", [reason])
    assert "restart ipvsman.service" in told(one)
    assert "daemon-reload" not in told(one)


def test_the_environment_that_it_has_is_no_reason(daemon, tmp_path):
    wanted = {"HOME": os.environ["HOME"], "LVS_TEST_NONE": ""}
    assert not run(service(tmp_path, RUNNING, environment=wanted))["changed"]


def test_a_unit_that_systemd_has_not_read_is_read_first(daemon, tmp_path):
    properties = {**RUNNING, "NeedDaemonReload": "yes"}
    one = service(tmp_path, properties, environment={"LVS_TEST_NONE": "x"})
    run(one)
    assert told(one)[0] == "daemon-reload"


def test_other_drop_ins_are_a_reload_that_is_waited_for(daemon, tmp_path):
    one = service(tmp_path, RUNNING, digest="d2")
    result = run(one)
    assert (result["action"], result["generation"], result["applied"]) == ("reload", 2, True)
    assert daemon.asked == ["GET /v1/about", "POST /v1/reload?wait=1"]
    assert told(one) == []


def test_drop_ins_that_nothing_has_judged_are_no_reason(daemon, tmp_path):
    assert not run(service(tmp_path, RUNNING, digest=None))["changed"]


def test_a_refused_reload_fails(daemon, tmp_path):
    daemon.reload = (422, {"error": "reload refused", "detail": "a.yaml:1: no"})
    with pytest.raises(Failed, match=r"refused the drop-ins.*a.yaml:1: no"):
        run(service(tmp_path, RUNNING, digest="d2"))


def test_a_kernel_that_does_not_have_it_yet_is_a_warning(daemon, tmp_path):
    daemon.reload = (200, {"generation": 2, "applied": False})
    one = service(tmp_path, RUNNING, digest="d2")
    assert run(one)["applied"] is False
    assert "does not have it" in one.module.warnings[0]


@pytest.mark.parametrize("digest", ["d1", "d2"])
def test_after_a_start_it_has_the_drop_ins_that_it_shall_have(daemon, tmp_path, digest):
    run(service(tmp_path, ABSENT, digest=digest))
    assert ("POST /v1/reload?wait=1" in daemon.asked) == (digest == "d2")


def test_who_does_not_answer_is_restarted_and_then_fails(daemon, tmp_path):
    daemon.silent = True
    log = {"/bin/journalctl": (0, "last words\n", "")}
    one = service(tmp_path, RUNNING, commands=log)
    with pytest.raises(Failed, match=r"does not answer after its start\n.*\nlast words"):
        run(one)
    assert "restart ipvsman.service" in told(one)


def test_what_systemd_refuses_is_told_with_the_log(daemon, tmp_path):
    commands = {
        "/bin/systemctl start": (1, "", "Job failed"),
        "/bin/journalctl": (0, "why\n", ""),
    }
    with pytest.raises(Failed, match=r"systemctl start ipvsman.service: Job failed\n.*\nwhy"):
        run(service(tmp_path, ABSENT, commands=commands))


def test_check_mode_tells_the_same_and_does_nothing(daemon, tmp_path):
    for words in ({}, {"digest": "d2"}, {"program": "/x"}, {"state": "stopped"}):
        for properties in (RUNNING, ABSENT):
            rehearsal = service(tmp_path, properties, check_mode=True, **words)
            result = run(rehearsal)
            assert told(rehearsal) == []
            done = run(service(tmp_path, properties, **words))
            same = ("changed", "action", "reasons", "diff")
            assert [result[name] for name in same] == [done[name] for name in same]


def test_stopped(daemon, tmp_path):
    one = service(tmp_path, RUNNING, state="stopped")
    assert run(one)["changed"]
    assert told(one) == ["stop ipvsman.service", "disable ipvsman.service"]
    assert not run(service(tmp_path, ABSENT, state="stopped"))["changed"]


def test_absent_removes_the_unit_once(daemon, tmp_path):
    (tmp_path / "unit").write_text("")
    one = service(tmp_path, RUNNING, state="absent")
    assert run(one)["changed"]
    assert told(one)[-1] == "daemon-reload"
    assert not (tmp_path / "unit").exists()
    assert not run(service(tmp_path, ABSENT, state="absent"))["changed"]


@pytest.fixture
def listener(tmp_path):
    """A unix socket that gives one answer."""
    path = str(tmp_path / "s")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()

    def serve(answer):
        def work():
            connection, _peer = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        threading.Thread(target=work, daemon=True).start()
        return path

    yield serve
    server.close()


def test_the_socket_is_asked(listener):
    body = json.dumps({"a": 1}).encode()
    path = listener(b"HTTP/1.1 422 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert ask(path, "GET", "/x") == (422, {"a": 1})


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nno json"])
def test_what_is_no_answer(listener, answer):
    with pytest.raises(Failed, match="does not answer"):
        ask(listener(answer), "GET", "/x")


def test_nobody_listens(tmp_path):
    with pytest.raises(Failed, match="does not answer"):
        ask(str(tmp_path / "none"), "GET", "/x")
