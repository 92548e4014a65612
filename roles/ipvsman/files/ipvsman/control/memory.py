# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of the checks, over a restart: counters and the last transitions.

Kept by an identity that changes with the check's definition: a changed check starts from unknown.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ipvsman.health.spec import Check
from ipvsman.health.state import Condition, Health

#: What it is called on disk.
NAME = "health"
#: Transitions kept of each check.
HISTORY = 20


@dataclass(frozen=True)
class Transition:
    """A change of what is believed. time: seconds since the epoch."""

    time: float
    before: Condition
    after: Condition
    message: str


@dataclass(slots=True)
class Known:
    """What is known of one check; times in health are by the daemon's own clock."""

    health: Health
    history: deque[Transition]


def identity(check: Check) -> str:
    """The same for equal checks, in this process and the next."""
    return hashlib.sha256(repr(check).encode()).hexdigest()[:24]


def proven(known: Mapping[Check, Known]) -> dict[Check, Known]:
    """What is worth remembering, as it is now: who reads the copy may take his time."""
    return {
        check: Known(entry.health, entry.history.copy())
        for check, entry in known.items()
        if entry.health.condition is not Condition.UNKNOWN
    }


def to_plain(known: Mapping[Check, Known], now: float, wall: float) -> dict[str, Any]:
    """For the disk; now and wall are the same moment by the daemon's clock and since the epoch."""
    return {
        identity(check): {
            "condition": entry.health.condition.value,
            "counter": entry.health.counter,
            "since": wall - (now - entry.health.since),
            "message": entry.health.message,
            "history": [
                [item.time, item.before.value, item.after.value, item.message]
                for item in entry.history
            ],
        }
        for check, entry in known.items()
        if entry.health.condition is not Condition.UNKNOWN
    }


def from_plain(
    plain: Mapping[str, Any], checks: Iterable[Check], now: float, wall: float
) -> dict[Check, Known]:
    """What is remembered of these checks: believed, and not checked yet.

    KeyError, TypeError, ValueError: not our data.
    """
    found = {}
    for check in checks:
        row = plain.get(identity(check))
        if row is None:
            continue
        top = check.timing.rise + check.timing.fall - 1
        # A clock that was set back must not put a transition into the future.
        since = min(now, now - (wall - float(row["since"])))
        health = Health(
            Condition(row["condition"]),
            max(0, min(int(row["counter"]), top)),
            since,
            None,
            str(row["message"]),
        )
        history = deque(
            (
                Transition(float(time), Condition(before), Condition(after), str(message))
                for time, before, after, message in row["history"]
            ),
            maxlen=HISTORY,
        )
        found[check] = Known(health, history)
    return found
