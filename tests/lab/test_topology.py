"""The test network carries traffic through IPVS in every way that it promises.

Runs inside of the lab: tests/lab/run -- python -m pytest tests/lab/test_topology.py
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

import loadclient
from loadclient import Summary, load
from topology import TUNNELS, VIP, Address, CommandFailed, Topology, Tunnel, endpoint

HERE = os.path.dirname(os.path.abspath(__file__))
EVENLY = {"rs1": 4, "rs2": 4, "rs3": 4}


@pytest.fixture(scope="module")
def net() -> Iterator[Topology]:
    with Topology(real_servers=3) as network:
        network.serve(80)
        yield network


@pytest.fixture(params=["v4", "v6"])
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def of(address: Address, family: str) -> str:
    return str(getattr(address, family))


def balance(net: Topology, family: str, forwarding: str) -> None:
    """Replace the director's table by one service with all real servers."""
    service = endpoint(of(VIP, family), 80)
    table = f"-A -t {service} -s rr\n"
    for server in net.real_servers:
        table += f"-a -t {service} -r {endpoint(of(server.back, family), 80)} {forwarding}\n"
    net.director.run("ipvsadm -C")
    net.director.run("ipvsadm -R", given=table)


def requests(net: Topology, family: str, timeout: float = 10.0) -> Summary:
    with net.client.inside():
        return load(of(VIP, family), count=12, timeout=timeout)


def received_from_servers(net: Topology) -> int:
    """Packets that came to the director from the servers' network, IPVS or not."""
    (link,) = json.loads(net.director.run("ip -s -j link show back"))
    return int(link["stats64"]["rx"]["packets"])


def test_nat(net: Topology, family: str) -> None:
    net.route_replies(via="director")
    balance(net, family, "-m")
    before = received_from_servers(net)
    assert requests(net, family).by_server == EVENLY
    # At least SYN+ACK, the answer and a FIN for each of 12 requests.
    assert received_from_servers(net) - before >= 36


def test_nat_needs_the_replies(net: Topology, family: str) -> None:
    net.route_replies(via=None)
    balance(net, family, "-m")
    with net.client.inside():
        assert load(of(VIP, family), count=1, timeout=0.3).failed == 1


def test_direct_routing(net: Topology, family: str) -> None:
    net.route_replies(via=None)
    net.accept_direct()
    balance(net, family, "-g")
    before = received_from_servers(net)
    assert requests(net, family).by_server == EVENLY
    # Neighbours looking for each other, but no answers.
    assert received_from_servers(net) - before < 12


@pytest.mark.parametrize(
    "kind, forwarding",
    [
        ("ipip", "-i"),
        ("gue", "-i --tun-type gue --tun-port 6080 --tun-nocsum"),
        ("gre", "-i --tun-type gre"),
    ],
)
def test_tunnels(net: Topology, family: str, kind: Tunnel, forwarding: str) -> None:
    net.route_replies(via=None)
    net.accept_tunnels(kind)
    balance(net, family, forwarding)
    assert requests(net, family).by_server == EVENLY
    for server in net.real_servers:
        (link,) = json.loads(server.run(f"ip -s -j link show {of(TUNNELS, family)}"))
        assert link["stats64"]["rx"]["packets"] > 0
    net.refuse_tunnels()
    with net.client.inside():
        assert load(of(VIP, family), count=1, timeout=0.3).failed == 1


def test_the_virtual_address_moves(net: Topology, family: str) -> None:
    net.route_replies(via="backup")
    net.director.run("ipvsadm -C")
    service = endpoint(of(VIP, family), 80)
    net.backup.run("ipvsadm -C")
    net.backup.run(f"ipvsadm -A -t {service} -s rr")
    net.backup.run(
        f"ipvsadm -a -t {service} -r {endpoint(of(net.real_servers[0].back, family), 80)} -m"
    )
    try:
        net.give_vip_to(net.backup)
        assert requests(net, family).by_server == {"rs1": 12}
    finally:
        net.give_vip_to(net.director)
        net.backup.run("ipvsadm -C")
    assert requests(net, family, timeout=0.3).failed == 12


