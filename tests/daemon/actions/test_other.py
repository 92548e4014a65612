"""test, schema, reload, reset, diff, dump, healthcheck-now."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import DNS, WEB, foreign
from ipvsman.actions import stage
from ipvsman.config.jsonschema import schema
from ipvsman.face import asking
from ipvsman.health.prober import Prober
from ipvsman.health.spec import Verdict
from ipvsman.ipvs.errors import Cause, Unavailable
from ipvsman.ipvs.scope import SERVICES
from ipvsman.lock import Lock


def broken(*_unused):
    raise Unavailable(Cause.NO_PRIVILEGE, "not permitted")


# -- test, schema


@pytest.mark.parametrize("form", ["table", "json"])
def test_good_drop_ins(ipvsman, form):
    (ipvsman.etc / "groups/dns.yaml").unlink()
    said = ipvsman("--test", "--output", form)
    assert (said.status, said.out, said.err) == (0, "validation ok\n", "")


def test_warnings_and_notices(ipvsman):
    ipvsman.write("groups/a.yml", "")
    said = ipvsman("--test")
    assert (said.status, said.out) == (0, "validation ok\n")
    warning, notice = said.err.splitlines()
    assert warning.startswith(f"ipvsman: warning: {ipvsman.etc}/groups/a.yml: is not read")
    assert notice.startswith(f"ipvsman: notice: {ipvsman.etc}/groups/dns.yaml:7:")


def test_strict(ipvsman):
    ipvsman.write("groups/a.yml", "")
    assert ipvsman("--test").status == 0
    said = ipvsman("--test", "--strict")
    assert (said.status, said.out) == (2, "")
    assert "groups/a.yml: is not read" in said.err


def test_every_fault_of_every_file(ipvsman):
    ipvsman.write("groups/a.yaml", "- {group: web, frontend: []}\n")
    ipvsman.write("groups/b.yaml", "{")
    said = ipvsman("--test")
    assert said.status == 2
    assert "a.yaml:1:" in said.err
    assert "b.yaml:" in said.err
    assert "duplicate group" in said.err


def test_no_directory(ipvsman, tmp_path):
    said = ipvsman("--test", "--config-dir", tmp_path / "none")
    assert said.status == 2
    assert "there is no such directory (--config-dir names another)" in said.err


def test_schema(ipvsman):
    ipvsman.write("groups/a.yaml", "{")
    said = ipvsman("--schema")
    assert said.status == 0
    assert json.loads(said.out) == schema()


# -- reload


def test_reload(ipvsman):
    own = ipvsman.daemon()
    own.probed("10.0.0.1", True)
    ipvsman.write("groups/web.yaml", WEB.replace("weight: 5", "weight: 9"))
    said = ipvsman("--reload")
    # Scripts expect nothing on stdout.
    assert (said.status, said.out) == (0, "")
    assert said.err == "ipvsman: configuration 2 is loaded and in the kernel\n"
    assert own.weights("192.0.2.1")["10.0.0.1"] == 9
    said = ipvsman("--reload", "--output", "json")
    assert json.loads(said.out) == {"ok": True, "generation": 2, "applied": True}


def test_reload_of_faulty_drop_ins_asks_nobody(ipvsman):
    own = ipvsman.daemon()
    ipvsman.write("groups/web.yaml", "{")
    said = ipvsman("--reload")
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("ipvsman: load failed: ")
    assert own.director.reloads.failed == 0


def test_reload_that_the_daemon_refuses(ipvsman, tmp_path):
    """Its drop-ins are not those that we have looked at."""
    own = ipvsman.daemon()
    (tmp_path / "other/groups").mkdir(parents=True)
    (tmp_path / "other/groups/g.yaml").write_text(WEB)
    own.write("groups/web.yaml", "{")
    said = ipvsman("--reload", "--config-dir", tmp_path / "other")
    assert said.status == 2
    assert said.err.startswith("ipvsman: reload refused: load failed: ")
    assert own.director.reloads.failed == 1


def test_reload_that_the_kernel_does_not_take(ipvsman, monkeypatch):
    monkeypatch.setattr(asking, "WAIT", 0.2)
    own = ipvsman.daemon()
    own.table.read = own.table.services = broken
    ipvsman.write("groups/web.yaml", WEB.replace("weight: 5", "weight: 9"))
    said = ipvsman("--reload")
    assert said.status == 1
    assert said.err == "ipvsman: configuration 2 is loaded, but not in the kernel; see --status\n"


def test_reload_without_a_daemon(ipvsman):
    said = ipvsman("--reload")
    assert said.status == 2
    assert said.err == (
        f"ipvsman: no daemon listens on {ipvsman.socket}, and nobody holds {ipvsman.lock_file}\n"
    )


HEEDS_SIGHUP = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"


@pytest.fixture
def bystander():
    """A process that ends when it is sent a SIGHUP, and be it that we were told to ignore them."""
    code = f"{HEEDS_SIGHUP}print('ready', flush=True); input()\n"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.stdin.close()


def test_a_pid_that_was_left_in_the_lock_is_never_signalled(ipvsman, bystander):
    ipvsman.lock_file.parent.mkdir()
    ipvsman.lock_file.write_text(f"{bystander.pid}\n")
    assert ipvsman("--reload").status == 2
    assert bystander.poll() is None


def test_a_pid_that_was_said_is(ipvsman, bystander):
    said = ipvsman("--reload", "--pid", bystander.pid)
    assert (said.status, said.out) == (0, "")
    assert f"process {bystander.pid} has been told to reload" in said.err
    assert bystander.wait(20) == -signal.SIGHUP


def test_whoever_holds_the_lock_is(ipvsman):
    code = (
        f"{HEEDS_SIGHUP}import fcntl, os, sys, time\n"
        f"f = open({str(ipvsman.lock_file)!r}, 'w'); fcntl.flock(f, fcntl.LOCK_EX)\n"
        "print(os.getpid(), file=f, flush=True); print('ready', flush=True); input()\n"
    )
    ipvsman.lock_file.parent.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"ready\n"
        assert ipvsman("--reload").status == 0
        assert holder.wait(20) == -signal.SIGHUP
        holder.stdin.close()


def test_a_pid_that_is_nobody_s(ipvsman, bystander):
    bystander.kill()
    bystander.wait()
    said = ipvsman("--reload", "--pid", bystander.pid)
    assert said.status == 2
    assert said.err == (
        f"ipvsman: process {bystander.pid} cannot be told to reload: No such process\n"
    )


# -- reset


def test_reset_removes_what_is_ours_and_nothing_else(ipvsman):
    ipvsman.daemon()
    ipvsman.stop()
    foreign(ipvsman.table, "tcp://203.0.113.9:25", "10.0.0.9")
    said = ipvsman("--reset")
    assert (said.status, said.out, said.err) == (0, "", "")
    (only,) = ipvsman.table.read(SERVICES).services
    assert only.address == "203.0.113.9"
    assert json.loads((ipvsman.state / "owned.json").read_text())["data"] == []
    # And what is gone is no fault the second time.
    assert ipvsman("--reset").status == 0


def test_reset_of_what_was_never_ours(ipvsman):
    foreign(ipvsman.table, "tcp://192.0.2.1:80", "10.0.0.1")
    assert ipvsman("--reset").status == 0
    assert len(ipvsman.table.read(SERVICES).services) == 1


def test_no_reset_while_a_daemon_runs(ipvsman):
    ipvsman.daemon()
    lock = Lock(str(ipvsman.lock_file))
    lock.acquire()
    try:
        said = ipvsman("--reset")
    finally:
        lock.release()
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("ipvsman: not while a daemon runs: ")
    assert len(ipvsman.table.read(SERVICES).services) == 3


def test_a_reset_that_the_kernel_refuses_stays_ours(ipvsman):
    ipvsman.daemon()
    ipvsman.stop()
    ipvsman.table.read = broken
    said = ipvsman("--reset")
    assert (said.status, said.err) == (2, "ipvsman: not permitted\n")
    assert len(json.loads((ipvsman.state / "owned.json").read_text())["data"]) == 3


# -- diff


def test_no_difference(ipvsman):
    ipvsman.daemon()
    assert ipvsman("--diff").status == 0
    ipvsman.stop()
    said = ipvsman("--diff")
    assert (said.status, said.out, said.err) == (0, "", "")


def test_a_difference_with_and_without_the_daemon(ipvsman):
    own = ipvsman.daemon()
    own.probed("10.0.0.1", True)
    (ipvsman.etc / "groups/dns.yaml").unlink()
    ipvsman.stop()
    without = ipvsman("--diff")
    assert without.status == 1
    assert "192.0.2.53" in without.out
    data = json.loads(ipvsman("--diff", "--output", "json").out)
    assert [change["action"] for change in data["changes"]] == ["remove_service"]
    assert without.lines == [change["summary"] for change in data["changes"]]
    assert ipvsman.table.calls["apply"] == own.table.calls["apply"]
    assert len(ipvsman.table.read(SERVICES).services) == 3


def test_a_difference_to_an_empty_table(ipvsman):
    said = ipvsman("--diff")
    assert said.status == 1
    assert len(said.lines) == 3 + 6


def test_what_the_operator_has_said_is_part_of_it(ipvsman):
    own = ipvsman.daemon()
    own.probed("10.0.0.1", True)
    ipvsman.stop()
    ipvsman("--disable-backend", "web/10.0.0.1")
    assert ipvsman("--diff").status == 0


@pytest.mark.parametrize("running", [False, True])
def test_a_difference_that_cannot_be_known(ipvsman, running):
    if running:
        ipvsman.daemon()
    ipvsman.table.read = broken
    said = ipvsman("--diff")
    assert (said.status, said.out) == (2, "")
    assert said.err in ("ipvsman: not permitted\n", "ipvsman: kernel unreadable: not permitted\n")


# -- dump


def test_dump(ipvsman):
    ipvsman.daemon()
    ipvsman.write("groups/web.yaml", "{")
    said = ipvsman("--dump", "--output", "json")
    assert (said.status, said.err) == (0, "")
    assert said.lines[:2] == [
        "-A -t 192.0.2.1:80 -s wrr",
        "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 5",
    ]


def test_a_dump_that_cannot_be_had(ipvsman):
    ipvsman.table.read = broken
    assert ipvsman("--dump").status == 2


# -- healthcheck-now


@pytest.fixture
def probed(monkeypatch):
    """What is down, by address, and what was probed."""
    down, asked = {}, []

    async def probe_once(self, probe, timeout):
        asked.append((probe.address, timeout))
        message = down.get(probe.address)
        return Verdict(message is None, message or "fine", 0.01)

    monkeypatch.setattr(Prober, "probe_once", probe_once)
    return down, asked


def test_all_well(ipvsman, probed):
    said = ipvsman("--healthcheck-now")
    assert (said.status, said.out, said.err) == (0, "total=6 ok=6 failed=0\n", "")
    assert set(probed[1]) == {
        ("10.0.0.53", 3.0),
        ("10.0.0.54", 3.0),
        ("10.0.0.1", 2.0),
        ("10.0.0.2", 2.0),
    }


def test_one_down(ipvsman, probed):
    probed[0]["10.0.0.2"] = "http 500"
    said = ipvsman("--healthcheck-now")
    assert said.status == 1
    assert said.lines == ["total=6 ok=4 failed=2", *["failed web/http 10.0.0.2: http 500"] * 2]
    said = ipvsman("--healthcheck-now-group", "web", "--output", "json")
    data = json.loads(said.out)
    assert said.status == 1
    assert (data["total"], data["ok"], data["failed"]) == (4, 2, 2)
    assert data["results"][1] == {
        "group": "web",
        "frontend": "http",
        "backend_ip": "10.0.0.2",
        "ok": False,
        "message": "http 500",
    }


def test_debug_tells_of_each(ipvsman, probed):
    probed[0]["10.0.0.54"] = "NXDOMAIN"
    said = ipvsman("--healthcheck-now-group", "dns", "--debug")
    assert said.lines == [
        "total=2 ok=1 failed=1",
        "check dns/udp 10.0.0.53 -> UP (fine)",
        "check dns/udp 10.0.0.54 -> DOWN (NXDOMAIN)",
        "failed dns/udp 10.0.0.54: NXDOMAIN",
    ]


@pytest.mark.parametrize(
    "name, total",
    [("10.0.0.1", 2), ("web/10.0.0.1", 2), ("10.0.0.54:5353", 1), ("dns/10.0.0.54", 1)],
)
def test_one_backend(ipvsman, probed, name, total):
    said = ipvsman("--healthcheck-now-backend", name)
    assert (said.status, said.out) == (0, f"total={total} ok={total} failed=0\n")


@pytest.mark.parametrize(
    "flag, name",
    [("group", "wbe"), ("backend", "10.0.0.9"), ("backend", "dns/10.0.0.1"), ("backend", "web")],
)
def test_nothing_is_called_so(ipvsman, probed, flag, name):
    said = ipvsman(f"--healthcheck-now-{flag}", name)
    assert (said.status, said.out) == (1, "")
    assert said.err == f"ipvsman: nothing is called {name!r}\n"


def test_what_is_not_probed_is_when_it_is_named(ipvsman, probed):
    ipvsman.write("groups/web.yaml", WEB.replace("rise: 1", "disable: true, rise: 1"))
    assert ipvsman("--healthcheck-now").lines == ["total=2 ok=2 failed=0"]
    assert ipvsman("--healthcheck-now-group", "web").lines == ["total=4 ok=4 failed=0"]
    assert ipvsman("--healthcheck-now-backend", "web/10.0.0.1").lines == ["total=2 ok=2 failed=0"]


def test_what_is_disabled_is_not_probed(ipvsman, probed):
    ipvsman.write("groups/web.yaml", WEB.replace("port: 80}", "port: 80, disabled: true}"))
    ipvsman.write("groups/dns.yaml", DNS.replace("group: dns", "group: dns\n  disabled: true"))
    assert ipvsman("--healthcheck-now").lines == ["total=0 ok=0 failed=0"]
    assert ipvsman("--healthcheck-now-group", "web").status == 1


def test_a_real_probe(ipvsman):
    """Nobody listens at port 1 of loopback."""
    ipvsman.write(
        "groups/web.yaml",
        WEB.replace("type: http, path: /up, host: www.example", "type: tcp").replace(
            "{address: 10.0.0.1, weight: 5}", '{address: 127.0.0.1, port_map: {"*": 1}}'
        ),
    )
    said = ipvsman("--healthcheck-now-backend", "web/127.0.0.1")
    assert said.status == 1
    assert said.lines[0] == "total=2 ok=0 failed=2"
    assert os.strerror(111).lower() in said.lines[1].lower()


def test_names_that_hang_are_waited_for_together(ipvsman, monkeypatch):
    names = ["one.example", "two.example", "three.example"]
    rows = "\n".join(f"    - {{address: {name}}}" for name in names)
    ipvsman.write(
        "groups/web.yaml", re.sub(r"(?s)(?<=backends:\n).*(?=  health)", rows + "\n", WEB)
    )
    together = threading.Barrier(len(names), timeout=30)

    def hanging(_name, _family):
        together.wait()
        return ("10.0.0.9",)

    monkeypatch.setattr(stage, "_resolved", hanging)
    said = ipvsman("--list-backends", "--filter-group", "web")
    assert said.out.count("backend=10.0.0.9") == 2
