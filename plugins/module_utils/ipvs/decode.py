# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Netlink -> model: what the kernel answers, as values. Pure: bytes, no socket."""

from __future__ import annotations

import socket
import struct
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
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


class Rows:
    """Cuts groups of attributes out of many messages that look alike.

    Messages of one dump differ in values and hardly ever in layout. So the places of the groups are
    learned from one message, and stand as long as the next one has the same length, and the same
    headers where a group begins and ends: a longer name of a scheduler and the padding of 64-bit
    numbers (``nla_put_64bit``) can make up for each other. A cut holds its attributes as they came,
    headers included: whoever reads it sees whether it is what it is taken for, and equal cuts say
    the same.
    """

    def __init__(self, first: Sequence[int], second: Sequence[int], *more: Sequence[int]) -> None:
        """Groups, each of the numbers of attributes that the kernel puts side by side."""
        self._groups = (first, second, *more)
        self._length = -1
        self._headers: tuple[bytes, ...] = ()
        self._header: Callable[[bytes], tuple[bytes, ...]]
        self._cut: Callable[[bytes], tuple[bytes, ...]]

    def row(self, data: bytes) -> tuple[bytes, ...]:
        """The attributes of each group; empty where the message has none of them.

        data: a message that is one attribute, inside of which the others are.
        """
        if len(data) != self._length or self._header(data) != self._headers:
            self._learn(data)
        return self._cut(data)

    def _learn(self, data: bytes) -> None:
        places, offset = [], _HEADER.size
        for kind, payload in attributes(data[offset:]):
            end = offset + ((_HEADER.size + len(payload) + 3) & ~3)
            places.append((kind, offset, end))
            offset = end
        reaches = [_reach(group, places) for group in self._groups]
        edges = sorted({edge for reach in reaches for edge in (reach.start or 0, reach.stop)})
        self._cut = itemgetter(*reaches)
        self._header = itemgetter(*(slice(edge, edge + _HEADER.size) for edge in (0, *edges)))
        self._headers = self._header(data)
        self._length = len(data)


def _reach(group: Sequence[int], places: Sequence[tuple[int, int, int]]) -> slice:
    """From the first to the last attribute of a group; places: type, begin and end of each."""
    found = [(begin, end) for kind, begin, end in places if kind in group]
    return slice(found[0][0], found[-1][1]) if found else slice(0)


def _values(cut: bytes) -> dict[int, bytes]:
    """Payloads by type; empty where one is missing."""
    return defaultdict(bytes, attributes(cut))


def _number(payload: bytes) -> int:
    return int.from_bytes(payload, sys.byteorder)


def _text(payload: bytes) -> str:
    return payload.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")


def _word(words: dict[int, Any], number: int, what: str) -> Any:
    try:
        return words[number]
    except KeyError:
        raise UnknownValue(f"the kernel reports {what} {number}, which has no name here") from None


#: Of the 16 bytes that the kernel reserves for either.
_ADDRESS_LENGTH = {Family.INET: 4, Family.INET6: 16}


def _address(payload: bytes, family: Family) -> str:
    length = _ADDRESS_LENGTH[family]
    if len(payload) < length:
        raise UnknownValue(f"an address of {len(payload)} bytes where {length} are due")
    return socket.inet_ntop(wire.AF[family], payload[:length])


SERVICE_IDENTITY = (wire.SVC_AF, wire.SVC_PROTOCOL, wire.SVC_ADDR, wire.SVC_PORT, wire.SVC_FWMARK)
SERVICE_SETTINGS = (
    wire.SVC_SCHED,
    wire.SVC_PE,
    wire.SVC_FLAGS,
    wire.SVC_TIMEOUT,
    wire.SVC_NETMASK,
)


def service_key(identity: bytes) -> ServiceKey:
    """From the attributes of SERVICE_IDENTITY."""
    values = _values(identity)
    family: Family = _word(wire.FAMILIES, _number(values[wire.SVC_AF]), "address family")
    mark = _number(values[wire.SVC_FWMARK])
    if mark:
        return Firewallmark(mark, family)
    transport: Transport = _word(
        wire.TRANSPORTS, _number(values[wire.SVC_PROTOCOL]), "transport protocol"
    )
    return Endpoint(
        transport,
        _address(values[wire.SVC_ADDR], family),
        int.from_bytes(values[wire.SVC_PORT], "big"),
    )


