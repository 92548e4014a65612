"""Sync daemons that follow each other, or give way to what excludes them."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    StartDaemon,
    StopDaemon,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    KernelRefused,
    PartlyApplied,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Role,
    State,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    EVERYTHING,
    Scope,
)
from fresh import FreshHost, await_sync_threads
from samples import (
    A6,
    WEB,
    A,
    daemon,
    direct,
    do,
    service,
    tunnel,
)


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
