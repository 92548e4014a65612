# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The counter machine of one check: pure, the time is an argument.

One saturating counter, as HAProxy counts: from 0 (down) to rise + fall - 1 (up). A success raises
it by one, and to the top once it has reached rise; a failure lowers it by one, and to the bottom
once it is below rise. So it takes rise successes in a row to come up and fall failures in a row to
go down. Nothing known yet: the first success is up, fall failures in a row are down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from .spec import Timing, Verdict


class Condition(Enum):
    """What is believed of a target."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Health:
    """What is known of one check.

    counter: see above; failures counts down from the top while unknown, too.
    since: time of the last transition. checked: time of the last result; None = none yet.
    message: of the last result. is_unmade: the last probe could not be made, which is no result.
    """

    condition: Condition = Condition.UNKNOWN
    counter: int = 0
    since: float = 0.0
    checked: float | None = None
    message: str = ""
    is_unmade: bool = False

    @classmethod
    def unknown(cls, timing: Timing, now: float) -> Health:
        """Nothing known yet."""
        return cls(counter=timing.rise + timing.fall - 1, since=now)

    def after(self, verdict: Verdict, timing: Timing, now: float) -> Health:
        """What is known once this verdict is in."""
        top = timing.rise + timing.fall - 1
        if verdict.ok:
            counter = min(self.counter + 1, top)
            if counter >= timing.rise or self.condition is Condition.UNKNOWN:
                counter = top
            condition = Condition.UP if counter == top else self.condition
        else:
            counter = max(self.counter - 1, 0)
            if counter < timing.rise:
                counter = 0
            condition = Condition.DOWN if counter == 0 else self.condition
        since = self.since if condition is self.condition else now
        return Health(condition, counter, since, checked=now, message=verdict.message)

    def unmade(self, reason: str) -> Health:
        """The same, with why the last probe could not be made."""
        return replace(self, message=f"cannot be probed: {reason}", is_unmade=True)

    def delay(self, timing: Timing) -> float:
        """Seconds from one probe to the next."""
        if self.condition is Condition.UNKNOWN:
            return timing.fast_interval
        if self.counter == 0:
            return timing.down_interval
        if self.counter == timing.rise + timing.fall - 1:
            return timing.interval
        return timing.fast_interval

    def is_stale(self, timing: Timing, grace: float, now: float) -> bool:
        """Whether the last result is older than max(grace, 3 intervals): an alarm, no recovery."""
        return self.checked is not None and now - self.checked > max(grace, 3 * self.delay(timing))
