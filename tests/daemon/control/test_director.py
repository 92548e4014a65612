from __future__ import annotations

import asyncio
import json
import logging
import threading
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    BAD,
    CHECK,
    GOOD,
    TIMING,
    VIP,
    Clock,
    Names,
    Probes,
    Published,
    check_of,
    config,
    entries,
    frontend,
    key,
    messages,
    row,
    vip,
)
from ipvsman.config.model import Complaint, ConfigError, Origin
from ipvsman.control.director import Director, Limits
from ipvsman.control.journal import Journal, Kind
from ipvsman.control.overrides import Level, Subject
from ipvsman.control.store import Store, StoreError
from ipvsman.control.weights import Why, effective
from ipvsman.health.spec import Check, TcpProbe, describe
from ipvsman.health.state import Condition
from ipvsman.ipvs.model import Family

A, B = "10.0.0.1", "10.0.0.2"
NAME = ("rs1", Family.INET)


class World:
    """A director among parts that only note what they are told."""

    def __init__(self, directory, **limits):
        self.clock, self.wall = Clock(), Clock(1e9)
        self.journal = Journal(self.wall)
        self.complaints = []
        self.store = Store(directory, self.wall, self.complaints.append)
        self.keeper, self.probes, self.names = Published(), Probes(), Names()
        self.next = config(frontend(A, B))
        self.director = Director(
            self._load,
            self.keeper,
            self.journal,
            self.store,
            limits=Limits(**limits),
            clock=self.clock,
            wall=self.wall,
        )

    def _load(self):
        if isinstance(self.next, Exception):
            raise self.next
        return self.next

    def begin(self):
        self.director.begin(self.next, self.probes, self.names)
        return self.director

    def pass_time(self, seconds):
        self.clock.now += seconds
        self.wall.now += seconds

    def check(self, address=A):
        return check_of(self.director.desired, address)

    def condition(self, address=A):
        return self.director.known[self.check(address)].health.condition

    def reload(self, wanted, **how):
        self.next = wanted
        return asyncio.run(self.director.reload(**how))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def faulty(*reasons):
    return ConfigError(
        [Complaint(Origin("groups/a.yaml", n, 1), "vip", r) for n, r in enumerate(reasons, 1)]
    )