@lru_cache(maxsize=4096)
def service_settings(settings: bytes, family: Family) -> ServiceSettings:
    """From the attributes of SERVICE_SETTINGS."""
    values = _values(settings)
    bits = _number(values[wire.SVC_FLAGS][:4])
    netmask = values[wire.SVC_NETMASK]
    return ServiceSettings(
        _text(values[wire.SVC_SCHED]),
        ServiceFlags(bits & wire.F_SCHEDULING),
        _number(values[wire.SVC_TIMEOUT]) if bits & wire.F_PERSISTENT else 0,
        _number(netmask) if family is Family.INET6 else int.from_bytes(netmask, "big"),
        _text(values[wire.SVC_PE]),
    )


DESTINATION_IDENTITY = (wire.DEST_ADDR, wire.DEST_PORT)
DESTINATION_SETTINGS = (
    wire.DEST_FORWARDING,
    wire.DEST_WEIGHT,
    wire.DEST_TUN_TYPE,
    wire.DEST_TUN_PORT,
    wire.DEST_TUN_FLAGS,
    wire.DEST_UPPER,
    wire.DEST_LOWER,
)
DESTINATION_FAMILY = (wire.DEST_FAMILY,)

# The attributes of DESTINATION_IDENTITY, the port as the number it is.
_IDENTITY = struct.Struct(">4s16s4sH2x")
_ADDRESS_HEADER = _HEADER.pack(20, wire.DEST_ADDR)
_PORT_HEADER = _HEADER.pack(6, wire.DEST_PORT)


def destination_key(identity: bytes, af: bytes, service_family: Family) -> DestinationKey:
    """From the attributes of DESTINATION_IDENTITY and DESTINATION_FAMILY."""
    try:
        address_header, address, port_header, port = _IDENTITY.unpack(identity)
    except struct.error:
        raise UnknownValue("a destination without an address or a port") from None
    if address_header != _ADDRESS_HEADER or port_header != _PORT_HEADER:
        raise UnknownValue("a destination whose attributes are out of order")
    number, length = _address_form(af, service_family)
    return DestinationKey(socket.inet_ntop(number, address[:length]), port)


@lru_cache(maxsize=16)
def _address_form(af: bytes, service_family: Family) -> tuple[int, int]:
    """Number of the address family and length of an address; before 3.18 no family is sent."""
    payload = _values(af)[wire.DEST_FAMILY]
    number = _number(payload) if payload else wire.AF[service_family]
    family: Family = _word(wire.FAMILIES, number, "address family")
    return number, _ADDRESS_LENGTH[family]


@lru_cache(maxsize=4096)
def destination_settings(settings: bytes) -> DestinationSettings:
    """From the attributes of DESTINATION_SETTINGS; kernels before 5.2 know no tunnel attributes."""
    values = _values(settings)
    tunnel = Tunnel(
        _word(wire.TUNNEL_KINDS, _number(values[wire.DEST_TUN_TYPE]), "tunnel type"),
        int.from_bytes(values[wire.DEST_TUN_PORT], "big"),
        _word(
            wire.CHECKSUMS,
            _number(values[wire.DEST_TUN_FLAGS]),
            "tunnel checksum flags",
        ),
    )
    return DestinationSettings(
        _number(values[wire.DEST_WEIGHT]),
        _word(wire.FORWARDINGS, _number(values[wire.DEST_FORWARDING]), "forwarding method"),
        _number(values[wire.DEST_UPPER]),
        _number(values[wire.DEST_LOWER]),
        PLAIN_TUNNEL if tunnel == PLAIN_TUNNEL else tunnel,
    )


DESTINATION_COUNTERS = (
    wire.DEST_ACTIVE,
    wire.DEST_INACTIVE,
    wire.DEST_PERSISTENT,
    wire.DEST_STATS,
    wire.DEST_STATS64,
)
SERVICE_COUNTERS = (wire.SVC_STATS, wire.SVC_STATS64)


def service_counters(cut: bytes) -> Counters:
    """From the attributes of SERVICE_COUNTERS."""
    values = _values(cut)
    return _counters(values[wire.SVC_STATS64] or values[wire.SVC_STATS])


def destination_counters(cut: bytes) -> DestinationCounters:
    """From the attributes of DESTINATION_COUNTERS."""
    values = _values(cut)
    return DestinationCounters(
        _number(values[wire.DEST_ACTIVE]),
        _number(values[wire.DEST_INACTIVE]),
        _number(values[wire.DEST_PERSISTENT]),
        _counters(values[wire.DEST_STATS64] or values[wire.DEST_STATS]),
    )


def _counters(nested: bytes) -> Counters:
    values = {kind: _number(payload) for kind, payload in attributes(nested)}
    # CONNS, INPKTS, OUTPKTS, INBYTES, OUTBYTES, CPS, INPPS, OUTPPS, INBPS, OUTBPS
    return Counters(*(values.get(kind, 0) for kind in range(1, 11)))


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
