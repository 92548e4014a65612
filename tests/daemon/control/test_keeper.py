from __future__ import annotations

import contextlib
import errno
import itertools
import json
import threading
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    DOWN,
    SETTINGS,
    UP,
    VIP,
    Clock,
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
    table,
    turned,
    vip,
    wait_for,
    weights_in,
)
from ipvsman.config.model import OnDown
from ipvsman.control.desired import build
from ipvsman.control.journal import Journal, Kind
from ipvsman.control.keeper import SERVICES_AT_ONCE, Keeper
from ipvsman.control.store import Store, StoreError
from ipvsman.ipvs.changes import EditDestination, RemoveService
from ipvsman.ipvs.errors import Cause, KernelRefused, Unavailable
from ipvsman.ipvs.memory import MemoryTable
from ipvsman.ipvs.model import Timeouts
from ipvsman.ipvs.scope import SERVICES
from ipvsman.ipvs.table import Outcome
from ipvsman.ipvs.wish import TimeoutsWish

A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"
ONE = desired(frontend(A, B))
FOREIGN = service({C: 9}, vip(200))
SOON = (0.01,)
NEVER = (3600.0,)


class Watched(MemoryTable):
    """Notes what is read and done, and does what a test wants before it."""

    def __init__(self, *services):
        super().__init__()
        for name, held in vars(table(*services)).items():
            setattr(self, name, held)
        self.scopes = []
        self.done = []
        self.before_read = self.before_apply = lambda: None
        self.closed = 0

    def read(self, scope):
        self.before_read()
        self.scopes.append(scope.service_keys())
        return super().read(scope)

    def apply(self, changes):
        self.before_apply()
        outcome = super().apply(changes)
        self.done += outcome.done
        return outcome

    def close(self):
        self.closed += 1


class World:
    """A keeper with all that it needs; what is left running is ended."""

    def __init__(self, directory, held):
        self.directory = directory
        self.journal = Journal(lambda: 0.0)
        self.store = Store(directory, lambda: 0.0, self.complain)
        self.complaints = []
        self._held = held

    def complain(self, message):
        self.complaints.append(message)

    def keeper(self, kernel, *, start=True, **other):
        clear_first = other.pop("clear_first", False)
        open_table = kernel if callable(kernel) else lambda: kernel
        made = Keeper(
            open_table, self.journal, self.store, pauses=other.pop("pauses", SOON), **other
        )
        self._held.callback(made.stop, 5.0)
        if start:
            made.start(clear_first=clear_first)
        return made

    def owned(self):
        path = self.directory / "owned.json"
        return json.loads(path.read_text())["data"] if path.exists() else None


@pytest.fixture
def world(tmp_path):
    with contextlib.ExitStack() as held:
        yield World(tmp_path / "state", held)


def settled(keeper, *snapshots):
    for each in snapshots:
        keeper.publish(each)
    assert keeper.wait_settled(5.0)


class Gate:
    """Holds a thread up until it is opened."""

    def __init__(self):
        self.reached, self._open = threading.Event(), threading.Event()

    def __call__(self):
        self.reached.set()
        assert self._open.wait(10.0)

    def open(self):
        self._open.set()


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


def test_a_service_is_ours_on_disk_before_it_is_in_the_kernel(world):
    kernel = Watched()
    seen = []
    kernel.before_apply = lambda: seen.append(world.owned())
    settled(world.keeper(kernel), snapshot(ONE))
    assert seen[0] == ["tcp://192.0.2.1:80"]


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


def test_a_turn_does_not_wait_for_a_large_table(world):
    wanted = desired(*(frontend(A, name=str(n), services=(vip(1, n),)) for n in range(1, 400)))
    last = vip(1, 399)
    kernel = Watched(*(service({A: 5}, vip(1, n)) for n in range(1, 400)))
    gate = Gate()
    kernel.before_read = gate
    keeper = world.keeper(kernel)
    start = snapshot(wanted)
    keeper.publish(start)
    assert gate.reached.wait(5.0)  # the sweep has begun
    keeper.publish(turned(start, check_of(wanted, A), DOWN), [last])
    kernel.before_read = lambda: None
    gate.open()
    assert keeper.wait_settled(5.0)
    visited = [scope for scope in kernel.scopes if last in scope]
    assert visited[0] == {last}
    assert kernel.scopes.index(visited[0]) <= 2  # after the piece that was under way
    assert max(map(len, kernel.scopes)) <= SERVICES_AT_ONCE
    assert weights_in(kernel)[str(last)] == {A: 0}


