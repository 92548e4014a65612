from __future__ import annotations

import logging

from hypothesis import given
from hypothesis import strategies as st
from ipvsman.control.flood import LINES, QUIET, SECONDS, Floods

INFO, WARNING = logging.INFO, logging.WARNING


def poured(floods, count, now, kind="change", what="add", level=INFO):
    """So many at one time; how many of them are told by themselves."""
    return sum(floods.takes(kind, what, level, now) for _unused in range(count))


def test_what_comes_by_itself_is_always_told():
    floods = Floods()
    now = 100.0
    for _unused in range(10 * LINES):
        now += QUIET
        assert floods.takes("change", "add", INFO, now)
        assert floods.rests(now) == []


def test_a_busy_director_is_told_of_in_full():
    floods = Floods()
    for tenth in range(10_000):
        now = tenth * SECONDS / LINES
        assert floods.takes("change", "edit", INFO, now)
        assert floods.rests(now, at_once=True) == []


def test_the_rest_of_a_flood_is_told_when_it_has_gone():
    floods = Floods()
    assert poured(floods, 1000, 0.0) == LINES
    assert poured(floods, 20, 0.5, what="edit", level=WARNING) == 0
    assert floods.rests(0.5 + QUIET / 2) == []
    (rest,) = floods.rests(0.5 + QUIET)
    assert (rest.kind, rest.level) == ("change", WARNING)
    assert rest.untold == {"add": 1000 - LINES, "edit": 20}
    assert str(rest).startswith(
        f"{1020 - LINES} more facts of kind change within 2 s ({1000 - LINES} add, 20 edit); "
    )
    assert floods.rests(60.0) == []
    assert poured(floods, 1, 60.0) == 1


def test_while_it_lasts_it_is_told_by_number_alone():
    floods = Floods()
    now, told, rests = 0.0, 0, []
    while now < 3.5 * SECONDS:
        told += poured(floods, 100, now)
        rests += floods.rests(now)
        now += QUIET / 2
    assert told == LINES
    assert len(rests) == 3
    rests += floods.rests(now, at_once=True)
    assert sum(rest.untold.total() for rest in rests) + told == 7 * 10 * 100
    # The first one after it has gone is told.
    assert poured(floods, 1, now + QUIET) == 1


def test_each_kind_by_itself():
    floods = Floods()
    assert poured(floods, 1000, 0.0, kind="change") == LINES
    assert poured(floods, 3, 0.0, kind="drift", what="") == 3
    assert [rest.kind for rest in floods.rests(9.0)] == ["change"]


def test_of_what_has_no_name_the_number_is_told():
    floods = Floods()
    poured(floods, LINES + 2, 0.0, kind="foreign", what="")
    (rest,) = floods.rests(5.0)
    assert str(rest).startswith("2 more facts of kind foreign within 5 s; ")


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 200))))
def test_every_fact_is_either_told_or_counted(steps):
    floods, now, told, rests = Floods(), 0.0, 0, []
    for pause, count in steps:
        now += pause
        rests += floods.rests(now)
        told += poured(floods, count, now)
    rests += floods.rests(now, at_once=True)
    assert told + sum(rest.untold.total() for rest in rests) == sum(
        count for _pause, count in steps
    )
