# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From two complete tables and a scope to the changes between them: pure.

Phases make before they break. Local addresses come first of all: connections are to need them, and
the programs that set them may be missing. Then what quiesces (unless nothing else carries its pool
meanwhile: then after its successors), then what adds, then what removes, so that a pool is never
emptied on the way to a full one. Changes within a phase do not depend on each other; a phase must
have been accepted before the next begins. Inside a phase the order is by number (family, address,
port), so that two directors build the same table in the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Optional

from .changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    SetLocalAddresses,
    SetTimeouts,
    StartDaemon,
    StopDaemon,
    TrackConnections,
    subject,
)
from .model import (
    DestinationKey,
    DestinationSettings,
    FullNat,
    Role,
    Service,
    ServiceKey,
    State,
    SyncDaemon,
    Timeouts,
)
from .scope import Everything, PoolScope, Scope
from .text import (
    addresses_line,
    daemon_words,
    destination_words,
    service_words,
    timeout_words,
    words_line,
)

Phases = tuple[tuple[Change, ...], ...]
Pool = Mapping[DestinationKey, DestinationSettings]
_Difference = tuple[DestinationKey, Optional[DestinationSettings], Optional[DestinationSettings]]

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
    def changes(self) -> tuple[Change, ...]:
        """All changes, in the order of their doing."""
        return tuple(change for phase in self.phases for change in phase)

    def __bool__(self) -> bool:
        return any(self.phases)

    def counts(self) -> dict[str, int]:
        """How many changes of each action; actions that do not occur are left out."""
        return dict(Counter(change.action for change in self.changes))

    def removals(self) -> tuple[int, int]:
        """Services and destinations that go, those that go along with their service included."""
        services = destinations = 0
        for change in self.changes:
            if isinstance(change, RemoveService):
                services += 1
                destinations += len(change.before.destinations)
            elif isinstance(change, RemoveDestination):
                destinations += 1
        return services, destinations

    def before(self) -> dict[str, str]:
        """What the changes touch, as it was: one line each, keyed by what it is about."""
        return _lines(self.current, self.changes)

    def after(self) -> dict[str, str]:
        """What the changes touch, as it shall be."""
        return _lines(self.target, self.changes)


def plan(current: State, desired: State, scope: Scope) -> Plan:
    """The changes that turn current into desired as far as scope reaches.

    Both states are complete: an omitted option has been resolved before. What is in scope and not
    desired is removed; what is out of scope does not occur in the plan.
    """
    draft = _Draft(
        dict(current.services), dict(current.daemons), current.timeouts, current.full_nat
    )
    for key in _service_keys(current, desired, scope):
        draft.service(key, current.services.get(key), desired.services.get(key), scope)
    if scope.timeouts and current.timeouts and desired.timeouts:
        draft.set_timeouts(current.timeouts, desired.timeouts)
    if scope.local_addresses:
        draft.translation(current.full_nat, desired.full_nat, scope)
    for role in Role:
        if role in scope.daemons:
            draft.daemon(current.daemons.get(role), desired.daemons.get(role))
    return Plan(current, draft.target(current), draft.phases())


