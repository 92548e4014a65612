from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director.daemon import NoDaemon
from ansible_collections.lvs.ipvs.plugins.module_utils.director.service import Failed, Service, run
from ansible_collections.lvs.ipvs.plugins.module_utils.systemd import Refused
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
    """What is behind the socket: it tells of itself, and reloads."""

    def __init__(self):
        self.about = dict(ABOUT)
        self.reload = (200, {"generation": 2, "applied": True})
        self.asked = []
        self.silent = False

    def get(self, route):
        self._hear(f"GET {route}")
        return self.about

    def ask(self, route, method):
        self._hear(f"{method} {route}")
        return self.reload

    def _hear(self, question):
        self.asked.append(question)
        if self.silent:
            raise NoDaemon("silence")


@pytest.fixture
def daemon():
    return Daemon()


def service(daemon, tmp_path, properties, check_mode=False, commands=None, **params):
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
    one = Service(HostModule(tmp_path, check_mode, answers, **given), str(tmp_path))
    one.daemon = daemon
    one.unit.file = str(tmp_path / "unit")
    return one


def told(one):
    """What systemd was told."""
    return [
        line.partition(" ")[2]
        for line in one.module.told
        if "systemctl" in line and " show" not in line
    ]


def test_what_runs_as_it_shall_is_left(daemon, tmp_path):
    one = service(daemon, tmp_path, RUNNING)
    result = run(one)
    assert (result["changed"], result["action"]) == (False, "none")
    assert told(one) == []
    assert daemon.asked == ["GET /v1/about"]


def test_what_does_not_run_is_started_and_enabled(daemon, tmp_path):
    one = service(daemon, tmp_path, ABSENT)
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
    one = service(daemon, tmp_path, RUNNING, **params)
    result = run(one)
    assert (result["action"], result["reasons"]) == ("restart", [reason])
    assert "restart ipvsman.service" in told(one)
    assert "daemon-reload" not in told(one)


def test_the_environment_that_it_has_is_no_reason(daemon, tmp_path):
    wanted = {"HOME": os.environ["HOME"], "LVS_TEST_NONE": "", "LVS_TEST_NULL": None}
    assert not run(service(daemon, tmp_path, RUNNING, environment=wanted))["changed"]


def test_a_number_is_compared_as_the_text_that_an_environment_has(daemon, tmp_path):
    # Ends with its standard input.
    pipe = subprocess.PIPE
    with subprocess.Popen(["cat"], stdin=pipe, stdout=pipe, bufsize=0, env={"N": "1"}) as process:
        # Popen returns before the kernel has the new program's environment; cat answers after that.
        process.stdin.write(b"x")
        assert process.stdout.read(1) == b"x"
        properties = {**RUNNING, "MainPID": str(process.pid)}
        assert not run(service(daemon, tmp_path, properties, environment={"N": 1}))["changed"]
        assert run(service(daemon, tmp_path, properties, environment={"N": 2}))["changed"]


def test_a_unit_that_systemd_has_not_read_is_read_first(daemon, tmp_path):
    properties = {**RUNNING, "NeedDaemonReload": "yes"}
    one = service(daemon, tmp_path, properties, environment={"LVS_TEST_NONE": "x"})
    run(one)
    assert told(one)[0] == "daemon-reload"


def test_other_drop_ins_are_a_reload_that_is_waited_for(daemon, tmp_path):
    one = service(daemon, tmp_path, RUNNING, digest="d2")
    result = run(one)
    assert (result["action"], result["generation"], result["applied"]) == ("reload", 2, True)
    assert daemon.asked == ["GET /v1/about", "POST /v1/reload?wait=1"]
    assert told(one) == []


def test_drop_ins_that_nothing_has_judged_are_no_reason(daemon, tmp_path):
    assert not run(service(daemon, tmp_path, RUNNING, digest=None))["changed"]


def test_a_refused_reload_fails(daemon, tmp_path):
    daemon.reload = (422, {"error": "reload refused", "detail": "a.yaml:1: no"})
    with pytest.raises(Failed, match=r"refused the drop-ins.*a.yaml:1: no"):
        run(service(daemon, tmp_path, RUNNING, digest="d2"))


