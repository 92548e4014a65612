# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What passes per second: the same rows twice, and what became more in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: Counters that have a rate, as reports name them.
COUNTED = ("conns", "inpkts", "outpkts", "inbytes", "outbytes")

Row = Mapping[str, Any]


def with_rates(
    before: Sequence[Row],
    again: Callable[[], Sequence[Row]],
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[dict[str, Any]]:
    """The rows some seconds later, with what has passed per second as ``rate_...``."""
    began = clock()
    sleep(seconds)
    after = again()
    return _rated(before, after, clock() - began)


def _rated(before: Sequence[Row], after: Sequence[Row], passed: float) -> list[dict[str, Any]]:
    known = {_identity(row): row for row in before}
    rows = []
    for row in after:
        old = known.get(_identity(row))
        rated = dict(row)
        for name in COUNTED:
            # What is new has passed nothing that was seen; what was zeroed has begun anew.
            passing = max(0, row[name] - old[name]) if old else 0
            rated[f"rate_{name}"] = round(passing / passed, 1)
        for pool in ("backends", "fallback", "reals"):
            if pool in row:
                rated[pool] = _rated(old[pool] if old else (), row[pool], passed)
        rows.append(rated)
    return rows


def _identity(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("proto", "vip", "ip", "port"))
