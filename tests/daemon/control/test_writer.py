from __future__ import annotations

import errno
from dataclasses import replace

from ansible_collections.lvs.ipvs.tests.daemon.control.keeping import (
    FOREIGN,
    NEVER,
    ONE,
    ONE_BAD,
    A,
    B,
    C,
    Watched,
    settled,
)
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    DOWN,
    SETTINGS,
    UP,
    VIP,
    check_of,
    config,
    desired,
    entries,
    frontend,
    key,
    messages,
    row,
    service,
    snapshot,
    turned,
    vip,
    wait_for,
    weights_in,
)
from ipvsman.config.model import OnDown
from ipvsman.control.desired import build
from ipvsman.control.journal import Kind
from ipvsman.ipvs.changes import EditDestination, RemoveService
from ipvsman.ipvs.errors import KernelRefused
from ipvsman.ipvs.memory import MemoryTable
from ipvsman.ipvs.model import Timeouts
from ipvsman.ipvs.table import Outcome
from ipvsman.ipvs.wish import TimeoutsWish


def test_what_is_wanted_is_made(world):
    kernel = Watched()
    keeper = world.keeper(kernel)
    settled(keeper, snapshot(ONE))
    assert weights_in(kernel) == {"tcp://192.0.2.1:80": {A: 5, B: 5}}
    assert keeper.account.error == ""
    assert keeper.account.applied == {"add_service": 1, "add_destination": 2}
    assert {each.why.value for each in keeper.account.weights[VIP].values()} == {"up"}
    assert [each.subject for each in entries(world.journal, Kind.CHANGE)] == [
        "tcp://192.0.2.1:80"
    ] * 3


def test_nothing_is_written_when_nothing_has_to_change(world):
    kernel = Watched(service({A: 5, B: 5}))
    keeper = world.keeper(kernel)
    settled(keeper, snapshot(ONE))
    settled(keeper, snapshot(ONE))
    assert kernel.calls["apply"] == 0


def test_a_turn_reads_and_writes_its_own_service_alone(world):
    wanted = desired(*(frontend(A, name=str(n), services=(vip(n),)) for n in range(1, 200)))
    kernel = Watched()
    keeper = world.keeper(kernel)
    start = snapshot(wanted)
    settled(keeper, start)
    kernel.scopes.clear()
    kernel.done.clear()
    calls = kernel.calls.copy()
    keeper.publish(turned(start, check_of(wanted, A), DOWN), [vip(7)])
    assert keeper.wait_settled(5.0)
    assert set(kernel.scopes) == {frozenset([vip(7)])}
    assert [str(each.service) for each in kernel.done] == ["tcp://192.0.2.7:80"]
    assert kernel.calls["services"] == calls["services"]


class TestOthers:
    def test_what_is_wanted_and_there_is_adopted_in_place(self, world):
        kernel = Watched(service({A: 1, C: 1}))
        keeper = world.keeper(kernel)
        settled(keeper, snapshot(ONE))
        settled(keeper, snapshot(ONE))
        assert messages(world.journal, Kind.ADOPTED) == [f"{VIP} is in the kernel already: adopted"]
        assert weights_in(kernel) == {str(VIP): {A: 5, B: 5}}
        assert "add_service" not in keeper.account.applied
        assert keeper.account.foreign == frozenset()

    def test_what_another_program_changes_is_told_counted_and_put_right(self, world):
        kernel = Watched()
        keeper = world.keeper(kernel)
        settled(keeper, snapshot(ONE))
        here, there = (
            service({A: 5, B: 5}).destinations[key(A)],
            service({A: 77}).destinations[key(A)],
        )
        MemoryTable.apply(kernel, [EditDestination(VIP, key(A), here, there)])
        settled(keeper, snapshot(ONE))
        (told,) = entries(world.journal, Kind.DRIFT)
        assert told.subject == str(VIP)
        assert "found changed by another program; to be put right: " in told.message
        assert "weight" in told.message
        assert keeper.account.drift == 1
        assert weights_in(kernel)[str(VIP)] == {A: 5, B: 5}
        settled(keeper, snapshot(ONE))
        assert keeper.account.drift == 1

    def test_a_service_that_somebody_removes_comes_back(self, world):
        kernel = Watched()
        keeper = world.keeper(kernel)
        settled(keeper, snapshot(ONE))
        MemoryTable.apply(kernel, [RemoveService(VIP, service({A: 5, B: 5}))])
        keeper.resync()
        wait_for(lambda: weights_in(kernel), "the service is made again")
        assert keeper.account.drift == 3  # the service and its two destinations

    def test_what_our_own_failure_leaves_is_no_drift(self, world):
        kernel = Watched(FOREIGN)
        keeper = world.keeper(kernel, pauses=NEVER)
        start = snapshot(ONE)
        settled(keeper, start)
        kernel.apply = lambda changes: Outcome((), (KernelRefused(changes[0], errno.ENOMEM),))
        keeper.publish(turned(start, check_of(ONE, A), DOWN), [VIP])
        wait_for(lambda: keeper.account.broken, "the refusal")
        del kernel.apply
        settled(keeper, turned(start, check_of(ONE, B), DOWN))
        assert keeper.account.drift == 0

    def test_what_is_no_longer_wanted_goes_if_it_is_ours(self, world):
        kernel = Watched(FOREIGN)
        keeper = world.keeper(kernel)
        two = desired(frontend(A), frontend(B, name="b", services=(vip(2),)))
        settled(keeper, snapshot(two))
        settled(keeper, snapshot(desired(frontend(A))))
        assert set(weights_in(kernel)) == {str(VIP), str(FOREIGN.key)}
        assert world.owned() == [str(VIP)]
        assert set(keeper.account.weights) == {VIP}


