# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Model -> netlink: the command and attributes that do a change. Pure: bytes, no socket."""

from __future__ import annotations

import struct
from functools import lru_cache

from . import wire
from .changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    SetTimeouts,
    StartDaemon,
)
from .model import (
    DestinationKey,
    DestinationSettings,
    Family,
    Firewallmark,
    ServiceKey,
    ServiceSettings,
    SyncDaemon,
    packed_address,
)

_HEADER = struct.Struct("=HH")


def _attribute(kind: int, payload: bytes) -> bytes:
    length = 4 + len(payload)
    return _HEADER.pack(length, kind) + payload + b"\0" * (-length % 4)


def _u32(kind: int, value: int) -> bytes:
    return struct.pack("=HHI", 8, kind, value)


def _u16(kind: int, value: int) -> bytes:
    return struct.pack("=HHHxx", 6, kind, value)


def _be16(kind: int, value: int) -> bytes:
    return struct.pack("=HH", 6, kind) + struct.pack(">Hxx", value)


def _u8(kind: int, value: int) -> bytes:
    return struct.pack("=HHBxxx", 5, kind, value)


def _string(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")


def _address16(address: str) -> bytes:
    """union nf_inet_addr: an IPv4 address in the first 4 of 16 bytes."""
    return packed_address(address).ljust(16, b"\0")


@lru_cache(maxsize=4096)
def _service_identity(key: ServiceKey) -> bytes:
    if isinstance(key, Firewallmark):
        return _u16(wire.SVC_AF, wire.AF[key.family]) + _u32(wire.SVC_FWMARK, key.mark)
    return (
        _u16(wire.SVC_AF, wire.AF[key.family])
        + _u16(wire.SVC_PROTOCOL, wire.PROTOCOL[key.transport])
        + _attribute(wire.SVC_ADDR, _address16(key.address))
        + _be16(wire.SVC_PORT, key.port)
    )


@lru_cache(maxsize=4096)
def service_name(key: ServiceKey) -> bytes:
    """The attribute that names a service in every request about it."""
    return _attribute(wire.NESTED | wire.SERVICE, _service_identity(key))


def _service(key: ServiceKey, settings: ServiceSettings) -> bytes:
    flags = settings.flags.value | (wire.F_PERSISTENT if settings.persistence else 0)
    netmask = struct.pack("=I" if key.family is Family.INET6 else ">I", settings.netmask)
    body = (
        _service_identity(key)
        + _string(wire.SVC_SCHED, settings.scheduler)
        + _attribute(wire.SVC_FLAGS, struct.pack("=II", flags, wire.F_SAID))
        + _u32(wire.SVC_TIMEOUT, settings.persistence)
        + _attribute(wire.SVC_NETMASK, netmask)
    )
    if settings.engine:
        body += _string(wire.SVC_PE, settings.engine)
    return _attribute(wire.NESTED | wire.SERVICE, body)


# One destination, all attributes, ports already in network order: the hot path of a large apply.
_DESTINATION = struct.Struct("=HH HH16s HH2sxx HHHxx HHI HHI HHI HHI HHBxxx HH2sxx HHHxx")


def _destination(key: DestinationKey, settings: DestinationSettings) -> bytes:
    tunnel = settings.tunnel
    return _DESTINATION.pack(
        _DESTINATION.size,
        wire.NESTED | wire.DEST,
        20,
        wire.DEST_ADDR,
        packed_address(key.address),
        6,
        wire.DEST_PORT,
        key.port.to_bytes(2, "big"),
        6,
        wire.DEST_FAMILY,
        wire.AF[key.family],
        8,
        wire.DEST_FORWARDING,
        wire.METHOD[settings.forwarding],
        8,
        wire.DEST_WEIGHT,
        settings.weight,
        8,
        wire.DEST_UPPER,
        settings.upper,
        8,
        wire.DEST_LOWER,
        settings.lower,
        5,
        wire.DEST_TUN_TYPE,
        wire.TUNNEL_KIND[tunnel.kind],
        6,
        wire.DEST_TUN_PORT,
        tunnel.port.to_bytes(2, "big"),
        6,
        wire.DEST_TUN_FLAGS,
        wire.CHECKSUM[tunnel.checksum],
    )


def _destination_name(key: DestinationKey) -> bytes:
    return _attribute(
        wire.NESTED | wire.DEST,
        _attribute(wire.DEST_ADDR, _address16(key.address))
        + _be16(wire.DEST_PORT, key.port)
        + _u16(wire.DEST_FAMILY, wire.AF[key.family]),
    )


def _daemon(daemon: SyncDaemon) -> bytes:
    packed = packed_address(daemon.group)
    return _attribute(
        wire.NESTED | wire.DAEMON,
        _u32(wire.DAEMON_STATE, wire.ROLE[daemon.role])
        + _string(wire.DAEMON_INTERFACE, daemon.interface)
        + _u32(wire.DAEMON_SYNC_ID, daemon.sync_id)
        + _u16(wire.DAEMON_MAXLEN, daemon.maxlen)
        + _attribute(wire.DAEMON_GROUP if len(packed) == 4 else wire.DAEMON_GROUP6, packed)
        + _u16(wire.DAEMON_PORT, daemon.port)
        + _u8(wire.DAEMON_TTL, daemon.ttl),
    )


def command(change: Change) -> tuple[int, bytes]:
    """The kernel command and the attributes that do a change."""
    if isinstance(change, (AddDestination, EditDestination)):
        number = wire.NEW_DEST if isinstance(change, AddDestination) else wire.SET_DEST
        return number, service_name(change.service) + _destination(change.destination, change.after)
    if isinstance(change, RemoveDestination):
        return wire.DEL_DEST, service_name(change.service) + _destination_name(change.destination)
    if isinstance(change, (AddService, EditService)):
        number = wire.NEW_SERVICE if isinstance(change, AddService) else wire.SET_SERVICE
        return number, _service(change.service, change.after)
    if isinstance(change, RemoveService):
        return wire.DEL_SERVICE, service_name(change.service)
    if isinstance(change, SetTimeouts):
        after = change.after
        return wire.SET_CONFIG, (
            _u32(wire.TIMEOUT_TCP, after.tcp)
            + _u32(wire.TIMEOUT_TCP_FIN, after.tcp_fin)
            + _u32(wire.TIMEOUT_UDP, after.udp)
        )
    if isinstance(change, StartDaemon):
        return wire.NEW_DAEMON, _daemon(change.after)
    # The kernel wants interface and sync id named even though the role alone decides.
    return wire.DEL_DAEMON, _daemon(change.before)
