# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Groups: names, sources of backends, and what holds for all frontends of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ipvsman.ipvs.model import Forwarding, ServiceKey
from ipvsman.ipvs.text import nearest

from .checks import Inherited, inherit
from .complaints import Complaints
from .frontends import Frontends
from .model import Frontend, Origin
from .rows import Row, Rows, merge, notice_of_disabled
from .shapes import Entry, Place

#: The rows of the file whose name stands at a place; why there are none has been noted.
RowsOf = Callable[[Place], tuple[Row, ...]]


@dataclass(frozen=True)
class Sources:
    """Where rows come from. whole: every file of maps could be read."""

    rows: Rows
    of_file: RowsOf
    maps: Mapping[str, tuple[Row, ...]]
    whole: bool


class Groups:
    """Reads groups one after the other, since names are unique over all of them."""

    def __init__(self, sources: Sources, frontends: Frontends, complaints: Complaints) -> None:
        self._sources = sources
        self._frontends = frontends
        self._complaints = complaints
        self._groups: dict[str, Origin] = {}

    def read(self, group: Entry) -> tuple[Frontend, ...]:
        """The frontends of a group."""
        name = group.get("group", "")
        if name in self._groups:
            reason = f"duplicate group: {name}, first in {self._groups[name]}"
            self._fault(group.at("group"), reason)
        elif name:
            self._groups[name] = group.place.origin
        if group.get("disabled"):
            notice_of_disabled(group, self._complaints)
        rows = merge(self._rows(group))
        said = Inherited(broken="healthcheck" in group.broken)
        check = inherit(said, group.get("healthcheck"), self._complaints)
        self._names(group)
        found: list[Frontend] = []
        for entry in group.get("frontends", ()):
            found += self._frontends.expand(group, entry, rows, check)
        self._families(rows, [key for frontend in found for key in frontend.services])
        return tuple(found)

    def _rows(self, group: Entry) -> list[Iterable[Row]]:
        sources: list[Iterable[Row]] = []
        sources.append(self._sources.rows.read(group.get("backends", ()), inline=True))
        for number, _ in enumerate(group.get("backend_files", ())):
            sources.append(self._sources.of_file(group.at("backend_files").at(number)))
        reference = group.get("backend_map_ref")
        if reference in self._sources.maps:
            sources.append(self._sources.maps[reference])
        elif reference is not None and self._sources.whole:
            hint = nearest(reference, self._sources.maps)
            reason = f"there is no {reference!r} in backend-maps/{hint}; it gives no backends"
            self._warn(group.at("backend_map_ref"), reason)
        return sources

    def _names(self, group: Entry) -> None:
        seen: dict[str, Origin] = {}
        for entry in group.get("frontends", ()):
            name = entry.get("name")
            if name in seen:
                reason = (
                    f"{name!r} is there already ({seen[name]}): what is told or shown of one"
                    " frontend by its name is of both"
                )
                self._warn(entry.at("name"), reason)
            elif name is not None:
                seen[name] = entry.at("name").origin

    def _families(self, rows: Iterable[Row], services: list[ServiceKey]) -> None:
        families = {key.family for key in services}
        for row in rows:
            usable = row.family in families or row.family is None
            if families and not usable and row.forwarding is not Forwarding.TUNNEL:
                reason = (
                    f"{row.address} is of another address family than every service of the group;"
                    f" that needs method tunnel, and method is {row.forwarding.value}"
                )
                self._fault(
                    row.entry.at("address" if "address" in row.entry.values else "ip"), reason
                )

    def _fault(self, place: Place, reason: str) -> None:
        self._complaints.fault(place.origin, place.text, reason)

    def _warn(self, place: Place, reason: str) -> None:
        self._complaints.warn(place.origin, place.text, reason)
