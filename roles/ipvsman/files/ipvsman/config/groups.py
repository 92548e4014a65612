# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Groups: names, sources of backends, and what holds for all frontends of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ipvsman.ipvs.model import Family, Forwarding
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
        fallback = self._fallback(group)
        said = Inherited(broken="healthcheck" in group.broken)
        check = inherit(said, group.get("healthcheck"), self._complaints)
        self._names(group)
        found: list[Frontend] = []
        takers: list[Frontend] = []
        for entry in group.get("frontends", ()):
            own = self._fallback(entry)
            made = self._frontends.expand(group, entry, rows, own or fallback, check)
            if own:
                whose = f"frontend {entry.get('name')}"
                self._families(entry.at("fallback"), own, made, whose, "fallback")
            else:
                takers += made
            found += made
        whose = f"group {group.get('group')}"
        self._families(group.place, rows, found, whose, "backend")
        if fallback:
            self._families(group.at("fallback"), fallback, takers, whose, "fallback")
        return tuple(found)

    def _fallback(self, entry: Entry) -> tuple[Row, ...]:
        """The fallback that a group or a frontend names; none when it names none."""
        rows = entry.get("fallback")
        if rows is None:
            return ()
        if not rows and not entry.at("fallback").data:
            place = entry.at("fallback")
            self._fault(place, "is empty: it names backends, or is left out")
        return self._sources.rows.read(rows, inline=True)

    def _rows(self, group: Entry) -> list[Iterable[Row]]:
        sources: list[Iterable[Row]] = []
        sources.append(self._sources.rows.read(group.get("backends", ()), inline=True))
        for number, _unused in enumerate(group.get("backend_files", ())):
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

    def _families(
        self,
        around: Place,
        rows: Iterable[Row],
        frontends: Iterable[Frontend],
        whose: str,
        what: str,
    ) -> None:
        """A service takes the backends of its family; one that no service takes is a mistake."""
        services = [key for frontend in frontends for key in frontend.services]
        families = {key.family for key in services}
        served: set[Family | None] = set()
        for row in rows:
            served |= families if row.forwarding is Forwarding.TUNNEL else {row.family}
            if row.family in (*families, None) or row.forwarding is Forwarding.TUNNEL:
                continue
            place = row.entry.at("address" if row.entry.has("address") else "ip")
            reason = (
                f"{row.address} is of another address family than every service of"
                f" {whose}; that needs method tunnel, and method is"
                f" {row.forwarding.value}"
            )
            # Rows that several groups use may well be of both families.
            shared = place.document is not around.document
            if families:
                (self._warn if shared else self._fault)(place, reason)
        for key in services:
            if served and key.family not in served and None not in served:
                reason = f"no {what} is of address family {key.family.value}, which {key} needs"
                self._warn(around, reason)

    def _fault(self, place: Place, reason: str) -> None:
        self._complaints.fault(place.origin, place.text, reason)

    def _warn(self, place: Place, reason: str) -> None:
        self._complaints.warn(place.origin, place.text, reason)
