from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from ipvsman.health.wheel import Wheel

TICK = 0.01


def test_nothing_is_due_in_an_empty_wheel():
    wheel = Wheel(TICK)
    assert wheel.next() is None
    assert wheel.take(1e9, 10) == []
    assert len(wheel) == 0


def test_what_is_taken_back_does_not_come_up():
    wheel = Wheel(TICK)
    slot = wheel.put("gone", 1.0)
    wheel.put("stays", 2.0)
    wheel.take_back("gone", slot)
    assert wheel.next() == 2.0
    assert wheel.take(3.0, 10) == ["stays"]


def test_taking_back_what_came_up_already_is_nothing():
    wheel = Wheel(TICK)
    slot = wheel.put("a", 1.0)
    assert wheel.take(1.0, 10) == ["a"]
    wheel.take_back("a", slot)


def test_it_is_due_at_the_very_time_that_next_says():
    # A loop whose clock stands still between events would spin for ever otherwise.
    wheel = Wheel(TICK)
    for number in range(1, 3000):
        wheel.put(number, number * 0.0137)
    while (when := wheel.next()) is not None:
        assert wheel.take(when, 10000)


@given(
    st.lists(st.floats(0, 100), max_size=60),
    st.lists(st.floats(0, 100), max_size=30),
    st.integers(1, 7),
)
def test_each_comes_up_once_within_half_a_tick_and_in_order(times, moments, limit):
    wheel = Wheel(TICK)
    for number, when in enumerate(times):
        wheel.put(number, when)
    seen: list[int] = []
    for now in [*sorted(moments), 1000.0]:
        while batch := wheel.take(now, limit):
            assert len(batch) <= limit
            seen += batch
        for number, when in enumerate(times):
            assert (number in seen) if when < now - TICK else True
            assert (number not in seen) if when > now + TICK else True
    assert sorted(seen) == list(range(len(times)))
    assert wheel.next() is None
    slots = [round(times[number] / TICK) for number in seen]
    assert all(a <= b + 1 for a, b in pairwise(slots))


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 10)), max_size=40), st.data())
def test_as_a_plain_dictionary_would(puts, data):
    wheel, plain = Wheel(TICK), {}
    slots: dict[int, int] = {}
    for entry, when in puts:
        if entry in plain:
            wheel.take_back(entry, slots[entry])
        slots[entry] = wheel.put(entry, when)
        plain[entry] = slots[entry] * TICK
    for entry in list(plain):
        if data.draw(st.booleans()):
            wheel.take_back(entry, slots[entry])
            del plain[entry]
    assert len(wheel) == len(plain)
    assert wheel.next() == min(plain.values(), default=None)
    assert sorted(wheel.take(11.0, 100)) == sorted(plain)
