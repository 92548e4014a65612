"""Traffic through tables that we have set up: it arrives, is counted, and outlives changes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.connections import Connection
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Checksum,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Forwarding,
    Service,
    ServiceFlags,
    ServiceKey,
    ServiceSettings,
    State,
    Transport,
    Tunnel,
    TunnelKind,
    family_of,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import SERVICES
from fresh import FreshHost, eventually
from ipvsadm import counted
from samples import many, masquerade, service, settings, settings6, state

from loadclient import ask, load
from topology import GUE_PORT, VIP, Topology

EVENLY = {"rs1": 4, "rs2": 4, "rs3": 4}


@pytest.fixture(scope="module")
def net() -> Iterator[Topology]:
    with Topology(real_servers=3) as network:
        network.serve(80)
        yield network


@pytest.fixture(params=["v4", "v6"])
def vip(request: pytest.FixtureRequest) -> str:
    return str(getattr(VIP, request.param))


@pytest.fixture
def table(net: Topology) -> Iterator[KernelTable]:
    """The director's table, empty at first."""
    kernel = KernelTable(net.director.name)
    kernel.flush()
    yield kernel
    kernel.close()


def web(vip: str, port: int = 80) -> Endpoint:
    """The service; one that counts, or that has much load, wants a port of its own.

    What a service removed lately has counted goes on being counted. And much load comes back to a
    client's port after a while: where that was forwarded directly before, IPVS goes on doing so,
    since of such a connection it does not see that it ended (conn_reuse_mode).
    """
    return Endpoint(Transport.TCP, vip, port)


def plain(vip: str, scheduler: str = "rr") -> ServiceSettings:
    make = settings if family_of(vip) is Family.INET else settings6
    return make(scheduler)


def pool(net: Topology, vip: str, how: DestinationSettings) -> dict:
    """All real servers, by their addresses of the family of this virtual address."""
    field = "v4" if family_of(vip) is Family.INET else "v6"
    return {DestinationKey(getattr(one.back, field), 80): how for one in net.real_servers}


def send(net: Topology, vip: str, count: int = 12, port: int = 80) -> dict[str, int]:
    with net.client.inside():
        summary = load(vip, port, count=count)
    assert summary.errors == {}
    return summary.by_server


# -- every way of forwarding


def test_masquerading(net: Topology, table: KernelTable, vip: str) -> None:
    net.route_replies(via="director")
    reconcile(table, state(service(web(vip), pool(net, vip, masquerade()), plain(vip))), SERVICES)
    assert send(net, vip) == EVENLY


def test_direct_routing(net: Topology, table: KernelTable, vip: str) -> None:
    net.route_replies(via=None)
    net.accept_direct()
    how = DestinationSettings(1, Forwarding.DIRECT)
    reconcile(table, state(service(web(vip), pool(net, vip, how), plain(vip))), SERVICES)
    assert send(net, vip) == EVENLY


@pytest.mark.parametrize(
    "tunnels",
    [
        [Tunnel()],
        [Tunnel(TunnelKind.GUE, GUE_PORT, checksum) for checksum in Checksum],
        [Tunnel(TunnelKind.GRE)],
    ],
    ids=["ipip", "gue", "gre"],
)
def test_tunnels(net: Topology, table: KernelTable, tunnels: list[Tunnel]) -> None:
    net.route_replies(via=None)
    net.accept_tunnels(tunnels[0].kind.value)
    for vip in VIP:
        for tunnel in tunnels:
            how = DestinationSettings(1, Forwarding.TUNNEL, tunnel=tunnel)
            reconcile(table, state(service(web(vip), pool(net, vip, how), plain(vip))), SERVICES)
            assert send(net, vip) == EVENLY
    net.refuse_tunnels()


def test_weights_share_out_the_requests(net: Topology, table: KernelTable, vip: str) -> None:
    net.route_replies(via="director")
    names = list(pool(net, vip, masquerade()))
    weights = {name: masquerade(weight) for name, weight in zip(names, (0, 1, 3))}
    reconcile(table, state(service(web(vip), weights, plain(vip, "wrr"))), SERVICES)
    assert send(net, vip) == {"rs2": 3, "rs3": 9}


# -- changes under load


