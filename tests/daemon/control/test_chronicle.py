from __future__ import annotations

import errno
import logging
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.keeping import (
    FOREIGN,
    ONE,
    ONE_BAD,
    A,
    B,
    C,
    Watched,
    settled,
)
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    CHECK,
    DOWN,
    SETTINGS,
    UNKNOWN,
    UP,
    VIP,
    check_of,
    circumstances,
    desired,
    entries,
    frontend,
    key,
    messages,
    row,
    said,
    service,
    snapshot,
    turned,
    vip,
    wait_for,
    weights_in,
)
from ipvsman.config.model import AllDown, OnDown
from ipvsman.control.chronicle import Chronicle
from ipvsman.control.journal import Journal, Kind
from ipvsman.control.overrides import Level
from ipvsman.control.weights import effective
from ipvsman.ipvs.changes import AddService, EditDestination, RemoveService
from ipvsman.ipvs.errors import KernelRefused, PartlyApplied
from ipvsman.ipvs.memory import MemoryTable
from ipvsman.ipvs.model import State
from ipvsman.ipvs.plan import Plan


class TestOthers:
    def test_a_foreign_service_is_told_once_and_left_alone(self, world):
        kernel = Watched(FOREIGN)
        keeper = world.keeper(kernel)
        for _unused in range(3):
            settled(keeper, snapshot(ONE))
        assert keeper.account.foreign == {FOREIGN.key}
        assert messages(world.journal, Kind.FOREIGN) == [
            "tcp://192.0.2.200:80 is in the kernel and not ours: left alone"
        ]
        settled(keeper, snapshot(desired()))
        assert weights_in(kernel) == {str(FOREIGN.key): {C: 9}}
        assert world.owned() == []


class TestFailures:
    def test_the_same_refusal_is_told_once_and_its_end_too(self, world):
        kernel = Watched()
        keeper = world.keeper(kernel)
        keeper.publish(snapshot(ONE_BAD))
        wait_for(lambda: keeper.account.failures > 5, "some attempts")
        assert len(messages(world.journal, Kind.REFUSED)) == 1
        assert not keeper.wait_settled(0.05)
        right = desired(*(frontend(A, name=str(n), services=(vip(n),)) for n in (1, 2, 3)))
        settled(keeper, snapshot(right))
        assert keeper.account.error == ""
        assert f"{vip(2)} is as it shall be again" in messages(world.journal, Kind.LIFE)


class TestObserving:
    def test_nothing_is_written_and_what_would_be_is_told_once(self, world):
        kernel = Watched(service({A: 1}), FOREIGN)
        keeper = world.keeper(kernel, observe=True)
        two = desired(frontend(A, B), frontend(B, name="b", services=(vip(2),)))
        start = snapshot(two)
        settled(keeper, start)
        settled(keeper, start)
        keeper.publish(turned(start, check_of(two, B), DOWN), [VIP])
        assert keeper.wait_settled(5.0)
        settled(keeper, turned(start, check_of(two, B), DOWN))
        assert kernel.calls["apply"] == 0
        assert world.owned() is None
        assert messages(world.journal, Kind.ADOPTED) == [
            f"{VIP} is in the kernel already: would be adopted"
        ]
        told = messages(world.journal, Kind.OBSERVED)
        assert len(told) == len(set(told))
        assert sum("192.0.2.2" in each for each in told) == 3  # the service, B, and B at 0
        assert set(keeper.account.would) == {VIP, vip(2)}

    def test_what_another_program_changes_meanwhile_is_told(self, world):
        kernel = Watched(service({A: 5, B: 5}))
        keeper = world.keeper(kernel, observe=True)
        settled(keeper, snapshot(ONE))
        here = service({A: 5}).destinations[key(A)]
        MemoryTable.apply(kernel, [EditDestination(VIP, key(A), here, replace(here, weight=1))])
        settled(keeper, snapshot(ONE))
        (told,) = messages(world.journal, Kind.DRIFT)
        assert "to put it back" in told
        assert weights_in(kernel)[str(VIP)][A] == 1


class TestFallback:
    """The switch is told both ways, and at a start only where the fallback is in use."""

    wanted = desired(frontend(row(A, 1), fallback=(row(C, 1),)))

    def told(self, world, *states, observe=False):
        kernel = Watched()
        keeper = world.keeper(kernel, observe=observe)
        now = snapshot(self.wanted)
        for state in states:
            now = turned(now, check_of(self.wanted, A), state)
            settled(keeper, now)
        told = [(each.message, each.data["used"]) for each in entries(world.journal, Kind.FALLBACK)]
        return told, weights_in(kernel)

    where = f"{VIP} (group=web frontend=front): "

    def test_both_ways_and_once(self, world):
        told, weights = self.told(world, UP, DOWN, DOWN, UP)
        assert told == [
            (self.where + "no quorum (0 of 1), the fallback serves: 10.0.0.3:8080", True),
            (self.where + "the fallback serves no longer", False),
        ]
        assert weights == {str(VIP): {A: 1, C: 0}}

    def test_in_use_from_the_start(self, world):
        told, weights = self.told(world, DOWN)
        assert [used for _message, used in told] == [True]
        assert weights == {str(VIP): {A: 0, C: 1}}

    def test_observing_says_that_it_only_would(self, world):
        ((message, _used),), weights = self.told(world, DOWN, observe=True)
        assert message.startswith("observing only, would: ")
        assert weights == {}


