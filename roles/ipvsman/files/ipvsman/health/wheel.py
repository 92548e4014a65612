# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A timer wheel: many entries, each due once, put and taken back at the same small cost. Pure.

Time is cut into slots of one tick, and an entry goes into the nearest: it comes up to half a tick
early or late, and what falls into one slot comes out together, which is what makes thousands of
timers a second cheap. Only slots that hold something exist.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")

# Clocks and slots are floats: what is this close is due.
SLACK = 1e-6


class Wheel(Generic[T]):
    """Entries and the slots they are in. Entries are compared by their hash; one is in it once."""

    def __init__(self, tick: float) -> None:
        self._tick = tick
        # Dictionaries without values: sets that keep their order.
        self._slots: dict[int, dict[T, None]] = {}
        self._order: list[int] = []

    def __len__(self) -> int:
        return sum(map(len, self._slots.values()))

    def put(self, entry: T, when: float) -> int:
        """Have the entry come up at a time. Returns the slot, to take it back by."""
        slot = int(when / self._tick + 0.5)
        entries = self._slots.get(slot)
        if entries is None:
            self._slots[slot] = {entry: None}
            heappush(self._order, slot)
        else:
            entries[entry] = None
        return slot

    def take_back(self, entry: T, slot: int) -> None:
        """Forget an entry, if it has not come up yet."""
        entries = self._slots.get(slot)
        if entries:
            entries.pop(entry, None)

    def take(self, now: float, limit: int) -> list[T]:
        """What is due, earliest slot first, but no more than so many: the rest stays due."""
        due: list[T] = []
        while self._order and self._order[0] * self._tick <= now + SLACK:
            entries = self._slots[self._order[0]]
            if len(due) + len(entries) > limit:
                part = list(islice(entries, limit - len(due)))
                for entry in part:
                    del entries[entry]
                return due + part
            due.extend(entries)
            del self._slots[heappop(self._order)]
        return due

    def next(self) -> float | None:
        """When there is something to take; None = never."""
        while self._order:
            slot = self._order[0]
            if self._slots[slot]:
                return slot * self._tick
            # All of it was taken back.
            del self._slots[heappop(self._order)]
        return None
