from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import TIMING, UNKNOWN, UP
from ipvsman.control.ages import Ages
from ipvsman.control.journal import Journal
from ipvsman.control.memory import Known
from ipvsman.health.spec import Check, TcpProbe

CHECK = Check(TcpProbe("10.0.0.1", 80), TIMING)
GRACE = 30.0
LATE = 3 * TIMING.interval + GRACE + 1


@pytest.fixture
def journal():
    return Journal(lambda: 0.0)


@pytest.fixture
def ages(journal):
    return Ages(journal, GRACE, 0.0)


def known(health):
    return {CHECK: Known(health, deque())}


def look(ages, entries, now):
    """A look begins a round, and the next goes through it."""
    ages.look(entries, now)
    ages.look(entries, now)


def test_no_result_for_too_long_is_an_alarm_until_one_comes(ages, journal):
    old, new = known(replace(UP, checked=0.0)), known(replace(UP, checked=LATE))
    look(ages, old, LATE)
    look(ages, old, LATE + 1)
    assert ages.stale == {CHECK}
    look(ages, new, LATE + 1)
    assert ages.stale == frozenset()
    assert [entry.message.split(" of ")[0] for entry in journal.since()] == [
        "no result",
        "results",
    ]


def test_who_never_had_a_result_is_late_from_when_it_was_wanted(ages):
    entries = known(replace(UNKNOWN, since=100.0, checked=None))
    look(ages, entries, 100.0 + GRACE)
    assert ages.stale == frozenset()
    look(ages, entries, 100.0 + LATE)
    assert ages.stale == {CHECK}


def test_who_is_no_longer_wanted_is_forgotten(ages):
    look(ages, known(replace(UP, checked=0.0)), LATE)
    ages.keep(frozenset())
    assert ages.stale == frozenset()
