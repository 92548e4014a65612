# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a destination's weight is, and why: the values that are computed of a pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ipvsman.ipvs.model import DestinationKey


class Why(Enum):
    """Why a weight is what it is."""

    OPERATOR = "operator"
    DISABLED = "disabled"
    NOT_PROBED = "not_probed"
    KEPT = "kept"
    COLD_START = "cold_start"
    UNPROVEN = "unproven"
    DOWN = "down"
    ALL_DOWN = "all_down"
    UP = "up"
    NO_QUORUM = "no_quorum"
    STANDBY = "standby"


#: Out because somebody wants it so, which is no fault.
ON_PURPOSE = (Why.OPERATOR, Why.DISABLED)


@dataclass(frozen=True)
class Effective:
    """weight: what the kernel shall have; None = the destination shall not be in the table.

    why: the kind of reason; reason: the same in words. fallback: whether it has this weight as one
    of the fallback. is_open: nothing is known of it, and nobody can tell when something will be.
    """

    weight: int | None
    why: Why
    reason: str
    fallback: bool = False
    is_open: bool = False


Weights = Mapping[DestinationKey, Effective]


def uses_fallback(weights: Weights) -> bool:
    """Whether new connections go to the fallback."""
    return any(entry.fallback and entry.weight for entry in weights.values())


def is_outage(weights: Weights) -> bool:
    """Whether nobody serves: all that are not out on purpose are known to be down."""
    found = [entry.why for entry in weights.values() if entry.why not in ON_PURPOSE]
    return bool(found) and all(why in (Why.DOWN, Why.ALL_DOWN) for why in found)
