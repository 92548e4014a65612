from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from ipvsman.health.spec import Timing, Verdict
from ipvsman.health.state import Condition, Health

TIMINGS = st.builds(
    Timing,
    interval=st.just(10.0),
    fast_interval=st.just(1.0),
    down_interval=st.just(30.0),
    rise=st.integers(1, 6),
    fall=st.integers(1, 6),
)
RESULTS = st.lists(st.booleans(), max_size=60)
GOOD, BAD = Verdict(True, "fine", 0.1), Verdict(False, "bad", 0.2)


def after(results: list[bool], timing: Timing, health: Health | None = None) -> Health:
    health = health or Health.unknown(timing, 0.0)
    for now, ok in enumerate(results, start=1):
        health = health.after(GOOD if ok else BAD, timing, float(now))
    return health


def plainly(results: list[bool], timing: Timing) -> Condition:
    """The same, counted in streaks as the manual has it."""
    condition, streak = Condition.UNKNOWN, 0
    last = None
    for ok in results:
        streak = streak + 1 if ok is last else 1
        last = ok
        if condition is Condition.UNKNOWN:
            if ok:
                condition = Condition.UP
            elif streak >= timing.fall:
                condition = Condition.DOWN
        elif ok and streak >= timing.rise:
            condition = Condition.UP
        elif not ok and streak >= timing.fall:
            condition = Condition.DOWN
    return condition


@given(TIMINGS)
def test_from_up_it_takes_fall_failures_in_a_row(timing):
    up = after([True], timing)
    assert after([False] * (timing.fall - 1), timing, up).condition is Condition.UP
    assert after([False] * timing.fall, timing, up).condition is Condition.DOWN


@given(TIMINGS)
def test_from_down_it_takes_rise_successes_in_a_row(timing):
    down = after([False] * timing.fall, timing)
    assert after([True] * (timing.rise - 1), timing, down).condition is Condition.DOWN
    assert after([True] * timing.rise, timing, down).condition is Condition.UP


@given(TIMINGS)
def test_from_unknown_one_success_is_up_and_fall_failures_are_down(timing):
    assert after([True], timing).condition is Condition.UP
    assert after([False] * (timing.fall - 1), timing).condition is Condition.UNKNOWN
    assert after([False] * timing.fall, timing).condition is Condition.DOWN
    almost = [False] * (timing.fall - 1)
    assert after([*almost, True], timing).condition is Condition.UP


@given(TIMINGS, st.integers(0, 30), st.booleans())
def test_one_result_more_changes_nothing_at_the_ends(timing, more, ok):
    settled = after([ok] * max(timing.rise, timing.fall), timing)
    still = after([ok] * more, timing, settled)
    assert (still.condition, still.counter) == (settled.condition, settled.counter)
    assert settled.counter == (timing.rise + timing.fall - 1 if ok else 0)


@given(TIMINGS, RESULTS)
def test_the_counter_stays_within_its_ends(timing, results):
    assert 0 <= after(results, timing).counter <= timing.rise + timing.fall - 1


@given(TIMINGS, RESULTS)
def test_it_is_what_counting_streaks_gives(timing, results):
    assert after(results, timing).condition is plainly(results, timing)


@given(TIMINGS, RESULTS, st.booleans())
def test_it_never_turns_against_the_result(timing, results, ok):
    before = after(results, timing)
    turned = after([ok], timing, before).condition
    assert turned in {before.condition, Condition.UP if ok else Condition.DOWN}


@given(TIMINGS, RESULTS)
def test_the_delay_is_quick_as_long_as_something_is_open(timing, results):
    health = after(results, timing)
    if health.condition is Condition.UNKNOWN:
        wanted = timing.fast_interval
    elif health.counter == 0:
        wanted = timing.down_interval
    elif health.counter == timing.rise + timing.fall - 1:
        wanted = timing.interval
    else:
        wanted = timing.fast_interval
    assert health.delay(timing) == wanted
    if health.condition is Condition.UP and results[-1:] == [False]:
        assert health.delay(timing) == timing.fast_interval


@given(TIMINGS, RESULTS)
def test_since_is_the_time_of_the_last_turn_and_checked_of_the_last_result(timing, results):
    health, since = Health.unknown(timing, 0.0), 0.0
    for now, ok in enumerate(results, start=1):
        following = health.after(GOOD if ok else BAD, timing, float(now))
        if following.condition is not health.condition:
            since = float(now)
        health = following
        assert (health.since, health.checked) == (since, float(now))
        assert health.message == ("fine" if ok else "bad")


def test_a_result_gets_stale_and_none_is_never():
    timing = Timing(interval=10.0)
    assert not Health.unknown(timing, 0.0).is_stale(timing, 30.0, 1e6)
    up = after([True], timing)
    assert not up.is_stale(timing, 5.0, 31.0)
    assert up.is_stale(timing, 5.0, 31.1)
    assert not up.is_stale(timing, 60.0, 61.0)
    assert up.is_stale(timing, 60.0, 61.1)
    assert up.is_stale(replace(timing, interval=1.0), 5.0, 6.1)


def test_what_could_not_be_probed_is_as_it_was():
    for known in (Health.unknown(Timing(), 1.0), Health(Condition.UP, 4, 2.0, 3.0, "connected")):
        after = known.unmade("no descriptors left")
        assert (after.condition, after.counter) == (known.condition, known.counter)
        assert (after.since, after.checked) == (known.since, known.checked)
        assert (after.message, after.is_unmade) == ("cannot be probed: no descriptors left", True)
        assert not after.after(Verdict(True, "connected", 0.0), Timing(), 4.0).is_unmade
