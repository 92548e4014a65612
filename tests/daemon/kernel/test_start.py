"""How a daemon starts, and what keeps it from starting."""

from __future__ import annotations

import socket
import subprocess

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.kernel.running import UNIT, group, wait_for

ALL = ("10.2.0.11", "10.2.0.12")
FOREIGN = "-A -t 10.9.9.9:99 -s rr\n-a -t 10.9.9.9:99 -r 10.8.8.8:88 -m -w 7\n"
FOREIGN_TABLE = {"10.9.9.9:99": {"10.8.8.8:88": 7}}


def test_it_runs_with_what_the_unit_leaves_it(daemon, servers):
    servers.up(1)
    daemon.drop_in(group(ALL[0]))
    daemon.start(under=UNIT)
    daemon.wait_table({"10.1.0.100:80": {"10.2.0.11:80": 1}})
    assert daemon.stop() == 0


def test_without_the_privilege_it_says_so(daemon):
    daemon.drop_in(group(ALL[0]))
    daemon.begin(under=("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"))
    assert daemon.wait_end() == 3
    (line,) = daemon.log()
    assert line["level"] == "error"
    assert "CAP_NET_ADMIN" in line["message"]


def test_without_its_namespace_it_says_so(daemon):
    daemon.drop_in(group(ALL[0]))
    daemon.begin("--netns=nowhere")
    assert daemon.wait_end() == 3
    (line,) = daemon.log()
    assert "nowhere" in line["message"]


def test_it_keeps_the_table_of_another_namespace(daemon, net, servers):
    servers.up(1)
    daemon.drop_in(group(ALL[0]))
    backup = net.backup
    daemon.start("--netns=backup")
    try:
        table = wait_for(lambda: backup.run("ipvsadm -S -n"), "the table")
        assert table.startswith("-A -t 10.1.0.100:80 -s rr\n")
        assert daemon.table() == {}
        assert daemon.stop() == 0
    finally:
        backup.run("ipvsadm -C")


def test_a_second_daemon_refuses(daemon):
    daemon.drop_in(group(ALL[0]))
    daemon.start()
    first, daemon.process = daemon.process, None
    first_log = daemon._log
    daemon.begin()
    assert daemon.wait_end() == 2
    (line,) = daemon.log()
    assert line["message"].startswith("another daemon is running: ")
    assert line["message"].endswith(f"is held by process {first.pid}")
    daemon.process, daemon._log = first, first_log
    assert daemon.get("/healthz") == {"ok": True}
    assert daemon.stop() == 0
    assert not daemon.socket.exists()
    daemon.start()


NOTHING = {
    "missing": lambda etc: None,
    "empty": lambda etc: etc.mkdir(parents=True),
    "no groups": lambda etc: (etc / "groups").mkdir(parents=True),
}


@pytest.mark.parametrize("make", NOTHING.values(), ids=NOTHING)
def test_nothing_configured_never_empties_a_table(daemon, make):
    daemon.drop_in(group(ALL[0]))
    daemon.start()
    daemon.stop()
    table = daemon.table()
    subprocess.run(["rm", "-r", daemon.etc, daemon.state / "last-good"], check=True)
    make(daemon.etc)
    daemon.begin()
    assert daemon.wait_end() == 2
    assert daemon.table() == table
    assert "nothing is configured" in daemon.raw_log()
    assert "the kernel's table stays as it is" in daemon.raw_log()
    assert "Traceback" not in daemon.raw_log()


def test_a_boot_with_a_mistake_serves_what_was_good(daemon):
    daemon.drop_in(group(ALL[0]))
    daemon.start()
    table = daemon.table()
    daemon.stop()
    daemon.node.run("ipvsadm -C")
    daemon.drop_in("group: [")
    daemon.start()
    assert daemon.table() == table
    status = daemon.get("/v1/status/detailed")
    assert not status["last_reload"]["ok"]
    assert "ALERT: faults in the drop-ins" in daemon.raw_log()
    daemon.drop_in(group(*ALL))
    daemon.act("--reload")
    assert len(daemon.table()["10.1.0.100:80"]) == len(ALL)


