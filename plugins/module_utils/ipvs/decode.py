# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Netlink -> model: what the kernel answers, as values. Pure: bytes, no socket."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Callable

from . import wire
from .model import (
    PLAIN_TUNNEL,
    Counters,
    DestinationCounters,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Firewallmark,
    KernelInfo,
    ServiceFlags,
    ServiceKey,
    ServiceSettings,
    SyncDaemon,
    Timeouts,
    Transport,
    Tunnel,
)

_HEADER = struct.Struct("=HH")


class UnknownValue(ValueError):
    """The kernel holds something that this model has no word for."""


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type (without flags) and payload of each attribute in a stream."""
    offset, end = 0, len(data)
    while offset + 4 <= end:
        length, kind = _HEADER.unpack_from(data, offset)
        if length < 4 or offset + length > end:
            raise UnknownValue("a netlink attribute is cut off")
        yield kind & wire.TYPE_MASK, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


Row = tuple[bytes, ...]


class Rows:
    """Picks the payloads of wanted attributes out of many messages that look alike.

    Messages of one dump differ in values and hardly ever in layout. So the layout of one message is
    learned as a single struct; while the next message has the same length and the same attribute
    headers, one unpack does for it. Any other message is read attribute by attribute, and learned.
    """

    def __init__(self, *wanted: int) -> None:
        self._wanted = wanted
        self._length = -1
        self._headers: tuple[bytes, ...] = ()
        self._unpack: Callable[[bytes], tuple[bytes, ...]] = struct.Struct("").unpack
        self._places: Sequence[int | None] = ()

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
        for _number, (_kind, payload) in enumerate(found):
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
    return int.from_bytes(payload, sys.byteorder)


def _text(payload: bytes) -> str:
    return payload.split(b"\0", 1)[0].decode("ascii", "backslashreplace")


def _word(words: dict[int, Any], number: int, what: str) -> Any:
    try:
        return words[number]
    except KeyError:
        raise UnknownValue(f"the kernel reports {what} {number}, which has no name here") from None


def _address(payload: bytes, family: Family) -> str:
    if family is Family.INET:
        return socket.inet_ntop(socket.AF_INET, payload[:4])
    return socket.inet_ntop(socket.AF_INET6, payload[:16])


SERVICE_IDENTITY = (wire.SVC_AF, wire.SVC_PROTOCOL, wire.SVC_ADDR, wire.SVC_PORT, wire.SVC_FWMARK)
SERVICE_SETTINGS = (
    wire.SVC_AF,
    wire.SVC_SCHED,
    wire.SVC_FLAGS,
    wire.SVC_TIMEOUT,
    wire.SVC_NETMASK,
    wire.SVC_PE,
)


@lru_cache(maxsize=4096)
def service_key(row: Row) -> ServiceKey:
    """From the attributes of SERVICE_IDENTITY."""
    af, protocol, address, port, mark = row
    family: Family = _word(wire.FAMILIES, _number(af), "address family")
    if _number(mark):
        return Firewallmark(_number(mark), family)
    transport: Transport = _word(wire.TRANSPORTS, _number(protocol), "transport protocol")
    return Endpoint(transport, _address(address, family), int.from_bytes(port, "big"))


@lru_cache(maxsize=4096)
def service_settings(row: Row) -> ServiceSettings:
    """From the attributes of SERVICE_SETTINGS."""
    af, scheduler, flags, timeout, netmask, engine = row
    bits = _number(flags[:4])
    inet6 = _number(af) == socket.AF_INET6
    return ServiceSettings(
        _text(scheduler),
        ServiceFlags(bits & wire.F_SCHEDULING),
        _number(timeout) if bits & wire.F_PERSISTENT else 0,
        _number(netmask) if inet6 else int.from_bytes(netmask, "big"),
        _text(engine),
    )


DESTINATION_IDENTITY = (wire.DEST_ADDR, wire.DEST_PORT, wire.DEST_FAMILY)
DESTINATION_SETTINGS = (
    wire.DEST_FORWARDING,
    wire.DEST_WEIGHT,
    wire.DEST_UPPER,
    wire.DEST_LOWER,
    wire.DEST_TUN_TYPE,
    wire.DEST_TUN_PORT,
    wire.DEST_TUN_FLAGS,
)


@lru_cache(maxsize=65536)
def destination_key(row: Row, service_family: Family) -> DestinationKey:
    """From the attributes of DESTINATION_IDENTITY; kernels before 3.18 send no family."""
    address, port, af = row
    family: Family = _word(wire.FAMILIES, _number(af), "address family") if af else service_family
    return DestinationKey(_address(address, family), int.from_bytes(port, "big"))


@lru_cache(maxsize=4096)
def destination_settings(row: Row) -> DestinationSettings:
    """From the attributes of DESTINATION_SETTINGS; kernels before 5.2 know no tunnel attributes."""
    forwarding, weight, upper, lower, kind, port, checksum = row
    tunnel = Tunnel(
        _word(wire.TUNNEL_KINDS, _number(kind), "tunnel type"),
        int.from_bytes(port, "big"),
        _word(wire.CHECKSUMS, _number(checksum), "tunnel checksum flags"),
    )
    return DestinationSettings(
        _number(weight),
        _word(wire.FORWARDINGS, _number(forwarding), "forwarding method"),
        _number(upper),
        _number(lower),
        PLAIN_TUNNEL if tunnel == PLAIN_TUNNEL else tunnel,
    )


def counters(stats64: bytes, stats: bytes) -> Counters:
    """From a nested statistics attribute, the 64-bit one where there is one."""
    values = {kind: _number(payload) for kind, payload in attributes(stats64 or stats)}
    # CONNS, INPKTS, OUTPKTS, INBYTES, OUTBYTES, CPS, INPPS, OUTPPS, INBPS, OUTBPS
    return Counters(*(values.get(kind, 0) for kind in range(1, 11)))


DESTINATION_COUNTERS = (
    wire.DEST_ACTIVE,
    wire.DEST_INACTIVE,
    wire.DEST_PERSISTENT,
    wire.DEST_STATS64,
    wire.DEST_STATS,
)
SERVICE_COUNTERS = (wire.SVC_STATS64, wire.SVC_STATS)


def destination_counters(row: Row) -> DestinationCounters:
    """From the attributes of DESTINATION_COUNTERS."""
    active, inactive, persistent, stats64, stats = row
    return DestinationCounters(
        _number(active), _number(inactive), _number(persistent), counters(stats64, stats)
    )


def timeouts(data: bytes) -> Timeouts:
    """From the answer to GET_CONFIG."""
    values = {kind: _number(payload) for kind, payload in attributes(data)}
    return Timeouts(
        values[wire.TIMEOUT_TCP], values[wire.TIMEOUT_TCP_FIN], values[wire.TIMEOUT_UDP]
    )


def daemon(data: bytes) -> SyncDaemon:
    """From one daemon of the GET_DAEMON dump; kernels before 4.3 tell no maxlen and no group."""
    values = dict(attributes(data))
    group = values.get(wire.DAEMON_GROUP) or b"\xe0\0\0\x51"
    if wire.DAEMON_GROUP6 in values:
        group = values[wire.DAEMON_GROUP6]
    return SyncDaemon(
        _word(wire.ROLES, _number(values[wire.DAEMON_STATE]), "sync daemon state"),
        _text(values[wire.DAEMON_INTERFACE]),
        _number(values.get(wire.DAEMON_SYNC_ID, b"")),
        _number(values.get(wire.DAEMON_MAXLEN, b"")),
        _address(group, Family.INET6 if len(group) == 16 else Family.INET),
        _number(values.get(wire.DAEMON_PORT, b"")),
        _number(values.get(wire.DAEMON_TTL, b"")),
    )


def info(data: bytes) -> KernelInfo:
    """From the answer to wire.GET_INFO: version is 0xMMmmpp (NVERSION)."""
    values = {kind: _number(payload) for kind, payload in attributes(data)}
    version = values.get(1, 0)
    return KernelInfo(
        f"{version >> 16 & 0xFF}.{version >> 8 & 0xFF}.{version & 0xFF}", values.get(2, 0)
    )
