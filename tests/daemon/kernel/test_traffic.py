"""Requests through a director whose daemon, real servers and files have a hard time."""

from __future__ import annotations

import signal
import socket

import pytest
import yaml
from ansible_collections.lvs.ipvs.tests.daemon.kernel.running import CHECK, group, wait_for

ALL = ("10.2.0.11", "10.2.0.12", "10.2.0.13")


def pool(*weights):
    return {"10.1.0.100:80": {f"{ALL[n]}:80": weight for n, weight in enumerate(weights)}}


def test_a_server_that_dies_gets_no_more_and_comes_back(serving, servers, load_on, ask):
    before = serving.descriptors()
    running = load_on()
    wait_for(lambda: ask(9).by_server.keys() >= {"rs1", "rs2", "rs3"}, "all answer")
    servers.down(2)
    serving.wait_table(pool(1, 0, 1))
    after = ask(60)
    assert (after.failed, set(after.by_server)) == (0, {"rs1", "rs3"})
    servers.up(2)
    serving.wait_table(pool(1, 1, 1))
    wait_for(lambda: "rs2" in ask(9).by_server, "rs2 answers again")
    running.goes_on()
    summary = running.ended()
    # Only who was sent to a dead server before that was known has got nothing.
    assert set(summary.errors) <= {"Connection refused", "Connection reset by peer"}
    assert [
        (each["facts"]["before"], each["facts"]["after"]) for each in serving.log("transition")
    ][3:] == [("up", "down"), ("down", "up")]
    wait_for(lambda: serving.descriptors() <= before, "nothing is left open")
    assert serving.stop() == 0
    assert serving.table() == pool(1, 1, 1)


@pytest.mark.parametrize("how", ["signal", "action", "api"])
def test_a_reload_under_load_loses_nothing(serving, load_on, how):
    running = load_on()
    running.goes_on()
    for turn in range(4):
        weights = [2 + turn, 3, 4]
        rows = [f"{address} {weight}" for address, weight in zip(ALL, weights, strict=True)]
        serving.drop_in(group(*rows, scheduler="wrr" if turn % 2 else "rr"))
        if how == "signal":
            serving.tell(signal.SIGHUP)
        elif how == "action":
            serving.act("--reload")
        else:
            assert serving.client.post("/v1/reload?wait=1")["applied"]
            assert serving.table() == pool(*weights)
        serving.wait_table(pool(*weights))
        running.goes_on()
    assert running.ended().failed == 0
    scheduler = serving.node.run("ipvsadm -S -n").splitlines()[0]
    assert scheduler.endswith("-s wrr")
    assert serving.get("/v1/status/detailed")["desired_generation"] == 5


def test_a_pool_is_exchanged_without_a_gap(serving, servers, load_on):
    def change(*rows):
        serving.drop_in(group(*rows))
        serving.act("--reload")

    def wait_pool(weights):
        serving.wait_table({"10.1.0.100:80": {f"{each}:80": weights[each] for each in weights}})

    change(ALL[0])
    wait_pool({ALL[0]: 1})
    running = load_on()
    running.goes_on()
    for leaving, coming in ((ALL[0], ALL[1]), (ALL[1], ALL[2]), (ALL[2], ALL[0])):
        # What is new is proven before it is given traffic: both are there for a while.
        change(leaving, coming)
        wait_pool({leaving: 1, coming: 1})
        running.goes_on()
        # The kernel drops what comes for a server that is gone: first nobody is on the way to it.
        change(f"{leaving} 0", coming)
        wait_pool({leaving: 0, coming: 1})
        running.goes_on()
        change(coming)
        wait_pool({coming: 1})
        running.goes_on()
    assert running.ended().failed == 0


