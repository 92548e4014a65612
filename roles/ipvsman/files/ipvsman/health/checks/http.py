# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTP and HTTPS: a request is answered with a wanted status, and if said, a wanted body.

h11 speaks the protocol, the connection is ours: to the very address, whatever the host header and
the certificate's name are, through no proxy, following no redirect, gone at the deadline. (aiohttp,
as Debian 12 has it, cannot verify another name than it connects to, and takes up to 30 s to let go
of a TLS connection.)
"""

from __future__ import annotations

import asyncio

from ..outcome import Failed, Stage, Unable, of_errno, one_line
from ..spec import HttpProbe
from .searching import found
from .stream import connection, in_plain

try:
    import h11
except ImportError:
    h11 = None  # type: ignore[assignment]

import ssl

BODY_LIMIT = 1024 * 1024
# What has .* in it takes as long as the square of this.
SEARCHED = 64 * 1024
HEAD_LIMIT = 64 * 1024


async def check(probe: HttpProbe, stage: Stage) -> str:
    """Ask, and judge the answer."""
    if h11 is None:
        raise Unable("the Python package h11 is not installed")
    protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
    request = _request(probe, protocol)
    async with connection(probe.address, probe.port, stage, probe.tls) as (reader, writer):
        try:
            stage.doing = "sending the request"
            writer.write(request)
            await writer.drain()
            stage.doing = "waiting for the answer"
            return await _judge(probe, protocol, reader, stage)
        except h11.RemoteProtocolError as error:
            raise Failed(f"no HTTP answer: {one_line(str(error), 100)}") from error
        except ssl.SSLError as error:
            raise Failed(f"TLS failed while {stage.doing}: {in_plain(error)}") from error
        except OSError as error:
            raise of_errno(error.errno or 0, f"while {stage.doing}") from error


def _request(probe: HttpProbe, protocol: h11.Connection) -> bytes:
    headers = [
        ("Host", probe.host or _host(probe)),
        ("User-Agent", "ipvsman"),
        ("Accept", "*/*"),
        ("Connection", "close"),
    ]
    try:
        head = protocol.send(h11.Request(method=probe.method, target=probe.path, headers=headers))
        end = protocol.send(h11.EndOfMessage())
    except (h11.LocalProtocolError, UnicodeError) as error:
        raise Unable(f"no request can be made of this: {error}") from error
    return (head or b"") + (end or b"")


def _host(probe: HttpProbe) -> str:
    host = f"[{probe.address}]" if ":" in probe.address else probe.address
    usual = 443 if probe.tls else 80
    return host if probe.port == usual else f"{host}:{probe.port}"


async def _judge(
    probe: HttpProbe, protocol: h11.Connection, reader: asyncio.StreamReader, stage: Stage
) -> str:
    body, status = bytearray(), 0
    while True:
        event = protocol.next_event()
        if event is h11.NEED_DATA:
            more = await reader.read(65536)
            if not more and not status:
                begun = protocol.trailing_data[0]
                raise Failed(f"closed without {'a whole' if begun else 'an'} answer")
            protocol.receive_data(more)
        elif isinstance(event, h11.Response):
            status = event.status_code
            _judge_status(probe, status)
            if not probe.body:
                # All is known: the rest is not read.
                return f"HTTP {status}"
            stage.doing = "reading the body"
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY_LIMIT:
                break
        elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
            break
    await _judge_body(probe, bytes(body[:BODY_LIMIT]), stage)
    return f"HTTP {status}, body as wanted"


def _judge_status(probe: HttpProbe, status: int) -> None:
    if not any(low <= status <= high for low, high in probe.statuses):
        wanted = ", ".join(
            str(low) if low == high else f"{low}-{high}" for low, high in probe.statuses
        )
        raise Failed(f"HTTP {status}, wanted {wanted}")


async def _judge_body(probe: HttpProbe, body: bytes, stage: Stage) -> None:
    text = body.decode("utf-8", errors="replace")
    if not probe.body_is_regex:
        if probe.body not in text:
            raise Failed(f"the body does not contain {one_line(probe.body, 60)!r}")
        return
    if not await found(probe.body, text[:SEARCHED], stage):
        raise Failed(f"the body does not match {one_line(probe.body, 60)!r}")
