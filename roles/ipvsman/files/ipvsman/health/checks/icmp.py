# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ICMP: an echo request is answered.

The kernel's ping sockets do all but the eight bytes of header, and need no privilege where
net.ipv4.ping_group_range allows it; else a raw socket does (CAP_NET_RAW). (icmplib would be the
library; its 2.1.1 of Debian 12 knows no asyncio, and a thread for each ping cannot be stopped.)
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct

from ..outcome import Stage, Unable, of_errno
from ..spec import IcmpProbe
from .stream import connect, open_socket

HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
TOKEN = 16

# linux/icmp.h and linux/icmpv6.h: socket options that keep all but echo replies from a raw socket,
# which otherwise hears every ICMP message of the host. A bit set is a type kept away.
SOL_RAW, ICMP_FILTER = 255, 1
ICMP6_FILTER = 1


class Echo:
    """What differs between the families."""

    def __init__(self, address: str) -> None:
        self.is_inet6 = ":" in address
        self.protocol = socket.IPPROTO_ICMPV6 if self.is_inet6 else socket.IPPROTO_ICMP
        self.request, self.reply = (128, 129) if self.is_inet6 else (8, 0)

    def message(self, identifier: int, token: bytes) -> bytes:
        """An echo request. The kernel makes the checksum, but for a raw socket of IPv4."""
        body = HEADER.pack(self.request, 0, 0, identifier, 1) + token
        return HEADER.pack(self.request, 0, checksum(body), identifier, 1) + token

    def is_reply(self, packet: bytes, token: bytes, is_raw: bool) -> bool:
        """Whether a packet is the reply to the request with this token."""
        if packet and is_raw and not self.is_inet6:
            # With its IP header, whose length is in the low half of the first byte, in words.
            packet = packet[(packet[0] & 0x0F) * 4 :]
        return packet[:1] == bytes([self.reply]) and packet[HEADER.size :] == token

    def keep_others_away(self, sock: socket.socket) -> None:
        """Let a raw socket hear echo replies only."""
        if self.is_inet6:
            kept = bytearray(b"\xff" * 32)
            word = self.reply // 32 * 4
            kept[word : word + 4] = struct.pack("=I", ~(1 << self.reply % 32) & 0xFFFFFFFF)
            sock.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, bytes(kept))
        else:
            mask = ~(1 << self.reply) & 0xFFFFFFFF
            sock.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", mask))


async def check(probe: IcmpProbe, stage: Stage) -> str:
    """Send a request, wait for its reply."""
    loop = asyncio.get_running_loop()
    echo = Echo(probe.address)
    token = os.urandom(TOKEN)
    with _open(probe.address, echo) as sock:
        is_raw = sock.type == socket.SOCK_RAW
        if is_raw:
            echo.keep_others_away(sock)
        # Connected, so that only what comes from there is heard, and also that it is unreachable.
        await connect(sock, probe.address, 0, stage)
        stage.doing = "waiting for the echo reply"
        try:
            await loop.sock_sendall(sock, echo.message(int.from_bytes(token[:2], "big"), token))
            while not echo.is_reply(await loop.sock_recv(sock, 2048), token, is_raw):
                pass
        except OSError as error:
            raise of_errno(error.errno or 0) from error
    return "echo reply"


def _open(address: str, echo: Echo) -> socket.socket:
    try:
        return open_socket(address, socket.SOCK_DGRAM, echo.protocol)
    except PermissionError:
        pass
    try:
        return open_socket(address, socket.SOCK_RAW, echo.protocol)
    except PermissionError as error:
        raise Unable(
            "no permission to ping: neither CAP_NET_RAW nor net.ipv4.ping_group_range gives it"
        ) from error


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
