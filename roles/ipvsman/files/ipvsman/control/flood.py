# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which facts are worth a line of the log when there are thousands at once: pure.

The first start of a large director makes ten thousand entries and proves ten thousand servers; a
line for each hides the one that matters, and a journal that limits its rate drops it. The first of
a flood are told one by one, the rest by their number when the flood has gone, or every few seconds
while it lasts. A change that comes by itself is always a line.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

#: Facts of a kind that are told one by one; how often the others are told by their number.
LINES, SECONDS = 50, 10.0
#: Seconds without another one, after which a flood has gone.
QUIET = 1.0


@dataclass
class _Flood:
    """began, last: of the time that is counted, and the newest fact; told: one by one. untold: the
    others, by what they are; level: the gravest of them.
    """

    began: float
    last: float
    most: int = LINES
    told: int = 0
    untold: Counter[str] = field(default_factory=Counter)
    level: int = 0


@dataclass(frozen=True)
class Rest:
    """What was not told one by one of a kind, within so many seconds."""

    kind: str
    untold: Counter[str]
    level: int
    seconds: float

    def __str__(self) -> str:
        parts = ", ".join(f"{count} {what}" for what, count in self.untold.most_common() if what)
        more = f" ({parts})" if parts else ""
        count, seconds = self.untold.total(), f"{self.seconds:.0f}"
        return (
            f"{count} more facts of kind {self.kind} within {seconds} s{more};"
            " --log-level debug tells them one by one, --status-detailed and --diff how it is now"
        )


class Floods:
    """See above; one for each kind."""

    def __init__(self) -> None:
        self._of: dict[str, _Flood] = {}

    def takes(self, kind: str, what: str, level: int, now: float) -> bool:
        """Whether a fact is told by itself; it is counted otherwise."""
        flood = self._of.setdefault(kind, _Flood(now, now))
        if not flood.untold and (now - flood.last >= QUIET or now - flood.began >= SECONDS):
            flood = self._of[kind] = _Flood(now, now)
        flood.last = now
        if flood.told < flood.most:
            flood.told += 1
            return True
        flood.untold[what] += 1
        flood.level = max(flood.level, level)
        return False

    def rests(self, now: float, *, at_once: bool = False) -> list[Rest]:
        """What is to be told now of those that have gone, or have lasted long enough."""
        due = []
        for kind, flood in self._of.items():
            gone = now - flood.last >= QUIET
            if flood.untold and (at_once or gone or now - flood.began >= SECONDS):
                due.append(Rest(kind, flood.untold, flood.level, now - flood.began))
                # While it lasts, none of it is told by itself.
                self._of[kind] = _Flood(now, now, most=LINES if gone else 0)
        return due
