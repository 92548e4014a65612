# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What belongs to the whole table: time-outs and sync daemons, over all files that say them."""

from __future__ import annotations

from typing import Any

from ipvsman.ipvs.document import Reader
from ipvsman.ipvs.errors import InvalidValue
from ipvsman.ipvs.model import Role
from ipvsman.ipvs.wish import DaemonWish, TimeoutsWish

from .complaints import Complaints
from .model import Origin
from .rows import note
from .shapes import Entry


class Whole:
    """Reads such files one after the other: each thing may be said once."""

    def __init__(self, complaints: Complaints) -> None:
        self._complaints = complaints
        self._timeouts: dict[str, int] = {}
        self._daemons: dict[Role, DaemonWish] = {}
        self._said: dict[object, Origin] = {}

    @property
    def timeouts(self) -> TimeoutsWish | None:
        """The time-outs, if any was said."""
        return TimeoutsWish(**self._timeouts) if self._timeouts else None

    @property
    def daemons(self) -> tuple[DaemonWish, ...]:
        """The sync daemons, in one order."""
        return tuple(self._daemons[role] for role in Role if role in self._daemons)

    def read(self, entry: Entry) -> None:
        """One file."""
        timeouts: Entry | None = entry.get("timeouts")
        for name, seconds in timeouts.values.items() if timeouts else ():
            if self._first(name, timeouts, f"timeout {name}"):
                self._timeouts[name] = seconds
        for daemon in entry.get("sync_daemons", ()):
            self._daemon(daemon)

    def _daemon(self, entry: Entry) -> None:
        if entry.broken:
            return
        reader = Reader()
        words = {name: _plain(value) for name, value in entry.values.items()}
        wish = reader.daemon(words, "")
        if reader.faults:
            note(InvalidValue(reader.faults), entry.place, self._complaints)
        elif wish is not None and self._first("role", entry, f"sync daemon {wish.role.value}"):
            self._daemons[wish.role] = wish

    def _first(self, name: str, entry: Entry | None, what: str) -> bool:
        if entry is None:
            return False
        place = entry.at(name)
        first = self._said.setdefault(what, place.origin)
        if first != place.origin:
            reason = f"the {what} is there already ({first})"
            self._complaints.fault(place.origin, place.text, reason)
        return first == place.origin


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)
