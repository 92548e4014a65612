# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Some services at a time, made in the kernel what a snapshot says. Nothing of threads and time.

What the kernel refuses of one service holds up no other. Only services that this daemon created or
adopted are ever changed or removed; all others are foreign, told of and left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from ipvsman.ipvs.changes import Change, subject
from ipvsman.ipvs.errors import InvalidValue, IpvsError, Unavailable
from ipvsman.ipvs.model import Service, ServiceKey, State
from ipvsman.ipvs.plan import plan
from ipvsman.ipvs.reconcile import reconcile
from ipvsman.ipvs.table import Table
from ipvsman.ipvs.wish import TableWish, resolve

from .account import Snapshot
from .chronicle import Chronicle, in_order
from .desired import Desired
from .difference import whole
from .failures import REFUSALS, reasons, refused_parts
from .ownership import Ownership
from .reasons import Weights
from .remainder import remainder
from .store import Store
from .weights import effective, target

log = logging.getLogger("ipvsman")


class Writer:
    """See above. observe: everything but the writing."""

    def __init__(
        self,
        open_table: Callable[[], Table],
        chronicle: Chronicle,
        store: Store,
        *,
        observe: bool = False,
    ) -> None:
        self._open_table = open_table
        self._chronicle = chronicle
        self._observe = observe
        self._ownership = Ownership(store)
        chronicle.owns(self._ownership.services)
        # What we have made true, or found true.
        self._believed: dict[ServiceKey, Service] = {}
        self._table: Table | None = None

    def survey(self, desired: Desired) -> list[ServiceKey]:
        """Look which services there are; all that are to be visited, in numeric order.

        What is wanted and there is adopted. What is neither wanted nor ours is foreign.
        """
        there = self._opened().services()
        wanted = desired.pools.keys()
        owned = self._ownership.services
        visited = owned | wanted
        self._chronicle.surveyed((there & wanted) - owned, there - visited, visited)
        self._own(wanted)
        return in_order(visited)

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
                self._chronicle.changed(failure.done)
                raise
            except Exception as failure:  # a fault of ours with one service is no fault of others
                log.debug("%d services", len(left), exc_info=True)
                if not isinstance(failure, IpvsError) and len(left) > 1:
                    for key in in_order(left):
                        self.make(snapshot, [key])
                    return
                # What these are like now, nobody knows: not believed, or it would be drift.
                for key in left:
                    self._believed.pop(key, None)
                self._chronicle.failed(failure)
                found = reasons(failure, left)
                self._chronicle.broke(found)
                for key in in_order(found):
                    self._make_the_rest(snapshot, key, failure)
                left -= found.keys()
            else:
                self._chronicle.mended(left)
                left = frozenset()

    def _make_the_rest(self, snapshot: Snapshot, key: ServiceKey, failure: Exception) -> None:
        """What can be made of a service beside what the kernel refuses. Raises Unavailable."""
        refused: dict[str, Change] = {}
        while True:
            new = {subject(each): each for each in refused_parts(failure, key)}
            if new.keys() <= refused.keys():
                return
            refused |= new
            try:
                self._reconcile(snapshot, frozenset([key]), tuple(refused.values()))
            except REFUSALS as another:
                self._chronicle.changed(another.done)
                failure = another
            else:
                return

    def settle(self, desired: Desired) -> str:
        """What follows when every service has been visited; what is wrong with it, if anything.

        Time-outs and sync daemons are made as the configuration says, where it says anything; and
        services that are gone are ours no longer.
        """
        broken = self._chronicle.account.broken
        gone = self._ownership.services - desired.pools.keys() - broken.keys()
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
        except REFUSALS as failure:
            self._chronicle.failed(failure)
            return f"globals: {failure}"
        if not self._observe:
            self._chronicle.changed(done.changes)
        return ""

    def clear(self) -> None:
        """Remove every service that is owned, and nothing else."""
        owned = self._ownership.services
        if self._observe or not owned:
            return
        try:
            done = reconcile(self._opened(), State(), whole(owned))
        except REFUSALS as failure:
            self._chronicle.failed(failure)
            raise
        self._believed.clear()
        self._chronicle.changed(done.changes)
        self._disown(owned)

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
        scope = whole(keys)
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
                self._chronicle.weighed(snapshot.desired, weights, keys)
        settled = done.current if self._observe else done.target
        for key in keys:
            self._believed.pop(key, None)
            if key in settled.services:
                self._believed[key] = settled.services[key]
        if self._observe:
            self._chronicle.would_change(done.changes, keys)
        else:
            self._chronicle.changed(done.changes)

    def _look_for_drift(self, current: State, keys: Iterable[ServiceKey]) -> None:
        """What somebody else has changed since we last looked."""
        known = {key: self._believed[key] for key in keys if key in self._believed}
        if not known:
            return
        have = {key: current.services[key] for key in known if key in current.services}
        self._chronicle.drifted(plan(State(have), State(known), whole(known)).changes)

    # -- ownership

    def _own(self, keys: Iterable[ServiceKey]) -> None:
        if not self._observe:
            fault = self._ownership.add(keys)
            self._chronicle.owns(self._ownership.services, fault)

    def _disown(self, keys: frozenset[ServiceKey]) -> None:
        fault = self._ownership.drop(keys)
        self._chronicle.owns(self._ownership.services, fault)

    # -- the table

    def _opened(self) -> Table:
        if self._table is None:
            self._table = self._open_table()
        return self._table
