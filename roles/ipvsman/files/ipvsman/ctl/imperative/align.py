# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Listings for eyes: the columns that scripts find by blanks, one below the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?)?")


def aligned(lines: Iterable[str]) -> list[str]:
    """The same with columns of one width; as it is where the lines have not the same columns."""
    rows = [line.split(" ") for line in lines]
    if len({len(row) for row in rows}) > 1:
        return [" ".join(row) for row in rows]
    return aligned_rows(rows)


def aligned_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line for each row, which all have the same columns."""
    columns = [_column(column) for column in zip(*rows, strict=True)]
    return ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]


def _column(cells: Sequence[str]) -> list[str]:
    """Numbers to the right, below a heading that is none; everything else to the left."""
    width = max(map(len, cells))
    right = len(cells) > 1 and all(map(_NUMBER.fullmatch, cells[1:]))
    return [cell.rjust(width) if right else cell.ljust(width) for cell in cells]