class TestOutage:
    """That nobody serves is told when the last one goes, and when the first comes back."""

    where = f"{VIP} (group=web frontend=front): "
    out = f"ALERT: {where}nobody serves, all of its backends are "

    def told(self, *looks, **options):
        """What is told of A and B, each look being what is known of both, and who is disabled."""
        journal = Journal(lambda: 0.0)
        chronicle = Chronicle(journal)
        wanted = desired(frontend(row(A, 1), row(B, 1), **options))
        for states, disabled in looks:
            around = circumstances(
                {check_of(wanted, each): state for each, state in zip((A, B), states, strict=True)},
                said(*((Level.BACKEND, f"web/{each}", True) for each in disabled)),
            )
            weights = {VIP: effective(wanted.pools[VIP], around, None)}
            chronicle.weighed(wanted, weights, weights.keys())
        return [
            (each.message, each.level, each.data["out"]) for each in entries(journal, Kind.OUTAGE)
        ]

    def test_both_ways_and_once(self):
        again = (self.where + "somebody serves again", logging.INFO, False)
        gone = (self.out + "down", logging.CRITICAL, True)
        looks = [
            ((UP, UP), ""),
            ((DOWN, UP), ""),
            ((DOWN, DOWN), ""),
            ((DOWN, DOWN), ""),
            ((UP, DOWN), ""),
            ((UP, UP), ""),
            ((DOWN, DOWN), ""),
        ]
        assert self.told(*looks) == [gone, again, gone]

    def test_who_is_out_on_purpose_is_no_outage_and_no_help(self):
        assert self.told(((UP, UP), (A, B))) == []
        assert self.told(((DOWN, DOWN), (A, B))) == []
        ((message, _level, out),) = self.told(((DOWN, UP), (B,)))
        assert (message, out) == (self.out + "down or disabled", True)

    def test_of_whom_nothing_is_known_yet_is_waited_for(self):
        assert self.told(((DOWN, UNKNOWN), "")) == []

    def test_all_down_and_kept_serve_nobody_either(self):
        ((message, _level, _out),) = self.told(((DOWN, DOWN), ""), all_down=AllDown.KEEP)
        assert message == self.out + "down, and stay in use (all_down: keep)"

    def test_out_of_the_table_is_out(self):
        assert len(self.told(((DOWN, DOWN), ""), on_down=OnDown.REMOVE)) == 1

    def test_not_while_a_fallback_serves(self):
        unprobed = row(C, 1, check=replace(CHECK, disable=True))
        assert self.told(((DOWN, DOWN), ""), fallback=(unprobed,)) == []


class TestChronicle:
    """Without a keeper."""

    @pytest.fixture
    def journal(self):
        return Journal(lambda: 0.0)

    @pytest.fixture
    def chronicle(self, journal):
        return Chronicle(journal)

    def test_what_is_ours_no_longer_weighs_nothing(self, chronicle):
        wanted = desired(frontend(A), frontend(A, name="b", services=(vip(2),)))
        weights = {
            each: effective(pool, snapshot(wanted).circumstances, None)
            for each, pool in wanted.pools.items()
        }
        chronicle.owns(frozenset(weights))
        chronicle.weighed(wanted, weights, weights.keys())
        assert chronicle.account.weights == weights
        chronicle.owns(frozenset([VIP]))
        assert chronicle.account.weights.keys() == chronicle.account.owned == {VIP}

    def test_what_is_no_longer_visited_is_neither_broken_nor_to_be_made(self, chronicle):
        chronicle.broke({VIP: "no", vip(2): "no"})
        chronicle.surveyed(frozenset(), frozenset(), {vip(2)})
        assert chronicle.account.broken == {vip(2): "no"}

    def test_trouble_is_told_when_it_comes_changes_and_goes(self, chronicle, journal):
        for trouble in ("", "a", "a", "b", "", ""):
            chronicle.troubled(trouble)
        assert messages(journal) == ["a", "b", "the kernel's table can be kept again"]
        assert chronicle.account.trouble == ""

    def test_a_refusal_is_counted_and_what_was_done_before_it_is_told(self, chronicle, journal):
        add = AddService(VIP, SETTINGS)
        done = RemoveService(vip(2), service({A: 1}, vip(2)))
        refused = KernelRefused(add, errno.ENOMEM)
        chronicle.failed(PartlyApplied(Plan(State(), State(), ((done, add),)), [done], [refused]))
        assert chronicle.account.applied == {"remove_service": 1}
        assert chronicle.account.refused == {"add_service": 1}
        assert [each.kind for each in journal.since()] == [Kind.CHANGE]
