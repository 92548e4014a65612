# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which checks have had no result for too long: an alarm, which changes nobody's health."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import islice

from ipvsman.health.spec import Check, describe

from .journal import Journal, Kind
from .memory import Known

#: Checks that one look takes in: of more, each has its turn later.
_AT_ONCE = 2000


class Ages:
    """Looks at how old results are, some of them at a time."""

    def __init__(self, journal: Journal, grace: float, started: float) -> None:
        """grace: seconds that a result may be late; started: when the daemon did, monotonic."""
        self._journal = journal
        self._grace = grace
        self._started = started
        self._stale: set[Check] = set()
        self._round: Iterator[tuple[Check, Known]] = iter(())

    @property
    def stale(self) -> frozenset[Check]:
        """Checks whose last result is too old."""
        return frozenset(self._stale)

    def is_stale(self, check: Check | None) -> bool:
        """Whether the last result of this one is. For any thread."""
        return check in self._stale

    def keep(self, wanted: AbstractSet[Check]) -> None:
        """There are these checks now, and no others."""
        self._stale &= wanted
        self._round = iter(())

    def look(self, known: Mapping[Check, Known], now: float) -> None:
        """Look at the next few checks."""
        looked = 0
        for check, entry in islice(self._round, _AT_ONCE):
            looked += 1
            self._look_at(check, entry, now)
        if looked < _AT_ONCE:
            self._round = iter(tuple(known.items()))

    def _look_at(self, check: Check, entry: Known, now: float) -> None:
        """An alarm when there has been no result for too long, and its end."""
        health = entry.health
        if health.checked is None:
            health = replace(health, checked=max(health.since, self._started))
        stale = health.is_stale(check.timing, self._grace, now)
        if stale == (check in self._stale):
            return
        if stale:
            self._stale.add(check)
            age = f"{now - (health.checked or now):.0f} s"
            message = f"no result of {describe(check)} for {age}; it stays {health.condition.value}"
            self._journal.record(Kind.STALE, describe(check), message, logging.WARNING)
        else:
            self._stale.discard(check)
            message = f"results of {describe(check)} come in again"
            self._journal.record(Kind.STALE, describe(check), message)
