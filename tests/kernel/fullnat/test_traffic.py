"""Full NAT: real servers that have no way to the client answer all the same.

The kernel of the lab has no nftables for IP; the rules are those of iptables-legacy here. Those of
nftables have traffic of their own in test_nftables.py.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    Endpoint,
    Firewallmark,
    FullNat,
    LocalUse,
    ServiceFlags,
    State,
    Transport,
    family_of,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.remarks import leftovers, remarks
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import ALL, Scope
from samples import direct
from translation import (
    EVERYTHING_HERE,
    PORT,
    TYPES,
    addresses,
    asks,
    counted,
    have,
    pool,
    rr,
    seen,
)

from topology import VIP, Topology


@pytest.mark.parametrize("protocol", TYPES)
def test_servers_without_a_way_to_the_client_answer(
    net: Topology, table: KernelTable, field: str, protocol: str
) -> None:
    vip = getattr(VIP, field)
    whole = rr(Endpoint(Transport(protocol), vip, PORT), pool(net, field))
    plan = have(table, whole, addresses(field, 1))
    assert [change.action for change in plan.changes][:3] == [
        "track_connections",
        "set_local_addresses",
        "add_service",
    ]
    assert seen(net, protocol, vip, 4) == {addresses(field)[0]: 4}
    assert not have(table, whole, addresses(field, 1))


def test_without_local_addresses_they_cannot(net: Topology, table: KernelTable, field: str) -> None:
    vip = getattr(VIP, field)
    whole = rr(Endpoint(Transport.TCP, vip, PORT), pool(net, field))
    have(table, whole, addresses(field))
    assert have(table, whole, ()).counts() == {"set_local_addresses": 1}
    with asks(net, "tcp", vip) as sock:
        sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            sock.connect((vip, PORT))
    have(table, whole, addresses(field))
    assert seen(net, "tcp", vip)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_pool_of_addresses_takes_turns(
    net: Topology, table: KernelTable, field: str, protocol: str
) -> None:
    vip = getattr(VIP, field)
    have(table, rr(Endpoint(Transport(protocol), vip, PORT), pool(net, field)), addresses(field))
    assert seen(net, protocol, vip, 8) == dict.fromkeys(addresses(field), 4)


def test_a_firewall_mark_has_local_addresses_too(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    tables = "iptables-legacy" if field == "v4" else "ip6tables-legacy"
    rule = f"PREROUTING -d {vip} -p tcp --dport {PORT} -j MARK --set-mark 7"
    net.director.run(f"{tables} -t mangle -A {rule}")
    whole = rr(Firewallmark(7, family_of(vip)), pool(net, field))
    have(table, whole, addresses(field))
    assert seen(net, "tcp", vip, 4) == dict.fromkeys(addresses(field), 2)
    assert counted(table, whole.key) == dict.fromkeys(addresses(field), 2)
    assert not have(table, whole, addresses(field))
    net.director.run(f"{tables} -t mangle -D {rule}")


def test_a_service_of_every_port_has_local_addresses_too(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    servers = {DestinationKey(name.address, 0): how for name, how in pool(net, field).items()}
    whole = rr(Endpoint(Transport.TCP, vip, 0), servers, persistence=60)
    have(table, whole, addresses(field, 1))
    assert seen(net, "tcp", vip, 2) == {addresses(field)[0]: 2}


def test_a_service_of_every_port_lends_its_local_addresses_to_one_port_and_it_is_said(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip, (first, second) = getattr(VIP, field), addresses(field)
    servers = {DestinationKey(name.address, 0): how for name, how in pool(net, field).items()}
    whole = rr(Endpoint(Transport.TCP, vip, 0), servers, persistence=60)
    have(table, whole, (first,))
    single = rr(Endpoint(Transport.TCP, vip, PORT), pool(net, field))
    own = frozenset([single.key])
    scope = Scope(own, {single.key: ALL}, local_addresses=own)
    plan = reconcile(table, State({single.key: single}), scope)
    assert seen(net, "tcp", vip, 2) == {first: 2}
    (line,) = remarks(plan, table, table.elsewhere)
    assert line.startswith(f"{single.key} has no local addresses, and its masqueraded connections")
    named = State({single.key: single}, full_nat=FullNat(True, {single.key: (second,)}))
    plan = reconcile(table, named, scope)
    assert seen(net, "tcp", vip, 2) == {second: 2}
    assert list(remarks(plan, table, table.elsewhere)) == []


def test_what_ipvsadm_leaves_is_told_and_can_be_removed(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    whole = rr(Endpoint(Transport.TCP, vip, PORT), pool(net, field))
    have(table, whole, addresses(field))
    net.director.run("ipvsadm -C")
    state = table.read(EVERYTHING_HERE)
    assert leftovers(state) == {whole.key: addresses(field)}
    # Who makes the service anew knows as little of them.
    host = f"[{vip}]" if field == "v6" else vip
    server = next(iter(whole.destinations))
    net.director.run(f"ipvsadm -A -t {host}:{PORT} -s rr")
    net.director.run(f"ipvsadm -a -t {host}:{PORT} -r {server} -m")
    assert seen(net, "tcp", vip, 2) == dict.fromkeys(addresses(field), 1)
    net.director.run("ipvsadm -C")
    plan = reconcile(table, State(), EVERYTHING_HERE)
    assert plan.counts() == {"set_local_addresses": 1}
    assert leftovers(table.read(EVERYTHING_HERE)) == {}


def test_direct_routing_keeps_the_address_of_the_client(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    (mine, theirs), client = net.real_servers, getattr(net.client.front, field)
    net.accept_direct()
    for address in net.client.front:
        mine.ip(f"route del blackhole {address}")
    servers = {DestinationKey(getattr(mine.back, field), PORT): direct()}
    have(table, rr(Endpoint(Transport.TCP, vip, PORT), servers), addresses(field))
    assert seen(net, "tcp", vip, 2) == {client: 2}
    for address in net.client.front:
        mine.ip(f"route add blackhole {address}")
    for one in (mine, theirs):
        one.ip(*(f"addr del {address} dev lo" for address in (f"{VIP.v4}/32", f"{VIP.v6}/128")))


def test_connections_of_each_local_address_are_counted(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    key = Endpoint(Transport.UDP, vip, PORT)
    have(table, rr(key, pool(net, field)), addresses(field))
    assert counted(table, key) == dict.fromkeys(addresses(field), 0)
    with ExitStack() as open_ones:
        for _unused in range(6):
            sock = open_ones.enter_context(asks(net, "udp", vip))
            sock.connect((vip, PORT))
            sock.send(b"?")
            assert sock.recv(100)
        assert counted(table, key) == dict.fromkeys(addresses(field), 3)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_that_is_in_use_is_a_conflict(
    net: Topology, table: KernelTable, field: str, protocol: str
) -> None:
    vip, bits = getattr(VIP, field), {"v4": 24, "v6": 64}[field]
    second = {"v4": "10.1.0.77", "v6": "fd01::77"}[field]
    key = Endpoint(Transport(protocol), vip, PORT)
    servers = dict([next(iter(pool(net, field).items()))])
    have(table, rr(key, servers), addresses(field, 1))
    net.client.ip(f"addr add {second}/{bits} dev front" + (" nodad" if field == "v6" else ""))
    with ExitStack() as open_ones:
        for client in (getattr(net.client.front, field), second):
            sock = open_ones.enter_context(asks(net, protocol, vip))
            sock.bind((client, 20001))
            sock.connect((vip, PORT))
            if protocol == "udp":
                sock.send(b"?")
            assert sock.recv(100).decode() == addresses(field)[0]
        assert table.local_connections()[key] == {addresses(field)[0]: LocalUse(2, 1)}
    net.client.ip(f"addr del {second}/{bits} dev front")


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_connections_that_there_are_go_on_when_the_addresses_change(
    net: Topology, table: KernelTable, field: str, protocol: str
) -> None:
    vip, (first, second) = getattr(VIP, field), addresses(field)
    whole = rr(Endpoint(Transport(protocol), vip, PORT), pool(net, field))
    have(table, whole, (first,))
    with asks(net, protocol, vip) as held:
        held.connect((vip, PORT))
        if protocol == "udp":
            held.send(b"?")
        assert held.recv(100).decode() == first
        have(table, whole, (second,))
        assert seen(net, protocol, vip) == {second: 1}
        held.send(b"?")
        assert held.recv(100).decode() == first
        # Without any rule left the kernel tracks no connections at all (nf_ct_netns_put).
        other = rr(Endpoint(Transport(protocol), vip, PORT + 1), {})
        left = FullNat(True, {other.key: (second,)})
        both = State({whole.key: whole, other.key: other}, full_nat=left)
        assert reconcile(table, both, EVERYTHING_HERE).counts()["set_local_addresses"] == 2
        held.send(b"?")
        assert held.recv(100).decode() == first


def test_one_packet_scheduling_has_no_answers_and_it_is_said(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    whole = rr(Endpoint(Transport.UDP, vip, PORT), pool(net, field))
    whole = replace(whole, settings=replace(whole.settings, flags=ServiceFlags.ONE_PACKET))
    plan = have(table, whole, addresses(field))
    with asks(net, "udp", vip) as sock:
        sock.settimeout(0.5)
        # No port that the client takes by itself: IPVS keeps connections of the tests before for
        # minutes, and goes on with one of the same port.
        sock.bind(("", 4000))
        sock.connect((vip, PORT))
        sock.send(b"?")
        with pytest.raises(TimeoutError):
            sock.recv(100)
    (line,) = remarks(plan, table, table.elsewhere)
    assert line.startswith(f"{whole.key} has the flag one-packet and local addresses")