class TestHealth:
    def test_every_check_is_probed_and_unknown_at_first(self, world):
        director = world.begin()
        assert world.probes.assigned == {world.check(A): 1.0, world.check(B): 1.0}
        assert {each.health.condition for each in director.known.values()} == {Condition.UNKNOWN}
        assert world.keeper.calls == [None]

    def test_what_is_new_is_probed_soon_however_seldom_it_is_later(self, world):
        slow = replace(CHECK, timing=replace(TIMING, interval=600.0, fast_interval=600.0))
        world.next = config(frontend(row(A, check=slow), B))
        world.begin()
        assert world.probes.assigned[world.check(A)] == 1.0
        many = [row(f"10.1.{n // 250}.{n % 250}", check=slow) for n in range(5000)]
        world.reload(config(frontend(*many)))
        assert set(world.probes.assigned.values()) == {5.0}

    def test_why_it_cannot_be_probed_is_told_and_changes_nothing_else(self, world):
        director = world.begin()
        before = director.known[world.check()].health
        again = director.unable(world.check(), "cannot run /bin/chek: No such file or directory")
        assert again == TIMING.fast_interval
        after = director.known[world.check()].health
        assert after.message == "cannot be probed: cannot run /bin/chek: No such file or directory"
        assert replace(after, message=before.message) == before
        (pool,) = director.desired.pools.values()
        reason = effective(pool, director.snapshot.circumstances, None)[key(A)].reason
        assert reason.startswith("not known yet (cannot be probed: cannot run /bin/chek: No such")
        assert director.unable(Check(TcpProbe("10.9.9.9", 9), TIMING), "x") == TIMING.fast_interval

    def test_a_turn_is_told_with_its_services_at_once(self, world):
        two = frontend(A, services=(VIP, vip(2)))
        world.next = config(two)
        director = world.begin()
        assert director.judge(world.check(), GOOD) == TIMING.interval
        assert world.keeper.calls[1:] == [frozenset([VIP, vip(2)])]
        (entry,) = entries(world.journal, Kind.TRANSITION)
        assert entry.message == "tcp 10.0.0.1:8080 unknown -> up: connected"
        assert entry.level == logging.INFO
        assert entry.data["services"] == ["tcp://192.0.2.1:80", "tcp://192.0.2.2:80"]

    def test_what_changes_nothing_is_no_news(self, world):
        director = world.begin()
        director.judge(world.check(), GOOD)
        calls = len(world.keeper.calls)
        for _unused in range(100):
            director.judge(world.check(), GOOD)
        assert director.judge(world.check(), BAD) == TIMING.fast_interval
        assert len(world.keeper.calls) == calls
        assert director.judge(world.check(), BAD) == TIMING.fast_interval
        assert director.judge(world.check(), BAD) == TIMING.down_interval
        assert len(world.keeper.calls) == calls + 1
        assert entries(world.journal, Kind.TRANSITION)[-1].level == logging.WARNING

    def test_what_is_read_later_than_it_was_told_is_newer(self, world):
        director = world.begin()
        director.judge(world.check(), GOOD)
        told = world.keeper.last
        for _unused in range(3):
            director.judge(world.check(), BAD)
        pool = told.desired.pools[VIP]
        assert [each.why for each in effective(pool, told.circumstances, None).values()] == [
            Why.DOWN,
            Why.COLD_START,
        ]

    def test_the_verdict_of_a_check_that_is_gone_is_no_fault(self, world):
        director = world.begin()
        gone = Check(TcpProbe("10.0.0.77", 1), TIMING)
        assert director.judge(gone, BAD) == TIMING.interval
        assert len(world.keeper.calls) == 1

    def test_thousands_of_flaps_are_bounded(self, world):
        director = world.begin()
        for _unused in range(3000):
            director.judge(world.check(), GOOD)
            director.judge(world.check(), GOOD)
            for _unused in range(3):
                director.judge(world.check(), BAD)
        assert len(world.journal.since()) == 1000
        assert world.journal.count(Kind.TRANSITION) == 6000
        assert len(director.known[world.check()].history) == 20

    def test_a_reload_keeps_health_and_a_changed_check_starts_anew(self, world):
        director = world.begin()
        director.judge(world.check(), GOOD)
        world.reload(config(frontend(A), digest="b"))
        assert world.condition() is Condition.UP
        assert len(director.known) == 1
        slower = replace(CHECK, timing=replace(TIMING, fall=9))
        world.reload(config(frontend(row(A, check=slower)), digest="c"))
        assert world.condition() is Condition.UNKNOWN
        assert len(director.known) == 1

    def test_the_cold_start_ends_once(self, world):
        director = world.begin()
        world.pass_time(29)
        director.tick()
        assert world.keeper.calls == [None]
        world.pass_time(2)
        director.tick()
        director.tick()
        assert world.keeper.calls == [None, None]
        assert not world.keeper.last.circumstances.cold_start

    def test_without_a_cold_start_nothing_is_trusted_for_a_moment(self, tmp_path):
        world = World(tmp_path, cold_start=0.0)
        world.begin()
        assert not world.keeper.last.circumstances.cold_start


class TestStale:
    @pytest.mark.parametrize("known", [True, False], ids=["up", "never"])
    def test_an_old_result_is_an_alarm_that_changes_nothing(self, world, known):
        director = world.begin()
        if known:
            director.judge(world.check(), GOOD)
            director.judge(world.check(B), GOOD)
        world.pass_time(25)
        director.judge(world.check(B), GOOD)
        world.pass_time(10)
        for _unused in range(3):
            director.tick()
        state = "up" if known else "unknown"
        assert messages(world.journal, Kind.STALE) == [
            f"no result of tcp 10.0.0.1:8080 for 35 s; it stays {state}"
        ]
        assert director.stale == {world.check()}
        assert world.condition().value == state
        director.judge(world.check(), GOOD)
        for _unused in range(2):
            director.tick()
        assert messages(world.journal, Kind.STALE)[1:] == [
            "results of tcp 10.0.0.1:8080 come in again"
        ]
        assert director.stale == frozenset()

    def test_a_check_that_is_no_longer_wanted_is_not_missed(self, world):
        director = world.begin()
        world.pass_time(100)
        director.tick()
        director.tick()
        assert len(director.stale) == 2
        world.reload(config(frontend(A), digest="b"))
        assert director.stale == {world.check()}

    def test_of_many_checks_each_has_its_turn(self, world):
        rows = [f"10.{n // 250}.{n % 250}.1" for n in range(5000)]
        world.next = config(frontend(*rows))
        director = world.begin()
        world.pass_time(100)
        for _unused in range(5):
            director.tick()
        assert len(director.stale) == 5000


