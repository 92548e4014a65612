from __future__ import annotations

import socket
import struct

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.conntrack import (
    Tracked,
    count,
    tracked,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    Endpoint,
    LocalUse,
    Transport,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)

WHOLE = Endpoint(Transport.TCP, "192.0.2.1", 0)
SERVER = DestinationKey("198.51.100.1", 80)


def attribute(kind, payload, flags=0x8000):
    return (
        struct.pack("=HH", 4 + len(payload), kind | flags) + payload + b"\0" * (-len(payload) % 4)
    )


def one_way(source, source_port, target, target_port, protocol=6):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    kinds = (3, 4) if ":" in source else (1, 2)
    addresses = b"".join(
        attribute(kind, socket.inet_pton(family, address), 0)
        for kind, address in zip(kinds, (source, target))
    )
    ports = attribute(1, bytes([protocol]), 0)
    if source_port is not None:
        ports += attribute(2, struct.pack(">H", source_port), 0)
        ports += attribute(3, struct.pack(">H", target_port), 0)
    return attribute(1, addresses) + attribute(2, ports)


def message(original, reply):
    status = attribute(3, b"\0\0\1\x8e", 0)
    return attribute(1, original) + attribute(2, reply) + status


@pytest.mark.parametrize(
    "client, vip, server, local",
    [
        ("203.0.113.7", "192.0.2.1", "198.51.100.1", "10.2.0.1"),
        ("2001:db8:f::7", "2001:db8::1", "2001:db8::3", "fd02::1"),
    ],
)
@pytest.mark.parametrize("protocol", [6, 17, 132])
def test_a_connection_has_two_sides(client, vip, server, local, protocol):
    there = one_way(client, 40000, vip, 80, protocol)
    back = one_way(server, 8080, local, 1025, protocol)
    assert list(tracked([message(there, back)])) == [
        Tracked(protocol, vip, 80, DestinationKey(server, 8080), local, True)
    ]


@pytest.mark.parametrize("port, moved", [(40000, False), (40001, True)])
def test_a_connection_that_kept_its_clients_port_met_no_conflict(port, moved):
    there = one_way("203.0.113.7", 40000, "192.0.2.1", 80)
    back = one_way("198.51.100.1", 80, "10.2.0.1", port)
    assert [one.moved for one in tracked([message(there, back)])] == [moved]


def test_what_has_no_ports_is_no_connection_of_ours():
    ping = one_way("203.0.113.7", None, "192.0.2.1", None, 1)
    assert list(tracked([message(ping, ping), b"", attribute(3, b"\0\0\0\0")])) == []


def connection(
    port=80, local="10.2.0.1", server=SERVER, protocol=6, address="192.0.2.1", moved=False
):
    return Tracked(protocol, address, port, server, local, moved)


def test_connections_are_counted_where_they_belong():
    addresses = {eg.WEB: ("10.2.0.1", "10.2.0.2"), WHOLE: ("10.2.0.1",), eg.DNS: ("10.2.0.2",)}
    seen = [
        *[connection()] * 2,
        connection(moved=True),
        connection(local="10.2.0.2"),
        connection(port=443),
        connection(port=443, local="10.2.0.9"),
        connection(port=53, protocol=17, local="10.2.0.2"),
        connection(port=53, protocol=17, local="10.2.0.1"),
        connection(address="192.0.2.9"),
    ]
    assert count(seen, addresses, {}) == {
        eg.WEB: {"10.2.0.1": LocalUse(3, 1), "10.2.0.2": LocalUse(1)},
        WHOLE: {"10.2.0.1": LocalUse(1)},
        eg.DNS: {"10.2.0.2": LocalUse(1)},
    }


def test_of_a_mark_it_is_the_servers_that_tell():
    anyport = DestinationKey("198.51.100.2", 0)
    seen = [
        connection(),
        connection(server=DestinationKey("198.51.100.2", 8080)),
        connection(server=DestinationKey("198.51.100.1", 8080)),
        connection(local="10.2.0.2"),
    ]
    pools = {eg.MARK: [SERVER, anyport]}
    assert count(seen, {eg.MARK: ("10.2.0.1",)}, pools) == {eg.MARK: {"10.2.0.1": LocalUse(2)}}
    assert count(seen, {eg.MARK: ("10.2.0.1",)}, {}) == {eg.MARK: {"10.2.0.1": LocalUse()}}


def test_a_service_that_is_named_goes_before_a_mark_where_both_could_be_meant():
    addresses = {eg.WEB: ("10.2.0.1",), eg.MARK: ("10.2.0.1", "10.2.0.2")}
    seen = [connection(), connection(local="10.2.0.2")]
    assert count(seen, addresses, {eg.MARK: [SERVER]}) == {
        eg.WEB: {"10.2.0.1": LocalUse(1)},
        eg.MARK: {"10.2.0.1": LocalUse(), "10.2.0.2": LocalUse(1)},
    }
