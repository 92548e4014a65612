# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What host names are believed to mean: from the last answer on, over reloads and restarts."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from ipvsman.config.names import Name
from ipvsman.ipvs.model import Family, canonical_address

from .desired import Addresses
from .journal import Journal, Kind
from .notes import Form, Notes

_NOTE = "names"

_Rows = Iterable[tuple[str, str, Iterable[str]]]


class Meanings:
    """See above. A name that has never been resolved has none."""

    def __init__(self, journal: Journal, notes: Notes) -> None:
        self._journal = journal
        self._notes = notes
        self._addresses = notes.recall(_NOTE, _from_plain) or {}

    @property
    def known(self) -> Addresses:
        """What every name means that has a meaning."""
        return self._addresses

    def of(self, names: AbstractSet[Name]) -> Addresses:
        """What these names mean, as it is now."""
        return {name: found for name, found in self._addresses.items() if name in names}

    def keep(self, names: AbstractSet[Name]) -> None:
        """Only these names are of interest from now on."""
        known = dict(self.of(names))
        if known != self._addresses:
            self._addresses = known
            self._notes.changed(_NOTE, self._form)

    def learn(self, addresses: Addresses) -> bool:
        """These names mean that now; whether that is news."""
        changed = {name for name, found in addresses.items() if self._addresses.get(name) != found}
        if not changed:
            return False
        self._addresses.update(addresses)
        self._notes.changed(_NOTE, self._form)
        for host, family in sorted(changed, key=lambda name: (name[0], name[1].value)):
            found = ", ".join(self._addresses[host, family]) or "nothing"
            self._journal.record(Kind.RESOLVE, host, f"{host} ({family.value}) is {found}")
        return True

    def doubt(self, name: Name, reason: str) -> None:
        """Why a name cannot be resolved; empty = it can be again. It keeps what it means."""
        host, family = name
        message, level = f"{host} ({family.value}) can be resolved again", logging.INFO
        if reason:
            kept = ", ".join(self._addresses.get(name, ()))
            until = f"it stays {kept}" if kept else "it has no address"
            message = f"{host} ({family.value}) cannot be resolved, {until}: {reason}"
            level = logging.WARNING
        self._journal.record(Kind.RESOLVE, host, message, level)

    def _form(self) -> Form:
        rows = [[host, family.value, found] for (host, family), found in self._addresses.items()]
        return lambda: sorted(rows)


def _from_plain(rows: _Rows) -> dict[Name, tuple[str, ...]]:
    return {
        (str(host), Family(family)): tuple(canonical_address(each) for each in found)
        for host, family, found in rows
    }
