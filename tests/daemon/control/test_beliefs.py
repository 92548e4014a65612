from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    BAD,
    CHECK,
    GOOD,
    TIMING,
    VIP,
    config,
    entries,
    frontend,
    key,
    row,
)
from ansible_collections.lvs.ipvs.tests.daemon.control.surroundings import A, B, Surroundings
from ipvsman.control.beliefs import Beliefs
from ipvsman.control.journal import Kind
from ipvsman.control.memory import Transition
from ipvsman.control.notes import Notes
from ipvsman.control.weights import Why, effective
from ipvsman.health.spec import Check, TcpProbe
from ipvsman.health.state import Condition


class TestHealth:
    def test_every_check_is_probed_and_unknown_at_first(self, around):
        director = around.begin()
        assert around.probes.assigned == {around.check(A): 1.0, around.check(B): 1.0}
        assert {each.health.condition for each in director.beliefs.known.values()} == {
            Condition.UNKNOWN
        }
        assert around.keeper.calls == [None]

    def test_what_is_new_is_probed_soon_however_seldom_it_is_later(self, around):
        slow = replace(CHECK, timing=replace(TIMING, interval=600.0, fast_interval=600.0))
        around.next = config(frontend(row(A, check=slow), B))
        around.begin()
        assert around.probes.assigned[around.check(A)] == 1.0
        many = [row(f"10.1.{n // 250}.{n % 250}", check=slow) for n in range(5000)]
        around.reload(config(frontend(*many)))
        assert set(around.probes.assigned.values()) == {5.0}

    def test_why_it_cannot_be_probed_is_told_and_changes_nothing_else(self, around):
        director = around.begin()
        beliefs, check = director.beliefs, around.check()
        before = beliefs.known[check].health
        for _unused in range(2):
            again = beliefs.unable(check, "cannot run /bin/chek: No such file or directory")
            assert again == TIMING.fast_interval
        assert around.keeper.calls == [None, frozenset([VIP])]
        after = beliefs.known[check].health
        assert after.message == "cannot be probed: cannot run /bin/chek: No such file or directory"
        assert replace(after, message=before.message, is_unmade=False) == before
        (pool,) = director.desired.pools.values()
        reason = effective(pool, director.snapshot.circumstances, None)[key(A)].reason
        assert reason.startswith("not known yet (cannot be probed: cannot run /bin/chek: No such")
        assert beliefs.unable(Check(TcpProbe("10.9.9.9", 9), TIMING), "x") == TIMING.fast_interval

    def test_what_changes_nothing_is_no_news(self, around):
        director = around.begin()
        director.beliefs.judge(around.check(), GOOD)
        calls = len(around.keeper.calls)
        for _unused in range(100):
            director.beliefs.judge(around.check(), GOOD)
        assert director.beliefs.judge(around.check(), BAD) == TIMING.fast_interval
        assert len(around.keeper.calls) == calls
        assert director.beliefs.judge(around.check(), BAD) == TIMING.fast_interval
        assert director.beliefs.judge(around.check(), BAD) == TIMING.down_interval
        assert len(around.keeper.calls) == calls + 1
        assert entries(around.journal, Kind.TRANSITION)[-1].level == logging.WARNING

    def test_what_is_read_later_than_it_was_told_is_newer(self, around):
        director = around.begin()
        director.beliefs.judge(around.check(), GOOD)
        told = around.keeper.last
        for _unused in range(3):
            director.beliefs.judge(around.check(), BAD)
        pool = told.desired.pools[VIP]
        assert [each.why for each in effective(pool, told.circumstances, None).values()] == [
            Why.DOWN,
            Why.COLD_START,
        ]

    def test_the_verdict_of_a_check_that_is_gone_is_no_fault(self, around):
        director = around.begin()
        gone = Check(TcpProbe("10.0.0.77", 1), TIMING)
        assert director.beliefs.judge(gone, BAD) == TIMING.interval
        assert len(around.keeper.calls) == 1

    def test_thousands_of_flaps_are_bounded(self, around):
        director = around.begin()
        for _unused in range(3000):
            director.beliefs.judge(around.check(), GOOD)
            director.beliefs.judge(around.check(), GOOD)
            for _unused in range(3):
                director.beliefs.judge(around.check(), BAD)
        assert len(around.journal.since()) == 1000
        assert around.journal.count(Kind.TRANSITION) == 6000
        assert len(director.beliefs.known[around.check()].history) == 20

    def test_a_reload_keeps_health_and_a_changed_check_starts_anew(self, around):
        director = around.begin()
        director.beliefs.judge(around.check(), GOOD)
        around.reload(config(frontend(A), digest="b"))
        assert around.condition() is Condition.UP
        assert len(director.beliefs.known) == 1
        slower = replace(CHECK, timing=replace(TIMING, fall=9))
        around.reload(config(frontend(row(A, check=slower)), digest="c"))
        assert around.condition() is Condition.UNKNOWN
        assert len(director.beliefs.known) == 1


