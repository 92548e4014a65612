# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Numbers that other tools take and a document does not."""

from __future__ import annotations

from .ledger import Directive, Ledger

#: Of a document.
MAX_WEIGHT = 65535


def fitting(said: Directive, number: int, most: int, ledger: Ledger) -> int:
    """The number, or the most that there is, which is a loss."""
    if number <= most:
        return number
    ledger.lose(said, f"{number} is above {most}, the most that a document has", f"it is {most}")
    return most
