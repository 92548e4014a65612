from __future__ import annotations

import struct
from dataclasses import replace

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import wire
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    SetTimeouts,
    StartDaemon,
    StopDaemon,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.encode import (
    command,
    service_name,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Checksum,
    DestinationSettings,
    Forwarding,
    Timeouts,
    Tunnel,
    TunnelKind,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.messages import (
    NESTED,
    attribute,
    be16,
    parts,
    string,
    u8,
    u16,
    u32,
)
from hypothesis import given
from hypothesis import strategies as st

SERVICE, DEST, DAEMON = NESTED | 1, NESTED | 2, NESTED | 3
INET, INET6 = 2, 10

WEB_IDENTITY = (
    u16(1, INET) + u16(2, 6) + attribute(3, bytes([192, 0, 2, 1]) + bytes(12)) + be16(4, 80)
)
WEB = attribute(SERVICE, WEB_IDENTITY)


def test_a_service_is_made_and_edited_whole():
    body = (
        WEB_IDENTITY
        + string(6, "sh")
        # Flags and which of them are said: persistent, sh-port of all that can be said.
        + attribute(7, struct.pack("=II", 0x11, 0x3D))
        + u32(8, 300)
        + attribute(9, bytes([255, 255, 255, 0]))
        + string(11, "sip")
    )
    assert command(AddService(eg.WEB, eg.STICKY)) == (1, attribute(SERVICE, body))
    assert command(EditService(eg.WEB, eg.WLC, eg.STICKY)) == (2, attribute(SERVICE, body))


def test_a_service_without_an_engine_names_none_and_a_netmask_of_ipv6_is_a_length():
    identity = (
        u16(1, INET6)
        + u16(2, 6)
        + attribute(3, bytes.fromhex("20010db8000000000000000000000001"))
        + be16(4, 80)
    )
    body = (
        identity
        + string(6, "wlc")
        + attribute(7, struct.pack("=II", 0, 0x3D))
        + u32(8, 0)
        + u32(9, 128)
    )
    assert command(AddService(eg.WEB6, eg.WLC6)) == (1, attribute(SERVICE, body))


def test_a_service_is_named_by_its_identity():
    mark = attribute(SERVICE, u16(1, INET) + u32(5, 7))
    assert service_name(eg.WEB) == WEB
    assert service_name(eg.MARK) == mark
    assert command(RemoveService(eg.WEB, eg.service(eg.WEB))) == (3, WEB)
    assert command(RemoveService(eg.MARK, eg.service(eg.MARK))) == (3, mark)


def unordered(data):
    return sorted(parts(data))


def test_a_destination_is_made_and_edited_whole():
    tunnel = Tunnel(TunnelKind.GUE, 6080, Checksum.REMCSUM)
    settings = DestinationSettings(7, Forwarding.TUNNEL, 9, 3, tunnel)
    inside = [
        attribute(1, bytes.fromhex("20010db8000000000000000000000003")),
        be16(2, 80),
        u32(3, 2),
        u32(4, 7),
        u32(5, 9),
        u32(6, 3),
        u16(11, INET6),
        u8(13, 1),
        be16(14, 6080),
        u16(15, 2),
    ]
    number, data = command(AddDestination(eg.WEB, eg.THREE6, settings))
    assert number == 5
    (_service, name), (kind, destination) = parts(data)
    assert name == WEB
    assert kind == DEST
    assert unordered(destination[4:]) == unordered(b"".join(inside))
    assert command(EditDestination(eg.WEB, eg.THREE6, eg.TUNNELLED, settings)) == (6, data)


@given(draws.service_keys, draws.destination_keys(), draws.held_destination_settings)
def test_a_destination_is_the_second_of_two_attributes_whose_lengths_add_up(service, key, settings):
    _number, data = command(AddDestination(service, key, settings))
    (_kind, name), (_other, destination) = parts(data)
    assert name == service_name(service)
    assert dict(parts(destination[4:]))[11] == u16(11, INET6 if ":" in key.address else INET)
    (length,) = struct.unpack_from("=H", destination)
    assert length == len(destination)
    assert sorted(kind for kind, _part in parts(destination[4:])) == [
        *(1, 2, 3, 4, 5, 6),
        *(11, 13, 14, 15),
    ]


def test_a_destination_is_named_by_address_port_and_family():
    name = attribute(1, bytes([198, 51, 100, 1]) + bytes(12)) + be16(2, 80) + u16(11, INET)
    assert command(RemoveDestination(eg.WEB, eg.ONE, eg.DIRECT)) == (7, WEB + attribute(DEST, name))


def test_timeouts_are_attributes_of_their_own():
    change = SetTimeouts(Timeouts(1, 2, 3), Timeouts(900, 120, 300))
    assert command(change) == (12, u32(4, 900) + u32(5, 120) + u32(6, 300))


def test_a_sync_daemon_is_started_and_stopped_by_all_it_is():
    inside = [
        u32(1, 1),
        string(2, "eth0"),
        u32(3, 1),
        u16(4, 1472),
        attribute(5, bytes([224, 0, 0, 81])),
        u16(7, 8848),
        u8(8, 1),
    ]
    number, data = command(StartDaemon(eg.MASTER))
    assert number == 9
    ((kind, daemon),) = parts(data)
    assert kind == DAEMON
    assert unordered(daemon[4:]) == unordered(b"".join(inside))
    assert command(StopDaemon(eg.MASTER)) == (10, data)


def test_a_group_of_ipv6_has_an_attribute_of_its_own():
    six = replace(eg.BACKUP, group="ff02::81")
    _number, data = command(StartDaemon(six))
    inside = dict(parts(data[4:]))
    assert inside[6] == attribute(6, bytes.fromhex("ff020000000000000000000000000081"))
    assert 5 not in inside
    assert inside[1] == u32(1, 2)


@given(st.data())
def test_what_is_asked_of_the_kernel_is_a_known_command(data):
    key = data.draw(draws.service_keys)
    settings = data.draw(draws.held_service_settings(key.family))
    assert command(AddService(key, settings))[0] == wire.NEW_SERVICE
    assert command(EditService(key, settings, settings))[0] == wire.SET_SERVICE
    daemon = data.draw(draws.held_sync_daemons)
    assert command(StartDaemon(daemon))[1] == command(StopDaemon(daemon))[1]
