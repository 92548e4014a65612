from __future__ import annotations

import asyncio
import socket

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.health.servers import (
    FAMILIES,
    closed_port,
    judged,
    serving_udp,
    verdict_on,
)
from ipvsman.health.spec import UdpProbe


def served(answers, payload=b"", expect=b"", timeout=20.0, host="127.0.0.1"):
    async def main():
        async with serving_udp(answers, host) as (port, server):
            verdict = await verdict_on(UdpProbe(host, port, payload, expect), timeout)
            return verdict, server.heard

    return asyncio.run(main())


@pytest.mark.parametrize("host", FAMILIES)
def test_answered_as_expected(host):
    verdict, heard = served(lambda data: [b"noise", b"re: " + data], b"ping", b"ping", host=host)
    assert (verdict.ok, verdict.message) == (True, "answered as expected")
    assert heard == [b"ping"]


def test_something_else_is_answered():
    verdict, _unused = served(lambda _unused: [b"noise"] * 5, b"ping", b"pong", timeout=0.3)
    assert not verdict.ok
    assert verdict.message == "timed out after 0.3 s while waiting for the expected answer"


def test_any_answer_will_do():
    verdict, heard = served(lambda _unused: [b"?"])
    assert (verdict.ok, verdict.message) == (True, "answered")
    assert heard == [b""]


def test_silence_is_not_refusal():
    verdict, _unused = served(lambda _unused: [], b"ping")
    assert (verdict.ok, verdict.message) == (True, "not refused")
    assert 0.9 < verdict.duration < 10


def test_silence_within_a_short_deadline():
    verdict, _unused = served(lambda _unused: [], b"ping", timeout=0.2)
    assert (verdict.ok, verdict.message) == (True, "not refused")


@pytest.mark.parametrize("host", FAMILIES)
@pytest.mark.parametrize("expect", [b"", b"pong"])
def test_refused(host, expect):
    verdict = judged(UdpProbe(host, closed_port(host, socket.SOCK_DGRAM), b"ping", expect))
    assert (verdict.ok, verdict.message) == (False, "connection refused")
