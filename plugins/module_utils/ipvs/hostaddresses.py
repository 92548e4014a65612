# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether addresses are this host's: whether its routing keeps what is sent to them.

That is one question of rtnetlink (RTM_GETROUTE) for each. A list of interfaces' addresses would not
do: a network on lo, or a route of type local, makes addresses this host's that are on no interface.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable

from .model import packed_address

# include/uapi/linux/netlink.h, rtnetlink.h
_NETLINK_ROUTE = 0
_REQUEST = 0x01
_NEW_ROUTE, _GET_ROUTE = 24, 26
_DESTINATION = 1
_LOCAL = 2
_HEADER = struct.Struct("=IHHII")
_ROUTE = struct.Struct("=BBBBBBBBI")
#: Where in it its type is.
_TYPE = 7
_ATTRIBUTE = struct.Struct("=HH")
_ANSWER_SECONDS = 10
_LONGEST_RECEIVE = 65536


def elsewhere(addresses: Iterable[str]) -> tuple[str, ...]:
    """Those that are not this host's, of the network namespace we are in. Raises OSError."""
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_ROUTE
    ) as kernel:
        timeout = struct.pack("@ll", _ANSWER_SECONDS, 0)
        kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        return tuple(address for address in addresses if not _is_here(kernel, address))


def _is_here(kernel: socket.socket, address: str) -> bool:
    packed = packed_address(address)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    route = _ROUTE.pack(family, 8 * len(packed), 0, 0, 0, 0, 0, 0, 0)
    message = route + _ATTRIBUTE.pack(_ATTRIBUTE.size + len(packed), _DESTINATION) + packed
    kernel.send(_HEADER.pack(_HEADER.size + len(message), _GET_ROUTE, _REQUEST, 1, 0) + message)
    data = kernel.recv(_LONGEST_RECEIVE)
    # Where there is no route at all, the answer is an error.
    _length, kind, _flags, _sequence, _port = _HEADER.unpack_from(data)
    return kind == _NEW_ROUTE and data[_HEADER.size + _TYPE] == _LOCAL
