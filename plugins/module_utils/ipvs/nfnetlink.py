# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Netfilter over its own netlink family: whether nftables has a table, and dumps of conntrack.

Of the network namespace that the calling thread is in. One socket for each question, since there is
hardly ever one. Knows messages, and nothing of what they are about.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator

from .errors import Cause, Unavailable

# include/uapi/linux/netfilter/nfnetlink.h, nf_tables.h, nfnetlink_conntrack.h
_NETLINK_NETFILTER = 12
_CTNETLINK, _NFTABLES = 1, 10
_CT_GET, _NFT_GETTABLE = 1, 1
_NFTA_TABLE_NAME = 1

_REQUEST, _DUMP, _DUMP_INTR = 0x01, 0x300, 0x10
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
#: Headers of netlink and of nfnetlink before the attributes.
_GENERIC = 20
_ANSWER_SECONDS = 10
_DUMP_ATTEMPTS = 10
_LONGEST_RECEIVE = 1 << 18


def has_nft_table(family: int, name: str) -> bool:
    """Whether nftables has a table of this name (family: AF_INET, AF_INET6)."""
    value = name.encode() + b"\0"
    padding = b"\0" * (-len(value) % 4)
    attribute = struct.pack("=HH", 4 + len(value), _NFTA_TABLE_NAME) + value + padding
    kind = _NFTABLES << 8 | _NFT_GETTABLE
    with _asked(kind, _REQUEST, family, attribute) as sock:
        for kind, _flags, data in _messages(sock):
            number = _errno(data) if kind == _ERROR else 0
            # A kernel without nftables knows no such question (nfnetlink_rcv_msg).
            if number in (errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP, errno.EAFNOSUPPORT):
                return False
            if number:
                raise _refused(number)
            return True
    raise AssertionError("a request has an answer")


def conntrack() -> list[bytes]:
    """Attributes of each connection that conntrack knows, of both families."""
    for _attempt in range(_DUMP_ATTEMPTS):
        found, whole = _dump(_CTNETLINK << 8 | _CT_GET)
        if whole:
            return found
    raise Unavailable(Cause.NO_ANSWER, "conntrack's table changed during every attempt to read it")


def _dump(question: int) -> tuple[list[bytes], bool]:
    found: list[bytes] = []
    whole = True
    with _asked(question, _REQUEST | _DUMP, socket.AF_UNSPEC, b"") as sock:
        while True:
            for kind, flags, data in _messages(sock):
                whole = whole and not flags & _DUMP_INTR
                if kind == _DONE:
                    return found, whole
                if kind == _ERROR:
                    raise _refused(_errno(data))
                found.append(data[4:])


def _asked(kind: int, flags: int, family: int, attributes: bytes) -> socket.socket:
    """A socket on which this has been asked."""
    sock = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER
    )
    try:
        timeout = struct.pack("@ll", _ANSWER_SECONDS, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        header = _HEADER.pack(_GENERIC + len(attributes), kind, flags, 1, 0)
        sock.send(header + struct.pack("=BBH", family, 0, 0) + attributes)
    except OSError as error:
        sock.close()
        raise _no_answer(error) from None
    return sock


def _messages(sock: socket.socket) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags, and what follows the header, of each message of one receive."""
    try:
        data = sock.recv(_LONGEST_RECEIVE)
    except OSError as error:
        raise _no_answer(error) from None
    offset, end = 0, len(data)
    while offset + 16 <= end:
        length, kind, flags, _sequence, _port = _HEADER.unpack_from(data, offset)
        yield kind, flags, data[offset + 16 : offset + length]
        offset += (length + 3) & ~3


def _errno(data: bytes) -> int:
    return -int(struct.unpack_from("=i", data)[0])


def _refused(number: int) -> Unavailable:
    if number == errno.EPERM:
        return Unavailable(
            Cause.NO_PRIVILEGE, "reading netfilter's tables needs root, or CAP_NET_ADMIN"
        )
    return Unavailable(Cause.NO_ANSWER, f"netfilter answered: {os.strerror(number)}")


def _no_answer(error: OSError) -> Unavailable:
    return Unavailable(Cause.NO_ANSWER, f"no answer from netfilter over netlink: {error}")
