# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Some services at a time, made in the kernel what a snapshot says. Nothing of threads and time.

What the kernel refuses of one service holds up no other. Only services that this daemon created or
adopted are ever changed or removed; all others are foreign, told of and left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from ipvsman.ipvs.changes import Change, subject
from ipvsman.ipvs.errors import (
    InvalidValue,
    IpvsError,
    KernelRefused,
    NotConverged,
    PartlyApplied,
    Unavailable,
)
from ipvsman.ipvs.model import Service, ServiceKey, State, host_port
from ipvsman.ipvs.plan import Plan, plan
from ipvsman.ipvs.reconcile import reconcile
from ipvsman.ipvs.scope import ALL, Scope
from ipvsman.ipvs.table import Table
from ipvsman.ipvs.wish import TableWish, resolve

from .account import Account, Snapshot
from .desired import Desired
from .journal import Journal, Kind
from .ownership import Ownership
from .reasons import Weights, uses_fallback
from .remainder import PARTS, remainder
from .store import Store
from .weights import effective, target

log = logging.getLogger("ipvsman")

_REFUSALS = (PartlyApplied, KernelRefused, NotConverged)


class Writer:
    """See above. observe: everything but the writing."""

    def __init__(
        self,
        open_table: Callable[[], Table],
        journal: Journal,
        store: Store,
        *,
        observe: bool = False,
    ) -> None:
        self._open_table = open_table
        self._journal = journal
        self._observe = observe
        self._ownership = Ownership(store)
        self._unwritten = ""
        # What we have made true, or found true.
        self._believed: dict[ServiceKey, Service] = {}
        self._met: frozenset[ServiceKey] = frozenset()
        self._table: Table | None = None
        self.account = Account(owned=self._ownership.services)

    def survey(self, desired: Desired) -> list[ServiceKey]:
        """Look which services there are; all that are to be visited, in numeric order.

        What is wanted and there is adopted. What is neither wanted nor ours is foreign.
        """
        there = self._opened().services()
        wanted = desired.pools.keys()
        owned = self._ownership.services
        met = (there & wanted) - owned
        verb = "would be adopted" if self._observe else "adopted"
        for key in _in_order(met - self._met):
            message = f"{key} is in the kernel already: {verb}"
            self._journal.record(Kind.ADOPTED, str(key), message)
        self._met = met
        foreign = there - owned - wanted
        for key in _in_order(foreign - self.account.foreign):
            message = f"{key} is in the kernel and not ours: left alone"
            self._journal.record(Kind.FOREIGN, str(key), message, logging.WARNING)
        known = self._ownership.services | wanted
        account = self.account
        self.account = replace(
            account,
            foreign=foreign,
            broken={key: account.broken[key] for key in account.broken if key in known},
            would={key: account.would[key] for key in account.would if key in known},
        )
        self._own(wanted)
        return _in_order(known)

    def make(self, snapshot: Snapshot, keys: Iterable[ServiceKey]) -> None:
        """Make these services true, those of them that are ours or wanted.

        A service that is refused is noted in the account, and the others go on. Raises Unavailable.
        """
        pools = snapshot.desired.pools
        left = frozenset(key for key in keys if key in pools or key in self._ownership.services)
        self._own(key for key in left if key in pools)
        while left:
            try:
                self._reconcile(snapshot, left)
            except Unavailable as failure:
                self._tell(failure.done)
                raise
            except Exception as failure:  # a fault of ours with one service is no fault of others
                log.debug("%d services", len(left), exc_info=True)
                if not isinstance(failure, IpvsError) and len(left) > 1:
                    for key in _in_order(left):
                        self.make(snapshot, [key])
                    return
                # What these are like now, nobody knows: not believed, or it would be drift.
                for key in left:
                    self._believed.pop(key, None)
                found = self._refused(failure, left)
                for key in _in_order(found):
                    self._make_the_rest(snapshot, key, failure)
                left -= found
            else:
                self._mended(left)
                left = frozenset()

    def _make_the_rest(self, snapshot: Snapshot, key: ServiceKey, failure: Exception) -> None:
        """What can be made of a service beside what the kernel refuses. Raises Unavailable."""
        refused: dict[str, Change] = {}
        while True:
            new = {subject(each): each for each in _parts(failure, key)}
            if new.keys() <= refused.keys():
                return
            refused |= new
            try:
                self._reconcile(snapshot, frozenset([key]), tuple(refused.values()))
            except _REFUSALS as another:
                self._tell(another.done)
                failure = another
            else:
                return

    def settle(self, desired: Desired) -> str:
        """What follows when every service has been visited; what is wrong with it, if anything.

        Time-outs and sync daemons are made as the configuration says, where it says anything; and
        services that are gone are ours no longer.
        """
        gone = self._ownership.services - desired.pools.keys() - self.account.broken.keys()
        if gone and not self._observe:
            self._disown(gone)
        wish = TableWish(timeouts=desired.timeouts, daemons=desired.daemons)
        if wish == TableWish():
            return ""
        table = self._opened()
        try:
            done = reconcile(
                table,
                lambda current: resolve(wish, current, table.mtu),
                wish.scope(),
                dry_run=self._observe,
            )
        except InvalidValue as invalid:
            return f"globals: {invalid}"
        except _REFUSALS as failure:
            self._count(failure)
            return f"globals: {failure}"
        if not self._observe:
            self._tell(done.changes)
        return ""

    def clear(self) -> None:
        """Remove every service that is owned, and nothing else."""
        owned = self._ownership.services
        if self._observe or not owned:
            return
        try:
            done = reconcile(self._opened(), State(), _whole(owned))
        except _REFUSALS as failure:
            self._count(failure)
            raise
        self._believed.clear()
        self._tell(done.changes)
        self._disown(owned)

    def difference(self, snapshot: Snapshot, current: State) -> Plan:
        """What would change in a table that is like current. For any thread."""
        pools = snapshot.desired.pools
        keys = self.account.owned | pools.keys()
        services = {}
        for key, pool in pools.items():
            there = current.services.get(key)
            services[key] = target(pool, effective(pool, snapshot.circumstances, there), there)
        scope = _whole(keys)
        return plan(scope.restrict(current), State(services), scope)

    def close(self) -> None:
        """Give back the table; the next use opens it anew."""
        table, self._table = self._table, None
        if table is not None:
            table.close()

    # -- services

    def _reconcile(
        self,
        snapshot: Snapshot,
        keys: frozenset[ServiceKey],
        refused: tuple[Change, ...] = (),
    ) -> None:
        """Make them true; refused: changes that are not tried again."""
        scope = _whole(keys)
        pools = snapshot.desired.pools
        weights: dict[ServiceKey, Weights] = {}
        seen = False

        def wanted(current: State) -> State:
            nonlocal seen
            if not seen:
                self._look_for_drift(current, keys)
                seen = True
            services = {}
            for key in keys:
                if key in pools:
                    # What we made true ourselves comes before what another has made of it.
                    known = self._believed.get(key) or current.services.get(key)
                    weights[key] = effective(pools[key], snapshot.circumstances, known)
                    services[key] = target(pools[key], weights[key], known)
                    there = current.services.get(key)
                    if refused and there is not None:
                        services[key] = remainder(pools[key], services[key], there, refused)
            return State(services)

        try:
            done = reconcile(self._opened(), wanted, scope, dry_run=self._observe)
        finally:
            # Also when some of it is refused: these are the weights that shall be.
            if seen:
                all_weights = self.account.weights
                self._tell_of_fallback(snapshot.desired, all_weights, weights)
                rest = {key: entry for key, entry in all_weights.items() if key not in keys}
                self.account = replace(self.account, weights=rest | weights)
        settled = done.current if self._observe else done.target
        for key in keys:
            self._believed.pop(key, None)
            if key in settled.services:
                self._believed[key] = settled.services[key]
        if self._observe:
            self._tell_observed(done.changes, keys)
        else:
            self._tell(done.changes)

    def _look_for_drift(self, current: State, keys: Iterable[ServiceKey]) -> None:
        """What somebody else has changed since we last looked."""
        known = {key: self._believed[key] for key in keys if key in self._believed}
        if not known:
            return
        have = {key: current.services[key] for key in known if key in current.services}
        verb = "to put it back" if self._observe else "to be put right"
        for change in plan(State(have), State(known), _whole(known)).changes:
            self.account = replace(self.account, drift=self.account.drift + 1)
            message = f"found changed by another program; {verb}: {change}"
            self._journal.record(
                Kind.DRIFT, _subject(change), message, logging.WARNING, action=change.action
            )

    def _refused(self, failure: Exception, keys: frozenset[ServiceKey]) -> frozenset[ServiceKey]:
        """Note which services were refused, and why; all of them if the error names none."""
        self._count(failure)
        reasons: dict[ServiceKey, str] = {}
        if isinstance(failure, NotConverged):
            why = "another program is writing to this table, or the kernel ignores a setting"
            for change in failure.plan.changes:
                text = f"accepted by the kernel, and not so when read back ({why}): {change}"
                reasons.setdefault(change.service, text)
        for refused in _refusals(failure):
            reasons.setdefault(refused.change.service, str(refused))
        found = {key: reason for key, reason in reasons.items() if key in keys}
        if not found:
            reason = str(failure)
            if not isinstance(failure, IpvsError):
                reason = f"internal error: {type(failure).__name__}: {failure}"
            found = dict.fromkeys(keys, reason)
        for key, reason in found.items():
            if self.account.broken.get(key) != reason:
                self._journal.record(Kind.REFUSED, str(key), reason, logging.ERROR)
        self.account = replace(self.account, broken={**self.account.broken, **found})
        return frozenset(found)

    def _mended(self, keys: frozenset[ServiceKey]) -> None:
        again = _in_order(keys & self.account.broken.keys())
        if not again:
            return
        for key in again:
            message = f"{key} is as it shall be again"
            self._journal.record(Kind.LIFE, str(key), message)
        broken = {key: reason for key, reason in self.account.broken.items() if key not in keys}
        self.account = replace(self.account, broken=broken)

    # -- ownership

    def _own(self, keys: Iterable[ServiceKey]) -> None:
        if not self._observe:
            self._note(self._ownership.add(keys))

    def _disown(self, keys: frozenset[ServiceKey]) -> None:
        self._note(self._ownership.drop(keys))
        weights = {key: entry for key, entry in self.account.weights.items() if key not in keys}
        self.account = replace(self.account, weights=weights)

    def _note(self, fault: str) -> None:
        if self.account.owned is not self._ownership.services:
            self.account = replace(self.account, owned=self._ownership.services)
        if fault and fault != self._unwritten:
            self._journal.record(Kind.ERROR, "store", fault, logging.ERROR)
        self._unwritten = fault

    # -- telling

    def _tell(self, changes: Iterable[Change]) -> None:
        applied = dict(self.account.applied)
        for change in changes:
            applied[change.action] = applied.get(change.action, 0) + 1
            self._journal.record(Kind.CHANGE, _subject(change), str(change), action=change.action)
        self.account = replace(self.account, applied=applied)

    def _tell_of_fallback(
        self,
        desired: Desired,
        before: Mapping[ServiceKey, Weights],
        now: Mapping[ServiceKey, Weights],
    ) -> None:
        """Whose new connections go somewhere else from now on; at the start, whose are there."""
        said = "observing only, would: " if self._observe else ""
        for key in _in_order(now):
            used = uses_fallback(now[key])
            if used == uses_fallback(before.get(key, {})):
                continue
            frontend = desired.pools[key].frontend
            if used:
                serving = {each: entry for each, entry in now[key].items() if entry.weight}
                who = ", ".join(host_port(*each) for each in serving)
                reason = next(iter(serving.values())).reason.partition(":")[0]
                message, level = f"{reason}, the fallback serves: {who}", logging.WARNING
            else:
                message, level = "the fallback serves no longer", logging.INFO
            self._journal.record(
                Kind.FALLBACK,
                str(key),
                f"{said}{key} (group={frontend.group} frontend={frontend.name}): {message}",
                level,
                used=used,
            )

    def _tell_observed(self, changes: Iterable[Change], keys: frozenset[ServiceKey]) -> None:
        """What would be done: told once, not each time it is seen again."""
        would = {key: lines for key, lines in self.account.would.items() if key not in keys}
        found: dict[ServiceKey, list[str]] = {}
        for change in changes:
            key = change.service  # type: ignore[union-attr]  # of services, there is no other
            found.setdefault(key, []).append(str(change))
            if str(change) not in self.account.would.get(key, ()):
                message = f"observing only, would {change}"
                self._journal.record(Kind.OBSERVED, str(key), message, action=change.action)
        would.update((key, tuple(lines)) for key, lines in found.items())
        self.account = replace(self.account, would=would)

    def _count(self, failure: Exception) -> None:
        """Tell what was done before it failed, and count what was refused."""
        if isinstance(failure, IpvsError):
            self._tell(failure.done)
        counts = dict(self.account.refused)
        for refused in _refusals(failure):
            action = refused.change.action
            counts[action] = counts.get(action, 0) + 1
        self.account = replace(self.account, refused=counts)

    # -- the table

    def _opened(self) -> Table:
        if self._table is None:
            self._table = self._open_table()
        return self._table


def _whole(keys: Iterable[ServiceKey]) -> Scope:
    names = frozenset(keys)
    return Scope(names, dict.fromkeys(names, ALL))


def _refusals(failure: Exception) -> tuple[KernelRefused, ...]:
    """What the kernel refused, by an error of whatever kind."""
    if isinstance(failure, PartlyApplied):
        return failure.failed
    return (failure,) if isinstance(failure, KernelRefused) else ()


def _parts(failure: Exception, key: ServiceKey) -> list[Change]:
    """What was refused of a service that is there."""
    changes = [refused.change for refused in _refusals(failure)]
    return [each for each in changes if isinstance(each, PARTS) and each.service == key]


def _in_order(keys: Iterable[ServiceKey]) -> list[ServiceKey]:
    return sorted(keys, key=lambda key: key.order())


def _subject(change: Change) -> str:
    return str(change.service) if hasattr(change, "service") else ""
