# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one writer: it makes the kernel's table what configuration, health and operator say.

It lives in a thread of its own, which opens, uses and closes the table. Others hand it the newest
snapshot and say which services it touches; wakes are coalesced, so what is applied is always the
newest. Errors are journalled, counted and tried again with growing pauses. It never dies of one.

Ownership: services that this daemon created or adopted are written to disk before they are made.
Only those are ever changed or removed; all others are foreign, told of and left alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ipvsman.ipvs.changes import Change
from ipvsman.ipvs.errors import (
    InvalidValue,
    IpvsError,
    KernelRefused,
    NotConverged,
    PartlyApplied,
)
from ipvsman.ipvs.model import DestinationKey, Service, ServiceKey, State
from ipvsman.ipvs.plan import Plan, plan
from ipvsman.ipvs.reconcile import reconcile
from ipvsman.ipvs.scope import ALL, SERVICES, Scope
from ipvsman.ipvs.table import Table
from ipvsman.ipvs.text import parse_service_key
from ipvsman.ipvs.wish import TableWish, resolve

from .desired import Desired
from .journal import Journal, Kind
from .store import Store, StoreError
from .weights import Circumstances, Effective, effective, target

_OWNED = "owned"
_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True)
class Snapshot:
    """Everything that decides about the table, at one moment."""

    desired: Desired
    circumstances: Circumstances


@dataclass(frozen=True)
class Account:
    """What the keeper knows and has done. Only its thread replaces it, whole: anybody may look.

    weights: effective weight and reason of each destination, by service. owned, foreign: services
    in the kernel that are ours, and that are not. error: of the last pass, empty when it went well.
    passed: when the last pass ended, by the clock; None = there was none. seconds: how long it
    took.
    drift: changes by others that were found. applied, refused: changes, by action. would: what
    observing alone has left undone, one line each.
    """

    weights: Mapping[ServiceKey, Mapping[DestinationKey, Effective]] = field(default_factory=dict)
    owned: frozenset[ServiceKey] = frozenset()
    foreign: frozenset[ServiceKey] = frozenset()
    error: str = ""
    passed: float | None = None
    passes: int = 0
    failures: int = 0
    drift: int = 0
    seconds: float = 0.0
    applied: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    would: tuple[str, ...] = ()


