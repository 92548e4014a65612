# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes to the one writer, and what comes back: values that nobody changes under the reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ipvsman.ipvs.model import ServiceKey

from .desired import Desired
from .reasons import Weights
from .weights import Circumstances

#: Faults that an error names; of more, only the number.
_NAMED = 5


@dataclass(frozen=True)
class Snapshot:
    """Everything that decides about the table, at one moment."""

    desired: Desired
    circumstances: Circumstances


@dataclass(frozen=True)
class Account:
    """What the writer knows and has done. It replaces it whole: anybody may look.

    weights: effective weight and reason of each destination, by service. owned, foreign: services
    that are ours, and services in the kernel that are not. broken: services that could not be made
    what they shall be, each with the reason. trouble: what kept the last pass from its work as a
    whole, empty when nothing did. passed: when the last pass ended, by the clock; None = there was
    none. seconds: how long it took. drift: changes by others found so far. applied, refused:
    changes by action. would: what is left to do, in observing.
    """

    weights: Mapping[ServiceKey, Weights] = field(default_factory=dict)
    owned: frozenset[ServiceKey] = frozenset()
    foreign: frozenset[ServiceKey] = frozenset()
    broken: Mapping[ServiceKey, str] = field(default_factory=dict)
    trouble: str = ""
    passed: float | None = None
    seconds: float = 0.0
    passes: int = 0
    failures: int = 0
    drift: int = 0
    applied: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    would: Mapping[ServiceKey, tuple[str, ...]] = field(default_factory=dict)

    @property
    def error(self) -> str:
        """All that is wrong now, a line each; empty when nothing is."""
        lines = [self.trouble] if self.trouble else []
        reasons = list(self.broken.values())
        lines += reasons[:_NAMED]
        if len(reasons) > _NAMED:
            lines.append(
                f"and {len(reasons) - _NAMED} more services cannot be made as they shall be"
            )
        return "\n".join(lines)
