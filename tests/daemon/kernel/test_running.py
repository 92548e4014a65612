"""A daemon that runs, and what others do to its table, its files and its disk meanwhile."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest
import yaml
from ansible_collections.lvs.ipvs.tests.daemon.kernel.running import CHECK, UNIT, group, wait_for
from ipvsman.client.unix import Refused

ALL = ("10.2.0.11", "10.2.0.12", "10.2.0.13")
BAD = "group: web\nvip: nonsense\nfrontends: []\n"
FOREIGN = "-A -t 10.9.9.9:99 -s rr\n-a -t 10.9.9.9:99 -r 10.8.8.8:88 -m -w 7\n"
FOREIGN_TABLE = {"10.9.9.9:99": {"10.8.8.8:88": 7}}


def pool(*weights, vip="10.1.0.100"):
    return {f"{vip}:80": {f"{ALL[n]}:80": weight for n, weight in enumerate(weights)}}


def test_what_others_do_to_the_table_is_found_told_and_put_right(serving, net):
    def drift(number):
        return [each["message"] for each in wait_for(lambda: _rows(serving, number), "the drift")]

    director = net.director
    director.run("ipvsadm -e -t 10.1.0.100:80 -r 10.2.0.11:80 -m -w 9")
    serving.wait_table(pool(1, 1, 1))
    (edited,) = drift(1)
    assert edited.startswith("found changed by another program; to be put right: ")
    assert "10.2.0.11:80" in edited
    assert "9" in edited
    director.run("ipvsadm -d -t 10.1.0.100:80 -r 10.2.0.12:80")
    serving.wait_table(pool(1, 1, 1))
    drift(2)
    director.run("ipvsadm -D -t 10.1.0.100:80")
    serving.wait_table(pool(1, 1, 1))
    drift(6)
    director.run("ipvsadm -a -t 10.1.0.100:80 -r 10.2.0.99:80 -m")
    serving.wait_table(pool(1, 1, 1))
    drift(7)
    assert serving.get("/v1/status/detailed")["drift_found"] == 7
    assert serving.get("/v1/drift")["changes"] == []
    assert serving.act("--diff") is not None
    # Nobody's hand: a turn of our own is no drift.
    serving.act("--disable-group", "web")
    serving.wait_table(pool(0, 0, 0))
    assert serving.get("/v1/status/detailed")["drift_found"] == 7


def _rows(daemon, number):
    rows = daemon.log("drift")
    return rows if len(rows) >= number else None


def test_foreign_services_are_shown_and_left_alone(serving, net):
    net.director.run("ipvsadm -R", given=FOREIGN)
    wait_for(lambda: serving.log("foreign"), "the foreign service is seen")
    serving.drop_in(group(ALL[0], name="b", vip="10.1.0.101"), "groups/b.yaml")
    serving.act("--reload")
    serving.wait_table(pool(1, 1, 1) | pool(1, vip="10.1.0.101") | FOREIGN_TABLE)
    (shown,) = serving.get("/v1/status/detailed")["foreign"]
    assert shown["service"] == "tcp://10.9.9.9:99"
    (serving.etc / "groups/b.yaml").unlink()
    serving.act("--reload")
    serving.wait_table(pool(1, 1, 1) | FOREIGN_TABLE)
    assert len(serving.log("foreign")) == 1
    # What is not wanted any more was said: by a file with nothing in it.
    serving.drop_in("[]\n")
    serving.act("--reload")
    serving.wait_table(FOREIGN_TABLE)
    assert serving.stop() == 0
    serving.act("--reset")
    assert serving.table() == FOREIGN_TABLE


def test_a_bad_reload_leaves_the_last_good_one_and_says_so_everywhere(serving, servers, net):
    with net.director.inside():
        before = serving.table()
    serving.drop_in(BAD)
    assert "groups/web.yaml:2:" in serving.act("--reload", status=2)
    serving.tell(signal.SIGHUP)
    (line,) = wait_for(lambda: serving.log("reload"), "the refusal is logged")
    assert line["level"] == "error"
    assert line["message"].startswith("reload refused, configuration 1 goes on: ")
    assert "groups/web.yaml:2:" in line["message"]
    with pytest.raises(Refused, match=r"groups/web.yaml:2:"):
        serving.client.post("/v1/reload")
    last = serving.get("/v1/status/detailed")["last_reload"]
    assert not last["ok"]
    assert "groups/web.yaml:2:" in last["error"]
    assert serving.table() == before
    # What it has it goes on with: probes are made, and obeyed.
    servers.down(2)
    serving.wait_table(pool(1, 0, 1))
    serving.drop_in(group(*ALL))
    serving.act("--reload")
    assert serving.get("/v1/status/detailed")["last_reload"]["ok"]
    assert "the drop-ins are good again" in serving.log("reload")[-1]["message"]
    serving.drop_in(group(*ALL[:2]))
    assert serving.client.post("/v1/reload?wait=1")["applied"]
    assert serving.table() == pool(1, 0)


def test_the_timer_tells_a_fault_once(daemon):
    daemon.drop_in(group(ALL[0]))
    daemon.start("--reload-interval=0.5", "--prometheus-metrics", "--api-enable")
    daemon.drop_in(BAD)

    def failures():
        text = daemon.get("/metrics").decode()
        return [row for row in text.splitlines() if "reload" in row and not row.startswith("#")]

    before = failures()
    wait_for(lambda: failures() != before and daemon.log("reload"), "the timer")
    first = failures()
    wait_for(lambda: failures() != first, "the timer again")
    assert len(daemon.log("reload")) == 1


def test_files_that_cannot_be_read_are_told_and_change_nothing(daemon, servers):
    servers.up(1)
    daemon.drop_in(group(ALL[0]))
    # As the unit runs it, root cannot read what it may not read.
    daemon.start(under=UNIT)
    daemon.wait_table(pool(1))
    secret = daemon.etc / "groups/web.yaml"
    secret.chmod(0)
    subprocess.run(["chown", "nobody", secret], check=True)
    with pytest.raises(Refused, match="Permission denied"):
        daemon.client.post("/v1/reload")
    secret.unlink()
    secret.symlink_to("nowhere")
    with pytest.raises(Refused, match="No such file"):
        daemon.client.post("/v1/reload")
    assert daemon.table() == pool(1)


def test_a_full_disk_stops_nothing_but_the_memory(daemon, servers, net):
    servers.up(1, 2)
    daemon.drop_in(group(*ALL[:2]))
    daemon.state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", daemon.state]
    subprocess.run(mount, check=True)
    try:
        filler = daemon.state / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(b"x" * 100_000)
        daemon.start()
        daemon.wait_table(pool(1, 1))
        servers.down(2)
        daemon.wait_table(pool(1, 0))
        daemon.act("--disable-backend", f"web/{ALL[0]}")
        daemon.wait_table(pool(0, 0))
        errors = wait_for(
            lambda: len(daemon.log("error", "No space left")) >= 4 and daemon.log("error"), "errors"
        )
        assert {each["level"] for each in errors} == {"error"}
        # Once for each file, however often it is tried.
        assert len(errors) == 4
        filler.unlink()
        wait_for((daemon.state / "overrides.json").exists, "what was said is remembered")
        wait_for((daemon.state / "health.json").exists, "health is remembered")
        wait_for((daemon.state / "owned.json").exists, "what is ours is remembered")
        wait_for((daemon.state / "last-good").exists, "the drop-ins are kept")
        daemon.kill()
        daemon.start("--cold-start-sec=60")
        assert daemon.table() == pool(0, 0)
        assert daemon.stop() == 0
    finally:
        daemon.close()
        subprocess.run(["umount", daemon.state], check=True)


def test_a_torn_memory_is_set_aside(daemon, servers):
    servers.up(1)
    daemon.state.mkdir()
    for name in ("health", "overrides", "owned", "names"):
        (daemon.state / f"{name}.json").write_text('{"version": 1, "data": [{"lev')
    (daemon.state / ".health.abc.half").write_text("half")
    daemon.drop_in(group(ALL[0]))
    daemon.start()
    daemon.wait_table(pool(1))
    told = daemon.log("error", "cannot be understood")
    assert len(told) == 4
    assert {each["level"] for each in told} == {"warning"}
    assert len(list(daemon.state.glob("*.broken-*"))) == 4
    assert list(daemon.state.glob(".*")) == []


def test_a_target_that_never_answers_holds_up_nobody(daemon, servers, net):
    servers.up(1)
    silent = net.real_servers[1]
    with silent.inside():
        listener = socket.create_server((ALL[1], 80))  # connected by the kernel, and never answered
    with listener:
        check = {**CHECK, "type": "http", "timeout": 1}
        daemon.drop_in(group(ALL[0], ALL[1], check=check))
        daemon.start()
        daemon.wait_table(pool(1, 0))
        states = {}

        def known():
            states.update({each["ip"]: each for each in daemon.get("/v1/health")["targets"]})
            return states[ALL[1]]["state"] == "down"

        wait_for(known, "it is down")
        assert "timed out" in states[ALL[1]]["message"]
        assert states[ALL[0]]["state"] == "up"
        # It ends at once all the same, and so does the probe.
        assert daemon.stop() == 0


def test_names_mean_what_the_hosts_file_says_and_then_says(daemon, servers, tmp_path):
    servers.up(1, 2)
    mine = tmp_path / "hosts"
    mine.write_text(f"{ALL[0]} rs.example\n")
    subprocess.run(["mount", "--bind", mine, "/etc/hosts"], check=True)
    try:
        daemon.drop_in(group("rs.example"))
        daemon.start()
        daemon.wait_table(pool(1))
        mine.write_text(f"{ALL[1]} rs.example\n")
        both = {"10.1.0.100:80": {f"{ALL[1]}:80": 1}}
        daemon.wait_table(both)
        # A name that means nothing any more goes on to mean what it meant, over a restart too.
        mine.write_text("127.0.0.1 localhost\n")
        wait_for(lambda: ALL[1] in daemon.remembered("names"), "it is remembered")
        daemon.kill()
        assert daemon.table() == both
        daemon.start("--cold-start-sec=0")
        assert daemon.table() == both
        assert daemon.log("change") == []
        assert "resolve" in {each.get("kind") for each in daemon.log()} or daemon.table() == both
    finally:
        daemon.close()
        subprocess.run(["umount", "/etc/hosts"], check=True)


def test_globals_reach_the_kernel(daemon, net):
    daemon.drop_in(group(ALL[0]))
    daemon.drop_in(
        yaml.safe_dump(
            {
                "timeouts": {"tcp": 777, "udp": 55},
                "sync_daemons": [{"role": "master", "interface": "front", "sync_id": 7}],
            }
        ),
        "globals/table.yaml",
    )
    daemon.start()
    try:
        assert "777 120 55" in net.director.run("ipvsadm -L --timeout")
        assert "master sync daemon (mcast=front, syncid=7" in net.director.run(
            "ipvsadm -L --daemon"
        )
        net.director.run("ipvsadm --set 5 6 7")
        wait_for(lambda: "777 6 55" in net.director.run("ipvsadm -L --timeout"), "put right")
        # An interface that is not there is told, and holds up no service.
        daemon.drop_in(
            "sync_daemons: [{role: backup, interface: none9, sync_id: 7}]", "globals/table.yaml"
        )
        daemon.drop_in(group(ALL[1], name="b", vip="10.1.0.101"), "groups/b.yaml")
        daemon.client.post("/v1/reload")
        wait_for(lambda: "10.1.0.101:80" in daemon.table(), "the new service")
        wait_for(lambda: daemon.log("error", "none9"), "the fault is told")
        assert len(daemon.log("error", "none9")) == 1
    finally:
        daemon.stop()
        net.director.run("ipvsadm --stop-daemon master")
        net.director.run("ipvsadm --set 900 120 300")


class Echo:
    """A server that sends back what it gets."""

    def __init__(self, node, address):
        with node.inside():
            self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((address, 80))
        self._sock.settimeout(0.05)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    def _answer(self):
        while not self._end.is_set():
            with contextlib.suppress(TimeoutError):
                data, peer = self._sock.recvfrom(100)
                self._sock.sendto(data, peer)

    def close(self):
        self._end.set()
        self._thread.join()
        self._sock.close()


def test_udp_servers_that_are_down_are_out_of_the_table(daemon, net):
    check = {**CHECK, "type": "udp", "send": "ping"}
    daemon.drop_in(group(ALL[0], ALL[1], check=check, proto="udp"))
    with contextlib.ExitStack() as held:
        echoes = [Echo(net.real_servers[n], ALL[n]) for n in (0, 1)]
        for each in echoes:
            held.callback(each.close)
        daemon.start()
        name = "10.1.0.100:80"
        daemon.wait_table({f"u {name}": {f"{ALL[0]}:80": 1, f"{ALL[1]}:80": 1}})
        echoes[1].close()
        daemon.wait_table({f"u {name}": {f"{ALL[0]}:80": 1}})


class Manager:
    """A service manager's ear."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(str(path))
        self.said: list[dict[str, str]] = []

    def hear(self):
        self._sock.settimeout(0.01)
        try:
            while True:
                text = self._sock.recv(4096).decode()
                self.said.append(dict(line.split("=", 1) for line in text.splitlines()))
        except TimeoutError:
            return self.said

    def wait(self, word):
        wait_for(lambda: any(word in each for each in self.hear()), word)

    def keys(self):
        return [key for each in self.hear() for key in each if key not in ("STATUS", "WATCHDOG")]

    def beats(self):
        return len([each for each in self.hear() if "WATCHDOG" in each])

    def close(self):
        self._sock.close()