class Keeper:
    """See above. observe: everything but the writing."""

    def __init__(
        self,
        open_table: Callable[[], Table],
        journal: Journal,
        store: Store,
        *,
        observe: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_table = open_table
        self._journal = journal
        self._store = store
        self._observe = observe
        self._clock = clock
        self._wake = threading.Condition()
        self._snapshot: Snapshot | None = None
        self._touched: set[ServiceKey] = set()
        self._everything = False
        self._stopping = False
        self._clearing = False
        self._clear_first = False
        self._failed = 0
        # Snapshots are numbered, to tell which is the newest that the kernel has been seen to obey.
        self._published = self._settled = 0
        self._coalesced = 0
        self._believed: dict[ServiceKey, Service] = {}
        self._table: Table | None = None
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self.account = Account(owned=self._remembered())

    # -- for everybody

    def start(self, *, clear_first: bool = False) -> None:
        """Begin to work; clear_first: by removing what is owned, before anything is made."""
        self._clear_first = clear_first
        self._thread.start()

    def publish(self, snapshot: Snapshot, services: Iterable[ServiceKey] | None = None) -> None:
        """The newest snapshot, and which services it touches; None = everything."""
        with self._wake:
            self._coalesced += self._everything or bool(self._touched)
            self._published += 1
            self._snapshot = snapshot
            if services is None:
                self._everything = True
            else:
                self._touched.update(services)
            self._wake.notify_all()

    def resync(self) -> None:
        """Compare everything with the kernel again."""
        with self._wake:
            self._everything = True
            self._wake.notify_all()

    def wait_settled(self, timeout: float) -> bool:
        """Whether, within so many seconds, the kernel is seen to be as it is to be now."""
        with self._wake:
            published = self._published
            return self._wake.wait_for(lambda: self._settled >= published, timeout)

    def difference(self, snapshot: Snapshot, current: State) -> Plan:
        """What a pass would change in a table that is like current."""
        keys = self.account.owned | snapshot.desired.pools.keys()
        scope = Scope(keys, dict.fromkeys(keys, ALL))
        services = {}
        for key, pool in snapshot.desired.pools.items():
            weights = effective(pool, snapshot.circumstances, current.services.get(key))
            services[key] = target(pool, weights)
        return plan(scope.restrict(current), State(services), scope)

    @property
    def coalesced(self) -> int:
        """Snapshots that were never applied because a newer one came first."""
        return self._coalesced

    @property
    def waiting(self) -> bool:
        """Whether there is work that has not begun."""
        return self._everything or bool(self._touched)

    def stop(self, timeout: float, *, clear: bool = False) -> bool:
        """End, after removing what is owned when clear; whether it ended in time."""
        with self._wake:
            self._stopping, self._clearing = True, clear
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    # -- the thread

    def _run(self) -> None:
        try:
            if self._clear_first:
                self._attempt(self._clear)
            while self._turn():
                pass
            if self._clearing:
                self._attempt(self._clear)
        finally:
            self._close()

    def _turn(self) -> bool:
        """Wait for work and do it; False when the end has come."""
        with self._wake:
            pause = _PAUSES[min(self._failed, len(_PAUSES)) - 1] if self._failed else None
            if pause is not None:
                # After a failure: the pause, or the end. What has come meanwhile is done then.
                self._wake.wait_for(lambda: self._stopping, pause)
                self._everything = True
            else:
                self._wake.wait_for(
                    lambda: self._stopping or self._everything or bool(self._touched)
                )
            if self._stopping:
                return False
            snapshot, everything = self._snapshot, self._everything
            touched = frozenset(self._touched)
            number = self._published
            self._touched.clear()
            self._everything = False
        if snapshot is not None:
            self._attempt(lambda: self._pass(snapshot, None if everything else touched), number)
        return True

    def _attempt(self, work: Callable[[], None], number: int = 0) -> None:
        """Do it; whatever goes wrong is told and counted, and ends nothing but this attempt."""
        began = self._clock()
        error = ""
        try:
            work()
        except PartlyApplied as failure:
            self._tell(failure.done)
            self._count_refused(failure.failed)
            error = str(failure)
        except NotConverged as failure:
            self._tell(failure.done)
            error = str(failure)
        except KernelRefused as failure:
            self._count_refused([failure])
            error = str(failure)
        except IpvsError as failure:
            error = str(failure)
        except Exception as failure:  # the one writer must outlive any fault in it
            logging.getLogger("ipvsman").debug("keeper", exc_info=True)
            error = f"internal error: {type(failure).__name__}: {failure}"
        now = self._clock()
        self.account = replace(
            self.account,
            error=error,
            passed=now,
            passes=self.account.passes + 1,
            failures=self.account.failures + bool(error),
            seconds=now - began,
        )
        with self._wake:
            self._failed = self._failed + 1 if error else 0
            if not error:
                self._settled = max(self._settled, number)
            self._wake.notify_all()
        if error:
            self._journal.record(Kind.ERROR, "keeper", error, logging.ERROR)
            # A socket that failed once is not asked again; and another program may have changed
            # all.
            self._close()

    def _pass(self, snapshot: Snapshot, touched: frozenset[ServiceKey] | None) -> None:
        table = self._opened()
        if touched is None:
            self._survey(table, snapshot.desired)
            keys = self.account.owned | snapshot.desired.pools.keys()
        else:
            keys = touched & (self.account.owned | snapshot.desired.pools.keys())
        self._own(snapshot.desired.pools.keys() & keys)
        if keys:
            self._services(table, snapshot, keys)
        if touched is None:
            self._settings(table, snapshot.desired)
            gone = self.account.owned - snapshot.desired.pools.keys()
            if gone and not self._observe:
                self._disown(gone)

    def _services(self, table: Table, snapshot: Snapshot, keys: frozenset[ServiceKey]) -> None:
        scope = Scope(keys, dict.fromkeys(keys, ALL))
        weights: dict[ServiceKey, Mapping[DestinationKey, Effective]] = {}
        seen = False

        def wanted(current: State) -> State:
            nonlocal seen
            if not seen:
                self._look_for_drift(current, scope)
                seen = True
            services = {}
            for key in keys & snapshot.desired.pools.keys():
                pool = snapshot.desired.pools[key]
                # What we made true ourselves comes before what somebody else has made of it.
                known = self._believed.get(key) or current.services.get(key)
                weights[key] = effective(pool, snapshot.circumstances, known)
                services[key] = target(pool, weights[key])
            return State(services)

        try:
            done = reconcile(table, wanted, scope, dry_run=self._observe)
        except (PartlyApplied, NotConverged):
            # What it is like now, nobody knows: not believed, so that it is no drift next time.
            self._believed = {k: v for k, v in self._believed.items() if k not in keys}
            raise
        if not self._observe:
            self._tell(done.changes)
        settled = done.current if self._observe else done.target
        for key in keys:
            self._believed.pop(key, None)
            if key in settled.services:
                self._believed[key] = settled.services[key]
        kept = {key: entry for key, entry in self.account.weights.items() if key not in keys}
        self.account = replace(self.account, weights={**kept, **weights})
        if self._observe:
            self._tell_observed(done)

    def _look_for_drift(self, current: State, scope: Scope) -> None:
        """What somebody else has changed since we last made it true."""
        known = {key: self._believed[key] for key in self._believed if scope.has_service(key)}
        if not known:
            return
        have = {key: current.services[key] for key in known if key in current.services}
        for change in plan(State(have), State(known), scope).changes:
            self.account = replace(self.account, drift=self.account.drift + 1)
            self._journal.record(
                Kind.DRIFT,
                str(change.service) if hasattr(change, "service") else "",
                f"found changed by another program; to be put right: {change}",
                logging.WARNING,
                action=change.action,
            )

    def _settings(self, table: Table, desired: Desired) -> None:
        """Time-outs and sync daemons: what the configuration names, and nothing else."""
        wish = TableWish(timeouts=desired.timeouts, daemons=desired.daemons)
        if wish == TableWish():
            return
        try:
            done = reconcile(
                table,
                lambda current: resolve(wish, current, table.mtu),
                wish.scope(),
                dry_run=self._observe,
            )
        except InvalidValue as invalid:
            self._journal.record(Kind.ERROR, "globals", str(invalid), logging.ERROR)
            return
        if not self._observe:
            self._tell(done.changes)

    def _survey(self, table: Table, desired: Desired) -> None:
        """Which services there are that nobody told us to manage; and which of ours we find."""
        there = frozenset(table.read(SERVICES).services)
        adopted = (there & desired.pools.keys()) - self.account.owned
        foreign = there - self.account.owned - desired.pools.keys()
        for key in sorted(foreign - self.account.foreign, key=lambda key: key.order()):
            message = f"{key} is in the kernel and not ours: left alone"
            self._journal.record(Kind.FOREIGN, str(key), message, logging.WARNING)
        for key in sorted(adopted, key=lambda key: key.order()):
            message = f"{key} is in the kernel already: adopted"
            self._journal.record(Kind.ADOPTED, str(key), message)
        self.account = replace(self.account, foreign=foreign)

    def _clear(self) -> None:
        """Remove every service that is owned, and nothing else."""
        owned = self.account.owned
        if self._observe or not owned:
            return
        done = reconcile(self._opened(), State(), Scope(owned, dict.fromkeys(owned, ALL)))
        self._believed.clear()
        self._tell(done.changes)
        self._disown(owned)

    # -- ownership

    def _remembered(self) -> frozenset[ServiceKey]:
        names = self._store.read(_OWNED)
        if names is None:
            return frozenset()
        try:
            return frozenset(parse_service_key(name) for name in names)
        except (TypeError, ValueError) as error:
            self._store.set_aside(_OWNED, str(error))
            return frozenset()

    def _own(self, keys: Iterable[ServiceKey]) -> None:
        if not self._observe:
            self._write_owned(self.account.owned | frozenset(keys))

    def _disown(self, keys: frozenset[ServiceKey]) -> None:
        self._write_owned(self.account.owned - keys)
        weights = {key: entry for key, entry in self.account.weights.items() if key not in keys}
        self.account = replace(self.account, weights=weights)

    def _write_owned(self, owned: frozenset[ServiceKey]) -> None:
        if owned == self.account.owned:
            return
        self.account = replace(self.account, owned=owned)
        try:
            self._store.write(_OWNED, sorted(map(str, owned)))
        except StoreError as error:
            self._journal.record(Kind.ERROR, "store", str(error), logging.ERROR)

    # -- telling

    def _tell(self, changes: Iterable[Change]) -> None:
        applied = dict(self.account.applied)
        for change in changes:
            applied[change.action] = applied.get(change.action, 0) + 1
            subject = str(change.service) if hasattr(change, "service") else ""
            self._journal.record(Kind.CHANGE, subject, str(change), action=change.action)
        self.account = replace(self.account, applied=applied)

    def _tell_observed(self, plan_left: Plan) -> None:
        """What would be done: told once, not each time it is seen again."""
        lines = tuple(map(str, plan_left.changes))
        for change in plan_left.changes:
            if str(change) not in self.account.would:
                subject = str(change.service) if hasattr(change, "service") else ""
                message = f"observing only, would {change}"
                self._journal.record(Kind.OBSERVED, subject, message, action=change.action)
        self.account = replace(self.account, would=lines)

    def _count_refused(self, failed: Iterable[KernelRefused]) -> None:
        counts = dict(self.account.refused)
        for refused in failed:
            counts[refused.change.action] = counts.get(refused.change.action, 0) + 1
        self.account = replace(self.account, refused=counts)

    # -- the table

    def _opened(self) -> Table:
        if self._table is None:
            self._table = self._open_table()
        return self._table

    def _close(self) -> None:
        if self._table is not None:
            self._table.close()
            self._table = None
