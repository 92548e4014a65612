"""A fallback that serves while the backends have no quorum, on a real kernel with requests."""

from __future__ import annotations

import contextlib
import socket

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.kernel.running import CHECK, group, wait_for

A, B, SORRY = "10.2.0.11", "10.2.0.12", "10.2.0.13"
VIP = ("10.1.0.100", 80)
ROW = {"address": SORRY}
# Who is dead refuses at once; who is only slow, on a busy host, is not dead.
PATIENT = {**CHECK, "timeout": 10}


def pool(**weights):
    return {"10.1.0.100:80": {f"10.2.0.1{name[-1]}:80": each for name, each in weights.items()}}


ON_BACKENDS, ON_FALLBACK = pool(rs1=1, rs2=1, rs3=0), pool(rs1=0, rs2=0, rs3=1)


@pytest.fixture
def standing_by(daemon, servers):
    """Two backends that serve, and one that stands by."""

    servers.up(1, 2, 3)
    daemon.drop_in(group(A, B, check=PATIENT, fallback=[ROW]))
    daemon.start("--prometheus-metrics", "--api-enable")
    daemon.wait_table(ON_BACKENDS)
    return daemon


def switches(daemon):
    return [(each["facts"]["used"], each["level"]) for each in daemon.log("fallback")]


def in_use(daemon):
    (service,) = daemon.get("/v1/status/detailed?fresh=1")["services"]
    return service["fallback_in_use"]


def metric(daemon):
    text = daemon.get("/metrics").decode()
    (line,) = [row for row in text.splitlines() if row.startswith("ipvsman_service_fallback_in")]
    assert 'group="web"' in line
    return float(line.split()[-1])


@pytest.fixture
def connect(net):
    """Connections that stay open, by who is at the other end."""
    with contextlib.ExitStack() as opened:

        def to_any():
            with net.client.inside():
                connection = opened.enter_context(socket.create_connection(VIP, timeout=5))
            ours = f":{connection.getsockname()[1]} "
            lines = net.director.run("ipvsadm -Lnc").splitlines()
            (entry,) = [line for line in lines if ours in line]
            return entry.split()[-1].partition(":")[0], connection

        yield to_any


def answer_on(connection):
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = b""
    while piece := connection.recv(65536):
        answer += piece
    return answer.decode()


def test_it_answers_while_all_backends_are_down_and_no_longer(standing_by, servers, ask):
    daemon = standing_by
    assert set(ask(20).by_server) == {"rs1", "rs2"}
    assert daemon.act("--status").startswith("status=OK")
    servers.down(1)
    daemon.wait_table(pool(rs1=0, rs2=1, rs3=0))
    assert set(ask(10).by_server) == {"rs2"}
    assert switches(daemon) == []

    servers.down(2)
    daemon.wait_table(ON_FALLBACK)
    assert set(ask(10).by_server) == {"rs3"}
    wait_for(lambda: switches(daemon), "the switch is told")
    assert switches(daemon)[-1] == (True, "warning")
    assert in_use(daemon)
    assert metric(daemon) == 1
    status = daemon.act("--status", status=1)
    assert "status=DEGRADED" in status
    assert "fallback=IN_USE" in status

    servers.up(1)
    daemon.wait_table(pool(rs1=1, rs2=0, rs3=0))
    assert set(ask(10).by_server) == {"rs1"}
    wait_for(lambda: switches(daemon)[-1] == (False, "info"), "the switch back is told")
    assert not in_use(daemon)
    assert metric(daemon) == 0
    lines = daemon.node.run("ipvsadm -S -n").splitlines()
    assert [line for line in lines if SORRY in line] == [
        "-a -t 10.1.0.100:80 -r 10.2.0.13:80 -m -w 0"
    ]


def test_a_reload_in_the_middle_changes_nothing(standing_by, servers, ask):
    daemon = standing_by
    servers.down(1, 2)
    daemon.wait_table(ON_FALLBACK)
    changes = len(daemon.log("change"))
    daemon.drop_in(group(A, B, check=PATIENT, fallback=[ROW], healthcheck={"fall": 3}))
    assert daemon.client.post("/v1/reload?wait=1")["applied"]
    assert daemon.table() == ON_FALLBACK
    assert len(daemon.log("change")) == changes
    assert set(ask(10).by_server) == {"rs3"}
    daemon.drop_in(group(A, B, check=PATIENT))
    assert daemon.client.post("/v1/reload?wait=1")["applied"]
    daemon.wait_table(pool(rs1=0, rs2=0))
    daemon.drop_in(group(A, B, check=PATIENT, fallback=[ROW]))
    daemon.client.post("/v1/reload?wait=1")
    daemon.wait_table(ON_FALLBACK)


