# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What happened, in order: every fact once, numbered, kept for a while, and logged.

Everything that changes anything passes here, so that a log line, an answer of the API and a metric
never tell different stories. Safe to write to from any thread. What comes in floods is not logged
one by one, see flood.py.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .flood import Floods

log = logging.getLogger("ipvsman")


class Kind(Enum):
    """Kinds of fact."""

    TRANSITION = "transition"
    FALLBACK = "fallback"
    OUTAGE = "outage"
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


#: That a server or a service is down is a line, however many there are.
_ALWAYS = frozenset((Kind.TRANSITION, Kind.OUTAGE))
#: What there is of each service, destination or name.
_IN_FLOODS = frozenset(
    (
        Kind.TRANSITION,
        Kind.OUTAGE,
        Kind.CHANGE,
        Kind.OBSERVED,
        Kind.DRIFT,
        Kind.ADOPTED,
        Kind.FOREIGN,
        Kind.REFUSED,
        Kind.RESOLVE,
        Kind.STALE,
    )
)


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

    def __init__(
        self,
        wall: Callable[[], float],
        keep: int = 1000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """wall: seconds since the epoch; keep: how many facts are kept; clock: monotonic."""
        self._wall = wall
        self._clock = clock
        self._floods = Floods()
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
            is_told = self._is_told(kind, level, data)
        if is_told:
            log.log(level, message, extra={"kind": kind.value, "subject": subject, "facts": data})
        return entry

    def tell_rest(self, *, at_once: bool = False) -> None:
        """Log how many facts there were that have no line of their own. To be called often."""
        with self._lock:
            rests = self._floods.rests(self._clock(), at_once=at_once)
        for rest in rests:
            facts = {"untold": rest.untold.total()}
            extra = {"kind": rest.kind, "subject": "", "facts": facts}
            log.log(rest.level, "%s", rest, extra=extra)

    def _is_told(self, kind: Kind, level: int, data: Mapping[str, Any]) -> bool:
        is_down = kind in _ALWAYS and level > logging.INFO
        if kind not in _IN_FLOODS or is_down or log.isEnabledFor(logging.DEBUG):
            return True
        what = data.get("action", "")
        if kind is Kind.TRANSITION:
            what = f"{data['before']} -> {data['after']}"
        return self._floods.takes(kind.value, what, level, self._clock())

    def since(self, sequence: int = 0) -> list[Entry]:
        """Kept facts after this number, oldest first."""
        with self._lock:
            return [entry for entry in self._entries if entry.sequence > sequence]

    def count(self, kind: Kind) -> int:
        """How many facts of a kind there have been since the start."""
        with self._lock:
            return self._counts[kind]
