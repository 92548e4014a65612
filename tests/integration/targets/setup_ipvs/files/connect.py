"""Hold TCP connections for a while: connect.py ADDRESS PORT COUNT SECONDS SERVER_PORT...

Listens on the server ports of 127.0.0.1 itself. Ends when all connections are there, and leaves a
process behind that holds them. Its end resets them, so that IPVS soon forgets them.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time


def main() -> None:
    """Listen, connect, and hold."""
    address, port, count, seconds, *server_ports = sys.argv[1:]
    listeners = [socket.create_server(("127.0.0.1", int(number))) for number in server_ports]
    held = [socket.create_connection((address, int(port)), 5) for _unused in range(int(count))]
    if os.fork():
        return
    os.setsid()
    for descriptor in range(3):
        os.close(descriptor)
    time.sleep(float(seconds))
    for connection in held:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    for listener in listeners:
        listener.close()


if __name__ == "__main__":
    main()
