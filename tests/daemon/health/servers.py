"""Real servers on loopback, good and bad, and a loop whose clock does not wait."""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from ipvsman.health.prober import Prober
from ipvsman.health.spec import Probe, Verdict

FAMILIES = ("127.0.0.1", "::1")
# Nothing in these tests takes that long, unless it hangs.
PATIENCE = 20.0

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(
    handler: Handler, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A TCP server; its port."""
    writers: set[asyncio.StreamWriter] = set()
    tasks: set[asyncio.Task[Any]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(handle, host, 0, ssl=tls)
    # A client that goes away in the handshake is no news.
    asyncio.get_running_loop().set_exception_handler(lambda *_unused: None)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


def says(
    *parts: bytes, pause: float = 0.0, then_wait: bool = False, first_read: bool = False
) -> Handler:
    """Serve: say these, with pauses; then close, or say nothing more."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if first_read:
            await reader.read(65536)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        if then_wait:
            await asyncio.sleep(PATIENCE)
        writer.close()
        await writer.wait_closed()

    return handler


async def is_silent(reader: asyncio.StreamReader, _unused: asyncio.StreamWriter) -> None:
    """Serve: accept, hear everything, never say a word."""
    while await reader.read(65536):
        pass
    await asyncio.sleep(PATIENCE)


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve: hear something, then reset the connection."""
    await reader.read(1)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()


@contextmanager
def black_hole() -> Iterator[int]:
    """A TCP port on 127.0.0.1 that neither accepts nor refuses: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        fillers = []
        for _unused in range(3):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            filler.connect_ex(address)
            fillers.append(filler)
        yield address[1]
        for filler in fillers:
            filler.close()


def closed_port(host: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that nothing listens on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as sock:
        sock.bind((host, 0))
        port: int = sock.getsockname()[1]
    return port


class UdpServer(asyncio.DatagramProtocol):
    """Answers each datagram with what a function makes of it: any number of datagrams."""

    def __init__(self, answers: Callable[[bytes], list[bytes]]) -> None:
        self.answers = answers
        self.heard: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.heard.append(data)
        for answer in self.answers(data):
            self.transport.sendto(answer, addr)


@asynccontextmanager
async def serving_udp(
    answers: Callable[[bytes], list[bytes]], host: str = "127.0.0.1"
) -> AsyncIterator[tuple[int, UdpServer]]:
    """A UDP server; its port and itself."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: UdpServer(answers), local_addr=(host, 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1], server
    finally:
        transport.abort()
        await asyncio.sleep(0)


async def verdict_on(probe: Probe, timeout: float = PATIENCE) -> Verdict:
    """One probe's verdict."""
    prober = Prober(lambda *_unused: 1.0, random=Random(0))
    try:
        async with asyncio.timeout(2 * PATIENCE):
            return await prober.probe_once(probe, timeout)
    finally:
        await prober.close()


def judged(probe: Probe, timeout: float = PATIENCE) -> Verdict:
    """The same for who has no loop."""
    return asyncio.run(verdict_on(probe, timeout))


def descriptors() -> dict[str, str]:
    """The open descriptors of this process, and what they are."""
    found = {}
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found[number] = os.readlink(f"/proc/self/fd/{number}")
    return {number: what for number, what in found.items() if "/proc/" not in what}


def children() -> list[str]:
    """The processes that this one has not buried."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


class Hurry(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer as soon as there is nothing else to do."""

    def __init__(self) -> None:
        self.now = 1000.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.now


class _JumpingSelector(selectors.EpollSelector):
    def __init__(self, loop: Hurry) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if events or timeout == 0:
            return events
        if timeout is None:
            return super().select(PATIENCE)
        self._loop.now += timeout
        return []


def in_a_hurry(main: Callable[[Hurry], Awaitable[None]]) -> None:
    """Run on a loop whose clock does not wait."""

    async def bounded(loop: Hurry) -> None:
        await main(loop)

    with asyncio.Runner(loop_factory=Hurry) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, Hurry)
        runner.run(bounded(loop))
