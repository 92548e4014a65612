# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What happened, in order: every fact once, numbered, kept for a while, and logged.

Everything that changes anything passes here, so that a log line, an answer of the API and a metric
never tell different stories. Safe to write to from any thread.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

log = logging.getLogger("ipvsman")


class Kind(Enum):
    """Kinds of fact."""

    TRANSITION = "transition"
    CHANGE = "change"
    OBSERVED = "observed"
    DRIFT = "drift"
    ADOPTED = "adopted"
    FOREIGN = "foreign"
    REFUSED = "refused"
    ERROR = "error"
    RELOAD = "reload"
    OVERRIDE = "override"
    RESOLVE = "resolve"
    STALE = "stale"
    LIFE = "life"


@dataclass(frozen=True)
class Entry:
    """One fact. time: seconds since the epoch; subject: what it is about; data: for programs."""

    sequence: int
    time: float
    kind: Kind
    subject: str
    message: str
    level: int = logging.INFO
    data: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """The last facts, and how many there have been of each kind."""

    def __init__(self, wall: Callable[[], float], keep: int = 1000) -> None:
        """wall: seconds since the epoch; keep: how many facts are kept."""
        self._wall = wall
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=keep)
        self._sequence = 0
        self._counts: Counter[Kind] = Counter()

    def record(
        self, kind: Kind, subject: str, message: str, level: int = logging.INFO, **data: Any
    ) -> Entry:
        """Note one fact and log it."""
        with self._lock:
            self._sequence += 1
            entry = Entry(self._sequence, self._wall(), kind, subject, message, level, data)
            self._entries.append(entry)
            self._counts[kind] += 1
        log.log(level, message, extra={"kind": kind.value, "subject": subject, "facts": data})
        return entry

    def since(self, sequence: int = 0) -> list[Entry]:
        """Kept facts after this number, oldest first."""
        with self._lock:
            return [entry for entry in self._entries if entry.sequence > sequence]

    def count(self, kind: Kind) -> int:
        """How many facts of a kind there have been since the start."""
        with self._lock:
            return self._counts[kind]
