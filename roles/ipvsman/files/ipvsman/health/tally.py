# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the prober counts: for metrics, and for whoever wonders whether it keeps up."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

RESULTS = ("ok", "failed", "unable")

DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LATENESS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Histogram:
    """How many observations lie at or below each bound."""

    __slots__ = ("_counts", "bounds", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.total = 0.0
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one observation."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many observations there were."""
        return sum(self._counts)

    def cumulative(self) -> list[tuple[float, int]]:
        """Each bound with the observations at or below it; the last bound is infinity."""
        rows, seen = [], 0
        for bound, count in zip((*self.bounds, float("inf")), self._counts, strict=True):
            seen += count
            rows.append((bound, seen))
        return rows


class Tally:
    """The counters of one kind of check.

    finished: by result, see RESULTS. stopped: ended because nobody wants the check any more.
    """

    __slots__ = ("durations", "finished", "started", "stopped")

    def __init__(self) -> None:
        self.started = 0
        self.finished: Counter[str] = Counter(dict.fromkeys(RESULTS, 0))
        self.stopped = 0
        self.durations = Histogram(DURATIONS)

    @property
    def running(self) -> int:
        """How many probes are under way."""
        return self.started - self.finished.total() - self.stopped