@pytest.mark.parametrize("make", NOTHING.values(), ids=NOTHING)
def test_nor_at_a_reload(daemon, make):
    daemon.drop_in(group(ALL[0]))
    daemon.start()
    table = daemon.table()
    assert table == {"10.1.0.100:80": {"10.2.0.11:80": 0}}
    subprocess.run(["rm", "-r", daemon.etc], check=True)
    make(daemon.etc)
    assert "nothing is configured" in daemon.act("--reload", status=2)
    with pytest.raises(Exception, match="nothing is configured"):
        daemon.client.post("/v1/reload")
    assert daemon.table() == table
    status = daemon.get("/v1/status/detailed")
    assert not status["last_reload"]["ok"]
    assert "nothing is configured" in status["last_reload"]["error"]


def test_faulty_drop_ins_are_told_each_with_its_place(daemon):
    daemon.drop_in("group: web\nvip: 300.1.1.1\nfrontends: []\ncolour: red\n")
    daemon.begin()
    assert daemon.wait_end() == 2
    text = daemon.raw_log()
    assert "groups/web.yaml:2:" in text
    assert "groups/web.yaml:4:" in text
    assert "Traceback" not in text


def test_an_address_in_use_is_told(daemon, net):
    daemon.drop_in(group(ALL[0]))
    with net.director.inside():
        taken = socket.create_server(("127.0.0.1", 9111))
    with taken:
        daemon.begin("--api-enable")
        assert daemon.wait_end() == 4
    assert "cannot listen" in daemon.raw_log()
    assert "Traceback" not in daemon.raw_log()


@pytest.mark.parametrize("option", ["--startup-full-replace", "--clear-on-exit"])
def test_what_clears_clears_what_is_ours(daemon, net, option):
    net.director.run("ipvsadm -R", given=FOREIGN)
    daemon.drop_in(group(ALL[0]))
    daemon.drop_in(group(ALL[1], name="b", vip="10.1.0.101"), "groups/b.yaml")
    daemon.start()
    ours = {"10.1.0.100:80": {"10.2.0.11:80": 0}, "10.1.0.101:80": {"10.2.0.12:80": 0}}
    daemon.wait_table(ours | FOREIGN_TABLE)
    daemon.stop()
    # Somebody has removed one meanwhile, which must not keep the rest.
    net.director.run("ipvsadm -D -t 10.1.0.100:80")
    daemon.start(option)
    changes = [each["facts"]["action"] for each in daemon.log("change")]
    assert ("remove_service" in changes) == (option == "--startup-full-replace")
    daemon.wait_table(ours | FOREIGN_TABLE)
    assert daemon.stop() == 0
    assert daemon.table() == (FOREIGN_TABLE if "exit" in option else ours | FOREIGN_TABLE)


def test_observing_writes_nothing(daemon, net, servers):
    servers.up(1)
    there = "-A -t 10.1.0.100:80 -s rr\n-a -t 10.1.0.100:80 -r 10.2.0.12:80 -m -w 3\n"
    net.director.run("ipvsadm -R", given=FOREIGN + there)
    before = daemon.table()
    daemon.drop_in(group(*ALL, scheduler="wrr"))
    daemon.start("--observe")
    wait_for(lambda: daemon.log("observed", "weight 1"), "what would be done is told")
    assert daemon.table() == before
    net.director.run("ipvsadm -e -t 10.1.0.100:80 -r 10.2.0.12:80 -m -w 9")
    wait_for(lambda: daemon.log("drift"), "what another changes is told")
    text = daemon.act("--diff", status=1)
    assert "10.2.0.11" in text
    daemon.stop()
    assert daemon.table()["10.1.0.100:80"] == {"10.2.0.12:80": 9}
    assert not (daemon.state / "owned.json").exists()
    told = [each["message"] for each in daemon.log("observed")]
    assert len(told) == len(set(told))
