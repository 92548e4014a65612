# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses of this host's network interfaces, in the order of the kernel: IPv4 before IPv6.

One question of rtnetlink (RTM_GETADDR), asked here since a library for it takes longer to load than
everything else together.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

# include/uapi/linux/netlink.h, rtnetlink.h, if_addr.h
_NETLINK_ROUTE = 0
_ERROR, _DONE = 2, 3
_REQUEST, _DUMP = 0x01, 0x300
_NEW_ADDRESS, _GET_ADDRESS = 20, 22
_ADDRESS, _LOCAL = 1, 2
_HEADER = struct.Struct("=IHHII")
_MESSAGE = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_LONGEST_RECEIVE = 65536


def addresses() -> dict[str, list[str]]:
    """By name of the interface. Raises OSError."""
    names = dict(socket.if_nameindex())
    found: dict[str, list[str]] = {}
    for index, address in _dump():
        if index in names:
            found.setdefault(names[index], []).append(address)
    return found


def _dump() -> Iterator[tuple[int, str]]:
    """Number of the interface, and an address of it."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as kernel:
        length = _HEADER.size + _MESSAGE.size
        header = _HEADER.pack(length, _GET_ADDRESS, _REQUEST | _DUMP, 1, 0)
        kernel.send(header + _MESSAGE.pack(socket.AF_UNSPEC, 0, 0, 0, 0))
        while True:
            data = kernel.recv(_LONGEST_RECEIVE)
            offset = 0
            while offset < len(data):
                length, kind, _flags, _sequence, _port = _HEADER.unpack_from(data, offset)
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    (number,) = struct.unpack_from("=i", data, offset + _HEADER.size)
                    raise OSError(-number, "the kernel does not tell addresses")
                if kind == _NEW_ADDRESS:
                    yield _address(data[offset + _HEADER.size : offset + length])
                offset += (length + 3) & ~3


def _address(data: bytes) -> tuple[int, str]:
    """What is local counts: on a point-to-point link the other one is that of the peer."""
    family, _prefix, _flags, _scope, index = _MESSAGE.unpack_from(data)
    found: dict[int, bytes] = {}
    offset = _MESSAGE.size
    while offset < len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        found[kind] = data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    packed = found.get(_LOCAL) or found[_ADDRESS]
    return index, socket.inet_ntop(family, packed)