def test_the_service_manager_is_told(daemon, tmp_path):
    manager = Manager(tmp_path / "notify")
    daemon.drop_in(group(ALL[0]))
    told = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "400000"}
    try:
        daemon.begin(**told)
        manager.wait("READY")
        # Nobody is told that it is ready before the kernel has what it shall have.
        assert set(daemon.table()) == {"10.1.0.100:80"}
        assert manager.keys() == ["READY"]
        assert manager.said[0]["STATUS"] == "configuration 1, 1 services"
        daemon.drop_in(group(ALL[1]))
        daemon.tell(signal.SIGHUP)
        manager.wait("RELOADING")
        wait_for(lambda: manager.keys()[-1] == "READY", "the reload's end")
        assert manager.keys() == ["READY", "RELOADING", "MONOTONIC_USEC", "READY"]
        beats = len([each for each in manager.hear() if "WATCHDOG" in each])
        wait_for(
            lambda: len([e for e in manager.hear() if "WATCHDOG" in e]) > beats + 3, "beats", 3
        )
        # What does not change is not said again.
        assert len([each for each in manager.said if set(each) == {"STATUS"}]) <= 3
        daemon.stop()
        assert manager.keys()[-1] == "STOPPING"
    finally:
        manager.close()


def test_the_watchdog_is_not_fed_by_a_loop_that_hangs(daemon, tmp_path):
    manager = Manager(tmp_path / "notify")
    daemon.drop_in(group(ALL[0]))
    try:
        daemon.begin(NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="400000")
        manager.wait("WATCHDOG")
        daemon.tell(signal.SIGSTOP)
        wait_for(daemon.table, "the table")
        manager.hear()
        silent = len(manager.said)
        assert not threading.Event().wait(0.6)
        assert len(manager.hear()) == silent
        daemon.tell(signal.SIGCONT)
        wait_for(lambda: len(manager.hear()) > silent, "it beats again")
        assert daemon.stop() == 0
    finally:
        manager.close()
