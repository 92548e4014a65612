# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the operator has said at run time: it outlives reloads and restarts until it is taken back.

Operators name things as the configuration does: a group, ``group/frontend``, ``group/address``
(with or without ``:port``) for backends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any


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
        """With this one added, or put in place of its like."""
        return replace(self, entries={**self.entries, subject: override})

    def drop(self, subject: Subject) -> Overrides:
        """Without this one."""
        rest = {key: value for key, value in self.entries.items() if key != subject}
        return replace(self, entries=rest)

    def decide(
        self, group: str, frontend: str, addresses: tuple[str, ...]
    ) -> tuple[Subject, Override] | None:
        """What is in force for a backend, the nearest first; None = the configuration decides.

        addresses: every name the backend has: as written, as resolved, each with and without port.
        """
        subjects = [Subject(Level.BACKEND, f"{group}/{address}") for address in addresses]
        subjects.append(Subject(Level.FRONTEND, f"{group}/{frontend}"))
        subjects.append(Subject(Level.GROUP, group))
        # A disabled frontend or group wins over an enabled backend in it: out is out.
        found = [
            (subject, self.entries[subject]) for subject in subjects if subject in self.entries
        ]
        for subject, override in found:
            if override.disabled:
                return subject, override
        return found[0] if found else None

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
