# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is still to be written to disk, and what is told when a disk does not take it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from .journal import Journal, Kind
from .store import Store, StoreError

T = TypeVar("T")

#: What makes the data of a note: called where writing takes place, which is beside the loop.
Form = Callable[[], object]
#: What takes what is to be written, as it is then: called on the loop.
Take = Callable[[], Form]


class Notes:
    """Named pieces of what is believed, each in a file of its own."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal
        self._due: dict[str, Take] = {}
        self._faults: dict[str, str] = {}
        self._writing = asyncio.Lock()

    def recall(self, name: str, parse: Callable[[Any], T]) -> T | None:
        """What was noted, by whoever ran before; None when there is nothing to be understood."""
        return self._store.read_as(name, parse)

    def changed(self, name: str, take: Take) -> None:
        """It is written with the next `write_due`."""
        self._due[name] = take

    def write_now(self, name: str, form: Form) -> None:
        """Write it before this returns; what fails is due."""
        self._due.pop(name, None)
        is_written = self._write(name, form)
        # What is being written beside the loop may be older, and reach the disk after this.
        if not is_written or self._writing.locked():
            self._due[name] = lambda: form

    async def write_due(self) -> None:
        """Write what has changed since it was written; what fails stays due.

        Beside the loop: a disk may take seconds.
        """
        async with self._writing:
            for name in sorted(self._due):
                take = self._due.pop(name, None)
                if take and not await asyncio.to_thread(self._write, name, take()):
                    self._due.setdefault(name, take)

    def fault(self, name: str) -> str:
        """Why it is not on disk as it was to be written last; empty when it is."""
        return self._faults.get(name, "")

    def _write(self, name: str, form: Form) -> bool:
        """Write it; a fault is told once. For any thread."""
        fault = ""
        try:
            self._store.write(name, form())
        except StoreError as error:
            fault = str(error)
        if fault and fault != self._faults.get(name):
            message = f"{fault}; it is tried again, and a restart before that forgets it"
            self._journal.record(Kind.ERROR, "store", message, logging.ERROR)
        elif self._faults.get(name) and not fault:
            self._journal.record(Kind.LIFE, "store", f"{name} can be written again")
        self._faults[name] = fault
        return not fault
