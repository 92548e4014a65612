# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the operator has said at run time: it outlives reloads and restarts until it is taken back.

Operators name things as the configuration does: a group, ``group/frontend``, ``group/address``
(with or without ``:port``) for backends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

#: What they are called on disk.
NAME = "overrides"
#: Seconds by which what is said later is later, whatever the clock says; a float has them to spare.
_LATER = 0.001


class Level(Enum):
    """What an override is about."""

    GROUP = "group"
    FRONTEND = "frontend"
    BACKEND = "backend"


@dataclass(frozen=True)
class Subject:
    """One thing that can be overridden: level and its name as the operator says it."""

    level: Level
    name: str


@dataclass(frozen=True)
class Override:
    """disabled: whether it is out (True) or in although the configuration says out (False).

    since: when it was said, in seconds since the epoch; reason: free text of the operator.
    """

    disabled: bool
    since: float
    reason: str = ""


@dataclass(frozen=True)
class Overrides:
    """All overrides in force."""

    entries: Mapping[Subject, Override] = field(default_factory=dict)

    def put(self, subject: Subject, override: Override) -> Overrides:
        """With this one added, or put in place of its like.

        It is the last word, also where the clock has been put back since the one before.
        """
        last = max((each.since for each in self.entries.values()), default=override.since)
        if override.since <= last and self.entries:
            override = replace(override, since=last + _LATER)
        return replace(self, entries={**self.entries, subject: override})

    def drop(self, subject: Subject) -> Overrides:
        """Without this one."""
        rest = {key: value for key, value in self.entries.items() if key != subject}
        return replace(self, entries=rest)

    def said(self, level: Level, names: Iterable[str]) -> tuple[Subject, Override] | None:
        """What was said last of a thing that has these names; None = nothing is in force.

        The last word counts, whichever of a server's names it was said of.
        """
        subjects = (Subject(level, name) for name in names)
        found = [(each, self.entries[each]) for each in subjects if each in self.entries]
        return max(found, key=lambda item: (item[1].since, item[1].disabled), default=None)

    def to_plain(self) -> list[dict[str, Any]]:
        """For the disk and for the API."""
        return [
            {
                "level": subject.level.value,
                "name": subject.name,
                "disabled": override.disabled,
                "since": override.since,
                "reason": override.reason,
            }
            for subject, override in sorted(
                self.entries.items(), key=lambda item: (item[0].level.value, item[0].name)
            )
        ]

    @classmethod
    def from_plain(cls, plain: list[dict[str, Any]]) -> Overrides:
        """From what to_plain wrote. Raises KeyError, TypeError or ValueError on anything else."""
        return cls(
            {
                Subject(Level(row["level"]), str(row["name"])): Override(
                    bool(row["disabled"]), float(row["since"]), str(row["reason"])
                )
                for row in plain
            }
        )
