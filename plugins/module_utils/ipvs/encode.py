# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Model -> netlink: the command and attributes that do a change. Pure: bytes, no socket."""

from __future__ import annotations

import socket
import struct
from functools import lru_cache

from . import wire
from .changes import (
    AddDestination,
    AddService,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    SetTimeouts,
    StartDaemon,
    TableChange,
)
from .model import (
    PLAIN_TUNNEL,
    DestinationKey,
    DestinationSettings,
    Family,
    Firewallmark,
    ServiceKey,
    ServiceSettings,
    SyncDaemon,
    Tunnel,
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


# One destination, all attributes but the tunnel's: the hot path of a large apply. What is the same
# in each of them, the headers, is there ready made.
_DESTINATION = struct.Struct("=8s16s 4sHxx 4sHxx 4sI 4sI 4sI 4sI 24s")
_ADDRESS = _HEADER.pack(_DESTINATION.size, wire.NESTED | wire.DEST) + _HEADER.pack(
    20, wire.DEST_ADDR
)
_PORT = _HEADER.pack(6, wire.DEST_PORT)
_FAMILY = _HEADER.pack(6, wire.DEST_FAMILY)
_FORWARDING = _HEADER.pack(8, wire.DEST_FORWARDING)
_WEIGHT = _HEADER.pack(8, wire.DEST_WEIGHT)
_UPPER = _HEADER.pack(8, wire.DEST_UPPER)
_LOWER = _HEADER.pack(8, wire.DEST_LOWER)


def _tunnel(tunnel: Tunnel) -> bytes:
    return (
        _u8(wire.DEST_TUN_TYPE, wire.TUNNEL_KIND[tunnel.kind])
        + _be16(wire.DEST_TUN_PORT, tunnel.port)
        + _u16(wire.DEST_TUN_FLAGS, wire.CHECKSUM[tunnel.checksum])
    )


_PLAIN_TUNNEL = _tunnel(PLAIN_TUNNEL)


def _destination(key: DestinationKey, settings: DestinationSettings) -> bytes:
    packed = packed_address(key.address)
    tunnel = settings.tunnel
    return _DESTINATION.pack(
        _ADDRESS,
        packed,
        _PORT,
        socket.htons(key.port),
        _FAMILY,
        socket.AF_INET if len(packed) == 4 else socket.AF_INET6,
        _FORWARDING,
        wire.METHOD[settings.forwarding],
        _WEIGHT,
        settings.weight,
        _UPPER,
        settings.upper,
        _LOWER,
        settings.lower,
        _PLAIN_TUNNEL if tunnel is PLAIN_TUNNEL else _tunnel(tunnel),
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


def command(change: TableChange) -> tuple[int, bytes]:
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
