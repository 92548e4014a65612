"""What can go wrong while a table is read and written, and what is left of it then."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    EditDestination,
    RemoveDestination,
    RemoveService,
    StartDaemon,
    StopDaemon,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    Cause,
    KernelRefused,
    NotConverged,
    NotThere,
    PartlyApplied,
    Unavailable,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    Endpoint,
    Role,
    Service,
    State,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    EVERYTHING,
    SERVICES,
    Scope,
)
from fresh import FreshHost, await_sync_threads, eventually
from samples import (
    A6,
    DNS,
    MARK,
    WEB,
    WEB6,
    A,
    B,
    daemon,
    direct,
    do,
    many,
    service,
    services_of,
    settings,
    state,
    tunnel,
)
from wrap import CountingSocket, Disturbed, Mortal

from namespaces import fork_bound

HERE = Path(__file__).resolve().parent


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


# -- an end in the middle


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


# -- several writers


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


# -- refusals


def test_a_plan_that_is_refused_half_way_says_what_is_done(
    host: FreshHost, kernel: KernelTable
) -> None:
    good = many(300)
    bad = {DestinationKey(f"224.0.0.{number}", 80): direct() for number in range(1, 41)}
    desired = state(service(WEB, {**good, **bad}), service(DNS, {A: direct()}))
    do(kernel, AddService(MARK, settings()))
    with pytest.raises(PartlyApplied) as failure:
        reconcile(kernel, desired, SERVICES)
    error = failure.value
    assert [refusal.errno for refusal in error.failed] == [errno.EINVAL] * 40
    assert {refusal.change.destination for refusal in error.failed} == set(bad)
    # Two services and their good destinations; the removal of MARK was put off.
    assert len(error.done) == 2 + 300 + 1
    assert len(error.plan.changes) == 2 + 341 + 1
    assert "changes planned: 344, applied: 303, refused: 40, not attempted: 1" in str(error)
    assert "and 30 more" in str(error)
    assert services_of(kernel) == {
        WEB: service(WEB, good),
        DNS: service(DNS, {A: direct()}),
        MARK: service(MARK),
    }


def test_each_of_thousands_of_refusals_has_its_change(kernel: KernelTable) -> None:
    do(kernel, AddService(WEB, settings()))
    changes = [AddDestination(WEB, name, direct(1, lower=1)) for name in many(5000)]
    outcome = kernel.apply(changes)
    assert outcome.done == outcome.unknown == ()
    assert [refusal.change for refusal in outcome.refused] == changes
    assert {refusal.errno for refusal in outcome.refused} == {errno.ERANGE}


def test_one_refusal_alone_is_raised_as_itself(kernel: KernelTable) -> None:
    with pytest.raises(KernelRefused, match="no scheduler 'fastest'"):
        reconcile(kernel, state(service(WEB, how=settings("fastest"))), SERVICES)


# -- lost answers


def cramped(host: FreshHost) -> KernelTable:
    """A table whose socket has no room for the answers that it asks for."""
    table = KernelTable(host.name)
    table._kernel._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    table._kernel.commands_a_send = 1000
    return table


def test_lost_answers_are_not_lost_changes(host: FreshHost) -> None:
    table = cramped(host)
    do(table, AddService(WEB, settings()))
    good = [AddDestination(WEB, name, direct()) for name in many(500)]
    bad = [AddDestination(DNS, change.destination, direct()) for change in good]
    outcome = table.apply([change for pair in zip(bad, good) for change in pair])
    assert outcome.unknown
    assert all(refusal.change in bad for refusal in outcome.refused)
    assert {*outcome.done, *outcome.unknown} >= set(good)
    assert len(outcome.done) + len(outcome.refused) + len(outcome.unknown) == 1000
    # The socket is as good as before.
    assert len(services_of(table)[WEB].destinations) == 500
    table.close()


def test_a_run_that_loses_answers_ends_right(host: FreshHost, kernel: KernelTable) -> None:
    table = cramped(host)
    pool = many(900)
    do(kernel, AddService(WEB, settings()))
    real_read = table.read
    reads = []

    def read_before_another_writer(scope: Scope) -> State:
        found = real_read(scope)
        if not reads:
            do(kernel, *(AddDestination(WEB, name, direct(7)) for name in list(pool)[::2]))
        reads.append(scope)
        return found

    table.read = read_before_another_writer
    plan = reconcile(table, state(service(WEB, pool)), SERVICES)
    assert kernel.read(SERVICES) == state(service(WEB, pool))
    assert len(reads) > 2
    # Every destination was added or edited by us, whether the kernel could say so or not.
    assert {change.destination for change in plan.changes} <= set(pool)
    table.close()


def test_a_daemon_that_stops_before_it_ran_is_stopped(host: FreshHost, kernel: KernelTable) -> None:
    host.connect()
    backup = daemon(Role.BACKUP, "eth0")
    table = KernelTable(host.name)
    for _unused in range(20):
        outcome = table.apply([StartDaemon(backup)])
        assert outcome.done
        # The kernel does not answer this when the thread has not had its turn.
        outcome = table.apply([StopDaemon(backup)])
        assert not outcome.refused
        assert table.read(EVERYTHING).daemons == {}
    table.close()


def test_a_daemon_is_replaced_again_and_again(host: FreshHost, kernel: KernelTable) -> None:
    host.connect()
    for sync_id in range(1, 11):
        wanted = {role: daemon(role, "eth0", sync_id=sync_id) for role in Role}
        reconcile(kernel, State(daemons=wanted), Scope(daemons=frozenset(Role)))
        assert kernel.read(EVERYTHING).daemons == wanted


def test_a_daemon_whose_successor_does_not_start_goes_on(
    host: FreshHost, kernel: KernelTable
) -> None:
    host.connect()
    running = {Role.MASTER: daemon(Role.MASTER, "eth0")}
    do(kernel, StartDaemon(running[Role.MASTER]))
    await_sync_threads()
    successor = {Role.MASTER: daemon(Role.MASTER, "absent0")}
    with pytest.raises((KernelRefused, PartlyApplied), match="no network interface 'absent0'"):
        reconcile(kernel, State(daemons=successor), Scope(daemons=frozenset(Role)))
    assert kernel.read(EVERYTHING).daemons == running


def test_daemons_give_way_to_mixed_families(host: FreshHost, kernel: KernelTable) -> None:
    host.connect()
    do(kernel, StartDaemon(daemon(Role.MASTER, "eth0")))
    mixed = State({WEB: service(WEB, {A6: tunnel()})})
    scope = Scope(ALL, ALL, daemons=frozenset(Role))
    reconcile(kernel, mixed, scope)
    assert kernel.read(scope) == mixed
    with_daemon = State(
        {WEB: service(WEB, {A: direct()})}, daemons={Role.MASTER: daemon(Role.MASTER, "eth0")}
    )
    reconcile(kernel, with_daemon, scope)
    assert kernel.read(scope) == with_daemon


# -- large tables


def test_a_pool_of_five_thousand_is_read_whole(host: FreshHost, kernel: KernelTable) -> None:
    desired = state(service(WEB, many(5000)))
    assert len(reconcile(kernel, desired, SERVICES).changes) == 5001
    assert len(services_of(kernel)[WEB].destinations) == 5000
    assert host.run("ipvsadm -Sn").count("-a ") == 5000
    assert len(kernel.counters([WEB])[WEB].destinations) == 5000


def test_a_table_of_thousands_of_services_is_read_whole(
    host: FreshHost, kernel: KernelTable
) -> None:
    desired = state(
        *(service(Endpoint(Transport.UDP, "192.0.2.1", port)) for port in range(1, 4501))
    )
    assert len(reconcile(kernel, desired, SERVICES).changes) == 4500
    assert host.run("ipvsadm -Sn").count("-A ") == 4500
    # The same table, asked for by name: no fewer questions than services, in few sends.
    assert kernel.read(Scope(frozenset(desired.services))) == desired


def test_a_weight_in_a_large_table_takes_few_messages(host: FreshHost, kernel: KernelTable) -> None:
    services = [service(Endpoint(Transport.TCP, "192.0.2.1", port)) for port in range(1, 1001)]
    reconcile(kernel, state(service(WEB6, how=None), *services), SERVICES)
    do(kernel, AddDestination(services[0].key, A, direct()))
    do(kernel, AddDestination(services[0].key, B, direct()))
    table = KernelTable(host.name)
    counting = CountingSocket(table._kernel._socket)
    table._kernel._socket = counting
    key = services[0].key
    plan = reconcile(
        table, state(service(key, {A: direct(9)})), Scope(destinations={key: frozenset([A])})
    )
    assert len(plan.changes) == 1
    # Service and pool, before and after, and the change. Opening the table asked for the family.
    assert counting.messages == 5
    assert services_of(kernel)[key].destinations == {A: direct(9), B: direct()}
    table.close()


# -- no table


def test_a_missing_namespace_is_named_and_not_made(host: FreshHost) -> None:
    before = os.readlink("/proc/thread-self/ns/net")
    with pytest.raises(Unavailable, match="there is no network namespace 'nowhere'") as failure:
        KernelTable("nowhere")
    assert failure.value.cause is Cause.NO_NAMESPACE
    assert not Path("/run/netns/nowhere").exists()
    assert os.readlink("/proc/thread-self/ns/net") == before


def test_a_file_that_is_no_namespace_is_refused(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    before = os.readlink("/proc/thread-self/ns/net")
    with pytest.raises(Unavailable, match="cannot enter the network namespace") as failure:
        KernelTable(str(plain))
    assert failure.value.cause is Cause.NO_NAMESPACE
    assert os.readlink("/proc/thread-self/ns/net") == before


def test_a_namespace_can_be_named_by_its_path(host: FreshHost, kernel: KernelTable) -> None:
    do(kernel, AddService(WEB, settings()))
    table = KernelTable(f"/run/netns/{host.name}")
    assert set(services_of(table)) == {WEB}
    table.close()


def test_the_caller_stays_in_its_own_namespace(host: FreshHost, kernel: KernelTable) -> None:
    before = os.readlink("/proc/thread-self/ns/net")
    do(kernel, AddService(WEB, settings()))
    kernel.mtu("lo")
    assert kernel.mtu("absent0") is None
    list(kernel.connections())
    assert os.readlink("/proc/thread-self/ns/net") == before
    own = KernelTable()
    assert services_of(own) == {}
    own.close()


UNPRIVILEGED = """\
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("top", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import Unavailable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import EVERYTHING
try:
    KernelTable(sys.argv[2] or None).read(EVERYTHING)
except Unavailable as error:
    print(json.dumps([error.cause.value, str(error)]))
"""


@pytest.mark.parametrize("elsewhere", [False, True])
def test_who_may_not_is_told_so(host: FreshHost, elsewhere: bool) -> None:
    dropped = ["setpriv", "--bounding-set", "-net_admin,-sys_admin", "--inh-caps", "-all"]
    done = subprocess.run(
        [
            *dropped,
            sys.executable,
            "-c",
            UNPRIVILEGED,
            str(HERE.parents[1] / "conftest.py"),
            host.name if elsewhere else "",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    cause, message = json.loads(done.stdout)
    assert cause == Cause.NO_PRIVILEGE.value
    if elsewhere:
        assert f"cannot enter the network namespace '{host.name}'" in message
    else:
        assert "needs root, or CAP_NET_ADMIN" in message


def test_descriptors_are_given_back(host: FreshHost) -> None:
    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    KernelTable(host.name).close()
    before = opened()
    for _unused in range(5):
        table = KernelTable(host.name)
        list(table.connections())
        table.mtu("lo")
        table.close()
        with pytest.raises(Unavailable):
            KernelTable("nowhere")
    eventually(lambda: opened() <= before)