class Requests:
    """Requests one after another, until told to stop, and what became of them."""

    def __init__(self) -> None:
        self.answered = 0
        self.servers: set[str] = set()
        self.failures: list[str] = []
        self.stop = threading.Event()

    def run(self, net: Topology, key: Endpoint) -> None:
        with net.client.inside():
            while not self.stop.is_set():
                try:
                    self.servers.add(ask(key.address, key.port, timeout=10))
                    self.answered += 1
                except OSError as error:
                    self.failures.append(str(error))

    def await_more(self, count: int = 10) -> None:
        """Until so many more have been answered."""
        goal = self.answered + count
        eventually(lambda: self.answered >= goal or self.failures)
        assert self.failures == []


@contextmanager
def under_load(net: Topology, key: Endpoint) -> Iterator[Requests]:
    requests = Requests()
    thread = threading.Thread(target=requests.run, args=(net, key))
    thread.start()
    try:
        requests.await_more()
        yield requests
        requests.await_more()
    finally:
        requests.stop.set()
        thread.join()
    assert requests.failures == []


def test_no_request_is_lost_when_a_service_changes(
    net: Topology, table: KernelTable, vip: str
) -> None:
    net.route_replies(via="director")
    key, names = web(vip, 8003), list(pool(net, vip, masquerade()))
    unrelated = pool(net, vip, masquerade(0))
    unrelated = {replace_port(name, 8080): how for name, how in unrelated.items()}
    two = dict.fromkeys(names[:2], masquerade())
    three = dict.fromkeys(names, masquerade())
    sticky = replace(plain(vip, "wlc"), persistence=300)
    hashed = replace(plain(vip, "mh"), flags=ServiceFlags.FLAG_2)
    steps: list[tuple[Service, dict[str, int]]] = [
        (Service(key, plain(vip, "wlc"), two), {"edit_service": 1}),
        (Service(key, hashed, two), {"edit_service": 1}),
        (Service(key, plain(vip, "rr"), two), {"edit_service": 1}),
        (Service(key, plain(vip), {**two, names[0]: masquerade(50)}), {"edit_destination": 1}),
        (Service(key, plain(vip), {**two, names[0]: masquerade(0)}), {"edit_destination": 1}),
        (
            Service(key, plain(vip), {**three, **unrelated}),
            {"edit_destination": 1, "add_destination": 4},
        ),
        (Service(key, plain(vip), three), {"remove_destination": 3}),
        (Service(key, sticky, three), {"edit_service": 1}),
        (Service(key, plain(vip), three), {"edit_service": 1}),
    ]
    reconcile(table, state(Service(key, plain(vip), two)), SERVICES)
    with under_load(net, key) as requests:
        for wanted, counts in steps:
            assert reconcile(table, state(wanted), SERVICES).counts() == counts
            requests.await_more()
    assert requests.servers == {"rs1", "rs2", "rs3"}


def replace_port(name: DestinationKey, port: int) -> DestinationKey:
    return DestinationKey(name.address, port)


def test_no_request_is_lost_when_another_pool_comes_and_goes(
    net: Topology, table: KernelTable, vip: str
) -> None:
    net.route_replies(via="director")
    key = web(vip, 8004)
    one = Service(key, plain(vip), pool(net, vip, masquerade()))
    other = service(Endpoint(Transport.TCP, "10.1.0.100", 8080), many(500))
    reconcile(table, state(one), SERVICES)
    with under_load(net, key) as requests:
        for wanted in (state(one, other), state(one)):
            reconcile(table, wanted, SERVICES)
            requests.await_more()


def test_an_open_connection_outlives_edits_and_quiescing(
    net: Topology, table: KernelTable, vip: str
) -> None:
    net.route_replies(via="director")
    key, names = web(vip), list(pool(net, vip, masquerade()))
    one = Service(key, plain(vip), {names[0]: masquerade()})
    reconcile(table, state(one), SERVICES)
    with net.client.inside():
        connection = socket.create_connection((vip, 80), timeout=10)
    with connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        quiet = Service(key, plain(vip, "mh"), {names[0]: masquerade(0), names[1]: masquerade()})
        reconcile(table, state(quiet), SERVICES)
        assert send(net, vip, 3) == {"rs2": 3}
        connection.sendall(b"\r\n")
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
            if answer.endswith(b"rs1\n"):
                break
    assert answer.endswith(b"rs1\n")


# -- what is counted