class TestReload:
    def test_a_good_one_is_taken_up(self, world):
        director = world.begin()
        outcome = world.reload(config(frontend(A), frontend(B, name="b", services=(vip(2),))))
        assert (outcome.generation, outcome.error) == (2, "")
        assert messages(world.journal, Kind.RELOAD) == ["configuration 2 loaded: 2 frontends"]
        assert world.keeper.calls == [None, None]
        assert set(world.keeper.last.desired.pools) == {VIP, vip(2)}
        assert (director.reloads, director.failed_reloads) == (1, 0)

    def test_an_unchanged_one_touches_nothing(self, world):
        world.begin()
        for asked in (True, False):
            outcome = world.reload(config(frontend(A, B)), asked=asked)
            assert (outcome.generation, outcome.error) == (1, "")
        assert world.keeper.calls == [None]
        assert world.probes.calls == 1
        assert messages(world.journal, Kind.RELOAD) == [
            "the drop-ins have not changed: configuration 1 goes on"
        ]

    @pytest.mark.parametrize(
        "fault,text",
        [
            (faulty("one"), "groups/a.yaml:1:1: vip: one"),
            (faulty("one", "two"), "groups/a.yaml:1:1: vip: one (and 1 more)"),
            (RecursionError("too deep"), "internal error: RecursionError: too deep"),
        ],
        ids=["one", "two", "ours"],
    )
    def test_a_bad_one_leaves_the_last_good_one(self, world, fault, text):
        director = world.begin()
        outcome = world.reload(fault)
        assert outcome.generation == 1
        assert outcome.error
        assert director.last_reload == outcome
        assert world.keeper.calls == [None]
        assert director.failed_reloads == 1
        (entry,) = entries(world.journal, Kind.RELOAD)
        assert entry.message == f"reload refused, configuration 1 goes on: {text}"
        assert entry.level == logging.ERROR

    def test_the_same_fault_is_told_again_only_to_who_asks(self, world):
        world.begin()
        for asked in (False, False, True, False):
            world.reload(faulty("one"), asked=asked)
        assert len(entries(world.journal, Kind.RELOAD)) == 2
        world.reload(faulty("other"), asked=False)
        assert len(entries(world.journal, Kind.RELOAD)) == 3
        world.reload(config(frontend(A, B)), asked=False)
        assert messages(world.journal, Kind.RELOAD)[-1] == (
            "the drop-ins are good again: configuration 1 goes on"
        )

    def test_a_name_that_gets_another_meaning_meanwhile_is_not_lost(self, world):
        director = world.begin()
        # The first look at the names is before the pools are built, the answer comes during that.
        seen = threading.Event()
        real = world._load

        def load():
            seen.set()
            return real()

        director._load = load
        director.resolved({NAME: (A,)})
        original = director._known_of
        calls = []

        def known_of(names):
            found = original(names)
            calls.append(found)
            if len(calls) == 1:
                director._addresses[NAME] = (B,)
            return found

        director._known_of = known_of
        world.reload(config(frontend("rs1")))
        assert seen.is_set()
        assert {each.address for each in director.desired.pools[VIP].members} == {B}


class TestNames:
    def test_they_are_asked_for_and_what_they_mean_is_taken_up(self, world):
        world.next = config(frontend("rs1", B))
        director = world.begin()
        assert world.names.wanted == {NAME}
        assert director.desired.pools[VIP].unresolved == ("rs1",)
        director.resolved({NAME: (A,)})
        assert director.desired.pools[VIP].unresolved == ()
        assert {each.address for each in director.desired.pools[VIP].members} == {A, B}
        assert messages(world.journal, Kind.RESOLVE) == [f"rs1 (inet) is {A}"]
        calls = len(world.keeper.calls)
        director.resolved({NAME: (A,)})
        assert len(world.keeper.calls) == calls

    def test_they_are_remembered_over_a_restart(self, world, tmp_path):
        world.next = config(frontend("rs1"))
        director = world.begin()
        director.resolved({NAME: (A,)})
        asyncio.run(director.remember())
        again = World(tmp_path)
        again.next = world.next
        again.begin()
        assert {each.address for each in again.keeper.last.desired.pools[VIP].members} == {A}

    def test_what_nobody_wants_any_more_is_forgotten(self, world):
        world.next = config(frontend("rs1"))
        director = world.begin()
        director.resolved({NAME: (A,)})
        world.reload(config(frontend(A)))
        asyncio.run(director.remember())
        assert world.store.read("names") == []


