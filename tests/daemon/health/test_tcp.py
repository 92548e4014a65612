from __future__ import annotations

import asyncio

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.health.servers import (
    FAMILIES,
    black_hole,
    closed_port,
    is_silent,
    judged,
    resets,
    says,
    serving,
    verdict_on,
)
from ipvsman.health.spec import TcpProbe, Verdict


def served(handler, send=b"", expect=b"", timeout=20.0, host="127.0.0.1") -> Verdict:
    async def main():
        async with serving(handler, host) as port:
            return await verdict_on(TcpProbe(host, port, send, expect), timeout)

    return asyncio.run(main())


@pytest.mark.parametrize("host", FAMILIES)
def test_accepted(host):
    verdict = served(is_silent, host=host)
    assert (verdict.ok, verdict.message) == (True, "connected")
    assert 0 <= verdict.duration < 20


@pytest.mark.parametrize("host", FAMILIES)
def test_refused(host):
    verdict = judged(TcpProbe(host, closed_port(host)))
    assert (verdict.ok, verdict.message) == (False, "connection refused")


def test_neither_accepted_nor_refused():
    with black_hole() as port:
        verdict = judged(TcpProbe("127.0.0.1", port), timeout=0.2)
    assert (verdict.ok, verdict.message) == (False, "timed out after 0.2 s while connecting")


@pytest.mark.parametrize("host", FAMILIES)
def test_said_and_answered(host):
    async def echo(reader, writer):
        writer.write(b"you said " + await reader.readline())
        await writer.drain()
        await reader.read()

    verdict = served(echo, b"PING\n", b"said PING", host=host)
    assert (verdict.ok, verdict.message) == (True, "answered as expected")


def test_the_answer_may_come_in_pieces():
    assert served(says(b"22", b"0 rea", b"dy\r\n", pause=0.01), expect=b"220 ready").ok


def test_only_said():
    heard = []

    async def listen(reader, writer):
        heard.append(await reader.read())

    async def main():
        async with serving(listen) as port:
            verdict = await verdict_on(TcpProbe("127.0.0.1", port, b"QUIT\r\n"))
            async with asyncio.timeout(20):
                while not heard:
                    await asyncio.sleep(0.01)
            return verdict

    assert asyncio.run(main()).ok
    assert heard == [b"QUIT\r\n"]


@pytest.mark.parametrize(
    "handler, message",
    [
        (
            says(b"421 go\naway\x1b[0m\r\n", first_read=True),
            "closed without the expected answer, said: '421 go away [0m'",
        ),
        (says(first_read=True), "closed without an answer"),
        (resets, "connection reset while waiting for the answer"),
        (says(b"x" * 200_000, then_wait=True), "no expected answer in the first 64 KiB"),
    ],
)
def test_not_the_expected_answer(handler, message):
    verdict = served(handler, b"hello", b"220")
    assert (verdict.ok, verdict.message) == (False, message)


@pytest.mark.parametrize(
    "handler", [is_silent, says(*[b"."] * 1000, pause=0.02), says(b"nothing", then_wait=True)]
)
def test_neither_silence_nor_trickling_outruns_the_deadline(handler):
    verdict = served(handler, expect=b"220", timeout=0.3)
    assert not verdict.ok
    assert verdict.message == "timed out after 0.3 s while waiting for the answer"
    assert 0.3 <= verdict.duration < 10


def test_who_does_not_read_does_not_outrun_the_deadline():
    async def deaf(reader, writer):
        await asyncio.sleep(20)

    verdict = served(deaf, send=b"x" * 50_000_000, timeout=0.3)
    assert verdict.message == "timed out after 0.3 s while sending"