class TestFailures:
    def test_what_is_refused_of_one_service_holds_up_no_other(self, world):
        kernel = Watched()
        keeper = world.keeper(kernel, pauses=NEVER)
        start = snapshot(ONE_BAD)
        keeper.publish(start)
        wait_for(lambda: keeper.account.failures, "the end of the sweep")
        assert weights_in(kernel) == {str(vip(1)): {A: 5}, str(vip(3)): {A: 5}}
        assert list(keeper.account.broken) == [vip(2)]
        assert "twice" in keeper.account.error
        assert keeper.account.refused == {"add_service": 1}
        # And a probe that turns is obeyed at once, however long the pause is.
        keeper.publish(turned(start, check_of(ONE_BAD, A), DOWN), [vip(1), vip(3)])
        wait_for(
            lambda: weights_in(kernel) == {str(vip(1)): {A: 0}, str(vip(3)): {A: 0}}, "the turn"
        )

    def test_what_is_refused_of_a_service_holds_up_nothing_else_of_it(self, world):
        """The server that is up comes back, and the one that is down goes."""
        kernel = Watched(service({A: 0, B: 5}))
        keeper = world.keeper(kernel, pauses=NEVER)
        nowhere = "224.0.0.1"
        wanted = desired(
            frontend(
                *(A, B, nowhere),
                settings=replace(SETTINGS, scheduler="twice"),
                on_down=OnDown.REMOVE,
            )
        )
        start = turned(snapshot(wanted), check_of(wanted, B), DOWN)
        keeper.publish(start)
        wait_for(lambda: keeper.account.failures, "the end of the sweep")
        assert weights_in(kernel) == {str(VIP): {A: 5}}
        assert list(keeper.account.broken) == [VIP]
        assert "twice" in keeper.account.error
        assert keeper.account.weights[VIP][key(B)].weight is None
        # A probe that turns is obeyed as well, and what the kernel goes on refusing told once.
        keeper.publish(turned(start, check_of(wanted, B), UP), [VIP])
        wait_for(lambda: weights_in(kernel) == {str(VIP): {A: 5, B: 5}}, "the turn")
        assert len(messages(world.journal, Kind.REFUSED)) == 1
        assert keeper.account.drift == 0

    def test_a_refused_service_that_is_no_longer_wanted_is_no_fault(self, world):
        keeper = world.keeper(Watched(), pauses=NEVER)
        keeper.publish(snapshot(ONE_BAD))
        wait_for(lambda: keeper.account.broken, "the refusal")
        settled(keeper, snapshot(ONE))
        assert keeper.account.error == ""

    def test_a_setting_that_the_kernel_ignores_is_told(self, world):
        class Deaf(Watched):
            def apply(self, changes):
                edits = [each for each in changes if isinstance(each, EditDestination)]
                outcome = super().apply([each for each in changes if each not in edits])
                return Outcome(outcome.done + tuple(edits))

        keeper = world.keeper(Deaf(service({A: 1}), FOREIGN), pauses=NEVER)
        wanted = desired(frontend(A), frontend(B, name="b", services=(vip(2),)))
        keeper.publish(snapshot(wanted))
        wait_for(lambda: keeper.account.failures, "the sweep")
        assert list(keeper.account.broken) == [VIP]
        assert "not so when read back" in keeper.account.error
        assert vip(2) in keeper.account.weights

    def test_a_fault_of_ours_with_one_service_is_no_fault_of_others(self, world):
        class Faulty(Watched):
            def read(self, scope):
                if vip(1) in (scope.service_keys() or ()):
                    raise ZeroDivisionError("a fault of ours")
                return super().read(scope)

        kernel = Faulty()
        keeper = world.keeper(kernel, pauses=NEVER)
        keeper.publish(snapshot(ONE_BAD))
        wait_for(lambda: keeper.account.failures, "the sweep")
        assert set(weights_in(kernel)) == {str(vip(3))}
        assert "internal error: ZeroDivisionError: a fault of ours" in keeper.account.error
        assert keeper.alive


