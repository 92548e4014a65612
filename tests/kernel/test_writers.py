"""Several writers of one table, and those who are killed while they are at it."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    EditDestination,
    RemoveDestination,
    RemoveService,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    NotConverged,
    NotThere,
    PartlyApplied,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Endpoint,
    Service,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    SERVICES,
    Scope,
)
from fresh import FreshHost
from samples import (
    DNS,
    WEB,
    A,
    B,
    direct,
    do,
    many,
    service,
    services_of,
    settings,
    state,
)
from wrap import Disturbed, Mortal

from namespaces import fork_bound


def process(task: Callable[[], None]) -> int:
    """Do it in a process of its own, whose death does not concern us; its id."""

    def child() -> int:
        task()
        return 0

    return fork_bound(child)


def end_of(pid: int, deadline: float = 120) -> int:
    """Wait for a process; its status, negative for a signal."""
    watched = os.pidfd_open(pid)
    try:
        assert select.select([watched], [], [], deadline)[0], "a process does not end"
    finally:
        os.close(watched)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("lives", [0, 1, 2, 300, 1001])
def test_what_was_killed_in_the_middle_is_finished_by_the_next_run(
    host: FreshHost, kernel: KernelTable, lives: int
) -> None:
    pool = many(1000)
    desired = state(service(WEB, pool), service(DNS, {A: direct(2)}))

    def apply_and_die() -> None:
        table = Mortal(host.name)
        table.lives = lives
        reconcile(table, desired, SERVICES)

    assert end_of(process(apply_and_die)) == -signal.SIGKILL
    left = services_of(kernel)
    assert sum(1 + len(one.destinations) for one in left.values()) == lives
    plan = reconcile(kernel, desired, SERVICES)
    assert len(plan.changes) == 1003 - lives
    assert kernel.read(SERVICES) == desired
    assert not reconcile(kernel, desired, SERVICES)


def test_two_writers_of_the_same_table_both_succeed(host: FreshHost, kernel: KernelTable) -> None:
    services = [
        service(Endpoint(Transport.TCP, "192.0.2.1", port), many(40)) for port in range(1, 26)
    ]
    desired = state(*services)

    def write() -> None:
        with_few = KernelTable(host.name)
        # So that they get in each other's way as often as can be.
        with_few._kernel.commands_a_send = 1
        os.sched_yield()
        reconcile(with_few, desired, SERVICES)

    writers = [process(write), process(write)]
    assert [end_of(pid) for pid in writers] == [0, 0]
    assert kernel.read(SERVICES) == desired


def test_writers_of_different_destinations_do_not_meet(
    host: FreshHost, kernel: KernelTable
) -> None:
    do(kernel, AddService(WEB, settings()))
    pools = [dict(list(many(400).items())[first::2]) for first in (0, 1)]

    def write(pool: dict) -> Callable[[], None]:
        def task() -> None:
            table = KernelTable(host.name)
            table._kernel.commands_a_send = 7
            scope = Scope(destinations={WEB: frozenset(pool)})
            assert len(reconcile(table, state(service(WEB, pool)), scope).changes) == len(pool)

        return task

    writers = [process(write(pool)) for pool in pools]
    assert [end_of(pid) for pid in writers] == [0, 0]
    assert services_of(kernel)[WEB].destinations == many(400)


@contextmanager
def restless(host: FreshHost) -> Iterator[None]:
    """Another process that adds and removes destinations and services all the time."""
    other = Endpoint(Transport.TCP, "192.0.2.200", 80)
    coming = [AddDestination(WEB, name, direct()) for name in list(many(600))[500:]]
    going = [RemoveDestination(WEB, change.destination, direct()) for change in coming]
    ready, told = os.pipe()

    def write() -> None:
        table = KernelTable(host.name)
        while True:
            table.apply([AddService(other, settings()), *coming])
            table.apply([RemoveService(other, Service(other, settings())), *reversed(going)])
            os.write(told, b".")

    pid = process(write)
    try:
        os.close(told)
        # It has been all the way round, and is at it.
        assert select.select([ready], [], [], 60)[0]
        yield
    finally:
        os.close(ready)
        os.kill(pid, signal.SIGKILL)
        end_of(pid)


def test_reading_bears_with_what_another_process_does(host: FreshHost, kernel: KernelTable) -> None:
    """A dump goes on by number: while others are removed, it may leave out some that are there."""
    steady = many(500)
    do(kernel, AddService(WEB, settings()))
    do(kernel, *(AddDestination(WEB, name, how) for name, how in steady.items()))
    with restless(host):
        for _unused in range(30):
            found = kernel.read(SERVICES)
            assert found.unreadable == ()
            pool = found.services[WEB].destinations
            assert pool.keys() <= many(600).keys()
            assert set(pool.values()) == {direct()}
            assert WEB in kernel.counters()
            assert kernel.read(Scope(destinations={WEB: ALL})).services.keys() == {WEB}
    assert steady.keys() <= services_of(kernel)[WEB].destinations.keys()


@pytest.mark.parametrize("whole", [True, False])
def test_a_service_that_goes_between_read_and_write_is_made_anew(
    host: FreshHost, kernel: KernelTable, whole: bool
) -> None:
    do(kernel, AddService(WEB, settings()), AddDestination(WEB, A, direct()))
    table = Disturbed(host.name)

    def take_it_once() -> None:
        table.disturbance = lambda: None
        do(kernel, RemoveService(WEB, service(WEB, {A: direct()})))

    table.disturbance = take_it_once
    desired = state(service(WEB, {A: direct(5), B: direct()}))
    if whole:
        reconcile(table, desired, SERVICES)
        assert kernel.read(SERVICES) == desired
    else:
        # Who owns no more than the destinations has nothing to put them into.
        scope = Scope(destinations={WEB: ALL})
        with pytest.raises((NotThere, PartlyApplied)) as failure:
            reconcile(table, desired, scope)
        assert "the virtual service is gone" in str(failure.value)
        assert services_of(kernel) == {}
    table.close()


def test_an_addition_of_another_writer_is_taken_over(host: FreshHost, kernel: KernelTable) -> None:
    table = Disturbed(host.name)

    def add_it_once() -> None:
        table.disturbance = lambda: None
        do(kernel, AddService(WEB, settings("rr")), AddDestination(WEB, A, direct(9)))

    table.disturbance = add_it_once
    desired = state(service(WEB, {A: direct(5)}))
    reconcile(table, desired, SERVICES)
    assert kernel.read(SERVICES) == desired
    table.close()


def test_a_writer_that_never_rests_is_named(host: FreshHost, kernel: KernelTable) -> None:
    do(kernel, AddService(WEB, settings()), AddDestination(WEB, A, direct(1)))
    table = Disturbed(host.name)
    table.disturbance = lambda: None
    weights = iter(range(100, 1000))

    def meddle() -> None:
        do(kernel, EditDestination(WEB, A, direct(), direct(next(weights))))

    desired = state(service(WEB, {A: direct(5)}))
    table.disturbance = meddle
    reconcile(table, desired, SERVICES)
    # What was read back was right, and has been meddled with since.
    assert services_of(kernel)[WEB].destinations[A] != direct(5)

    real_apply = table.apply

    def apply_in_vain(changes):
        outcome = real_apply(changes)
        meddle()
        return outcome

    table.apply = apply_in_vain
    with pytest.raises(NotConverged, match="another program is writing") as failure:
        reconcile(table, desired, SERVICES)
    assert len(failure.value.done) == 1
    assert [change.action for change in failure.value.plan.changes] == ["edit_destination"]
    table.close()