def test_what_comes_while_it_works_is_done_at_one_stroke(world):
    kernel = Watched(service({A: 5, B: 5}))
    keeper = world.keeper(kernel)
    start = snapshot(ONE)
    settled(keeper, start)
    gate = Gate()
    kernel.before_read = gate
    first = keeper.account.passes
    keeper.publish(turned(start, check_of(ONE, A), DOWN), [VIP])
    assert gate.reached.wait(5.0)
    for number in range(1000):
        state = DOWN if number % 2 else UP
        newest = turned(start, check_of(ONE, A), state)
        keeper.publish(newest, [VIP])
    assert keeper.waiting
    assert keeper.coalesced >= 999
    gate.open()
    assert keeper.wait_settled(5.0)
    assert weights_in(kernel)[str(VIP)][A] == 0
    assert keeper.account.passes <= first + 2
    assert not keeper.waiting


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

    def test_ownership_outlives_us(self, world):
        kernel = Watched(FOREIGN)
        first = world.keeper(kernel)
        settled(first, snapshot(ONE))
        assert first.stop(5.0)
        assert set(weights_in(kernel)) == {str(VIP), str(FOREIGN.key)}
        second = world.keeper(kernel)
        settled(second, snapshot(desired()))
        assert set(weights_in(kernel)) == {str(FOREIGN.key)}

    @pytest.mark.parametrize("data", ['"tcp"', "[1]", '["tcp://"]', '{"a": 1}', "17"])
    def test_an_ownership_file_of_others_is_set_aside(self, world, data):
        world.directory.mkdir()
        path = world.directory / "owned.json"
        path.write_text(f'{{"version": 1, "data": {data}}}')
        keeper = world.keeper(Watched(FOREIGN))
        settled(keeper, snapshot(ONE))
        assert world.owned() == [str(VIP)]
        (complaint,) = world.complaints
        assert "cannot be understood" in complaint
        assert [each.read_text() for each in world.directory.glob("*broken*")] == [
            f'{{"version": 1, "data": {data}}}'
        ]


