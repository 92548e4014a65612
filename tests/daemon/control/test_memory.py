from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import DOWN, TIMING, UNKNOWN, UP
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.control.memory import (
    HISTORY,
    Known,
    Transition,
    from_plain,
    identity,
    proven,
    to_plain,
)
from ipvsman.health.spec import Check, TcpProbe
from ipvsman.health.state import Condition

CHECK = Check(TcpProbe("10.0.0.1", 80), TIMING)
TURN = Transition(5.0, Condition.UP, Condition.DOWN, "refused")


def plain(health, now=100.0, wall=1e9):
    return to_plain({CHECK: Known(health, deque([TURN]))}, now, wall)


def restored(data, now=7.0, wall=1e9, check=CHECK):
    return from_plain(data, [check], now, wall).get(check)


def test_what_is_believed_and_how_it_came_is_kept():
    known = restored(plain(replace(DOWN, since=90.0)))
    assert known.health == replace(DOWN, since=-3.0, checked=None)
    assert list(known.history) == [TURN]


def test_what_is_unknown_is_not_worth_it():
    assert plain(UNKNOWN) == {}
    assert proven({CHECK: Known(UNKNOWN, deque())}) == {}


def test_a_copy_stays_as_it_was():
    known = Known(UP, deque([TURN]))
    copy = proven({CHECK: known})
    known.history.append(TURN)
    known.health = DOWN
    assert copy == {CHECK: Known(UP, deque([TURN]))}


@pytest.mark.parametrize("jump", [-1e9, -60.0, 0.0, 60.0, 1e9])
def test_a_clock_that_was_set_puts_nothing_into_the_future(jump):
    known = restored(plain(replace(UP, since=90.0)), wall=1e9 + jump)
    assert known.health.since <= 7.0


@pytest.mark.parametrize(
    "other",
    [
        Check(TcpProbe("10.0.0.1", 81), TIMING),
        Check(TcpProbe("10.0.0.1", 80), replace(TIMING, fall=9)),
    ],
)
def test_another_check_knows_nothing(other):
    assert restored(plain(UP), check=other) is None


def test_the_identity_does_not_change_from_one_process_to_the_next():
    # Kept on disk: whoever changes this has every health forgotten by an upgrade.
    assert identity(Check(TcpProbe("10.0.0.1", 80), TIMING)) == identity(CHECK)
    assert len(identity(CHECK)) == 24


def test_the_counter_stays_within_its_ends_and_history_within_its_length():
    data = plain(replace(UP, counter=99))
    (row,) = data.values()
    row["history"] *= 50
    known = restored(data)
    assert known.health.counter == TIMING.rise + TIMING.fall - 1
    assert len(known.history) == HISTORY
    known.history.append(TURN)
    assert len(known.history) == HISTORY


@given(
    st.dictionaries(
        st.sampled_from("condition counter since message history".split()),
        st.none() | st.integers() | st.text() | st.lists(st.integers()) | st.just("up"),
    )
)
def test_what_is_not_ours_is_refused_and_nothing_else_happens(row):
    try:
        known = restored({identity(CHECK): row})
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return
    assert isinstance(known, Known)
