# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a caller allows a plan to do: pure.

Limits look at the plan that is about to be applied, and refuse it as a whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import Fault, InvalidValue, Refused
from .plan import Plan


@dataclass(frozen=True)
class Limits:
    """actions: allowed ones, None = all; removals: how many entries may go, None = any number;
    share: whether removals is a percentage of the entries there are.
    option: what the user calls the latter.
    """

    actions: frozenset[str] | None = None
    removals: int | None = None
    share: bool = False
    option: str = "max_removals"

    def review(self, plan: Plan) -> None:
        """Raises Refused when the plan goes beyond the limits."""
        counts = plan.counts()
        if self.actions is not None:
            beyond = {name: count for name, count in counts.items() if name not in self.actions}
            if beyond:
                told = ", ".join(f"{count} x {name}" for name, count in beyond.items())
                allowed = ", ".join(sorted(self.actions)) or "nothing"
                raise Refused(plan, f"allowed_changes has {allowed}, but this would take {told}")
        services, destinations = plan.removals()
        if self.removals is None or not services + destinations:
            return
        have = sum(1 + len(service.destinations) for service in plan.current.services.values())
        limit = have * self.removals // 100 if self.share else self.removals
        if services + destinations > limit:
            percent = f" ({self.removals} % of {have})" if self.share else ""
            raise Refused(
                plan,
                f"{self.option} allows {limit}{percent} services and destinations to go,"
                f" but this would remove {_count(services, 'service')}"
                f" and {_count(destinations, 'destination')}",
            )


def parse_limits(
    allowed_changes: list[str] | None, max_removals: str | None, option: str = "max_removals"
) -> Limits:
    """From what the user says. Raises InvalidValue."""
    actions = None if allowed_changes is None else frozenset(allowed_changes)
    if max_removals is None:
        return Limits(actions)
    match = re.fullmatch(r"\s*([0-9]{1,9})\s*(%?)\s*", max_removals)
    if not match or (match.group(2) and int(match.group(1)) > 100):
        reason = f"{max_removals!r} is neither a number nor a percentage like 10%"
        raise InvalidValue([Fault(option, reason)])
    return Limits(actions, int(match.group(1)), bool(match.group(2)), option)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