class TestFailures:
    wanted = desired(
        frontend(A, name="good", services=(vip(1),)),
        frontend(A, name="bad", services=(vip(2),), settings=replace(SETTINGS, scheduler="twice")),
        frontend(A, name="last", services=(vip(3),)),
    )

    def test_what_is_refused_of_one_service_holds_up_no_other(self, world):
        kernel = Watched()
        keeper = world.keeper(kernel, pauses=NEVER)
        start = snapshot(self.wanted)
        keeper.publish(start)
        wait_for(lambda: keeper.account.failures, "the end of the sweep")
        assert weights_in(kernel) == {str(vip(1)): {A: 5}, str(vip(3)): {A: 5}}
        assert list(keeper.account.broken) == [vip(2)]
        assert "twice" in keeper.account.error
        assert keeper.account.refused == {"add_service": 1}
        # And a probe that turns is obeyed at once, however long the pause is.
        keeper.publish(turned(start, check_of(self.wanted, A), DOWN), [vip(1), vip(3)])
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

    def test_the_same_refusal_is_told_once_and_its_end_too(self, world):
        kernel = Watched()
        keeper = world.keeper(kernel)
        keeper.publish(snapshot(self.wanted))
        wait_for(lambda: keeper.account.failures > 5, "some attempts")
        assert len(messages(world.journal, Kind.REFUSED)) == 1
        assert not keeper.wait_settled(0.05)
        right = desired(*(frontend(A, name=str(n), services=(vip(n),)) for n in (1, 2, 3)))
        settled(keeper, snapshot(right))
        assert keeper.account.error == ""
        assert f"{vip(2)} is as it shall be again" in messages(world.journal, Kind.LIFE)

    def test_a_refused_service_that_is_no_longer_wanted_is_no_fault(self, world):
        keeper = world.keeper(Watched(), pauses=NEVER)
        keeper.publish(snapshot(self.wanted))
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
        keeper.publish(snapshot(self.wanted))
        wait_for(lambda: keeper.account.failures, "the sweep")
        assert set(weights_in(kernel)) == {str(vip(3))}
        assert "internal error: ZeroDivisionError: a fault of ours" in keeper.account.error
        assert keeper.alive

    def test_a_kernel_that_is_away_is_told_once_tried_again_and_found(self, world):
        kernel = Watched()
        attempts = []

        def open_table():
            attempts.append(1)
            if len(attempts) < 6:
                raise Unavailable(Cause.NO_IPVS, "no ip_vs")
            return kernel

        keeper = world.keeper(open_table)
        settled(keeper, snapshot(ONE))
        assert messages(world.journal, Kind.ERROR) == ["no ip_vs"]
        assert messages(world.journal, Kind.LIFE) == ["the kernel's table can be kept again"]
        assert keeper.account.failures == 5
        assert keeper.account.error == ""

    def test_a_kernel_that_is_away_is_not_asked_at_each_turn(self, world):
        attempts = []

        def open_table():
            attempts.append(1)
            raise Unavailable(Cause.NO_IPVS, "no ip_vs")

        keeper = world.keeper(open_table, pauses=NEVER)
        start = snapshot(ONE)
        keeper.publish(start)
        wait_for(lambda: attempts, "the first attempt")
        for _unused in range(100):
            keeper.publish(start, [VIP])
        keeper.resync()
        assert keeper.stop(5.0)
        assert len(attempts) == 1

    def test_a_table_that_fails_is_opened_anew(self, world):
        kernel = Watched()
        keeper = world.keeper(kernel)
        settled(keeper, snapshot(ONE))

        def fail():
            kernel.before_read = lambda: None
            raise Unavailable(Cause.NO_ANSWER, "no answer")

        kernel.before_read = fail
        settled(keeper, snapshot(desired(frontend(A))))
        assert kernel.closed == 1
        assert weights_in(kernel) == {str(VIP): {A: 5}}

    def test_the_pauses_grow_and_end_at_the_last(self, world):
        clock = Clock()
        times = []

        def open_table():
            times.append(clock.now)
            raise Unavailable(Cause.NO_IPVS, "no ip_vs")

        keeper = world.keeper(open_table, start=False, clock=clock, pauses=(1.0, 2.0, 5.0))
        keeper.publish(snapshot(ONE))
        for _unused in range(5):
            keeper._turn()
            clock.now = keeper._retry
        assert [after - before for before, after in itertools.pairwise(times)] == [
            1.0,
            2.0,
            5.0,
            5.0,
        ]


class TestDisk:
    def test_ownership_that_cannot_be_written_is_told_once_and_written_later(self, world):
        write = world.store.write
        full = True

        def refuse(name, data):
            if full:
                raise StoreError("owned.json cannot be written: No space left on device")
            write(name, data)

        world.store.write = refuse
        kernel = Watched()
        keeper = world.keeper(kernel)
        settled(keeper, snapshot(ONE))
        settled(keeper, snapshot(ONE))
        # A full disk stops nothing.
        assert weights_in(kernel) == {str(VIP): {A: 5, B: 5}}
        (told,) = messages(world.journal, Kind.ERROR)
        assert "No space left" in told
        full = False
        settled(keeper, snapshot(ONE))
        assert world.owned() == [str(VIP)]


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


