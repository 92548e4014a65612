# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection for a probe: to an address, in the clear or in TLS, gone when the probe is.

The TLS contexts are kept, since one that trusts the system's authorities takes tens of milliseconds
to make, and made anew when a file they are made of has changed.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache

from ..outcome import Failed, Stage, Unable, of_errno
from ..spec import Tls, Verify


def open_socket(address: str, kind: socket.SocketKind, protocol: int = 0) -> socket.socket:
    """A socket of the address's family that never blocks."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)


async def connect(sock: socket.socket, address: str, port: int, stage: Stage) -> None:
    """Connect, or say why not."""
    stage.doing = "connecting"
    try:
        if sock.type == socket.SOCK_STREAM:
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
        else:
            # Nothing to wait for; and the loop would look an ICMP socket's address up in a thread.
            sock.connect((address, port))
    except OSError as error:
        raise of_errno(error.errno or 0) from error


@asynccontextmanager
async def connection(
    address: str, port: int, stage: Stage, tls: Tls | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection's two streams. However it ends, the socket is closed without waiting."""
    trust = context(tls) if tls else None
    sock = open_socket(address, socket.SOCK_STREAM)
    try:
        await connect(sock, address, port, stage)
    except BaseException:
        sock.close()
        raise
    # From here on the socket is the transport's, which closes it if the handshake comes to nothing.
    if tls:
        stage.doing = "in the TLS handshake"
        name = tls.server_name or address
        try:
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=trust, server_hostname=name
            )
        except OSError as error:
            raise _of_handshake(error) from error
    else:
        reader, writer = await asyncio.open_connection(sock=sock)
    try:
        yield reader, writer
    finally:
        # Not close(): that says goodbye in TLS and waits up to 30 s for the answer.
        writer.transport.abort()


def _of_handshake(error: OSError) -> Failed | Unable:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failed(f"certificate refused: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return Failed(f"TLS handshake failed: {in_plain(error)}")
    if error.errno is None:
        return Failed("connection closed in the TLS handshake")
    return of_errno(error.errno, "in the TLS handshake")


def in_plain(error: ssl.SSLError) -> str:
    """OpenSSL's reason in words."""
    return (error.reason or str(error)).replace("_", " ").lower()


def context(tls: Tls) -> ssl.SSLContext:
    """The context for a probe's settings, with the files as they are now."""
    return _context(tls.verify, tls.ca_file, tls.certificate, tls.key, _stamps(tls))


def _stamps(tls: Tls) -> tuple[int, ...]:
    """Something that changes when one of the files does."""
    paths = [tls.ca_file or ssl.get_default_verify_paths().cafile, tls.certificate, tls.key]
    stamps = []
    for path in filter(None, paths):
        try:
            stamps.append(os.stat(path).st_mtime_ns)
        except OSError as error:
            if path in (tls.ca_file, tls.certificate, tls.key):
                raise Unable(f"cannot read {path}: {error.strerror}") from error
    return tuple(stamps)


@lru_cache(maxsize=256)
def _context(
    verify: Verify, ca_file: str, certificate: str, key: str, _stamps: tuple[int, ...]
) -> ssl.SSLContext:
    try:
        made = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise Unable(f"cannot use {ca_file} as authorities: {error.strerror or error}") from error
    if verify is Verify.OFF:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if certificate:
        try:
            # A key with a passphrase fails; without an answer OpenSSL would ask on the terminal.
            made.load_cert_chain(certificate, key or None, password="")
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or error
            raise Unable(f"cannot use {certificate} as client certificate: {reason}") from error
    return made
