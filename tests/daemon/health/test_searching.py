"""What is a moment here is no measure of a busy host: searches either end at once, or never."""

from __future__ import annotations

import asyncio
import threading

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.health.servers import says, serving, verdict_on
from ipvsman.health.checks import searching
from ipvsman.health.outcome import Failed, Stage, Unable
from ipvsman.health.spec import HttpProbe

#: With this body the expression takes 2^40 steps; without the last letter it is found at once.
CATASTROPHE, PROVOKING, GOOD = "^(a+)+$", "a" * 40 + "!", "a" * 40


@pytest.fixture(autouse=True)
def _nobody_is_known_to_be_slow():
    yield
    searching._slow.clear()


def search(pattern, text, timeout=30.0):
    return asyncio.run(searching.found(pattern, text, Stage(timeout)))


@pytest.fixture
def apart(monkeypatch):
    """Every search is one for a process of its own."""

    def too_long(*_unused):
        raise searching._TimeIsUp

    monkeypatch.setattr(searching, "_here", too_long)


CASES = [("wel*", "all is well", True), ("^well", "all is well", False), ("ü+", "süß \0", True)]


@pytest.mark.parametrize("pattern, text, found", CASES)
def test_in_a_moment(pattern, text, found, monkeypatch):
    monkeypatch.delattr(searching, "_apart")
    monkeypatch.setattr(searching, "MOMENT", 60.0)
    assert search(pattern, text) is found


@pytest.mark.parametrize("pattern, text, found", CASES)
def test_in_a_process_of_its_own(pattern, text, found, apart):
    assert search(pattern, text) is found


@pytest.mark.parametrize("pattern, text, found", CASES)
def test_in_another_thread_than_that_of_signals(pattern, text, found):
    """Where no timer can be had, all are searched for apart."""
    heard = []
    thread = threading.Thread(target=lambda: heard.append(search(pattern, text)))
    thread.start()
    thread.join()
    assert heard == [found]


def test_a_search_without_an_end(monkeypatch):
    monkeypatch.setattr(searching, "_PROGRAM", searching._PROGRAM.replace("1.0", "0.1"))
    assert "0.1" in searching._PROGRAM
    with pytest.raises(Failed, match=r"'\^\(a\+\)\+\$' takes more than 1 s: .* backtracks"):
        search(CATASTROPHE, PROVOKING)
    # From now on it has no more than a glance here; a good body is good in that.
    assert searching._slow == {CATASTROPHE}
    monkeypatch.setattr(searching, "GLANCE", 60.0)
    monkeypatch.delattr(searching, "_apart")
    assert search(CATASTROPHE, GOOD) is True


def test_the_loop_goes_on_meanwhile(monkeypatch):
    """A server that provokes it is down, and whoever else is probed meanwhile is not."""
    page = b"HTTP/1.1 200 OK\r\n\r\n"

    async def main():
        bad, good = (says(page + body.encode(), first_read=True) for body in (PROVOKING, GOOD))
        async with serving(bad) as there, serving(good) as here:
            slow, quick = (
                HttpProbe("127.0.0.1", port, body=CATASTROPHE, body_is_regex=True)
                for port in (there, here)
            )
            worst = asyncio.create_task(verdict_on(slow, 60.0))
            while not searching._slow:
                await asyncio.sleep(0)
            count = 0
            while not worst.done():
                assert (await verdict_on(quick, 60.0)).ok
                count += 1
            return await worst, count

    verdict, count = asyncio.run(main())
    assert not verdict.ok
    assert "backtracks too much" in verdict.message
    assert count > 1


def test_whoever_stands_in_the_queue_is_not_to_blame(apart, monkeypatch):
    async def main():
        enough = asyncio.Event()

        async def busy(*_unused):
            await enough.wait()
            return True

        monkeypatch.setattr(searching, "_apart", busy)
        work = [
            asyncio.create_task(searching.found("a", "a", Stage(60.0)))
            for _unused in range(searching.PROCESSES)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Unable, match="too many slow regular expressions"):
            await searching.found("a", "a", Stage(0.02))
        enough.set()
        assert await asyncio.gather(*work) == [True] * searching.PROCESSES
        assert await searching.found("a", "a", Stage(60.0))

    asyncio.run(main())


def test_a_probe_that_is_stopped_leaves_no_process(apart):
    """conftest looks for processes and descriptors that are left."""

    async def main():
        work = asyncio.create_task(searching.found(CATASTROPHE, PROVOKING, Stage(60.0)))
        for _unused in range(3):
            await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(main())


def test_what_is_no_expression(monkeypatch):
    with pytest.raises(Unable, match=r"'\(' is no regular expression: missing \)"):
        search("(", "")


def test_no_process_to_be_had(apart, monkeypatch):
    monkeypatch.setattr(searching.sys, "executable", "/nonexistent")
    with pytest.raises(Unable, match="cannot start a process to search the body in: No such file"):
        search("a", "a")


def test_a_process_that_fails(apart, monkeypatch):
    monkeypatch.setattr(searching, "_PROGRAM", "raise SystemExit(7)")
    with pytest.raises(Unable, match="ended with status 7"):
        search("a", "a")