def test_a_daemon_that_is_killed_leaves_the_table_and_goes_on_where_it_was(
    serving, servers, load_on
):
    servers.down(3)
    serving.wait_table(pool(1, 1, 0))
    serving.act("--disable-backend", f"web/{ALL[1]}", "--reason", "new disk")
    serving.wait_table(pool(1, 0, 0))
    wait_for(lambda: '"down"' in serving.remembered("health"), "health is on the disk")
    running = load_on()
    for _unused in range(2):
        serving.kill()
        assert serving.table() == pool(1, 0, 0)
        running.goes_on()
        serving.begin("--cold-start-sec=60")
        # From the first to the last moment nobody who is out is let in.
        wait_for(lambda: serving.table() != pool(1, 0, 0) or serving._is_ready(), "ready")
        assert serving.table() == pool(1, 0, 0), serving.raw_log()
        assert serving.log("change") == []
        states = {each["ip"]: each for each in serving.get("/v1/health")["targets"]}
        assert states[ALL[2]]["state"] == "down"
        assert [each["to"] for each in states[ALL[2]]["history"]] == ["up", "down"]
        (override,) = serving.get("/v1/overrides")["overrides"]
        assert (override["name"], override["reason"]) == (f"web/{ALL[1]}", "new disk")
        running.goes_on()
    assert running.ended().failed == 0
    servers.up(3)
    serving.wait_table(pool(1, 0, 1))
    serving.act("--enable-backend", f"web/{ALL[1]}")
    serving.wait_table(pool(1, 1, 1))


def test_all_down_is_all_out_or_all_in(serving, servers, ask):
    servers.all_down()
    serving.wait_table(pool(0, 0, 0))
    serving.act("--status", status=1)
    wait_for(lambda: serving.log("outage"), "it is told")
    (out,) = serving.log("outage")
    where = "tcp://10.1.0.100:80 (group=web frontend=front)"
    assert out["message"] == f"ALERT: {where}: nobody serves, all of its backends are down"
    assert (out["level"], out["facts"]) == ("critical", {"out": True})
    serving.drop_in(group(*ALL, all_down="keep"))
    serving.act("--reload")
    serving.wait_table(pool(1, 1, 1))
    servers.up(1)
    serving.wait_table(pool(1, 0, 0))
    assert ask(10).by_server == {"rs1": 10}
    wait_for(lambda: len(serving.log("outage")) == 2, "its end is told")
    assert serving.log("outage")[1]["message"] == f"{where}: somebody serves again"


class Flapping:
    """Listeners that come and go, all at once."""

    def __init__(self, node, address, ports):
        self._node, self._address, self._ports = node, address, ports
        self._open = []

    def turn(self):
        if self._open:
            for each in self._open:
                each.close()
            self._open = []
            return 0
        with self._node.inside():
            self._open = [socket.create_server((self._address, each)) for each in self._ports]
        return 1


def test_thousands_of_turns_are_lived_through(daemon, net):
    ports = range(8000, 8040)
    quick = {"interval": 0.05, "fast_interval": 0.05, "down_interval": 0.05, "rise": 1, "fall": 1}
    front = [{"name": str(n), "proto": "tcp", "port": n, "scheduler": "rr"} for n in ports]
    wanted = yaml.safe_load(group(ALL[0], check={**CHECK, **quick}))
    daemon.drop_in(yaml.safe_dump({**wanted, "frontends": front}))
    daemon.start("--stats-interval=0")
    flapping = Flapping(net.real_servers[0], ALL[0], ports)

    def turns():
        weight = flapping.turn()
        expected = {f"10.1.0.100:{n}": {f"{ALL[0]}:{n}": weight} for n in ports}
        daemon.wait_table(expected)

    for _unused in range(5):
        turns()
    before, memory = daemon.descriptors(), daemon.memory()
    for _unused in range(26):
        turns()
    entries = daemon.get("/v1/journal")["entries"]
    assert len(entries) == 1000
    assert entries[-1]["sequence"] > 2000
    known = daemon.get("/v1/health")["targets"]
    assert {len(each["history"]) for each in known} == {20}
    wait_for(lambda: daemon.descriptors() <= before, "nothing is left open")
    assert daemon.threads() <= 10
    assert daemon.processes() == []
    assert daemon.memory() < memory + 3000
    assert daemon.get("/v1/status/detailed")["drift_found"] == 0
    flapping.turn()
    assert daemon.stop() == 0
