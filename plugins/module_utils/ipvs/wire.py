# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Netlink attributes <-> model: bytes in, values out, and back. No socket here.

Numbers and layouts are those of ``include/uapi/linux/ip_vs.h`` and ``ip_vs_genl_*`` in
``net/netfilter/ipvs/ip_vs_ctl.c``. Everything is in host byte order but addresses, IPv4 netmasks and
the ports of services, destinations and tunnels, which are in network byte order.
"""

from __future__ import annotations

import socket
import struct
from functools import lru_cache
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple

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
    PLAIN_TUNNEL,
    Checksum,
    Counters,
    DestinationCounters,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    KernelInfo,
    Role,
    ServiceFlags,
    ServiceKey,
    ServiceSettings,
    SyncDaemon,
    Timeouts,
    Transport,
    Tunnel,
    TunnelKind,
    packed_address,
)

FAMILY_NAME = "IPVS"
VERSION = 1

# enum IPVS_CMD_*
NEW_SERVICE, SET_SERVICE, DEL_SERVICE, GET_SERVICE = 1, 2, 3, 4
NEW_DEST, SET_DEST, DEL_DEST, GET_DEST = 5, 6, 7, 8
NEW_DAEMON, DEL_DAEMON, GET_DAEMON = 9, 10, 11
SET_CONFIG, GET_CONFIG, GET_INFO, ZERO, FLUSH = 12, 13, 15, 16, 17

# IPVS_CMD_ATTR_*
SERVICE, DEST, DAEMON, TIMEOUT_TCP, TIMEOUT_TCP_FIN, TIMEOUT_UDP = 1, 2, 3, 4, 5, 6

# IPVS_SVC_ATTR_*
SVC_AF, SVC_PROTOCOL, SVC_ADDR, SVC_PORT, SVC_FWMARK, SVC_SCHED = 1, 2, 3, 4, 5, 6
SVC_FLAGS, SVC_TIMEOUT, SVC_NETMASK, SVC_STATS, SVC_PE, SVC_STATS64 = 7, 8, 9, 10, 11, 12

# IPVS_DEST_ATTR_*
DEST_ADDR, DEST_PORT, DEST_FORWARDING, DEST_WEIGHT, DEST_UPPER, DEST_LOWER = 1, 2, 3, 4, 5, 6
DEST_ACTIVE, DEST_INACTIVE, DEST_PERSISTENT, DEST_STATS, DEST_FAMILY = 7, 8, 9, 10, 11
DEST_STATS64, DEST_TUN_TYPE, DEST_TUN_PORT, DEST_TUN_FLAGS = 12, 13, 14, 15

# IPVS_DAEMON_ATTR_*
DAEMON_STATE, DAEMON_INTERFACE, DAEMON_SYNC_ID, DAEMON_MAXLEN = 1, 2, 3, 4
DAEMON_GROUP, DAEMON_GROUP6, DAEMON_PORT, DAEMON_TTL = 5, 6, 7, 8

NESTED = 0x8000
_TYPE_MASK = 0x3FFF

#: IP_VS_SVC_F_PERSISTENT; carried by ServiceSettings.persistence, not by ServiceFlags.
_PERSISTENT = 0x0001
_FLAG_BITS = 0x0004 | 0x0008 | 0x0010 | 0x0020
#: Which flags a set means to say something about; the kernel keeps the others (IP_VS_SVC_F_HASHED).
_FLAG_MASK = _PERSISTENT | _FLAG_BITS

_AF: Dict[Family, int] = {Family.INET: socket.AF_INET, Family.INET6: socket.AF_INET6}
_FAMILIES = {number: family for family, number in _AF.items()}
_PROTOCOL = {Transport.TCP: 6, Transport.UDP: 17, Transport.SCTP: 132}
_TRANSPORTS = {number: transport for transport, number in _PROTOCOL.items()}
_METHOD = {
    Forwarding.MASQUERADE: 0,
    Forwarding.LOCAL: 1,
    Forwarding.TUNNEL: 2,
    Forwarding.DIRECT: 3,
    Forwarding.BYPASS: 4,
}
_FORWARDINGS = {number: method for method, number in _METHOD.items()}
_KIND = {TunnelKind.IPIP: 0, TunnelKind.GUE: 1, TunnelKind.GRE: 2}
_KINDS = {number: kind for kind, number in _KIND.items()}
_CHECKSUM = {Checksum.NONE: 0, Checksum.CSUM: 1, Checksum.REMCSUM: 2}
_CHECKSUMS = {number: checksum for checksum, number in _CHECKSUM.items()}
_ROLE = {Role.MASTER: 1, Role.BACKUP: 2}
_ROLES = {number: role for role, number in _ROLE.items()}

_HEADER = struct.Struct("=HH")


class UnknownValue(ValueError):
    """The kernel holds something that this model has no word for."""


# ---------------------------------------------------------------------------------------------------
# encoding


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
        return _u16(SVC_AF, _AF[key.family]) + _u32(SVC_FWMARK, key.mark)
    return (
        _u16(SVC_AF, _AF[key.family])
        + _u16(SVC_PROTOCOL, _PROTOCOL[key.transport])
        + _attribute(SVC_ADDR, _address16(key.address))
        + _be16(SVC_PORT, key.port)
    )


@lru_cache(maxsize=4096)
def service_name(key: ServiceKey) -> bytes:
    """The attribute that names a service in every request about it."""
    return _attribute(NESTED | SERVICE, _service_identity(key))


def _service(key: ServiceKey, settings: ServiceSettings) -> bytes:
    flags = settings.flags.value | (_PERSISTENT if settings.persistence else 0)
    netmask = struct.pack("=I" if key.family is Family.INET6 else ">I", settings.netmask)
    body = (
        _service_identity(key)
        + _string(SVC_SCHED, settings.scheduler)
        + _attribute(SVC_FLAGS, struct.pack("=II", flags, _FLAG_MASK))
        + _u32(SVC_TIMEOUT, settings.persistence)
        + _attribute(SVC_NETMASK, netmask)
    )
    if settings.engine:
        body += _string(SVC_PE, settings.engine)
    return _attribute(NESTED | SERVICE, body)


# One destination, all attributes, ports already in network order: the hot path of a large apply.
_DESTINATION = struct.Struct("=HH HH16s HH2sxx HHHxx HHI HHI HHI HHI HHBxxx HH2sxx HHHxx")


def _destination(key: DestinationKey, settings: DestinationSettings) -> bytes:
    tunnel = settings.tunnel
    return _DESTINATION.pack(
        _DESTINATION.size,
        NESTED | DEST,
        20,
        DEST_ADDR,
        packed_address(key.address),
        6,
        DEST_PORT,
        key.port.to_bytes(2, "big"),
        6,
        DEST_FAMILY,
        _AF[key.family],
        8,
        DEST_FORWARDING,
        _METHOD[settings.forwarding],
        8,
        DEST_WEIGHT,
        settings.weight,
        8,
        DEST_UPPER,
        settings.upper,
        8,
        DEST_LOWER,
        settings.lower,
        5,
        DEST_TUN_TYPE,
        _KIND[tunnel.kind],
        6,
        DEST_TUN_PORT,
        tunnel.port.to_bytes(2, "big"),
        6,
        DEST_TUN_FLAGS,
        _CHECKSUM[tunnel.checksum],
    )


def _destination_name(key: DestinationKey) -> bytes:
    return _attribute(
        NESTED | DEST,
        _attribute(DEST_ADDR, _address16(key.address))
        + _be16(DEST_PORT, key.port)
        + _u16(DEST_FAMILY, _AF[key.family]),
    )


def _daemon(daemon: SyncDaemon) -> bytes:
    packed = packed_address(daemon.group)
    return _attribute(
        NESTED | DAEMON,
        _u32(DAEMON_STATE, _ROLE[daemon.role])
        + _string(DAEMON_INTERFACE, daemon.interface)
        + _u32(DAEMON_SYNC_ID, daemon.sync_id)
        + _u16(DAEMON_MAXLEN, daemon.maxlen)
        + _attribute(DAEMON_GROUP if len(packed) == 4 else DAEMON_GROUP6, packed)
        + _u16(DAEMON_PORT, daemon.port)
        + _u8(DAEMON_TTL, daemon.ttl),
    )


def command(change: Change) -> Tuple[int, bytes]:
    """The kernel command and the attributes that do a change."""
    if isinstance(change, (AddDestination, EditDestination)):
        number = NEW_DEST if isinstance(change, AddDestination) else SET_DEST
        return number, service_name(change.service) + _destination(change.destination, change.after)
    if isinstance(change, RemoveDestination):
        return DEL_DEST, service_name(change.service) + _destination_name(change.destination)
    if isinstance(change, (AddService, EditService)):
        number = NEW_SERVICE if isinstance(change, AddService) else SET_SERVICE
        return number, _service(change.service, change.after)
    if isinstance(change, RemoveService):
        return DEL_SERVICE, service_name(change.service)
    if isinstance(change, SetTimeouts):
        after = change.after
        return SET_CONFIG, (
            _u32(TIMEOUT_TCP, after.tcp)
            + _u32(TIMEOUT_TCP_FIN, after.tcp_fin)
            + _u32(TIMEOUT_UDP, after.udp)
        )
    if isinstance(change, StartDaemon):
        return NEW_DAEMON, _daemon(change.after)
    # The kernel wants interface and sync id named even though the role alone decides.
    return DEL_DAEMON, _daemon(change.before)


# ---------------------------------------------------------------------------------------------------
# decoding


def attributes(data: bytes) -> Iterator[Tuple[int, bytes]]:
    """Type (without flags) and payload of each attribute in a stream."""
    offset, end = 0, len(data)
    while offset + 4 <= end:
        length, kind = _HEADER.unpack_from(data, offset)
        if length < 4 or offset + length > end:
            raise UnknownValue("a netlink attribute is cut off")
        yield kind & _TYPE_MASK, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


Row = Tuple[bytes, ...]


class Rows:
    """Picks the payloads of wanted attributes out of many messages that look alike.

    Messages of one dump differ in values and hardly ever in layout. So the layout of one message is
    learned as a single struct; while the next message has the same length and the same attribute
    headers, one unpack does for it. Any other message is read attribute by attribute, and learned.
    """

    def __init__(self, *wanted: int) -> None:
        self._wanted = wanted
        self._length = -1
        self._headers: Tuple[bytes, ...] = ()
        self._unpack: Callable[[bytes], Tuple[bytes, ...]] = lambda data: ()
        self._places: Sequence[Optional[int]] = ()

    def row(self, data: bytes) -> Row:
        """Payloads of the wanted attributes, in their order; empty where one is missing."""
        if len(data) == self._length:
            fields = self._unpack(data)
            if fields[::2] == self._headers:
                return tuple([b"" if place is None else fields[place] for place in self._places])
        return self._learn(data)

    def _learn(self, data: bytes) -> Row:
        found = list(attributes(data))
        layout, headers, offset = "=", [], 0
        for number, (_kind, payload) in enumerate(found):
            headers.append(data[offset : offset + 4])
            padding = min(-len(payload) % 4, len(data) - offset - 4 - len(payload))
            layout += f"4s{len(payload)}s{padding}x"
            offset += 4 + len(payload) + padding
        layout += f"{len(data) - offset}x"
        places = {kind: 2 * number + 1 for number, (kind, _payload) in enumerate(found)}
        self._length = len(data)
        self._headers = tuple(headers)
        self._unpack = struct.Struct(layout).unpack
        self._places = [places.get(kind) for kind in self._wanted]
        payloads = dict(found)
        return tuple(payloads.get(kind, b"") for kind in self._wanted)


def _number(payload: bytes) -> int:
    return int.from_bytes(payload, _HOST_ORDER)


_HOST_ORDER: Any = "little" if struct.pack("=H", 1) == b"\1\0" else "big"


def _text(payload: bytes) -> str:
    return payload.split(b"\0", 1)[0].decode("ascii", "backslashreplace")


def _word(words: Dict[int, Any], number: int, what: str) -> Any:
    try:
        return words[number]
    except KeyError:
        raise UnknownValue(f"the kernel reports {what} {number}, which has no name here") from None


def _address(payload: bytes, family: Family) -> str:
    if family is Family.INET:
        return socket.inet_ntop(socket.AF_INET, payload[:4])
    return socket.inet_ntop(socket.AF_INET6, payload[:16])


SERVICE_IDENTITY = (SVC_AF, SVC_PROTOCOL, SVC_ADDR, SVC_PORT, SVC_FWMARK)
SERVICE_SETTINGS = (SVC_AF, SVC_SCHED, SVC_FLAGS, SVC_TIMEOUT, SVC_NETMASK, SVC_PE)


@lru_cache(maxsize=4096)
def service_key(row: Row) -> ServiceKey:
    """From the attributes of SERVICE_IDENTITY."""
    af, protocol, address, port, mark = row
    family: Family = _word(_FAMILIES, _number(af), "address family")
    if _number(mark):
        return Firewallmark(_number(mark), family)
    transport: Transport = _word(_TRANSPORTS, _number(protocol), "transport protocol")
    return Endpoint(transport, _address(address, family), int.from_bytes(port, "big"))


@lru_cache(maxsize=4096)
def service_settings(row: Row) -> ServiceSettings:
    """From the attributes of SERVICE_SETTINGS."""
    af, scheduler, flags, timeout, netmask, engine = row
    bits = _number(flags[:4])
    inet6 = _number(af) == socket.AF_INET6
    return ServiceSettings(
        _text(scheduler),
        ServiceFlags(bits & _FLAG_BITS),
        _number(timeout) if bits & _PERSISTENT else 0,
        _number(netmask) if inet6 else int.from_bytes(netmask, "big"),
        _text(engine),
    )


DESTINATION_IDENTITY = (DEST_ADDR, DEST_PORT, DEST_FAMILY)
DESTINATION_SETTINGS = (
    DEST_FORWARDING,
    DEST_WEIGHT,
    DEST_UPPER,
    DEST_LOWER,
    DEST_TUN_TYPE,
    DEST_TUN_PORT,
    DEST_TUN_FLAGS,
)


@lru_cache(maxsize=65536)
def destination_key(row: Row, service_family: Family) -> DestinationKey:
    """From the attributes of DESTINATION_IDENTITY; kernels before 3.18 send no family."""
    address, port, af = row
    family: Family = _word(_FAMILIES, _number(af), "address family") if af else service_family
    return DestinationKey(_address(address, family), int.from_bytes(port, "big"))


@lru_cache(maxsize=4096)
def destination_settings(row: Row) -> DestinationSettings:
    """From the attributes of DESTINATION_SETTINGS; kernels before 5.2 know no tunnel attributes."""
    forwarding, weight, upper, lower, kind, port, checksum = row
    tunnel = Tunnel(
        _word(_KINDS, _number(kind), "tunnel type"),
        int.from_bytes(port, "big"),
        _word(_CHECKSUMS, _number(checksum), "tunnel checksum flags"),
    )
    return DestinationSettings(
        _number(weight),
        _word(_FORWARDINGS, _number(forwarding), "forwarding method"),
        _number(upper),
        _number(lower),
        PLAIN_TUNNEL if tunnel == PLAIN_TUNNEL else tunnel,
    )


def counters(stats64: bytes, stats: bytes) -> Counters:
    """From a nested statistics attribute, the 64-bit one where there is one."""
    values = {kind: _number(payload) for kind, payload in attributes(stats64 or stats)}
    # CONNS, INPKTS, OUTPKTS, INBYTES, OUTBYTES, CPS, INPPS, OUTPPS, INBPS, OUTBPS
    return Counters(*(values.get(kind, 0) for kind in range(1, 11)))


DESTINATION_COUNTERS = (DEST_ACTIVE, DEST_INACTIVE, DEST_PERSISTENT, DEST_STATS64, DEST_STATS)
SERVICE_COUNTERS = (SVC_STATS64, SVC_STATS)


def destination_counters(row: Row) -> DestinationCounters:
    """From the attributes of DESTINATION_COUNTERS."""
    active, inactive, persistent, stats64, stats = row
    return DestinationCounters(
        _number(active), _number(inactive), _number(persistent), counters(stats64, stats)
    )


def timeouts(data: bytes) -> Timeouts:
    """From the answer to GET_CONFIG."""
    values = {kind: _number(payload) for kind, payload in attributes(data)}
    return Timeouts(values[TIMEOUT_TCP], values[TIMEOUT_TCP_FIN], values[TIMEOUT_UDP])


def daemon(data: bytes) -> SyncDaemon:
    """From one daemon of the GET_DAEMON dump. Kernels before 4.3 say nothing of maxlen and group."""
    values = dict(attributes(data))
    group = values.get(DAEMON_GROUP) or b"\xe0\0\0\x51"
    if DAEMON_GROUP6 in values:
        group = values[DAEMON_GROUP6]
    return SyncDaemon(
        _word(_ROLES, _number(values[DAEMON_STATE]), "sync daemon state"),
        _text(values[DAEMON_INTERFACE]),
        _number(values.get(DAEMON_SYNC_ID, b"")),
        _number(values.get(DAEMON_MAXLEN, b"")),
        _address(group, Family.INET6 if len(group) == 16 else Family.INET),
        _number(values.get(DAEMON_PORT, b"")),
        _number(values.get(DAEMON_TTL, b"")),
    )


def info(data: bytes) -> KernelInfo:
    """From the answer to GET_INFO: version is 0xMMmmpp (NVERSION)."""
    values = {kind: _number(payload) for kind, payload in attributes(data)}
    version = values.get(1, 0)
    return KernelInfo(
        f"{version >> 16 & 0xFF}.{version >> 8 & 0xFF}.{version & 0xFF}", values.get(2, 0)
    )
