from __future__ import annotations

import json

import pytest
from ipvsman.ipvs.memory import MemoryTable
from ipvsman.ipvs.model import Role, SyncDaemon
from ipvsman.ipvs.scope import EVERYTHING

HEADER = "State SyncId McastIfn\n"
MASTER = ("--state", "master", "--sync-id", "3", "--mcast-ifn", "eth0")


@pytest.fixture
def wired(ctl):
    ctl.table = MemoryTable({"eth0": 1500, "jumbo0": 9000})
    return ctl


def running(ctl):
    return ctl.table.read(EVERYTHING).daemons


def test_none(wired):
    assert wired.run("daemon", "show").out == HEADER


def test_both_roles(wired):
    assert wired.run("daemon", "add", *MASTER).status == 0
    backup = wired.run("daemon", "add", "--state=BACKUP", "-sync-id", "0", "-mcast-ifn", "jumbo0")
    assert (backup.status, backup.out, backup.err) == (0, "", "")
    assert wired.run("daemon", "show").out == f"{HEADER}master 3 eth0\nbackup 0 jumbo0\n"
    found = json.loads(wired.run("daemon", "show", "-o", "json").out)
    assert found["sync_daemons"][0] == {
        "role": "master",
        "interface": "eth0",
        "sync_id": 3,
        "maxlen": 1472,
        "group": "224.0.0.81",
        "port": 8848,
        "ttl": 1,
    }
    assert found["sync_daemons"][1]["maxlen"] == 8972


def test_everything_said(wired):
    more = "--maxlen 1400 --group 239.1.2.3 --port 9000 --ttl 4".split()
    assert wired.run("daemon", "add", *MASTER, *more).status == 0
    assert running(wired) == {
        Role.MASTER: SyncDaemon(Role.MASTER, "eth0", 3, 1400, "239.1.2.3", 9000, 4)
    }


def test_one_that_runs_already_goes_on(wired):
    wired.run("daemon", "add", *MASTER)
    before = running(wired)
    done = wired.run(
        "daemon", "add", "--state", "master", "--sync-id", "4", "--mcast-ifn", "jumbo0"
    )
    assert (done.status, done.out) == (1, "")
    assert done.err == "file exists: master sync daemon, on eth0\n"
    assert running(wired) == before


def test_stop(wired):
    wired.run("daemon", "add", *MASTER)
    done = wired.run("daemon", "del", "--state", "master")
    assert (done.status, done.out, done.err) == (0, "", "")
    assert running(wired) == {}
    done = wired.run("daemon", "d", "--state", "master")
    assert (done.status, done.err) == (1, "no such process: master sync daemon\n")


def test_an_interface_that_there_is_not(wired):
    done = wired.run("daemon", "add", "--state=master", "--sync-id=1", "--mcast-ifn=eth7")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("no such device: start master sync daemon: interface eth7, ")
    assert running(wired) == {}


def test_faults(wired):
    done = wired.run(
        *("daemon", "add", "--state", "stop", "--sync-id", "256", "--mcast-ifn", "a b"),
        *("--maxlen", "0", "--group", "10.0.0.1", "--port", "0", "--ttl", "256"),
    )
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines() == [
        "illegal state stop: not master or backup",
        "--mcast-ifn: 'a b' is not the name of a network interface: at most 15 bytes,"
        " no blank, / or :",
        "--sync-id: 256 is not in 0..255",
        "--maxlen: 0 is not in 1..65507",
        "--group: '10.0.0.1' is not a multicast group (224.0.0.0/4 or ff00::/8)",
        "--port: 0 is not in 1..65535",
        "--ttl: 256 is not in 1..255",
    ]
    assert not wired.table.calls
