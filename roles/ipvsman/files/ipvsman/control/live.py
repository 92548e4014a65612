# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel has and counts now, for those who ask: a reader beside the keeper.

It has a table and a thread of its own, so that a long reading never holds up a fail-over, and
answers from its last reading while that is young enough.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.model import ServiceCounters, ServiceKey, State
from ipvsman.ipvs.scope import EVERYTHING
from ipvsman.ipvs.table import Table

#: Local addresses are none of the daemon's business.
_LOOKED_AT = replace(EVERYTHING, local_addresses=frozenset())


@dataclass(frozen=True)
class Reading:
    """The table and its counters at one moment. time: by the clock."""

    time: float
    state: State
    counters: Mapping[ServiceKey, ServiceCounters]


class Live:
    """See above. age: seconds that a reading serves."""

    def __init__(
        self, open_table: Callable[[], Table], clock: Callable[[], float], age: float = 1.0
    ) -> None:
        self._open_table = open_table
        self._clock = clock
        self._age = age
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="live")
        self._lock = asyncio.Lock()
        self._table: Table | None = None
        self._last: Reading | None = None
        #: Readings that failed since the start.
        self.failures = 0

    async def read(self, age: float | None = None) -> Reading:
        """A reading that is at most so many seconds old. Raises IpvsError."""
        limit = self._age if age is None else age
        async with self._lock:
            if self._last is None or self._clock() - self._last.time > limit:
                loop = asyncio.get_running_loop()
                try:
                    self._last = await loop.run_in_executor(self._thread, self._read)
                except IpvsError:
                    self.failures += 1
                    raise
            return self._last

    async def close(self) -> None:
        """Give back table and thread."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(IpvsError, OSError):
            await loop.run_in_executor(self._thread, self._forget)
        self._thread.shutdown(wait=False)

    def _read(self) -> Reading:
        try:
            if self._table is None:
                self._table = self._open_table()
            state, counters = self._table.read(_LOOKED_AT), self._table.counters()
        except IpvsError:
            self._forget()
            raise
        return Reading(self._clock(), state, counters)

    def _forget(self) -> None:
        if self._table is not None:
            self._table.close()
            self._table = None
