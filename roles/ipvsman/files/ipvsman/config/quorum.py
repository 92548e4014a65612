# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Quorum and hysteresis of a frontend, and whether its backends can ever lose and regain it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ipvsman.ipvs.model import Family, Forwarding, ServiceKey

from .complaints import Complaints
from .rows import Row
from .settings import Settings


class Quorum:
    """What a frontend says of it, with what it has from its group."""

    def __init__(self, settings: Settings, complaints: Complaints) -> None:
        self._settings = settings
        self._complaints = complaints
        self.quorum: int = settings.get("quorum") or 1
        self.hysteresis: int = settings.get("hysteresis") or 0

    def judge(
        self, rows: Sequence[Row], fallback: Sequence[Row], services: Iterable[ServiceKey]
    ) -> None:
        """Complain of what has no effect, and of what would keep a service in its fallback."""
        said = [name for name in ("quorum", "hysteresis") if self._settings.get(name)]
        if not fallback:
            if not self._settings.broken("fallback"):
                for name in said:
                    self._warn(name, "has no effect without a fallback")
            return
        if said and not any(map(self._settings.broken, ("quorum", "hysteresis"))):
            self._reach(rows, {key.family for key in services})
        if not any(row.weight for row in fallback):
            self._warn("fallback", "has no weight at all: it never serves")
        names = {row.address for row in rows}
        if self.hysteresis and all(row.address in names for row in fallback):
            reason = (
                "has no effect, since the fallback is made of backends alone: from the table alone"
                " nobody can tell which of both serves"
            )
            self._warn("hysteresis", reason)

    def _reach(self, rows: Iterable[Row], families: set[Family]) -> None:
        if self.hysteresis >= self.quorum:
            reason = (
                f"{self.hysteresis} is not below quorum, {self.quorum}: the backends would never"
                " lose it"
            )
            self._fault("hysteresis", reason)
            return
        most = min((_weight(rows, family) for family in families), default=None)
        if most is None:
            return
        for name, needed, what in (
            ("quorum", self.quorum, f"{self.quorum} is"),
            ("hysteresis", self.quorum + self.hysteresis, "and quorum together are"),
        ):
            if needed > most:
                reason = (
                    f"{what} more than the backends weigh together, {most:.0f}: they would never"
                    " have the new connections back from the fallback"
                )
                self._fault(name, reason)
                return

    def _fault(self, name: str, reason: str) -> None:
        place = self._settings.at(name)
        self._complaints.fault(place.origin, place.text, reason)

    def _warn(self, name: str, reason: str) -> None:
        place = self._settings.at(name)
        self._complaints.warn(place.origin, place.text, reason)


def _weight(rows: Iterable[Row], family: Family) -> float:
    """What the backends of a service's family weigh together; a name may stand for any number."""
    mine = [row for row in rows if row.family in (family, None) or _tunnelled(row)]
    if any(row.family is None for row in mine):
        return float("inf")
    return sum(row.weight for row in mine)


def _tunnelled(row: Row) -> bool:
    return row.forwarding is Forwarding.TUNNEL
