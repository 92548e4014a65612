#!/usr/bin/env python3
"""A tiny web server that answers its own name, over IPv4 and IPv6: webserver.py NAME PORT...

It says `ready` on its standard output once it listens.
"""

from __future__ import annotations

import argparse
import selectors
import socket
from collections.abc import Callable

END_OF_REQUEST = b"\r\n\r\n"


class WebServer:
    """All ports and connections of one server, in one thread."""

    def __init__(self, name: str, ports: list[int], *, keep_open: bool = False) -> None:
        body = f"{name}\n"
        kept = "keep-alive" if keep_open else "close"
        self._answer = (
            f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
            f"Connection: {kept}\r\n\r\n{body}"
        ).encode()
        self._keep_open = keep_open
        self._selector = selectors.DefaultSelector()
        for port in ports:
            self._watch(_listen(port), self._accept)

    def serve(self) -> None:
        """Serve until killed."""
        while True:
            for key, _events in self._selector.select():
                key.data(key.fileobj)

    def _watch(self, descriptor: socket.socket, act: Callable[[socket.socket], None]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, act)

    def _accept(self, listener: socket.socket) -> None:
        connection = listener.accept()[0]
        connection.settimeout(5)
        received = b""

        def read(connection: socket.socket) -> None:
            nonlocal received
            try:
                piece = connection.recv(65536)
                received += piece
                while piece and END_OF_REQUEST in received:
                    received = received.partition(END_OF_REQUEST)[2]
                    connection.sendall(self._answer)
                    if not self._keep_open:
                        piece = b""
            except OSError:
                piece = b""
            if not piece:
                self._selector.unregister(connection)
                connection.close()

        self._watch(connection, read)


def _listen(port: int) -> socket.socket:
    return socket.create_server(
        ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024
    )


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("ports", nargs="+", type=int)
    parser.add_argument(
        "--keep-open", action="store_true", help="leave it to the client to close connections"
    )
    options = parser.parse_args()
    server = WebServer(options.name, options.ports, keep_open=options.keep_open)
    print("ready", flush=True)
    server.serve()


if __name__ == "__main__":
    main()
