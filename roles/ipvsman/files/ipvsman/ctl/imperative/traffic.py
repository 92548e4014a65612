# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What passes through services and destinations: amounts, and rates of one of two kinds.

The kernel has an estimate of each rate, smoothed over some ten seconds. Measured is what the
counters became more between two readings, divided by the time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ipvsman.ipvs.model import Counters, DestinationKey, ServiceCounters, ServiceKey
from ipvsman.ipvs.table import Table

from . import pace

#: Amounts and rates in the order of the columns, which is not the same.
AMOUNTS = ("connections", "packets_in", "packets_out", "bytes_in", "bytes_out")
RATES = ("connections", "bytes_in", "bytes_out", "packets_in", "packets_out")
AMOUNT_COLUMNS = "Conn PktsIn PktsOut BytesIn BytesOut"
RATE_COLUMNS = "CPS BPSIn BPSOut PPSIn PPSOut"
CONNECTION_COLUMNS = "ActConn InactConn PersConn"

Reading = Mapping[ServiceKey, ServiceCounters]


@dataclass(frozen=True)
class Traffic:
    """One reading. before, seconds: the reading to measure by and how long ago it was, if any."""

    now: Reading
    before: Reading | None = None
    seconds: float = 0.0

    def service(self, key: ServiceKey) -> tuple[Counters, Counters | None]:
        """What has passed through a service until now, and before."""
        found = self.now.get(key)
        old = None if self.before is None else self.before.get(key)
        return (found.traffic if found else Counters()), (old.traffic if old else None)

    def destination(
        self, key: ServiceKey, name: DestinationKey
    ) -> tuple[Counters, Counters | None]:
        """The same of a destination."""
        found = self.now[key].destinations.get(name) if key in self.now else None
        old = (
            self.before[key].destinations.get(name) if self.before and key in self.before else None
        )
        return (found.traffic if found else Counters()), (old.traffic if old else None)

    def rates(self, now: Counters, before: Counters | None) -> dict[str, int | float]:
        """By name, in the order of the columns."""
        if self.before is None:
            return {name: getattr(now, f"{name}_rate") for name in RATES}
        return {name: self._measured(name, now, before) for name in RATES}

    def _measured(self, name: str, now: Counters, before: Counters | None) -> float:
        # What is new has passed nothing that was seen; what was zeroed has begun anew.
        passed = getattr(now, name) - getattr(before, name) if before else 0
        return round(max(0, passed) / self.seconds, 1)

    def plain(self, now: Counters, before: Counters | None) -> dict[str, Any]:
        """For a program. rates tell how they were come by."""
        source: dict[str, Any] = {"source": "kernel"}
        if self.before is not None:
            source = {"source": "counters", "seconds": round(self.seconds, 3)}
        return {
            "counters": {name: getattr(now, name) for name in AMOUNTS},
            "rates": {**source, **self.rates(now, before)},
        }


class Meter:
    """Reads counters, again and again."""

    def __init__(
        self, table: Table, services: Collection[ServiceKey] | None, seconds: float | None
    ) -> None:
        """services: of which, None = of all; seconds: to measure rates over, None = not to."""
        self._table = table
        self._services = services
        self._seconds = seconds
        self._last: tuple[Reading, float] | None = None

    def read(self) -> Traffic:
        """What there is now, with what there was before where rates are measured."""
        if self._seconds is None:
            return Traffic(self._table.counters(self._services))
        if self._last is None:
            self._last = (self._table.counters(self._services), pace.now())
            pace.wait(self._seconds)
        before, then = self._last
        now = (self._table.counters(self._services), pace.now())
        self._last = now
        return Traffic(now[0], before, max(now[1] - then, 0.001))