@dataclass
class _Draft:
    """A plan in the making: what the table will be, and the changes by phase."""

    services: dict[ServiceKey, Service]
    daemons: dict[Role, SyncDaemon]
    timeouts: Timeouts | None
    full_nat: FullNat
    translate: list[Change] = field(default_factory=list)
    put_local_addresses: list[Change] = field(default_factory=list)
    quiesce: list[Change] = field(default_factory=list)
    put_services: list[Change] = field(default_factory=list)
    put_destinations: list[Change] = field(default_factory=list)
    quiesce_last: list[Change] = field(default_factory=list)
    remove_destinations: list[Change] = field(default_factory=list)
    remove_services: list[Change] = field(default_factory=list)
    take_local_addresses: list[Change] = field(default_factory=list)
    put_timeouts: list[Change] = field(default_factory=list)
    restarts: list[Change] = field(default_factory=list)
    starts: list[Change] = field(default_factory=list)

    def phases(self) -> Phases:
        """Make before break; empty phases are left out."""
        order = (
            self.translate,
            self.put_local_addresses,
            self.quiesce,
            self.put_services,
            self.put_destinations,
            self.quiesce_last,
            self.remove_destinations,
            self.remove_services,
            self.take_local_addresses,
            self.put_timeouts,
            self.restarts,
            self.starts,
        )
        return tuple(tuple(phase) for phase in order if phase)

    def target(self, current: State) -> State:
        """The table that the changes lead to."""
        return State(self.services, self.timeouts, self.daemons, current.unreadable, self.full_nat)

    def service(
        self, key: ServiceKey, have: Service | None, want: Service | None, scope: Scope
    ) -> None:
        """What it takes to get one service, and its destinations in scope, from have to want."""
        settings = have.settings if have else None
        if scope.has_service(key):
            if want is None:
                if have is not None:
                    self.remove_services.append(RemoveService(key, have))
                    del self.services[key]
                return
            settings = want.settings
            if have is None:
                self.put_services.append(AddService(key, settings))
            elif have.settings != settings:
                self.put_services.append(EditService(key, have.settings, settings))
        have_pool = have.destinations if have else _NO_POOL
        want_pool = want.destinations if want else _NO_POOL
        pool = self._pool(key, have_pool, want_pool, scope.pool(key))
        if settings is None and want is not None:
            settings = want.settings
        unchanged = have is not None and have.settings == settings and pool is have_pool
        if settings is not None and not unchanged:
            self.services[key] = Service(key, settings, pool)

    def _pool(self, service: ServiceKey, have: Pool, want: Pool, scope: PoolScope) -> Pool:
        if have == want:
            return have
        differences = _differences(have, want, scope)
        pool = want if isinstance(scope, Everything) else _merged(have, differences)
        # What serves before and after carries the pool; without any, those to come have to be there
        # before those that go are quiesced.
        carried = any(pool[key].weight for key in have.keys() & pool.keys() if have[key].weight)
        quiesce = self.quiesce if carried else self.quiesce_last
        for key, before, after in differences:
            if after is None:
                self.remove_destinations.append(RemoveDestination(service, key, have[key]))
            elif before is None:
                self.put_destinations.append(AddDestination(service, key, after))
            elif after.weight == 0 != before.weight:
                quiesce.append(EditDestination(service, key, before, after))
            else:
                self.put_destinations.append(EditDestination(service, key, before, after))
        return pool

    def set_timeouts(self, before: Timeouts, after: Timeouts) -> None:
        """Time-outs from before to after."""
        self.timeouts = after
        if before != after:
            self.put_timeouts.append(SetTimeouts(before, after))

    def translation(self, before: FullNat, after: FullNat, scope: Scope) -> None:
        """Local addresses in scope from before to after, and what they need.

        New ones come before the connections that want them; those that go do so at the end.
        """
        if after.conntrack and not before.conntrack:
            self.translate.append(TrackConnections())
        have, want = before.local_addresses, after.local_addresses
        merged = dict(have)
        for key in sorted(have.keys() | want.keys(), key=lambda key: key.order()):
            if not scope.has_local_addresses(key) or have.get(key) == want.get(key):
                continue
            change = SetLocalAddresses(key, have.get(key, ()), want.get(key, ()))
            if key in want:
                merged[key] = want[key]
                self.put_local_addresses.append(change)
            else:
                del merged[key]
                self.take_local_addresses.append(change)
        self.full_nat = FullNat(before.conntrack or after.conntrack, merged)

    def daemon(self, before: SyncDaemon | None, after: SyncDaemon | None) -> None:
        """A sync daemon from before to after: the kernel cannot change one that runs.

        One that only stops does so first: destinations of another family than their service want
        no daemon running. One that restarts is away no longer than it takes.
        """
        if before == after:
            return
        if before is not None:
            stop = StopDaemon(before, restarts=after is not None)
            (self.quiesce if after is None else self.restarts).append(stop)
            del self.daemons[before.role]
        if after is not None:
            self.starts.append(StartDaemon(after, replaces=before))
            self.daemons[after.role] = after


def _service_keys(current: State, desired: State, scope: Scope) -> list[ServiceKey]:
    keys = scope.service_keys()
    both = current.services.keys() | desired.services.keys()
    return sorted(both if keys is None else both & keys, key=lambda key: key.order())


def _differences(have: Pool, want: Pool, scope: PoolScope) -> list[_Difference]:
    """Destinations in scope that are not the same, each as it is and as it shall be, in order."""
    found: list[_Difference] = [
        (key, before, after)
        for key, after in want.items()
        if (before := have.get(key)) is None or before != after
    ]
    found += [(key, before, None) for key, before in have.items() if key not in want]
    if not isinstance(scope, Everything):
        found = [difference for difference in found if difference[0] in scope]
    return sorted(found, key=lambda difference: difference[0].order())


def _merged(have: Pool, differences: Iterable[_Difference]) -> Pool:
    """A pool after the differences."""
    pool = dict(have)
    for key, _before, after in differences:
        if after is None:
            del pool[key]
        else:
            pool[key] = after
    return pool


def _lines(state: State, changes: Iterable[Change]) -> dict[str, str]:
    lines: dict[str, str] = {}
    for change in changes:
        lines.update(_entry(state, change))
    return lines


def _entry(state: State, change: Change) -> dict[str, str]:
    """The lines of what a change is about, as it is in this state; none when it is not there."""
    if isinstance(change, SetTimeouts):
        return (
            {subject(change): words_line(timeout_words(state.timeouts))} if state.timeouts else {}
        )
    if isinstance(change, TrackConnections):
        return {subject(change): str(int(state.full_nat.conntrack))}
    if isinstance(change, SetLocalAddresses):
        addresses = state.local_addresses(change.service)
        return {subject(change): addresses_line(addresses)} if addresses else {}
    if isinstance(change, (StartDaemon, StopDaemon)):
        role = change.after.role if isinstance(change, StartDaemon) else change.before.role
        daemon = state.daemons.get(role)
        return {subject(change): words_line(daemon_words(daemon))} if daemon else {}
    service = state.services.get(change.service)
    if service is None:
        return {}
    if isinstance(change, (AddDestination, EditDestination, RemoveDestination)):
        settings = service.destinations.get(change.destination)
        return {subject(change): words_line(destination_words(settings))} if settings else {}
    lines = {subject(change): words_line(service_words(service.settings, service.key.family))}
    if isinstance(change, RemoveService):
        for key in sorted(service.destinations, key=DestinationKey.order):
            words = destination_words(service.destinations[key])
            lines[f"{change.service} -> {key}"] = words_line(words)
    return lines