def test_counters_agree_with_what_was_sent(net: Topology, table: KernelTable, vip: str) -> None:
    net.route_replies(via="director")
    key = web(vip, 8001)
    reconcile(table, state(service(key, pool(net, vip, masquerade()), plain(vip))), SERVICES)
    assert send(net, vip, port=8001) == EVENLY
    eventually(lambda: table.counters([key])[key].traffic.connections == 12)
    counters = table.counters()[key]
    assert [one.traffic.connections for one in counters.destinations.values()] == [4, 4, 4]
    total = counters.traffic
    # At the least the handshake, the request and the end of each connection, and their answers.
    assert total.packets_in >= 12 * 4
    assert total.packets_out >= 12 * 3
    assert total.bytes_in > 12 * 4 * 40
    for field in ("packets_in", "packets_out", "bytes_in", "bytes_out"):
        parts = [getattr(one.traffic, field) for one in counters.destinations.values()]
        assert sum(parts) == getattr(total, field)
    # FIN_WAIT and TIME_WAIT: all there is of them is inactive.
    assert sum(one.inactive for one in counters.destinations.values()) == 12
    assert sum(one.active for one in counters.destinations.values()) == 0
    seen = counted(net.director, "stats")[key]
    assert seen[:3] == [total.connections, total.packets_in, total.packets_out]
    table.zero(key)
    assert table.counters()[key].traffic.connections == 0


def test_open_connections_are_listed_and_counted(
    net: Topology, table: KernelTable, vip: str
) -> None:
    net.route_replies(via="director")
    key, (name, *_unused) = web(vip, 8002), list(pool(net, vip, masquerade()))
    sticky = replace(plain(vip), persistence=60)
    reconcile(table, state(service(key, {name: masquerade()}, sticky)), SERVICES)
    with net.client.inside():
        connection = socket.create_connection((vip, 8002), timeout=10)
    with connection:
        client, port = connection.getsockname()[:2]
        eventually(lambda: table.counters([key])[key].destinations[name].active == 1)
        mine = [
            one
            for one in table.connections()
            if (one.virtual_address, one.virtual_port) == (vip, 8002)
        ]
        template, open_one = sorted(mine, key=lambda one: one.client_port)
        assert replace(open_one, expires=0) == Connection(
            "tcp", client, port, vip, 8002, name.address, 80, "ESTABLISHED", 0
        )
        assert 0 < open_one.expires <= 900
        assert (template.client_address, template.client_port) == (client, 0)
        assert (template.destination_address, template.destination_port) == (name.address, 80)
        assert 0 < template.expires <= 60
        assert table.counters([key])[key].destinations[name].persistent == 1


def test_rates_follow_the_load(net: Topology, table: KernelTable) -> None:
    net.route_replies(via="director")
    key = web(VIP.v4, 8005)
    wanted = service(key, pool(net, VIP.v4, masquerade()), plain(VIP.v4))
    reconcile(table, state(wanted), SERVICES)
    assert table.counters([key])[key].traffic.connections_rate == 0
    with under_load(net, key):
        eventually(lambda: table.counters([key])[key].traffic.connections_rate > 0)
        traffic = table.counters([key])[key].traffic
    assert traffic.packets_in_rate >= traffic.connections_rate
    assert traffic.bytes_in_rate > traffic.packets_in_rate
    assert traffic.bytes_out_rate > traffic.packets_out_rate > 0


def test_counters_go_beyond_32_bits() -> None:
    with FreshHost() as host:
        host.ip("addr add 192.0.2.1/32 dev lo")
        table = KernelTable(host.name)
        key: ServiceKey = Endpoint(Transport.UDP, "192.0.2.1", 9)
        name = DestinationKey("127.0.0.1", 9)
        wanted = State({key: Service(key, settings("rr"), {name: masquerade()})})
        reconcile(table, wanted, SERVICES)
        with host.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            # Full at once: what is more than fits is thrown away, after it was counted.
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            receiver.bind(("127.0.0.1", 9))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.connect(("192.0.2.1", 9))
                datagram = bytes(65507)
                for _unused in range(66000):
                    sender.send(datagram)
        sent = 66000 * 65535
        assert sent > 2**32
        eventually(lambda: table.counters()[key].traffic.bytes_in == sent)
        counters = table.counters()[key]
        assert counters.traffic.packets_in == 66000
        assert counters.destinations[name].traffic.bytes_in == sent
        assert counted(host, "stats")[key][3] == sent
        table.close()
