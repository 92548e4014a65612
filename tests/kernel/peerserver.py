"""A server that tells who asks where it sees them come from: peerserver.py PROTOCOL PORT.

tcp and sctp answer each connection once and keep it open until the other side ends it; udp answers
each datagram. It says `ready` on its standard output once it listens. IPv4 and IPv6.
"""

from __future__ import annotations

import selectors
import socket
import sys


def address(peer: tuple[str, int]) -> bytes:
    """The address, an IPv4 one as such."""
    return peer[0].removeprefix("::ffff:").encode()


def main(protocol: str, port: int) -> None:
    """Listen and answer until killed."""
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    number = socket.IPPROTO_SCTP if protocol == "sctp" else 0
    server = socket.socket(socket.AF_INET6, kind, number)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::", port))
    if protocol != "udp":
        server.listen(64)
    print("ready", flush=True)
    waiting = selectors.DefaultSelector()
    waiting.register(server, selectors.EVENT_READ)
    while True:
        for key, _events in waiting.select():
            if key.fileobj is not server:
                if key.fileobj.recv(100):
                    key.fileobj.sendall(address(key.fileobj.getpeername()))
                else:
                    waiting.unregister(key.fileobj)
                    key.fileobj.close()
            elif protocol == "udp":
                _unused, peer = server.recvfrom(100)
                server.sendto(address(peer), peer)
            else:
                connection, peer = server.accept()
                connection.sendall(address(peer))
                waiting.register(connection, selectors.EVENT_READ)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
