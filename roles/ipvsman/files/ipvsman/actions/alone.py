# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What counts while no daemon runs: what the last one has left on disk for the next."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ipvsman.control import memory
from ipvsman.control.desired import Desired
from ipvsman.control.overrides import NAME, Overrides
from ipvsman.control.ownership import Ownership
from ipvsman.control.store import Store
from ipvsman.control.weights import Circumstances
from ipvsman.health.spec import Check
from ipvsman.ipvs.model import ServiceKey

from .stage import Stage


class Left:
    """See above. Only looks, but for overrides."""

    def __init__(self, stage: Stage) -> None:
        directory = Path(stage.options.state_dir) if stage.options.state_dir else None
        self._store = Store(directory, time.time, stage.complain)
        self._complain: Callable[[str], None] = stage.complain

    def owned(self) -> frozenset[ServiceKey]:
        """Services that are ours."""
        return Ownership(self._store).services

    def disown_all(self) -> str:
        """None is ours any more; what keeps that from being remembered, empty = nothing."""
        ownership = Ownership(self._store)
        return ownership.drop(ownership.services)

    def overrides(self) -> Overrides:
        """What the operator has said."""
        return self._store.read_as(NAME, Overrides.from_plain) or Overrides()

    def remember(self, overrides: Overrides) -> None:
        """What the operator says, for the next daemon. Raises StoreError."""
        self._store.write(NAME, overrides.to_plain())

    def circumstances(self, desired: Desired) -> Circumstances:
        """As a daemon that starts now finds them."""
        plain = self._store.read(memory.NAME)
        known: dict[Check, memory.Known] = {}
        if plain is not None:
            now, wall = time.monotonic(), time.time()
            try:
                known = memory.from_plain(plain, desired.users, now, wall)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                self._complain(f"what is remembered of health cannot be understood: {error}")
        health = {check: entry.health for check, entry in known.items()}
        return Circumstances(health, self.overrides(), cold_start=True)
