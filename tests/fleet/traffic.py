"""Requests from the client of the fleet to a virtual service, while something is done to it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from types import TracebackType

from addresses import CLIENT
from loadclient import ask
from node import Node
from remote import wait_until

#: A request on a machine that has much to do is late, and not lost.
PATIENCE = 30.0
#: Between two requests.
PAUSE = 0.02


class Traffic:
    """Requests one after another, each on a connection of its own, while the `with` lasts."""

    def __init__(self, address: str, port: int = 80) -> None:
        self._target = (address, port)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self.answered: Counter[str] = Counter()
        self.lost: list[str] = []

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _send(self) -> None:
        with Node(CLIENT, 0).inside():
            while not self._over.wait(PAUSE):
                try:
                    self.answered[ask(*self._target, PATIENCE)] += 1
                except OSError as error:
                    self.lost.append(f"{time.strftime('%X')} {error}")

    def answers(self, requests: int) -> Counter[str]:
        """Who answers so many requests from here on; none that was on its way before."""
        self._wait_for(1)
        before = self.answered.copy()
        self._wait_for(requests)
        return self.answered - before

    def _wait_for(self, requests: int) -> None:
        before = self._done()
        wait_until(f"{requests} more requests", lambda: self._done() >= before + requests)

    def _done(self) -> int:
        return self.answered.total() + len(self.lost)


class Held:
    """A connection that stays open, as that of a slow download or a websocket."""

    def __init__(self, address: str, port: int = 80) -> None:
        with Node(CLIENT, 0).inside():
            self._connection = socket.create_connection((address, port), PATIENCE)
        self._host = f"[{address}]" if ":" in address else address
        #: By which it is known in a director's table.
        self.port = int(self._connection.getsockname()[1])
        self.server = self.ask()

    def ask(self) -> str:
        """One more request on it; who answers."""
        self._connection.sendall(f"GET / HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        answer = b""
        while not answer.partition(b"\r\n\r\n")[2].endswith(b"\n"):
            piece = self._connection.recv(65536)
            if not piece:
                raise ConnectionError("closed by the server")
            answer += piece
        return answer.partition(b"\r\n\r\n")[2].decode().strip()

    def close(self) -> None:
        """End it."""
        self._connection.close()


def hold(address: str, server: str) -> Held:
    """A connection to that real server, which has its share of them."""
    for _attempt in range(20):
        held = Held(address)
        if held.server == server:
            return held
        held.close()
    raise AssertionError(f"{server} gets none of 20 connections to {address}")


#: The web server that the real servers run.
WEBSERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lab/webserver.py")
