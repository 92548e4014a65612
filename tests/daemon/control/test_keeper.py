from __future__ import annotations

import itertools

from ansible_collections.lvs.ipvs.tests.daemon.control.keeping import (
    NEVER,
    ONE,
    A,
    B,
    Gate,
    Watched,
    settled,
)
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    DOWN,
    UP,
    VIP,
    Clock,
    check_of,
    desired,
    frontend,
    messages,
    service,
    snapshot,
    turned,
    vip,
    wait_for,
    weights_in,
)
from ipvsman.control.journal import Kind
from ipvsman.control.keeper import SERVICES_AT_ONCE
from ipvsman.ipvs.errors import Cause, Unavailable


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


class TestFailures:
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
