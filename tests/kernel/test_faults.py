"""What the kernel refuses in the middle of a plan, or does not answer, and what is told of it."""

from __future__ import annotations

import errno
import socket

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    KernelRefused,
    PartlyApplied,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    State,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    SERVICES,
    Scope,
)
from fresh import FreshHost
from samples import (
    DNS,
    MARK,
    WEB,
    A,
    direct,
    do,
    many,
    service,
    services_of,
    settings,
    state,
)


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
