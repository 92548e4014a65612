from __future__ import annotations

import logging

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    GOOD,
    TIMING,
    VIP,
    config,
    entries,
    frontend,
    messages,
    vip,
)
from ansible_collections.lvs.ipvs.tests.daemon.control.surroundings import A, B, Surroundings
from ipvsman.control.journal import Kind
from ipvsman.health.spec import Check, TcpProbe, describe


class TestTurns:
    def test_a_turn_is_told_with_its_services_at_once(self, around):
        two = frontend(A, services=(VIP, vip(2)))
        around.next = config(two)
        director = around.begin()
        assert director.beliefs.judge(around.check(), GOOD) == TIMING.interval
        assert around.keeper.calls[1:] == [frozenset([VIP, vip(2)])]
        (entry,) = entries(around.journal, Kind.TRANSITION)
        assert entry.message == "tcp 10.0.0.1:8080 unknown -> up: connected"
        assert entry.level == logging.INFO
        assert entry.data["services"] == ["tcp://192.0.2.1:80", "tcp://192.0.2.2:80"]
        assert entry.data["frontends"] == ["web/front"]

    def test_the_cold_start_ends_once(self, around):
        director = around.begin()
        around.pass_time(29)
        director.tick()
        assert around.keeper.calls == [None]
        around.pass_time(2)
        director.tick()
        director.tick()
        assert around.keeper.calls == [None, None]
        assert not around.keeper.last.circumstances.cold_start

    def test_without_a_cold_start_nothing_is_trusted_for_a_moment(self, tmp_path):
        around = Surroundings(tmp_path, cold_start=0.0)
        around.begin()
        assert not around.keeper.last.circumstances.cold_start


class TestReload:
    def test_a_good_one_is_taken_up(self, around):
        director = around.begin()
        outcome = around.reload(config(frontend(A), frontend(B, name="b", services=(vip(2),))))
        assert (outcome.generation, outcome.error) == (2, "")
        assert messages(around.journal, Kind.RELOAD) == ["configuration 2 loaded: 2 frontends"]
        assert around.keeper.calls == [None, None]
        assert set(around.keeper.last.desired.pools) == {VIP, vip(2)}
        assert (director.reloads.done, director.reloads.failed) == (1, 0)

    def test_an_unchanged_one_touches_nothing(self, around):
        around.begin()
        for asked in (True, False):
            outcome = around.reload(config(frontend(A, B)), asked=asked)
            assert (outcome.generation, outcome.error) == (1, "")
        assert around.keeper.calls == [None]
        assert around.probes.calls == 1
        assert messages(around.journal, Kind.RELOAD) == [
            "the drop-ins have not changed: configuration 1 goes on"
        ]


class TestStale:
    @pytest.mark.parametrize("known", [True, False], ids=["up", "never"])
    def test_an_old_result_is_an_alarm_that_changes_nothing(self, around, known):
        director = around.begin()
        if known:
            director.beliefs.judge(around.check(), GOOD)
            director.beliefs.judge(around.check(B), GOOD)
        around.pass_time(25)
        director.beliefs.judge(around.check(B), GOOD)
        around.pass_time(10)
        for _unused in range(3):
            director.tick()
        state = "up" if known else "unknown"
        assert messages(around.journal, Kind.STALE) == [
            f"no result of tcp 10.0.0.1:8080 for 35 s; it stays {state}"
        ]
        assert director.ages.stale == {around.check()}
        assert around.condition().value == state
        director.beliefs.judge(around.check(), GOOD)
        for _unused in range(2):
            director.tick()
        assert messages(around.journal, Kind.STALE)[1:] == [
            "results of tcp 10.0.0.1:8080 come in again"
        ]
        assert director.ages.stale == frozenset()

    def test_a_check_that_is_no_longer_wanted_is_not_missed(self, around):
        director = around.begin()
        around.pass_time(100)
        director.tick()
        director.tick()
        assert len(director.ages.stale) == 2
        around.reload(config(frontend(A), digest="b"))
        assert director.ages.stale == {around.check()}

    def test_of_many_checks_each_has_its_turn(self, around):
        rows = [f"10.{n // 250}.{n % 250}.1" for n in range(5000)]
        around.next = config(frontend(*rows))
        director = around.begin()
        around.pass_time(100)
        for _unused in range(5):
            director.tick()
        assert len(director.ages.stale) == 5000


def test_a_check_is_described_by_kind_and_target():
    assert describe(Check(TcpProbe("2001:db8::1", 80), TIMING)) == "tcp [2001:db8::1]:80"
