from __future__ import annotations

import asyncio
import socket

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from ansible_collections.lvs.ipvs.tests.daemon.health.servers import (
    FAMILIES,
    closed_port,
    is_silent,
    judged,
    says,
    serving,
    serving_udp,
    verdict_on,
)
from ipvsman.health.checks import dns as check
from ipvsman.health.spec import DnsProbe, Verdict

ZONE = {
    "www.example.": ["www.example. 60 IN CNAME web.example.", "web.example. 60 IN A 192.0.2.1"],
    "six.example.": ["six.example. 60 IN AAAA 2001:db8::1"],
    "mail.example.": ["mail.example. 60 IN MX 10 MX1.Example."],
    "text.example.": ['text.example. 60 IN TXT "all is" "well"'],
    "empty.example.": [],
}


def answer_to(wire: bytes) -> dns.message.Message:
    query = dns.message.from_wire(wire)
    answer = dns.message.make_response(query)
    name = query.question[0].name.to_text().lower()
    if name == "broken.example.":
        answer.set_rcode(dns.rcode.SERVFAIL)
    elif name == "cut.example.":
        answer.flags |= dns.flags.TC
    elif name not in ZONE:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    for line in ZONE.get(name, []):
        owner, ttl, _unused, rdtype, rdata = line.split(None, 4)
        answer.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", rdtype, rdata))
    return answer


def well(wire: bytes) -> list[bytes]:
    return [answer_to(wire).to_wire()]


def over_udp(server=well, timeout=20.0, host="127.0.0.1", **options) -> Verdict:
    async def main():
        async with serving_udp(server, host) as (port, _unused):
            return await verdict_on(DnsProbe(host, port, **options), timeout)

    return asyncio.run(main())


def over_tcp(handler=None, timeout=20.0, host="127.0.0.1", **options) -> Verdict:
    async def main():
        async with serving(handler or tcp_well, host) as port:
            return await verdict_on(DnsProbe(host, port, over_tcp=True, **options), timeout)

    return asyncio.run(main())


async def tcp_well(reader, writer):
    length = int.from_bytes(await reader.readexactly(2), "big")
    wire = answer_to(await reader.readexactly(length)).to_wire()
    writer.write(len(wire).to_bytes(2, "big") + wire)
    await writer.drain()
    await reader.read()


@pytest.mark.parametrize("ask", [over_udp, over_tcp])
@pytest.mark.parametrize("host", FAMILIES)
def test_good(ask, host):
    verdict = ask(host=host, name="www.example")
    assert (verdict.ok, verdict.message) == (True, "NOERROR, 2 records")


@pytest.mark.parametrize("ask", [over_udp, over_tcp])
@pytest.mark.parametrize(
    "options, ok, message",
    [
        ({"name": "www.example", "answers": ("192.0.2.1",)}, True, "NOERROR, 2 records"),
        ({"name": "WWW.example."}, True, "NOERROR, 2 records"),
        (
            {"name": "six.example", "rdtype": "AAAA", "answers": ("2001:DB8:0::0001",)},
            True,
            "NOERROR, 1 record",
        ),
        (
            {"name": "mail.example", "rdtype": "MX", "answers": ("10 mx1.example.",)},
            True,
            "NOERROR, 1 record",
        ),
        (
            {"name": "text.example", "rdtype": "txt", "answers": ('"all is" "well"',)},
            True,
            "NOERROR, 1 record",
        ),
        (
            {"name": "www.example", "answers": ("192.0.2.1", "192.0.2.9")},
            False,
            "NOERROR without 192.0.2.9, got web.example., 192.0.2.1",
        ),
        ({"name": "empty.example"}, False, "NOERROR without any record"),
        (
            {"name": "cut.example"},
            False,
            "NOERROR without any record (the answer was cut short; over TCP it would not be)",
        ),
        ({"name": "no.example"}, False, "NXDOMAIN, wanted NOERROR"),
        ({"name": "no.example", "rcode": "NXDOMAIN"}, True, "NXDOMAIN, 0 records"),
        ({"name": "broken.example"}, False, "SERVFAIL, wanted NOERROR"),
    ],
)
def test_the_answer(ask, options, ok, message):
    verdict = ask(**options)
    assert (verdict.ok, verdict.message) == (ok, message)


@pytest.mark.parametrize("host", FAMILIES)
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_refused(host, kind):
    over = kind is socket.SOCK_STREAM
    verdict = judged(DnsProbe(host, closed_port(host, kind), "www.example", over_tcp=over))
    assert not verdict.ok
    assert verdict.message.startswith("connection refused")


def test_the_answer_to_something_else_is_passed_over():
    def answers(wire):
        other = bytearray(answer_to(wire).to_wire())
        other[0] ^= 0xFF
        return [bytes(other), *well(wire)]

    assert over_udp(answers, name="www.example").ok


def test_a_lost_query_is_sent_anew(monkeypatch):
    monkeypatch.setattr(check, "RESEND", 0.05)
    heard = []

    def answers(wire):
        heard.append(wire)
        return well(wire) if len(heard) > 2 else []

    assert over_udp(answers, name="www.example").ok
    assert len(set(heard)) == 1


def test_silence():
    verdict = over_udp(lambda _unused: [], timeout=0.3, name="www.example")
    assert not verdict.ok
    assert verdict.message == "timed out after 0.3 s while waiting for the answer"


@pytest.mark.parametrize("garbage", [b"", b"\x00", b"\xff" * 100])
def test_garbage(garbage):
    verdict = over_udp(lambda wire: [wire[:2] + b"\x84\x00" + garbage], name="www.example")
    assert not verdict.ok
    assert verdict.message.startswith("no DNS answer: ")


@pytest.mark.parametrize(
    "handler, message",
    [
        (is_silent, "timed out after 0.3 s while waiting for the answer"),
        (says(b"\x00\x64", *[b"x"] * 100, pause=0.05), "timed out after 0.3 s while waiting"),
        (says(b"\x00\x64xxx", first_read=True), "closed without a whole answer"),
        (says(first_read=True), "closed without a whole answer"),
        (says(b"\x00\x04xxxx", first_read=True), "no DNS answer: "),
    ],
)
def test_no_answer_over_tcp(handler, message):
    verdict = over_tcp(handler, timeout=0.3, name="www.example")
    assert not verdict.ok
    assert verdict.message.startswith(message)


@pytest.mark.parametrize(
    "options",
    [
        {"name": "x" * 64},
        {"name": "www.example", "rdtype": "NONSENSE"},
        {"name": "www.example", "rcode": "NONSENSE"},
        {"name": "www.example", "answers": ("not an address",)},
    ],
)
def test_what_cannot_be_asked_is_no_verdict(options):
    verdict = judged(DnsProbe("127.0.0.1", 1, **options))
    assert verdict.message.startswith("cannot be probed: no query can be made of this: ")


def test_without_dnspython_there_is_no_verdict(monkeypatch):
    monkeypatch.setattr(check, "dns", None)
    assert judged(DnsProbe("127.0.0.1", 1, "www.example")).message == (
        "cannot be probed: the Python package dnspython is not installed"
    )
