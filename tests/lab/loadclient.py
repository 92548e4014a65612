#!/usr/bin/env python3
"""Send web requests one after another, each on a new connection, and count who answered."""

from __future__ import annotations

import argparse
import json
import socket
import time
from dataclasses import asdict, dataclass, field

BODY = b"\r\n\r\n"


@dataclass
class Summary:
    """What became of the requests."""

    requests: int = 0
    failed: int = 0
    by_server: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)


def load(
    address: str,
    port: int = 80,
    *,
    count: int | None = None,
    duration: float | None = None,
    interval: float = 0.0,
    timeout: float = 2.0,
) -> Summary:
    """Send `count` requests, or as many as `duration` seconds allow; whichever ends first."""
    if count is None and duration is None:
        raise ValueError("the load has no bound: give a count or a duration")
    summary = Summary()
    end = None if duration is None else time.monotonic() + duration
    while summary.requests != count and (end is None or time.monotonic() < end):
        if interval and summary.requests:
            time.sleep(interval)
        summary.requests += 1
        try:
            _count(summary.by_server, ask(address, port, timeout))
        except OSError as error:
            summary.failed += 1
            _count(summary.errors, error.strerror or str(error))
    return summary


def ask(address: str, port: int = 80, timeout: float = 2.0) -> str:
    """Send one request on a connection of its own; the name of the server that answers."""
    with socket.create_connection((address, port), timeout) as connection:
        host = f"[{address}]" if ":" in address else address
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while not _complete(answer):
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionError("the answer is not complete")
            answer += piece
    return answer.partition(BODY)[2].decode().strip()


def _complete(answer: bytes) -> bool:
    """Whether the body is there; it is one line."""
    return answer.partition(BODY)[2].endswith(b"\n")


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def main() -> None:
    """Parse the command line, send, and print the summary as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("port", nargs="?", type=int, default=80)
    parser.add_argument("--count", type=int, help="stop after so many requests")
    parser.add_argument("--duration", type=float, metavar="SECONDS", help="stop after so long")
    parser.add_argument("--interval", type=float, default=0.0, metavar="SECONDS", help="pause")
    parser.add_argument("--timeout", type=float, default=2.0, metavar="SECONDS", help="of each")
    options = parser.parse_args()
    if options.count is None and options.duration is None:
        parser.error("give --count or --duration")
    print(json.dumps(asdict(load(**vars(options)))))


if __name__ == "__main__":
    main()
