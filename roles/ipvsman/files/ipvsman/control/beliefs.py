# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is believed of every check's health, from the results that come in, and over a restart.

Checks that are still wanted after a reload keep theirs; what is new starts with what was remembered
of it, or from unknown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import partial

from ipvsman.health.spec import Check, Verdict
from ipvsman.health.state import Condition, Health

from . import memory
from .memory import Known, Transition
from .notes import Form, Notes

#: What is new is probed within so many seconds; of many, so many a second.
_SOON, _FIRST_A_SECOND = 1.0, 1000


class _Healths(Mapping[Check, Health]):
    """Health by check, as it is when it is looked at.

    Not copied: with thousands of checks a copy at each of thousands of turns would be the dearest
    part of them, and what the keeper reads later than it was told is newer, and so better.
    """

    def __init__(self, known: Mapping[Check, Known]) -> None:
        self._known = known

    def __getitem__(self, check: Check) -> Health:
        return self._known[check].health

    def __iter__(self) -> Iterator[Check]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class Beliefs:
    """See above. known: health and history of every wanted check."""

    def __init__(
        self,
        notes: Notes,
        turned: Callable[[Check, Transition], None],
        stuck: Callable[[Check], None],
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        """turned: told of every transition; stuck: of what is unknown and cannot be probed.

        clock: monotonic; wall: since the epoch.
        """
        self._notes = notes
        self._turned = turned
        self._stuck = stuck
        self._clock = clock
        self._wall = wall
        self.known: Mapping[Check, Known] = {}

    @property
    def healths(self) -> Mapping[Check, Health]:
        """Health of the checks that are wanted now, for any thread."""
        return _Healths(self.known)

    def want(self, checks: AbstractSet[Check]) -> dict[Check, float]:
        """These checks are wanted, and no others; the seconds within which each is to be made."""
        new = checks - self.known.keys()
        remembered = self._remembered(new) if new else {}
        now = self._clock()
        self.known = {
            check: self.known.get(check)
            or remembered.get(check)
            or Known(Health.unknown(check.timing, now), deque(maxlen=memory.HISTORY))
            for check in checks
        }
        soon = max(_SOON, len(new) / _FIRST_A_SECOND)
        return {check: _first_within(check, entry, soon) for check, entry in self.known.items()}

    def judge(self, check: Check, verdict: Verdict) -> float:
        """Count a probe's result in; returns the seconds until the next probe."""
        entry = self.known.get(check)
        if entry is None:
            return check.timing.interval
        before = entry.health
        entry.health = health = before.after(verdict, check.timing, self._clock())
        if health.condition is not before.condition:
            turn = Transition(self._wall(), before.condition, health.condition, health.message)
            entry.history.append(turn)
            self._notes.changed(memory.NAME, self._form)
            self._turned(check, turn)
        return health.delay(check.timing)

    def unable(self, check: Check, reason: str) -> float:
        """Note why a probe could not be made: no result, and so nobody's health is another."""
        entry = self.known.get(check)
        if entry is not None:
            before = entry.health
            entry.health = before.unmade(reason)
            if before.condition is Condition.UNKNOWN and not before.is_unmade:
                self._stuck(check)
        return check.timing.fast_interval

    def _remembered(self, checks: AbstractSet[Check]) -> dict[Check, Known]:
        now, wall = self._clock(), self._wall()
        parse = partial(memory.from_plain, checks=checks, now=now, wall=wall)
        return self._notes.recall(memory.NAME, parse) or {}

    def _form(self) -> Form:
        known = memory.proven(self.known)
        return partial(memory.to_plain, known, self._clock(), self._wall())


def _first_within(check: Check, entry: Known, soon: float) -> float:
    """Seconds within which a check that is new to the prober is to be made: soon, if unproven."""
    if entry.health.checked is None:
        return min(check.timing.fast_interval, soon)
    return entry.health.delay(check.timing)