def test_a_table_belongs_to_one_node(net: Topology) -> None:
    net.director.run("ipvsadm -C")
    net.director.run("ipvsadm -A -t 10.1.0.100:80")
    assert "10.1.0.100:80" in net.director.run("ipvsadm -Sn")
    assert net.backup.run("ipvsadm -Sn") == ""
    assert subprocess.run(["ipvsadm", "-Sn"], capture_output=True, check=True).stdout == b""


def test_a_failed_command_says_what_and_where(net: Topology) -> None:
    with pytest.raises(CommandFailed, match=r"^rs1: sh -c .* ended with 3:\noops") as failure:
        net.real_servers[0].run(["sh", "-c", "echo oops >&2; exit 3"])
    assert failure.value.status == 3


def test_sysctls_belong_to_one_node(net: Topology) -> None:
    net.director.sysctl("net.ipv4.vs.conntrack", 1)
    assert net.director.run("sysctl -n net.ipv4.vs.conntrack") == "1\n"
    assert net.backup.run("sysctl -n net.ipv4.vs.conntrack") == "0\n"
    net.director.sysctl("net.ipv4.vs.conntrack", 0)
    with pytest.raises(ValueError, match="kernel"):
        net.director.sysctl("kernel.hostname", "elsewhere")


def test_nothing_is_left_behind() -> None:
    """A second network needs the first one's names, and so a lab of its own."""
    program = (
        "from topology import Topology\n"
        "import os, subprocess\n"
        "for _ in range(2):\n"
        "    with Topology(1) as net:\n"
        "        net.serve(80)\n"
        "        server = net.real_servers[0].start(['sleep', '60'])\n"
        "    assert server.returncode == -9, server.returncode\n"
        "    assert not os.listdir('/run/netns'), os.listdir('/run/netns')\n"
    )
    lab = [os.path.join(HERE, "run"), "--backend", "host", "--", sys.executable, "-c", program]
    subprocess.run(lab, check=True, env={**os.environ, "PYTHONPATH": HERE})


class Clock:
    """Time that passes in pauses alone."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


def test_load_lasts_as_long_as_asked(net: Topology, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loadclient, "time", Clock())
    with net.client.inside():
        summary = load(net.real_servers[0].front.v4, duration=1.0, interval=0.25)
    # One at the start, and one after each pause; the last pause ends when the second does.
    assert summary.by_server == {"rs1": 5}


def test_load_without_a_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="count or a duration"):
        load("127.0.0.1")


def test_the_load_client_prints_json(net: Topology) -> None:
    address = net.real_servers[1].front.v6
    printed = net.client.run([os.path.join(HERE, "loadclient.py"), address, "--count", "2"])
    assert json.loads(printed) == {
        "requests": 2,
        "failed": 0,
        "by_server": {"rs2": 2},
        "errors": {},
    }


@pytest.mark.parametrize("option, answers", [("--keep-open", 2), ("", 1)])
def test_a_connection_can_stay_open(net: Topology, option: str, answers: int) -> None:
    server = net.real_servers[2]
    words = [sys.executable, os.path.join(HERE, "webserver.py"), "rs3", "8080", *option.split()]
    process = server.start(words, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    with net.client.inside():
        connection = socket.create_connection((server.front.v4, 8080), timeout=2)
    with connection, connection.makefile("rb") as lines:
        connection.sendall(2 * b"GET / HTTP/1.1\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert lines.read().count(b"rs3\n") == answers
    process.kill()


def test_a_command_on_the_director() -> None:
    """`net` makes the network anew: it needs a lab where there is none yet."""
    script = (
        "ipvsadm -A -t 10.1.0.100:8000 -s rr && ipvsadm -a -t 10.1.0.100:8000 -r 10.2.0.11 -i && "
        "ip netns exec client "
        f"{HERE}/loadclient.py 10.1.0.100 8000 --count 3; exit 9"
    )
    lab = [f"{HERE}/run", "--backend", "host", "--", f"{HERE}/net", "--forwarding", "ipip"]
    options = ["--real-servers", "1", "--port", "8000", "--", "sh", "-c", script]
    done = subprocess.run([*lab, *options], stdout=subprocess.PIPE, text=True, check=False)
    assert json.loads(done.stdout)["by_server"] == {"rs1": 3}
    assert done.returncode == 9
