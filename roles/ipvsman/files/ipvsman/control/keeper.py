# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one writer's thread: what is done next, and what becomes of failures.

Others hand it the newest snapshot and say which services it touches; wakes are coalesced, so what
is applied is always the newest. Services that were touched come first, a few at a time; a sweep
over everything goes on between them, so that a server that dies does not wait for a large table.
Errors are told, counted and tried again with growing pauses. The thread never dies of one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.model import ServiceKey
from ipvsman.ipvs.table import Table

from .account import Account, Snapshot
from .chronicle import Chronicle
from .journal import Journal
from .store import Store
from .writer import Writer

log = logging.getLogger("ipvsman")

#: Seconds until what failed is tried again: the first time, the second, ... and ever after.
PAUSES = (0.5, 1.0, 2.0, 5.0)

#: How much is done in one go, before somebody else gets his turn.
SERVICES_AT_ONCE, DESTINATIONS_AT_ONCE = 16, 50

#: Seconds that one go may take before the keeper counts as stuck.
PATIENCE = 60.0


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
        pauses: tuple[float, ...] = PAUSES,
    ) -> None:
        self._chronicle = Chronicle(journal, observe=observe)
        self._writer = Writer(open_table, self._chronicle, store, observe=observe)
        self._clock = clock
        self._pauses = pauses
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        # Under the condition: what others ask for.
        self._wake = threading.Condition()
        self._snapshot: Snapshot | None = None
        self._touched: dict[ServiceKey, None] = {}
        self._everything = self._resync = False
        self._stopping = self._clearing = self._clear_first = False
        # Snapshots are numbered, to tell which is the newest that the kernel has been seen to obey.
        self._published = self._settled = 0
        self._coalesced = 0
        # The thread's own: what the sweep has yet to visit, and when it began; failures in a row,
        # when to try again, and whether it makes no sense to do anything before.
        self._ahead: dict[ServiceKey, None] = {}
        self._sweeping = False
        self._began = 0.0
        self._failed = 0
        self._retry: float | None = None
        self._halted = False
        self._busy_since: float | None = None

    # -- for everybody

    @property
    def account(self) -> Account:
        """What has been done, and what is known."""
        return self._chronicle.account

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
                self._touched.update(dict.fromkeys(services))
            self._wake.notify_all()

    def resync(self) -> None:
        """Compare everything with the kernel again, unless that is being done already."""
        with self._wake:
            self._resync = True
            self._wake.notify_all()

    @property
    def published(self) -> int:
        """Number of the newest snapshot."""
        return self._published

    def is_settled(self, number: int) -> bool:
        """Whether the kernel has been seen to be as this snapshot, or a newer one, says."""
        return self._settled >= number

    def wait_settled(self, timeout: float) -> bool:
        """Whether, within so many seconds, the kernel is seen to be as it is to be now."""
        with self._wake:
            published = self._published
            return self._wake.wait_for(lambda: self._settled >= published, timeout)

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

    @property
    def is_stuck(self) -> bool:
        """Whether it has been at one thing for so long that it will hardly come back."""
        since = self._busy_since
        return since is not None and self._clock() - since > PATIENCE

    # -- the thread

    def _run(self) -> None:
        try:
            if self._clear_first:
                self._attempt(self._writer.clear)
            while self._turn():
                pass
            if self._clearing:
                self._attempt(self._writer.clear)
        finally:
            self._writer.close()

    def _turn(self) -> bool:
        """Wait for work and do one piece of it; False when the end has come."""
        with self._wake:
            while not self._is_due():
                wait = None if self._retry is None else max(0.0, self._retry - self._clock())
                self._wake.wait(wait)
            if self._stopping:
                return False
            work = self._next()
        if work is not None:
            self._attempt(work)
        return True

    def _is_due(self) -> bool:
        if self._stopping:
            return True
        if self._retry is not None and self._clock() >= self._retry:
            return True
        if self._halted:
            return False  # all work would fail: not before it is tried again
        return bool(self._touched or self._everything or self._sweeping or self._resync)

    def _next(self) -> Callable[[], None] | None:
        """The next piece of work; what was asked for is taken to be done by it."""
        snapshot, number = self._snapshot, self._published
        retry = self._retry is not None and self._clock() >= self._retry
        if retry:
            self._retry = None
            self._halted = False
        if snapshot is None:
            self._resync = False
            return None
        if self._touched and not retry:
            keys = self._take(self._touched, snapshot)
            rest = self._touched or self._everything or self._sweeping
            return lambda: self._touch(snapshot, keys, 0 if rest else number)
        if retry or self._everything or (self._resync and not self._sweeping):
            self._everything = self._resync = False
            return lambda: self._begin(snapshot)
        self._resync = False
        keys = self._take(self._ahead, snapshot)
        return lambda: self._go_on(snapshot, keys, number)

    def _take(self, keys: dict[ServiceKey, None], snapshot: Snapshot) -> list[ServiceKey]:
        """A few of them, in the order of their coming."""
        taken: list[ServiceKey] = []
        destinations = 0
        for key in keys:
            pool = snapshot.desired.pools.get(key)
            destinations += len(pool.by_key) if pool else 1
            if taken and destinations > DESTINATIONS_AT_ONCE:
                break
            taken.append(key)
            if len(taken) == SERVICES_AT_ONCE:
                break
        for key in taken:
            del keys[key]
        return taken

    def _touch(self, snapshot: Snapshot, keys: list[ServiceKey], number: int) -> None:
        """Services that are in a hurry. number: the snapshot that the kernel obeys then."""
        began = self._clock()
        self._writer.make(snapshot, keys)
        broken = self.account.broken
        failed = any(key in broken for key in keys)
        self._passed(began, failed=failed)
        if failed and self._retry is None:
            self._try_again()
        if not broken and not self.account.trouble:
            self._settle(number)

    def _begin(self, snapshot: Snapshot) -> None:
        """A sweep over everything, or the one under way over everything again."""
        if not self._sweeping:
            self._began = self._clock()
        keys = self._writer.survey(snapshot.desired)
        # Those that a sweep before this one has not come to are the first, or a stream of new
        # snapshots would keep it from the last ones for ever.
        ahead = {key: None for key in self._ahead if key in snapshot.desired.pools}
        self._ahead = ahead | dict.fromkeys(keys)
        self._sweeping = True

    def _go_on(self, snapshot: Snapshot, keys: list[ServiceKey], number: int) -> None:
        """A piece of the sweep. number: the snapshot that the kernel obeys if it was the last."""
        self._writer.make(snapshot, keys)
        if self._ahead:
            return
        self._sweeping = False
        trouble = self._writer.settle(snapshot.desired)
        broken = self.account.broken
        self._chronicle.troubled(trouble)
        self._passed(self._began, failed=bool(trouble or broken))
        if trouble or broken:
            self._failed += 1
            self._try_again()
            return
        self._failed = 0
        self._retry = None
        # When this piece was taken up nothing was left that came before it.
        self._settle(number)

    def _attempt(self, work: Callable[[], None]) -> None:
        """Do it; whatever goes wrong is told and counted, and ends nothing but this attempt."""
        self._busy_since = began = self._clock()
        try:
            work()
        except IpvsError as failure:
            self._fail(str(failure), began)
        except Exception as failure:  # the one writer must outlive any fault in it
            log.debug("keeper", exc_info=True)
            self._fail(f"internal error: {type(failure).__name__}: {failure}", began)
        finally:
            self._busy_since = None

    def _fail(self, trouble: str, began: float) -> None:
        """All work has come to a stop."""
        self._chronicle.troubled(trouble)
        self._passed(began, failed=True)
        self._failed += 1
        self._ahead.clear()
        self._sweeping = False
        self._halted = True
        self._try_again()
        # A socket that failed once is not asked again.
        self._writer.close()

    def _try_again(self) -> None:
        self._retry = self._clock() + self._pauses[min(max(self._failed, 1), len(self._pauses)) - 1]

    def _passed(self, began: float, *, failed: bool) -> None:
        now = self._clock()
        self._chronicle.passed(now, now - began, failed=failed)

    def _settle(self, number: int) -> None:
        """Note it, and wake those who wait for it."""
        with self._wake:
            self._settled = max(self._settled, number)
            self._wake.notify_all()