class TestMemory:
    def test_it_is_written_when_something_has_turned_and_not_otherwise(self, around, tmp_path):
        director = around.begin()
        asyncio.run(director.remember())
        assert list(tmp_path.iterdir()) == []
        director.beliefs.judge(around.check(), GOOD)
        asyncio.run(director.remember())
        first = (tmp_path / "health.json").stat().st_ino
        director.beliefs.judge(around.check(), GOOD)
        asyncio.run(director.remember())
        assert (tmp_path / "health.json").stat().st_ino == first

    def test_health_and_history_outlive_a_restart(self, around, tmp_path):
        director = around.begin()
        director.beliefs.judge(around.check(), GOOD)
        for _unused in range(3):
            director.beliefs.judge(around.check(), BAD)
        asyncio.run(director.remember())
        again = Surroundings(tmp_path)
        again.clock.now = 5.0
        again.begin()
        known = again.director.beliefs.known[again.check()]
        assert known.health.condition is Condition.DOWN
        assert [each.after for each in known.history] == [Condition.UP, Condition.DOWN]
        assert again.condition(B) is Condition.UNKNOWN
        # Soon checked, and no alarm before that could be done.
        assert again.probes.assigned[again.check()] == TIMING.fast_interval
        again.director.tick()
        again.director.tick()
        assert again.director.ages.stale == frozenset()


class TestBeliefs:
    """Without a director."""

    @pytest.fixture
    def turns(self):
        return []

    @pytest.fixture
    def stuck(self):
        return []

    @pytest.fixture
    def beliefs(self, around, turns, stuck):
        def turned(check, turn):
            turns.append((check, turn))

        notes = Notes(around.store, around.journal)
        return Beliefs(notes, turned, stuck.append, around.clock, around.wall)

    check = Check(TcpProbe(A, 80), TIMING)

    def test_a_turn_is_told_and_kept(self, beliefs, turns, around):
        beliefs.want({self.check})
        beliefs.judge(self.check, GOOD)
        (turn,) = beliefs.known[self.check].history
        assert turns == [(self.check, turn)]
        expected = Transition(around.wall(), Condition.UNKNOWN, Condition.UP, GOOD.message)
        assert turn == expected

    def test_healths_that_were_given_are_of_the_checks_of_then(self, beliefs):
        """The keeper may still be at a configuration that another has replaced."""
        beliefs.want({self.check})
        before = beliefs.healths
        beliefs.want(set())
        assert list(before) == [self.check]
        assert self.check not in beliefs.healths
        assert len(beliefs.healths) == 0

    def test_that_a_new_one_cannot_be_probed_is_told_once(self, beliefs, stuck):
        """A pool may wait for it in vain. Of one that is known nothing hangs on that."""
        beliefs.want({self.check})
        for _unused in range(2):
            beliefs.unable(self.check, "no descriptors left")
        assert stuck == [self.check]
        beliefs.judge(self.check, GOOD)
        beliefs.unable(self.check, "no descriptors left")
        assert stuck == [self.check]
        health = beliefs.known[self.check].health
        assert (health.condition, health.is_unmade) == (Condition.UP, True)
