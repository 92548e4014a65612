# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What part of the table a caller owns.

In scope and not desired is removed; out of scope is neither touched nor read. A service in scope is
owned as a whole: when it goes, its destinations go with it, as in the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Union

from .model import DestinationKey, FullNat, Role, Service, ServiceKey, State


class Everything(Enum):
    """The type of ALL, so that a checker tells it from a set."""

    ALL = "all"

    def __repr__(self) -> str:
        return "ALL"


ALL = Everything.ALL

ServiceScope = Union[Everything, frozenset[ServiceKey]]
PoolScope = Union[Everything, frozenset[DestinationKey]]
DestinationScope = Union[Everything, Mapping[ServiceKey, PoolScope]]

_NO_DESTINATION: frozenset[DestinationKey] = frozenset()


@dataclass(frozen=True)
class Scope:
    """services: whose existence and settings are owned; destinations: which, per service;
    timeouts: whether; daemons: of which roles; local_addresses: of which services.
    """

    services: ServiceScope = frozenset()
    destinations: DestinationScope = field(default_factory=dict)
    timeouts: bool = False
    daemons: frozenset[Role] = frozenset()
    local_addresses: ServiceScope = frozenset()

    def has_service(self, key: ServiceKey) -> bool:
        """Whether this service's existence and settings are owned."""
        return isinstance(self.services, Everything) or key in self.services

    def has_local_addresses(self, key: ServiceKey) -> bool:
        """Whether this service's local addresses are owned."""
        return isinstance(self.local_addresses, Everything) or key in self.local_addresses

    def pool(self, key: ServiceKey) -> PoolScope:
        """Which destinations of this service are owned."""
        if isinstance(self.destinations, Everything):
            return ALL
        return self.destinations.get(key, _NO_DESTINATION)

    def service_keys(self) -> frozenset[ServiceKey] | None:
        """Services that have to be read for this scope; None = all there are."""
        if isinstance(self.services, Everything) or isinstance(self.destinations, Everything):
            return None
        return self.services | frozenset(self.destinations)

    def restrict(self, state: State) -> State:
        """The part of a state that lies in this scope.

        A service out of scope stays visible, with its settings, where its destinations are in
        scope: that it exists is what they stand on. A service in scope keeps its whole pool, since
        that is what its removal would take along.
        """
        keys = self.service_keys()
        services = {}
        for key, service in state.services.items():
            if keys is not None and key not in keys:
                continue
            pool = self.pool(key)
            if isinstance(pool, Everything) or self.has_service(key):
                services[key] = service
            else:
                mine = {
                    name: service.destinations[name]
                    for name in pool
                    if name in service.destinations
                }
                services[key] = Service(key, service.settings, mine)
        return State(
            services,
            state.timeouts if self.timeouts else None,
            {role: daemon for role, daemon in state.daemons.items() if role in self.daemons},
            state.unreadable,
            self._full_nat(state.full_nat),
        )

    def _full_nat(self, full_nat: FullNat) -> FullNat:
        if not self.local_addresses:
            return FullNat()
        mine = {
            key: addresses
            for key, addresses in full_nat.local_addresses.items()
            if self.has_local_addresses(key)
        }
        return FullNat(full_nat.conntrack, mine)


EVERYTHING = Scope(ALL, ALL, True, frozenset(Role), ALL)
SERVICES = Scope(ALL, ALL)
