# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""TCP: a connection is accepted, and if wanted, something said and something answered.

A plain connect is the hot path of the daemon: ``Connects`` watches them all with one epoll of its
own, which the loop watches in turn. So a probe costs no task, no future and no call of the loop,
and those that are answered together are reaped together.

A plain connect ends with a reset (SO_LINGER 0) instead of FIN. Closed the usual way, each probe
would leave a TIME_WAIT for a minute here (2,500 probes a second: 150,000 of them) and one more
connection for every tracker on the path to remember; the reset leaves nothing anywhere, and is also
the cheaper system call. With ``send`` the connection is closed the usual way, since a reset would
discard what is still to be sent.
"""

from __future__ import annotations

import asyncio
import errno
import select
import socket
import struct
from collections.abc import Callable
from typing import Generic, TypeVar

from ..outcome import Failed, Stage, of_errno, one_line
from ..spec import TcpProbe
from .stream import connect, open_socket

T = TypeVar("T")

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
NEVER_BLOCKING = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
BATCH = 256
ANSWER_LIMIT = 64 * 1024

# The handshake was done, and then the target reset the connection: whether that is seen depends on
# who is quicker, and a verdict must not.
ACCEPTED = frozenset({0, errno.ECONNRESET, errno.EPIPE})


def is_plain(probe: TcpProbe) -> bool:
    """Whether it is enough that the connection is accepted."""
    return not probe.send and not probe.expect


class Connects(Generic[T]):
    """Plain connects under way, each for an owner, who is told the error number: 0 = accepted."""

    def __init__(self, loop: asyncio.AbstractEventLoop, done: Callable[[T, int], None]) -> None:
        self._loop = loop
        self._done = done
        self._epoll = select.epoll()
        self._owners: dict[int, tuple[T, socket.SocketType]] = {}
        loop.add_reader(self._epoll.fileno(), self._reap)

    def start(self, owner: T, family: int, address: tuple[str, int]) -> int | None:
        """Begin to connect. Returns the descriptor, for ``stop``; None = the owner knows already.

        Raises OSError if there is no socket to be had.
        """
        # The C type below socket.socket: without its layer in Python, which costs as much as the
        # system calls do.
        sock = socket.SocketType(family, NEVER_BLOCKING)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        number = sock.connect_ex(address)
        if number != errno.EINPROGRESS:
            sock.close()
            self._done(owner, 0 if number in ACCEPTED else number)
            return None
        descriptor = sock.fileno()
        # Closing a descriptor takes it out of the epoll again.
        try:
            self._epoll.register(descriptor, select.EPOLLOUT)
        except OSError:
            sock.close()
            raise
        self._owners[descriptor] = owner, sock
        return descriptor

    def stop(self, descriptor: int) -> None:
        """Close one that is under way; its owner is not told."""
        self._owners.pop(descriptor)[1].close()

    def _reap(self) -> None:
        for descriptor, events in self._epoll.poll(0, BATCH):
            # Who is told of one may stop another. New ones begin only outside of this loop, so that
            # no descriptor comes to mean something else in here.
            found = self._owners.pop(descriptor, None)
            if found is None:
                continue
            owner, sock = found
            number = 0
            if events != select.EPOLLOUT:
                number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            sock.close()
            self._done(owner, 0 if number in ACCEPTED else number)

    def close(self) -> None:
        """Close all that are under way; nobody is told."""
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            for descriptor in list(self._owners):
                self.stop(descriptor)
            self._epoll.close()


async def check(probe: TcpProbe, stage: Stage) -> str:
    """Connect, and if wanted, say and hear something."""
    loop = asyncio.get_running_loop()
    with open_socket(probe.address, socket.SOCK_STREAM) as sock:
        if is_plain(probe):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        await connect(sock, probe.address, probe.port, stage)
        try:
            if probe.send:
                stage.doing = "sending"
                await loop.sock_sendall(sock, probe.send)
            if probe.expect:
                stage.doing = "waiting for the answer"
                await _expect(sock, probe.expect)
                return "answered as expected"
        except OSError as error:
            raise of_errno(error.errno or 0, f"while {stage.doing}") from error
    return "connected"


async def _expect(sock: socket.socket, wanted: bytes) -> None:
    loop = asyncio.get_running_loop()
    heard = b""
    while wanted not in heard:
        if len(heard) > ANSWER_LIMIT:
            raise Failed(f"no expected answer in the first {ANSWER_LIMIT // 1024} KiB")
        more = await loop.sock_recv(sock, 16384)
        if not more:
            said = one_line(heard.decode(errors="replace"), 60)
            raise Failed(
                f"closed without the expected answer, said: {said!r}"
                if heard
                else "closed without an answer"
            )
        heard += more