class TestOverrides:
    subject = Subject(Level.GROUP, "web")

    def test_they_are_on_the_disk_before_the_answer(self, world, tmp_path):
        director = world.begin()
        director.override(self.subject, True, "why")
        (row,) = json.loads((tmp_path / "overrides.json").read_text())["data"]
        assert (row["level"], row["name"], row["disabled"], row["reason"]) == (
            "group",
            "web",
            True,
            "why",
        )
        assert world.keeper.calls == [None, None]
        assert World(tmp_path).director.overrides == director.overrides

    def test_they_are_taken_back(self, world):
        director = world.begin()
        assert not director.release(self.subject)
        director.override(self.subject, True)
        assert director.release(self.subject)
        assert director.overrides.entries == {}
        assert messages(world.journal, Kind.OVERRIDE) == [
            "group web disabled by operator",
            "group web follows the configuration again",
        ]

    @pytest.mark.parametrize("text", ['{"a": 1}', "[1]", '[{"level": "x"}]', '"text"', "5"])
    def test_what_is_not_ours_is_set_aside(self, tmp_path, text):
        (tmp_path / "overrides.json").write_text(f'{{"version": 1, "data": {text}}}')
        world = World(tmp_path)
        assert world.director.overrides.entries == {}
        assert len(world.complaints) == 1
        assert list(tmp_path.glob("overrides.json.broken-*"))


class TestMemory:
    def test_it_is_written_when_something_has_turned_and_not_otherwise(self, world, tmp_path):
        director = world.begin()
        asyncio.run(director.remember())
        assert list(tmp_path.iterdir()) == []
        director.judge(world.check(), GOOD)
        asyncio.run(director.remember())
        first = (tmp_path / "health.json").stat().st_ino
        director.judge(world.check(), GOOD)
        asyncio.run(director.remember())
        assert (tmp_path / "health.json").stat().st_ino == first

    def test_health_and_history_outlive_a_restart(self, world, tmp_path):
        director = world.begin()
        director.judge(world.check(), GOOD)
        for _unused in range(3):
            director.judge(world.check(), BAD)
        asyncio.run(director.remember())
        again = World(tmp_path)
        again.clock.now = 5.0
        again.begin()
        known = again.director.known[again.check()]
        assert known.health.condition is Condition.DOWN
        assert [each.after for each in known.history] == [Condition.UP, Condition.DOWN]
        assert again.condition(B) is Condition.UNKNOWN
        # Soon checked, and no alarm before that could be done.
        assert again.probes.assigned[again.check()] == TIMING.fast_interval
        again.director.tick()
        again.director.tick()
        assert again.director.stale == frozenset()

    def test_what_cannot_be_written_is_told_once_and_written_later(self, world, tmp_path):
        director = world.begin()
        write, full = world.store.write, [True]

        def refuse(name, data):
            if full:
                raise StoreError(f"{name}.json cannot be written: No space left on device")
            write(name, data)

        world.store.write = refuse
        director.override(TestOverrides.subject, True)
        director.judge(world.check(), GOOD)
        for _unused in range(3):
            asyncio.run(director.remember())
        told = messages(world.journal, Kind.ERROR)
        assert len(told) == 2
        assert all("it is tried again" in each for each in told)
        full.clear()
        asyncio.run(director.remember())
        assert {each.name for each in tmp_path.iterdir()} == {"health.json", "overrides.json"}
        assert sorted(messages(world.journal, Kind.LIFE)) == [
            "health can be written again",
            "overrides can be written again",
        ]


def test_a_check_is_described_by_kind_and_target():
    assert describe(Check(TcpProbe("2001:db8::1", 80), TIMING)) == "tcp [2001:db8::1]:80"


def test_warnings_by_the_thousand_are_not_all_logged(world, caplog):
    many = tuple(Complaint(Origin("a.yaml"), "", f"number {each}") for each in range(1000))
    with caplog.at_level(logging.WARNING, "ipvsman"):
        world.begin()
        world.reload(config(frontend(A), warnings=many))
    told = [record.getMessage() for record in caplog.records]
    assert told[:2] == ["a.yaml: number 0", "a.yaml: number 1"]
    assert told[50:] == ["950 more warnings about the drop-ins; ipvsman --test tells all"]


def test_a_name_that_cannot_be_resolved_is_told(world):
    world.next = config(frontend("www.example"))
    name = "www.example", Family.INET
    director = world.begin()
    director.unresolved(name, "no answer in time")
    director.resolved({name: ("10.0.0.7",)})
    director.unresolved(name, "refused")
    director.unresolved(name, "")
    told = [(e.level, e.message) for e in world.journal.since() if e.kind is Kind.RESOLVE]
    assert told == [
        (
            logging.WARNING,
            "www.example (inet) cannot be resolved, it has no address: no answer in time",
        ),
        (logging.INFO, "www.example (inet) is 10.0.0.7"),
        (logging.WARNING, "www.example (inet) cannot be resolved, it stays 10.0.0.7: refused"),
        (logging.INFO, "www.example (inet) can be resolved again"),
    ]