def test_a_kernel_that_does_not_have_it_yet_is_a_warning(daemon, tmp_path):
    daemon.reload = (200, {"generation": 2, "applied": False})
    one = service(daemon, tmp_path, RUNNING, digest="d2")
    assert run(one)["applied"] is False
    assert "does not have it" in one.module.warnings[0]


@pytest.mark.parametrize("digest", ["d1", "d2"])
def test_after_a_start_it_has_the_drop_ins_that_it_shall_have(daemon, tmp_path, digest):
    run(service(daemon, tmp_path, ABSENT, digest=digest))
    assert ("POST /v1/reload?wait=1" in daemon.asked) == (digest == "d2")


def test_who_does_not_answer_is_restarted_and_then_fails(daemon, tmp_path):
    daemon.silent = True
    log = {"/bin/journalctl": (0, "last words\n", "")}
    one = service(daemon, tmp_path, RUNNING, commands=log)
    with pytest.raises(Failed, match=r"does not answer after its start\n.*\nlast words"):
        run(one)
    assert "restart ipvsman.service" in told(one)


def test_what_systemd_refuses_is_told_with_the_log(daemon, tmp_path):
    commands = {
        "/bin/systemctl start": (1, "", "Job failed"),
        "/bin/journalctl": (0, "why\n", ""),
    }
    with pytest.raises(Refused, match=r"systemctl start ipvsman.service: Job failed\n.*\nwhy"):
        run(service(daemon, tmp_path, ABSENT, commands=commands))


def test_check_mode_tells_the_same_and_does_nothing(daemon, tmp_path):
    for words in ({}, {"digest": "d2"}, {"program": "/x"}, {"state": "stopped"}):
        for properties in (RUNNING, ABSENT):
            rehearsal = service(daemon, tmp_path, properties, check_mode=True, **words)
            result = run(rehearsal)
            assert told(rehearsal) == []
            done = run(service(daemon, tmp_path, properties, **words))
            same = ("changed", "action", "reasons", "diff")
            assert [result[name] for name in same] == [done[name] for name in same]


def test_stopped(daemon, tmp_path):
    one = service(daemon, tmp_path, RUNNING, state="stopped")
    assert run(one)["changed"]
    assert told(one) == ["stop ipvsman.service", "disable ipvsman.service"]
    assert not run(service(daemon, tmp_path, ABSENT, state="stopped"))["changed"]


def test_absent_removes_the_unit_once(daemon, tmp_path):
    (tmp_path / "unit").write_text("")
    one = service(daemon, tmp_path, RUNNING, state="absent")
    assert run(one)["changed"]
    assert told(one)[-1] == "daemon-reload"
    assert not (tmp_path / "unit").exists()
    assert not run(service(daemon, tmp_path, ABSENT, state="absent"))["changed"]


def test_silence_in_the_middle_of_a_reload_is_told(daemon, tmp_path):
    one = service(daemon, tmp_path, RUNNING, digest="d2")
    action = one.decide()[0]
    daemon.silent = True
    with pytest.raises(Failed, match="silence"):
        one.act(action)


def test_a_unit_without_its_suffix_is_a_fault(tmp_path):
    module = HostModule(tmp_path, unit="../ipvsman", socket="/s")
    with pytest.raises(Failed, match=r"unit: '../ipvsman' is no name of a unit"):
        Service(module, str(tmp_path))


def test_without_systemd_nothing_can_start_it(tmp_path):
    module = HostModule(tmp_path, unit="x.service", socket="/s")
    with pytest.raises(Failed, match="systemd does not run here"):
        Service(module, str(tmp_path / "none"))


def test_a_unit_that_has_never_failed_is_started(daemon, tmp_path):
    commands = {"/bin/systemctl reset-failed": (1, "", "Unit not loaded")}
    one = service(daemon, tmp_path, ABSENT, commands=commands)
    run(one)
    assert "start ipvsman.service" in told(one)
