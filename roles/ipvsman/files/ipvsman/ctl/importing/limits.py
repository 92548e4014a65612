# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values that other tools take: which of them a document takes, too."""

from __future__ import annotations

from ipvsman.ipvs.text import FLAG_NAMES, nearest

from .ledger import Directive, Ledger

#: Of a document.
MAX_WEIGHT = 65535


def fitting(said: Directive, number: int, most: int, ledger: Ledger) -> int:
    """The number, or the most that there is, which is a loss."""
    if number <= most:
        return number
    ledger.lose(said, f"{number} is above {most}, the most that a document has", f"it is {most}")
    return most


def flag_names(text: str) -> tuple[str, ...]:
    """Flags of a scheduler, with commas between. Raises ValueError."""
    names = tuple(name for name in text.split(",") if name)
    for name in names:
        if name not in FLAG_NAMES:
            hint = nearest(name, FLAG_NAMES)
            raise ValueError(f"{name!r} is not one of {', '.join(FLAG_NAMES)}{hint}")
    return names
