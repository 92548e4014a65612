# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Taking destinations out of a service without breaking the connections they have.

Internal to this collection. Weight 0 first, so that nothing new arrives; then wait; then remove.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Callable

from .ipvs.memory import MemoryTable
from .ipvs.model import DestinationCounters, DestinationKey, Service, ServiceKey, State
from .ipvs.plan import Plan, Pool
from .ipvs.reconcile import reconcile
from .ipvs.scope import ALL, Scope
from .ipvs.table import Table

#: How often the kernel is asked whether connections are left, in seconds.
_POLL = 0.5


@dataclass(frozen=True)
class Drained:
    """state: the destinations afterwards; left: connections when the wait was over, of each."""

    state: State
    left: Mapping[DestinationKey, DestinationCounters]


def drain(
    table: Table,
    service: ServiceKey,
    destinations: frozenset[DestinationKey],
    *,
    timeout: float,
    remove: bool,
    dry_run: bool,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    record: Callable[[Plan], Plan],
) -> Drained:
    """Quiesce these destinations, wait until they have no connection, remove them if so told.

    timeout: seconds to wait at the most; connections that are left then are reported, and broken by
    a removal. record: told each plan once it is done. A dry run goes the same way on a copy of the
    table, without the wait. Destinations that are not there count as drained.
    """
    scope = Scope(destinations={service: destinations})
    stage = MemoryTable.holding(table.read(scope)) if dry_run else table
    plan = record(reconcile(stage, _quiesced, scope))
    left = _left(table, service, destinations)
    deadline = clock() + (0 if dry_run else timeout)
    while any(_busy(counters) for counters in left.values()) and clock() < deadline:
        sleep(min(_POLL, max(0.0, deadline - clock())))
        left = _left(table, service, destinations)
    if remove:
        plan = record(reconcile(stage, _emptied, scope))
    return Drained(plan.target, left)


def overlooked(
    table: Table, service: ServiceKey, destinations: Iterable[DestinationKey]
) -> Iterator[str]:
    """One sentence for each that is not there while its address is: at another port.

    What is not there counts as gone, and whoever has been told that switches the server off. And
    one sentence when nobody is left to take new connections.
    """
    destinations = frozenset(destinations)
    found = table.read(Scope(destinations={service: ALL})).services.get(service)
    if found is None:
        yield f"there is no virtual service {service}: nothing can be drained there"
        return
    serving = {key for key, settings in found.destinations.items() if settings.weight}
    if serving and serving <= destinations:
        yield f"no other destination of {service} has a weight: its new connections are refused"
    for key in sorted(destinations, key=DestinationKey.order):
        others = [name for name in found.destinations if name.address == key.address]
        if others and key not in found.destinations and key.port == getattr(service, "port", 0):
            there = ", ".join(map(str, sorted(others, key=DestinationKey.order)))
            yield f"{key} is not in the pool of {service}, but {there} is; its port has to be said"


def _busy(counters: DestinationCounters) -> bool:
    return counters.active + counters.inactive > 0


def _left(
    table: Table, service: ServiceKey, destinations: frozenset[DestinationKey]
) -> dict[DestinationKey, DestinationCounters]:
    found = table.counters([service]).get(service)
    pool = found.destinations if found else {}
    return {key: pool[key] for key in sorted(destinations, key=DestinationKey.order) if key in pool}


def _quiesced(current: State) -> State:
    return _with_pools(current, lambda pool: {key: replace(pool[key], weight=0) for key in pool})


def _emptied(current: State) -> State:
    return _with_pools(current, lambda _pool: {})


def _with_pools(current: State, change: Callable[[Pool], Pool]) -> State:
    return State(
        {
            key: Service(key, service.settings, change(service.destinations))
            for key, service in current.services.items()
        }
    )
