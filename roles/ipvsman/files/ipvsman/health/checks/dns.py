# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DNS: a query is answered with the wanted rcode and the wanted records.

dnspython knows the messages; the sockets are ours, since its own do not hear that a port is closed.
Nothing is looked up elsewhere: no search list, no /etc/resolv.conf, no hosts file.
"""

from __future__ import annotations

import asyncio
import socket

from ..outcome import Failed, Stage, Unable, of_errno, one_line
from ..spec import DnsProbe
from .stream import connect, connection, open_socket

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.rcode
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype
except ImportError:
    dns = None  # type: ignore[assignment]

# A datagram may be lost: as long as nothing is heard, it is sent anew.
RESEND = 1.0


async def check(probe: DnsProbe, stage: Stage) -> str:
    """Ask, and judge the answer."""
    if dns is None:
        raise Unable("the Python package dnspython is not installed")
    try:
        query = dns.message.make_query(probe.name, probe.rdtype)
        rcode = dns.rcode.from_text(probe.rcode)
        wanted = {text: _record(probe.rdtype, text) for text in probe.answers}
    except (dns.exception.DNSException, ValueError) as error:
        raise Unable(f"no query can be made of this: {one_line(str(error))}") from error
    ask = _ask_tcp if probe.over_tcp else _ask_udp
    try:
        answer = await ask(probe, query, stage)
    except (dns.exception.DNSException, ValueError) as error:
        raise Failed(f"no DNS answer: {one_line(str(error), 100)}") from error
    except OSError as error:
        raise of_errno(error.errno or 0, f"while {stage.doing}") from error
    return _judge(answer, rcode, wanted)


def _record(rdtype: str, text: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text(
        dns.rdataclass.IN,
        dns.rdatatype.from_text(rdtype),
        text,
        origin=dns.name.root,
        relativize=False,
    )


async def _ask_udp(
    probe: DnsProbe, query: dns.message.Message, stage: Stage
) -> dns.message.Message:
    loop = asyncio.get_running_loop()
    with open_socket(probe.address, socket.SOCK_DGRAM) as sock:
        await connect(sock, probe.address, probe.port, stage)
        stage.doing = "waiting for the answer"
        wire = query.to_wire()
        while True:
            await loop.sock_sendall(sock, wire)
            try:
                async with asyncio.timeout(RESEND):
                    while True:
                        answer = dns.message.from_wire(await loop.sock_recv(sock, 65535))
                        # What answers something else is a late one of an earlier probe.
                        if query.is_response(answer):
                            return answer
            except TimeoutError as error:
                if error.errno is not None:
                    raise


async def _ask_tcp(
    probe: DnsProbe, query: dns.message.Message, stage: Stage
) -> dns.message.Message:
    wire = query.to_wire()
    async with connection(probe.address, probe.port, stage) as (reader, writer):
        stage.doing = "waiting for the answer"
        writer.write(len(wire).to_bytes(2, "big") + wire)
        try:
            length = int.from_bytes(await reader.readexactly(2), "big")
            answer = dns.message.from_wire(await reader.readexactly(length))
        except asyncio.IncompleteReadError as error:
            raise Failed("closed without a whole answer") from error
    if not query.is_response(answer):
        raise Failed("answered something else than was asked")
    return answer


def _judge(answer: dns.message.Message, rcode: int, wanted: dict[str, dns.rdata.Rdata]) -> str:
    name = dns.rcode.to_text(answer.rcode())
    if answer.rcode() != rcode:
        raise Failed(f"{name}, wanted {dns.rcode.to_text(dns.rcode.Rcode(rcode))}")
    records = [record for rrset in answer.answer for record in rrset]
    cut = " (the answer was cut short; over TCP it would not be)"
    cut = cut if answer.flags & dns.flags.TC else ""
    missing = [text for text, record in wanted.items() if record not in records]
    if missing:
        got = ", ".join(str(record) for record in records) or "no records"
        raise Failed(f"{name} without {', '.join(missing)}, got {one_line(got)}{cut}")
    if not records and rcode == dns.rcode.NOERROR:
        raise Failed(f"{name} without any record{cut}")
    return f"{name}, {len(records)} record{'' if len(records) == 1 else 's'}"
