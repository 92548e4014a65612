"""Clients of the demonstration: one asks all the time, one keeps its connection; and a watcher."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from loadclient import ask
from topology import VIP, Node


class Requests:
    """One request after another, each on a new connection, for as long as the `with` lasts."""

    def __init__(self, client: Node, pause: float = 0.01) -> None:
        self._client = client
        self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        #: When each request was begun, and who answered it or why nobody did.
        self.answers: list[tuple[float, str]] = []
        self.lost: list[tuple[float, str]] = []

    def __enter__(self) -> Requests:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stop.set()
        self._thread.join()

    def by_server(self, since: float = 0.0) -> Counter[str]:
        """How many requests that were begun since then each server answered."""
        return Counter(name for begun, name in self.answers if begun >= since)

    def lost_since(self, since: float) -> int:
        """How many requests that were begun since then were lost."""
        return sum(begun >= since for begun, _why in self.lost)

    def _ask(self) -> None:
        with self._client.inside():
            while not self._stop.wait(self._pause):
                begun = time.monotonic()
                try:
                    self.answers.append((begun, ask(VIP.v4)))
                except OSError as error:
                    self.lost.append((begun, str(error)))


class KeptConnection:
    """A connection to one server, with a request every tenth of a second until told to end."""

    def __init__(self, client: Node, server: str) -> None:
        self._end = threading.Event()
        self.answers: Counter[str] = Counter()
        self.lost: list[str] = []
        self.ended = 0.0
        with client.inside():
            self._socket = self._connect(server)
        self._thread = threading.Thread(target=self._keep)
        self._thread.start()

    def end(self) -> None:
        """Have it end after the request that it is at."""
        self._end.set()
        self._thread.join()

    def _connect(self, server: str) -> socket.socket:
        for _unused in range(20):
            connection = socket.create_connection((VIP.v4, 80), timeout=5)
            if self._ask(connection) == server:
                return connection
            connection.close()
        raise RuntimeError(f"no connection reached {server}")

    def _keep(self) -> None:
        with self._socket:
            while not self._end.wait(0.1):
                try:
                    self.answers[self._ask(self._socket)] += 1
                except OSError as error:
                    self.lost.append(str(error))
                    break
        self.ended = time.monotonic()

    @staticmethod
    def _ask(connection: socket.socket) -> str:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: demo\r\n\r\n")
        answer = b""
        while not answer.partition(b"\r\n\r\n")[2].endswith(b"\n"):
            piece = connection.recv(4096)
            if not piece:
                raise ConnectionError("the server has closed the connection")
            answer += piece
        return answer.partition(b"\r\n\r\n")[2].decode().strip()


def weight(director: Node, address: str) -> int | None:
    """The weight of a real server in the director's table; None when it is not there."""
    number = "".join(f"{int(part):02X}" for part in address.split("."))
    with director.inside():
        table = Path("/proc/thread-self/net/ip_vs").read_text(encoding="ascii")
    found = re.search(rf"-> {number}:\w+ +\w+ +(\d+)", table)
    return int(found.group(1)) if found else None


@contextlib.contextmanager
def watching(director: Node, address: str) -> Iterator[dict[int | None, float]]:
    """When a real server was first seen to have which weight (None: gone), as it is found out."""
    seen: dict[int | None, float] = {}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.05):
            seen.setdefault(weight(director, address), time.monotonic())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