class TestObserving:
    def test_nothing_is_cleared(self, world):
        kernel = Watched()
        settled(first := world.keeper(kernel), snapshot(ONE))
        first.stop(5.0)
        keeper = world.keeper(kernel, observe=True, clear_first=True)
        settled(keeper, snapshot(ONE))
        assert keeper.stop(5.0, clear=True)
        assert set(weights_in(kernel)) == {str(VIP)}


class TestClearing:
    def test_at_the_end_what_is_ours_goes_and_nothing_else(self, world):
        kernel = Watched(FOREIGN)
        keeper = world.keeper(kernel)
        settled(keeper, snapshot(ONE))
        assert keeper.stop(5.0, clear=True)
        assert weights_in(kernel) == {str(FOREIGN.key): {C: 9}}
        assert world.owned() == []

    def test_at_the_start_what_is_ours_goes_first(self, world):
        kernel = Watched(FOREIGN)
        settled(first := world.keeper(kernel), snapshot(ONE))
        first.stop(5.0)
        kernel.done.clear()
        keeper = world.keeper(kernel, clear_first=True)
        settled(keeper, snapshot(ONE))
        assert [each.action for each in kernel.done] == [
            "remove_service",
            "add_service",
            "add_destination",
            "add_destination",
        ]
        assert set(weights_in(kernel)) == {str(VIP), str(FOREIGN.key)}

    def test_a_table_that_cannot_be_cleared_is_told_and_ends_us_all_the_same(self, world):
        kernel = Watched()
        keeper = world.keeper(kernel)
        settled(keeper, snapshot(ONE))
        kernel.apply = lambda changes: Outcome((), (KernelRefused(changes[0], errno.ENOMEM),))
        assert keeper.stop(5.0, clear=True)
        assert "ENOMEM" in messages(world.journal, Kind.ERROR)[0]
        assert world.owned() == [str(VIP)]


class TestSettings:
    def test_timeouts_are_set_when_the_configuration_names_them(self, world):
        kernel = Watched()
        keeper = world.keeper(kernel)
        settled(keeper, snapshot(ONE))
        before = kernel._timeouts
        wish = build(config(frontend(A), timeouts=TimeoutsWish(tcp=77)), {})
        settled(keeper, snapshot(wish))
        assert kernel._timeouts == Timeouts(77, before.tcp_fin, before.udp)
        settled(keeper, snapshot(ONE))
        assert kernel._timeouts.tcp == 77

    def test_a_fault_of_theirs_holds_up_no_service(self, world):
        kernel = Watched()
        keeper = world.keeper(kernel, pauses=NEVER)
        wish = build(config(frontend(A, row(B)), timeouts=TimeoutsWish(tcp=2**31 - 1)), {})
        start = snapshot(wish)
        keeper.publish(start)
        wait_for(lambda: keeper.account.trouble, "the refusal")
        assert keeper.account.error.startswith("globals: ")
        keeper.publish(turned(start, check_of(wish, A), DOWN), [VIP])
        wait_for(lambda: weights_in(kernel)[str(VIP)][A] == 0, "the turn")
        settled(keeper, snapshot(ONE))
        assert keeper.account.error == ""
