# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rows are wanted: by group, frontend, backend, and by being in the kernel. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ipvsman.control.desired import Desired, Pool
from ipvsman.ipvs.model import ServiceCounters, ServiceKey, State, canonical_address

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Filters:
    """What was asked for; None = all. frontend: ``group/frontend``; backend: address or name."""

    group: str | None = None
    frontend: str | None = None
    backend: str | None = None
    only_active: bool = False

    @property
    def by_configuration(self) -> bool:
        """Whether one has to know which service is whose."""
        return self.group is not None or self.frontend is not None

    @property
    def needs_configuration(self) -> bool:
        """Whether one has to read the drop-ins, also to know what a name stands for."""
        if self.by_configuration or self.backend is None:
            return self.by_configuration
        try:
            canonical_address(self.backend)
        except ValueError:
            return True
        return False

    def has_frontend(self, group: str, frontend: str) -> bool:
        """Whether a frontend is wanted."""
        return (self.group is None or group == self.group) and (
            self.frontend is None or f"{group}/{frontend}" == self.frontend
        )

    def has_backend(self, row: Row) -> bool:
        """Whether a destination's row is wanted."""
        return self.backend is None or self.backend in (row["ip"], row.get("address"))

    def of_report(self, services: Iterable[Row]) -> list[dict[str, Any]]:
        """What is wanted of a detailed report, its destinations in the kernel or not."""
        found = []
        for service in services:
            if not self.has_frontend(service["group"], service["frontend_name"]):
                continue
            if self.only_active and not service["live_present"]:
                continue
            rows = {
                name: [row for row in service[name] if self.has_backend(row)]
                for name in ("backends", "fallback")
            }
            if self.backend is not None and not any(rows.values()):
                continue
            if self.only_active:
                rows = {
                    name: [row for row in each if row["live_weight"] is not None]
                    for name, each in rows.items()
                }
            found.append({**service, **rows})
        return found

    def of_desired(self, desired: Desired, state: State | None) -> Desired:
        """What is wanted of the pools. state: what the kernel has, to tell what is active."""
        pools: dict[ServiceKey, Pool] = {}
        for key, pool in desired.pools.items():
            there = state.services.get(key) if state else None
            if not self.has_frontend(pool.frontend.group, pool.frontend.name):
                continue
            if state is not None and there is None:
                continue
            members, fallback = (
                {
                    name: member
                    for name, member in found.items()
                    if self.has_backend({"ip": name.address, "address": member.backend.address})
                    and (there is None or name in there.destinations)
                }
                for found in (pool.members, pool.fallback)
            )
            if members or fallback or self.backend is None:
                pools[key] = replace(pool, members=members, fallback=fallback)
        return replace(desired, pools=pools)

    def of_counters(
        self, counters: Mapping[ServiceKey, ServiceCounters], desired: Desired | None
    ) -> dict[ServiceKey, ServiceCounters]:
        """What is wanted of the kernel's counters. desired: to know whose a service is."""
        pools = desired.pools if desired else {}
        found = {}
        for key, counted in counters.items():
            pool = pools.get(key)
            if self.by_configuration and (
                pool is None or not self.has_frontend(pool.frontend.group, pool.frontend.name)
            ):
                continue
            members = pool.by_key if pool else {}
            mine = {}
            for name, row in counted.destinations.items():
                address = members[name].backend.address if name in members else None
                if self.has_backend({"ip": name.address, "address": address}):
                    mine[name] = row
            if mine or self.backend is None:
                found[key] = replace(counted, destinations=mine)
        return found
