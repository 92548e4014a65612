# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which services are ours, on disk before they are in the kernel.

What cannot be written is tried again each time it is asked for: a disk that is full for an hour
must not make the services of that hour foreign for ever.
"""

from __future__ import annotations

from collections.abc import Iterable

from ipvsman.ipvs.model import ServiceKey
from ipvsman.ipvs.text import parse_service_key

from .store import Store, StoreError

NAME = "owned"


class Ownership:
    """The set of services that may be changed and removed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_written = True
        self.services = self._remembered()

    def add(self, keys: Iterable[ServiceKey]) -> str:
        """These are ours from now on; what keeps that from being remembered, empty = nothing."""
        return self._set(self.services | frozenset(keys))

    def drop(self, keys: Iterable[ServiceKey]) -> str:
        """These are no longer ours; the same."""
        return self._set(self.services - frozenset(keys))

    def _set(self, services: frozenset[ServiceKey]) -> str:
        if services == self.services and self._is_written:
            return ""
        self.services = services
        self._is_written = False
        try:
            self._store.write(NAME, sorted(map(str, services)))
        except StoreError as error:
            return f"which services are ours will not be known after a restart: {error}"
        self._is_written = True
        return ""

    def _remembered(self) -> frozenset[ServiceKey]:
        names = self._store.read(NAME)
        if names is None:
            return frozenset()
        try:
            if not isinstance(names, list):
                raise TypeError("no list of services")  # a text would be read letter by letter
            return frozenset(parse_service_key(name) for name in names)
        except (AttributeError, TypeError, ValueError) as error:
            self._store.set_aside(NAME, str(error))
            return frozenset()
