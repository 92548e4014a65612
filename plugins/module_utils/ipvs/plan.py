# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From two complete tables and a scope to the changes between them: pure.

Phases make before they break: what quiesces comes first, then what adds, then what removes, so that
a pool is never emptied on the way to a full one. Changes within a phase do not depend on each other;
a phase must have been accepted before the next begins. Inside a phase the order is by number (family,
address, port), so that two directors build the same table in the same order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Dict, Iterable, List, Mapping, Optional, Tuple

from .changes import (
    AddDestination,
    AddService,
    Change,
    DestinationChange,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    SetTimeouts,
    StartDaemon,
    StopDaemon,
    subject,
)
from .model import (
    DestinationKey,
    DestinationSettings,
    Role,
    Service,
    ServiceKey,
    State,
    SyncDaemon,
)
from .scope import Everything, PoolScope, Scope
from .text import daemon_words, destination_words, service_words, timeout_words, words_line

Phases = Tuple[Tuple[Change, ...], ...]
Pool = Mapping[DestinationKey, DestinationSettings]

_NO_POOL: Pool = {}


@dataclass(frozen=True)
class Plan:
    """What it takes to get from current to target. Falsy when nothing has to change.

    current, target: the table in scope before and after; phases: changes, see above.
    """

    current: State
    target: State
    phases: Phases

    @property
    def changes(self) -> Tuple[Change, ...]:
        """All changes, in the order of their doing."""
        return tuple(change for phase in self.phases for change in phase)

    def __bool__(self) -> bool:
        return any(self.phases)

    def counts(self) -> Dict[str, int]:
        """How many changes of each action; actions that do not occur are left out."""
        return dict(Counter(change.action for change in self.changes))

    def removals(self) -> Tuple[int, int]:
        """Services and destinations that go, those that go along with their service included."""
        services = destinations = 0
        for change in self.changes:
            if isinstance(change, RemoveService):
                services += 1
                destinations += len(change.before.destinations)
            elif isinstance(change, RemoveDestination):
                destinations += 1
        return services, destinations

    def before(self) -> Dict[str, str]:
        """What the changes touch, as it was: one line each, keyed by what it is about."""
        return _lines(self.current, self.changes)

    def after(self) -> Dict[str, str]:
        """What the changes touch, as it shall be."""
        return _lines(self.target, self.changes)


def plan(current: State, desired: State, scope: Scope) -> Plan:
    """The changes that turn current into desired as far as scope reaches.

    Both states are complete: an omitted option has been resolved before. What is in scope and not
    desired is removed; what is out of scope does not occur in the plan.
    """
    stops, starts = _daemon_changes(current, desired, scope)
    restarted = [change for change in stops if change.restarts]
    quiesces: List[Change] = [change for change in stops if not change.restarts]
    services: List[Change] = []
    destinations: List[Change] = []
    removed_destinations: List[Change] = []
    removed_services: List[Change] = []
    target = dict(current.services)

    for key in _service_keys(current, desired, scope):
        have, want = current.services.get(key), desired.services.get(key)
        settings = have.settings if have else None
        if scope.has_service(key):
            if want is None:
                if have is not None:
                    removed_services.append(RemoveService(key, have))
                    del target[key]
                continue
            settings = want.settings
            if have is None:
                services.append(AddService(key, settings))
            elif have.settings != settings:
                services.append(EditService(key, have.settings, settings))
        have_pool = have.destinations if have else _NO_POOL
        want_pool = want.destinations if want else _NO_POOL
        pool = dict(have_pool)
        for change in _pool_changes(key, have_pool, want_pool, scope.pool(key)):
            if isinstance(change, RemoveDestination):
                removed_destinations.append(change)
                del pool[change.destination]
                continue
            pool[change.destination] = change.after
            if isinstance(change, EditDestination) and change.after.weight == 0 != change.before.weight:
                quiesces.append(change)
            else:
                destinations.append(change)
        settings = settings or (want.settings if want else None)
        if settings is not None and (have is None or settings is not have.settings or pool != have_pool):
            target[key] = Service(key, settings, pool)

    timeouts: List[Change] = []
    reached = current.timeouts
    if scope.timeouts and current.timeouts and desired.timeouts:
        reached = desired.timeouts
        if current.timeouts != desired.timeouts:
            timeouts.append(SetTimeouts(current.timeouts, desired.timeouts))

    daemons = dict(current.daemons)
    for stop in stops:
        del daemons[stop.before.role]
    for start in starts:
        daemons[start.after.role] = start.after
    phases = (
        tuple(quiesces),
        tuple(services),
        tuple(destinations),
        tuple(removed_destinations),
        tuple(removed_services),
        tuple(timeouts),
        tuple(restarted),
        tuple(starts),
    )
    return Plan(current, State(target, reached, daemons, current.unreadable), tuple(phase for phase in phases if phase))


def _service_keys(current: State, desired: State, scope: Scope) -> List[ServiceKey]:
    keys = scope.service_keys()
    both = current.services.keys() | desired.services.keys()
    return sorted(both if keys is None else both & keys, key=lambda key: key.order())


def _pool_changes(
    service: ServiceKey, have: Pool, want: Pool, scope: PoolScope
) -> Iterable[DestinationChange]:
    if have == want:
        return
    keys = have.keys() | want.keys()
    if not isinstance(scope, Everything):
        keys = keys & scope
    for key in sorted(keys, key=DestinationKey.order):
        before, after = have.get(key), want.get(key)
        if before is None and after is not None:
            yield AddDestination(service, key, after)
        elif before is not None and after is None:
            yield RemoveDestination(service, key, before)
        elif before is not None and after is not None and before != after:
            yield EditDestination(service, key, before, after)


def _daemon_changes(
    current: State, desired: State, scope: Scope
) -> Tuple[List[StopDaemon], List[StartDaemon]]:
    stops, starts = [], []
    for role in Role:
        before: Optional[SyncDaemon] = current.daemons.get(role)
        after: Optional[SyncDaemon] = desired.daemons.get(role)
        if role not in scope.daemons or before == after:
            continue
        if before is not None:
            stops.append(StopDaemon(before, restarts=after is not None))
        if after is not None:
            starts.append(StartDaemon(after, replaces=before))
    return stops, starts


def _lines(state: State, changes: Iterable[Change]) -> Dict[str, str]:
    lines: Dict[str, str] = {}
    for change in changes:
        if isinstance(change, (AddService, EditService, RemoveService)):
            service = state.services.get(change.service)
            if service:
                lines[subject(change)] = words_line(service_words(service.settings, service.key.family))
            if isinstance(change, RemoveService) and service:
                for key, settings in service.destinations.items():
                    lines[f"{change.service} -> {key}"] = words_line(destination_words(settings))
        elif isinstance(change, SetTimeouts):
            if state.timeouts:
                lines[subject(change)] = words_line(timeout_words(state.timeouts))
        elif isinstance(change, (StartDaemon, StopDaemon)):
            role = change.after.role if isinstance(change, StartDaemon) else change.before.role
            if role in state.daemons:
                lines[subject(change)] = words_line(daemon_words(state.daemons[role]))
        else:
            service = state.services.get(change.service)
            if service and change.destination in service.destinations:
                lines[subject(change)] = words_line(
                    destination_words(service.destinations[change.destination])
                )
    return lines