def test_a_start_leaves_the_fallback_in_use_and_does_not_jump_to_it(standing_by, servers, ask):
    daemon = standing_by
    servers.down(1, 2)
    daemon.wait_table(ON_FALLBACK)
    for forgotten in (False, True):
        daemon.kill()
        if forgotten:
            (daemon.state / "health.json").unlink(missing_ok=True)
        daemon.start("--cold-start-sec=60")
        assert daemon.log("change") == []
        assert daemon.table() == ON_FALLBACK
    servers.up(1, 2)
    daemon.wait_table(ON_BACKENDS)
    daemon.kill()
    (daemon.state / "health.json").unlink(missing_ok=True)
    daemon.start("--cold-start-sec=60")
    wait_for(lambda: len(daemon.log("transition")) == 3, "all are found up")
    assert daemon.log("change") == daemon.log("fallback") == []
    assert set(ask(20).by_server) == {"rs1", "rs2"}


def test_connections_live_through_the_switches(standing_by, connect, servers):
    """Below quorum, who serves is set aside and not cut off; nor is the fallback afterwards."""
    daemon = standing_by
    daemon.drop_in(group(A, B, check=PATIENT, fallback=[ROW], quorum=2))
    assert daemon.client.post("/v1/reload?wait=1")["applied"]
    on_backends = dict(connect() for _unused in range(2))
    assert set(on_backends) == {A, B}
    servers.down(2)
    daemon.wait_table(ON_FALLBACK)
    (service,) = daemon.get("/v1/status/detailed")["services"]
    whys = {each["ip"]: each["why"] for each in service["backends"]}
    assert whys == {A: "no_quorum", B: "down"}
    who, on_fallback = connect()
    assert who == SORRY
    assert "rs1" in answer_on(on_backends[A])
    servers.up(2)
    daemon.wait_table(ON_BACKENDS)
    assert "rs3" in answer_on(on_fallback)


@pytest.mark.parametrize("scheduler", ["sh", "mh", "dh"])
def test_a_scheduler_that_hashes_refuses_nobody(daemon, servers, ask, net, scheduler):
    servers.up(1, 2, 3)
    daemon.drop_in(group(A, B, check=PATIENT, fallback=[ROW], scheduler=scheduler))
    daemon.start()
    daemon.wait_table(pool(rs1=1, rs2=1))
    assert "Connection refused" not in ask(10).errors
    servers.down(1, 2)
    daemon.wait_table(pool(rs3=1))
    assert set(ask(10).by_server) == {"rs3"}
    servers.up(1, 2)
    daemon.wait_table(pool(rs1=1, rs2=1))
    assert "Connection refused" not in ask(10).errors


def test_the_operator_shows_the_fallback(standing_by, ask):
    daemon = standing_by
    daemon.act("--disable-backend", f"web/{A}", "--reason", "work")
    daemon.act("--disable-backend", f"web/{B}", "--reason", "work")
    daemon.wait_table(ON_FALLBACK)
    assert set(ask(10).by_server) == {"rs3"}
    daemon.act("--status", status=1)
    daemon.act("--enable-backend", f"web/{B}")
    daemon.wait_table(pool(rs1=0, rs2=1, rs3=0))
    assert set(ask(10).by_server) == {"rs2"}


def test_one_of_the_backends_may_be_the_fallback(daemon, servers, ask):
    servers.up(1, 2)
    servers.up(2, port=81)
    row = {"address": B, "healthcheck": {"disable": True}, "port_map": {"80": 80}}
    daemon.drop_in(group(A, B, check=PATIENT, fallback=[row], quorum=2))
    daemon.start()
    daemon.wait_table(pool(rs1=1, rs2=1))
    servers.down(1)
    daemon.wait_table(pool(rs1=0, rs2=1))
    wait_for(lambda: switches(daemon), "the fallback is used")
    assert set(ask(10).by_server) == {"rs2"}
    servers.up(1)
    daemon.wait_table(pool(rs1=1, rs2=1))
    wait_for(lambda: switches(daemon)[-1] == (False, "info"), "and left")


def test_a_new_service_whose_probes_cannot_be_made_does_not_wait_for_them(
    daemon, servers, ask, tmp_path
):
    """Until they can be made: then it is the backends that serve."""
    servers.up(1, 2, 3)
    daemon.drop_in("[]")
    daemon.start()
    program = tmp_path / "check"
    check = {**PATIENT, "type": "command", "command": [str(program)]}
    row = {**ROW, "healthcheck": {"disable": True}}
    daemon.drop_in(group(A, B, check=check, fallback=[row]))
    daemon.client.post("/v1/reload")
    daemon.wait_table(ON_FALLBACK)
    assert set(ask(10).by_server) == {"rs3"}
    status = daemon.act("--status-detailed")
    assert f"cannot be probed: cannot run {program}: No such file or directory" in status
    assert daemon.log(containing="cannot probe command 10.2.0.1")

    half = program.with_suffix(".half")
    half.write_text("#!/bin/sh\nexit 0\n")
    half.chmod(0o755)
    half.replace(program)
    daemon.wait_table(ON_BACKENDS)
    assert set(ask(20).by_server) == {"rs1", "rs2"}
