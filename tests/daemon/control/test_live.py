from __future__ import annotations

import asyncio
import threading

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.keeping import Watched
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import VIP, Clock, service, wait_for
from ipvsman.control.live import Live
from ipvsman.ipvs.errors import Cause, Unavailable

A = "10.0.0.1"


def _threads():
    return [each.name for each in threading.enumerate()]


def read_of(kernel, *asked, clock=None, opened=None):
    """Readings, one after the other; each of what is asked is (seconds that pass, age)."""
    clock = clock or Clock()

    def open_table():
        if opened is not None:
            opened.append(threading.current_thread().name)
        return kernel

    async def main():
        live = Live(open_table, clock, age=10.0)
        found = []
        for seconds, age in asked:
            clock.now += seconds
            found.append(await live.read(age))
        await live.close()
        return found

    return asyncio.run(main())


def test_a_reading_serves_while_it_is_young_enough_for_who_asks():
    kernel = Watched(service({A: 5}))
    first, again, younger, later = read_of(kernel, (0, None), (9, None), (0, 5.0), (11, None))
    assert again is first
    assert younger is not first
    assert later is not younger
    assert first.state.services == {VIP: service({A: 5})}
    assert first.counters.keys() == {VIP}
    assert (first.time, younger.time, later.time) == (1000.0, 1009.0, 1020.0)


def test_it_has_a_table_and_a_thread_of_its_own_and_gives_them_back():
    kernel, opened = Watched(), []
    read_of(kernel, (0, None), (20, None), opened=opened)
    assert len(opened) == 1
    assert opened[0].startswith("live")
    assert kernel.closed == 1
    wait_for(lambda: opened[0] not in _threads(), "the end of the thread")


def test_a_failure_is_counted_and_the_table_is_opened_anew():
    kernel = Watched()

    def fail():
        raise Unavailable(Cause.NO_ANSWER, "no answer")

    kernel.before_read = fail
    opened = []

    async def main():
        live = Live(lambda: opened.append(1) or kernel, Clock())
        for _unused in range(2):
            with pytest.raises(Unavailable, match="no answer"):
                await live.read()
        assert live.failures == 2
        kernel.before_read = lambda: None
        await live.read()
        await live.close()

    asyncio.run(main())
    assert len(opened) == 3
    assert kernel.closed == 3


def test_who_asks_at_the_same_time_gets_the_same():
    kernel = Watched()

    async def main():
        live = Live(lambda: kernel, Clock())
        found = await asyncio.gather(*(live.read() for _unused in range(5)))
        await live.close()
        return found

    assert len({id(each) for each in asyncio.run(main())}) == 1
    assert len(kernel.scopes) == 1
