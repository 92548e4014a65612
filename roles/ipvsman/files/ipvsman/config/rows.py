# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backend rows: what each says by itself, and how rows of several sources become one pool."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ipvsman.ipvs.document import Reader
from ipvsman.ipvs.errors import InvalidValue
from ipvsman.ipvs.model import (
    PLAIN_TUNNEL,
    DestinationKey,
    Endpoint,
    Family,
    Forwarding,
    State,
    Transport,
    Tunnel,
    canonical_address,
    family_of,
)
from ipvsman.ipvs.text import nearest
from ipvsman.ipvs.wish import DestinationWish, ServiceWish, TableWish, resolve

from .checks import one_address
from .complaints import Complaints
from .ports import NO_MAP, PortMap, PortNames, read_port_map
from .shapes import Entry, Place

#: Any service and destination: what is judged with them is the same for all.
_SOME_SERVICE = Endpoint(Transport.TCP, "192.0.2.1", 80)
_SOME_DESTINATION = "192.0.2.2"
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@dataclass(frozen=True)
class Row:
    """One row, but for what depends on the frontend. target: check_target, or what check_ref is."""

    address: str
    family: Family | None
    entry: Entry
    ports: PortMap
    target: Entry | None
    forwarding: Forwarding
    tunnel: Tunnel
    weight: int
    upper: int
    lower: int
    disabled: bool


@dataclass(frozen=True)
class Refs:
    """Check targets by name. whole: every file of them could be read."""

    targets: Mapping[str, Entry]
    whole: bool


class Rows:
    """Reads rows."""

    def __init__(self, names: PortNames, refs: Refs, complaints: Complaints) -> None:
        self._names = names
        self._refs = refs
        self._complaints = complaints

    def read(self, entries: Iterable[Entry], *, inline: bool) -> tuple[Row, ...]:
        """The rows of one source."""
        rows: dict[str, Row] = {}
        for entry in entries:
            row = self._row(entry, inline)
            if row is None:
                continue
            if row.address in rows:
                first = rows[row.address].entry.place.origin
                reason = f"{row.address} is there already ({first}); this row replaces that one"
                self._warn(entry.at("address"), reason)
            rows[row.address] = row
        return tuple(rows.values())

    def _row(self, entry: Entry, inline: bool) -> Row | None:
        address = one_address(entry, self._complaints, strict=inline)
        if "proxy_method" in entry.values:
            self._warn(entry.at("proxy_method"), "has no effect; method says how is forwarded")
        if entry.get("disabled"):
            notice_of_disabled(entry, self._complaints)
        wish = self._destination(entry)
        target = self._target(entry)
        ports = self._ports(entry)
        if address is None:
            return None
        return Row(
            address,
            _family(address),
            entry,
            ports,
            target,
            wish.forwarding or Forwarding.MASQUERADE,
            wish.tunnel or PLAIN_TUNNEL,
            entry.get("weight", 1),
            wish.upper or 0,
            wish.lower or 0,
            entry.get("disabled", False),
        )

    def _destination(self, entry: Entry) -> DestinationWish:
        """What the core says of forwarding, tunnel and thresholds."""
        tunnel = None
        if "tunnel" in entry.values:
            said: Entry = entry.values["tunnel"]
            tunnel = self._tunnel(said)
        wish = DestinationWish(
            DestinationKey(_SOME_DESTINATION, 80),
            1,
            entry.get("method", Forwarding.MASQUERADE),
            entry.get("upper_threshold"),
            entry.get("lower_threshold"),
            tunnel,
        )
        if tunnel is not None or wish.lower is not None:
            service = ServiceWish(_SOME_SERVICE, destinations=(wish,))
            try:
                resolve(TableWish((service,)), State(), lambda _unused: None)
            except InvalidValue as invalid:
                if not entry.broken:
                    note(invalid, entry.place, self._complaints)
        return wish

    def _tunnel(self, said: Entry) -> Tunnel | None:
        words = {name: _plain(value) for name, value in said.values.items()}
        reader = Reader()
        wish = reader.destination(
            {"address": _SOME_DESTINATION, "tunnel": words}, "", _SOME_SERVICE
        )
        if reader.faults and not said.broken:
            note(
                InvalidValue(reader.faults),
                Place(said.place.document, said.place.path[:-1], None),
                self._complaints,
            )
        return wish.tunnel if wish else None

    def _target(self, entry: Entry) -> Entry | None:
        target: Entry | None = entry.get("check_target")
        name = entry.get("check_ref")
        if name is None:
            return target
        if entry.has("check_target"):
            self._warn(entry.at("check_ref"), f"{name!r} is not used, because of check_target")
            return target
        found = self._refs.targets.get(name)
        if found is None and self._refs.whole:
            reason = (
                f"there is no {name!r} in check-refs/{nearest(name, self._refs.targets)};"
                " the backend itself is probed"
            )
            self._warn(entry.at("check_ref"), reason)
        return found

    def _ports(self, entry: Entry) -> PortMap:
        if "port_map" not in entry.values:
            return NO_MAP
        try:
            return read_port_map(entry.values["port_map"], self._names)
        except ValueError as error:
            place = entry.at("port_map")
            self._complaints.fault(place.origin, place.text, str(error))
            return NO_MAP

    def _warn(self, place: Place, reason: str) -> None:
        self._complaints.warn(place.origin, place.text, reason)


def merge(sources: Iterable[Iterable[Row]]) -> tuple[Row, ...]:
    """One pool: a later row of the same address takes the place of the earlier one, whole."""
    return tuple({row.address: row for rows in sources for row in rows}.values())


def note(invalid: InvalidValue, place: Place, complaints: Complaints) -> None:
    """What the core found wrong in data that was written at a place."""
    for fault in invalid.faults:
        steps = [int(index) if index else name for index, name in _STEP.findall(fault.path)]
        where = place.at(*steps)
        complaints.fault(where.origin, where.text, fault.reason)


def notice_of_disabled(entry: Entry, complaints: Complaints) -> None:
    """Say that disabled means it."""
    place = entry.at("disabled")
    reason = "weight 0, also in the running daemon; other tools gave full weight there"
    complaints.notice("disabled", place.origin, place.text, reason)


def _family(address: str) -> Family | None:
    """The family of an address; None for a name."""
    try:
        return family_of(canonical_address(address))
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)