class TestThread:
    def test_it_ends_at_once_even_in_a_pause(self, world):
        keeper = world.keeper(
            lambda: (_unused for _unused in ()).throw(Unavailable(Cause.NO_IPVS, "no"))
        )
        keeper.publish(snapshot(ONE))
        wait_for(lambda: keeper.account.failures, "the failure")
        assert keeper.stop(1.0)
        assert not keeper.alive

    def test_one_that_hangs_is_told_from_one_that_waits(self, world):
        clock = Clock()
        gate = Gate()
        kernel = Watched()
        kernel.before_read = gate
        keeper = world.keeper(kernel, clock=clock)
        clock.now += 1000
        assert not keeper.is_stuck
        keeper.publish(snapshot(ONE))
        assert gate.reached.wait(5.0)
        assert not keeper.is_stuck
        clock.now += 1000
        assert keeper.is_stuck
        assert not keeper.stop(0.01)
        gate.open()
        assert keeper.stop(5.0)

    def test_a_look_before_there_is_anything_to_do_is_no_work(self, world):
        kernel = Watched()
        keeper = world.keeper(kernel)
        keeper.resync()
        settled(keeper, snapshot(ONE))
        assert keeper.account.passes == 1

    def test_looks_that_are_asked_for_all_the_time_let_a_sweep_end(self, world):
        wanted = desired(*(frontend(A, name=str(n), services=(vip(1, n),)) for n in range(1, 200)))
        kernel = Watched()
        keeper = world.keeper(kernel, start=False)
        kernel.before_read = keeper.resync
        keeper.start()
        settled(keeper, snapshot(wanted))
        assert len(weights_in(kernel)) == 199
        kernel.before_read = lambda: None

    def test_a_snapshot_is_settled_when_the_kernel_obeys_it_and_no_sooner(self, world):
        kernel = Watched()
        keeper = world.keeper(kernel)
        settled(keeper, start := snapshot(ONE))
        gate = Gate()
        kernel.before_apply = gate
        keeper.publish(turned(start, check_of(ONE, A), DOWN), [VIP])
        number = keeper.published
        assert gate.reached.wait(5.0)
        assert not keeper.is_settled(number)
        keeper.publish(start, [VIP])
        kernel.before_apply = lambda: None
        gate.open()
        assert keeper.wait_settled(5.0)
        assert keeper.is_settled(number + 1)
        assert weights_in(kernel)[str(VIP)] == {A: 5, B: 5}


def test_the_difference_is_told_without_a_change(world):
    kernel = Watched(service({A: 1}), FOREIGN)
    keeper = world.keeper(kernel, start=False)
    found = keeper.difference(snapshot(ONE), kernel.read(SERVICES))
    assert found.counts() == {"edit_destination": 1, "add_destination": 1}
    assert kernel.calls["apply"] == 0


class TestFallback:
    """The switch is told both ways, and at a start only where the fallback is in use."""

    wanted = desired(frontend(row(A, 1), fallback=(row(C, 1),)))

    def keeper(self, journal, kernel, **options):
        store = Store(None, lambda: 0.0, lambda _message: None)
        return Keeper(lambda: kernel, journal, store, **options)

    def told(self, observe=False, *states):
        journal, kernel = Journal(lambda: 0.0), table()
        keeper = self.keeper(journal, kernel, observe=observe)
        keeper.start()
        now = snapshot(self.wanted)
        for state in states:
            now = turned(now, check_of(self.wanted, A), state)
            keeper.publish(now)
            assert keeper.wait_settled(10.0)
        assert keeper.stop(10.0)
        return [
            (entry.message, entry.data["used"]) for entry in entries(journal, Kind.FALLBACK)
        ], weights_in(kernel)

    where = f"{VIP} (group=web frontend=front): "

    def test_both_ways_and_once(self):
        told, weights = self.told(False, UP, DOWN, DOWN, UP)
        assert told == [
            (self.where + "no quorum (0 of 1), the fallback serves: 10.0.0.3:8080", True),
            (self.where + "the fallback serves no longer", False),
        ]
        assert weights == {str(VIP): {A: 1, C: 0}}

    def test_in_use_from_the_start(self):
        told, weights = self.told(False, DOWN)
        assert [used for _message, used in told] == [True]
        assert weights == {str(VIP): {A: 0, C: 1}}

    def test_observing_says_that_it_only_would(self):
        ((message, _used),), weights = self.told(True, DOWN)
        assert message.startswith("observing only, would: ")
        assert weights == {}
