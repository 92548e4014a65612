# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Listings of services and of destinations: the lines that scripts read, and plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ipvsman.ipvs.model import (
    Counters,
    DestinationCounters,
    DestinationKey,
    Service,
    ServiceKey,
    State,
)
from ipvsman.ipvs.plain import plain_destination, plain_settings

from .naming import method_word, service_text
from .traffic import (
    AMOUNT_COLUMNS,
    AMOUNTS,
    CONNECTION_COLUMNS,
    RATE_COLUMNS,
    Traffic,
)

SERVICE_COLUMNS = "Protocol Vip:Vport (Scheduler)"
DESTINATION_COLUMNS = "Rip:Rport Weight (Forward) Threshold(lower-upper)"
_NO_CONNECTIONS = DestinationCounters(0, 0, 0, Counters())


@dataclass(frozen=True)
class Listing:
    """One look at something, of which either is asked for once.

    lines: for people and scripts; data: plain, for programs.
    """

    lines: Callable[[], Iterable[str]]
    data: Callable[[], Mapping[str, Any]]


@dataclass(frozen=True)
class Columns:
    """What is told of traffic. traffic: None = nothing at all; amounts, rates: in columns."""

    traffic: Traffic | None = None
    amounts: bool = False
    rates: bool = False

    def header(self) -> list[str]:
        """Their names."""
        return [
            *([AMOUNT_COLUMNS] if self.amounts else []),
            *([RATE_COLUMNS] if self.rates else []),
        ]

    def of_service(self, key: ServiceKey) -> list[str]:
        """Their values for a service."""
        return self._cells(*self.traffic.service(key)) if self.traffic else []

    def of_destination(self, key: ServiceKey, name: DestinationKey) -> list[str]:
        """Their values for one of its destinations."""
        return self._cells(*self.traffic.destination(key, name)) if self.traffic else []

    def _cells(self, now: Counters, before: Counters | None) -> list[str]:
        amounts = [str(getattr(now, name)) for name in AMOUNTS] if self.amounts else []
        if self.traffic is None or not self.rates:
            return amounts
        return amounts + [str(rate) for rate in self.traffic.rates(now, before).values()]


NO_COLUMNS = Columns()


def services_listing(state: State, columns: Columns = NO_COLUMNS) -> Listing:
    """All services of a state, in numeric order."""
    services = [state.services[key] for key in sorted(state.services, key=lambda key: key.order())]
    header = " ".join([SERVICE_COLUMNS, *columns.header()])
    return Listing(
        lambda: [header, *(_service_line(service, columns) for service in services)],
        lambda: {
            "services": [
                plain_service(service, state.local_addresses(service.key), columns.traffic)
                for service in services
            ]
        },
    )


def _service_line(service: Service, columns: Columns) -> str:
    text = service_text(service.key, service.settings.scheduler)
    return " ".join([text, *columns.of_service(service.key)])


def plain_service(
    service: Service, local_addresses: Sequence[str], traffic: Traffic | None
) -> dict[str, Any]:
    """For a program: a service with its pool, as `ipvs_info` tells it, and its traffic."""
    plain = plain_settings(service.key, service.settings)
    plain["local_addresses"] = list(local_addresses)
    if traffic is not None:
        plain.update(traffic.plain(*traffic.service(service.key)))
    plain["destinations"] = _plain_pool(service, traffic)
    return plain


def destinations_listing(
    service: Service, local_addresses: Sequence[str] = (), columns: Columns = NO_COLUMNS
) -> Listing:
    """All destinations of a service, in numeric order."""
    return Listing(
        lambda: _destination_lines(service, local_addresses, columns),
        lambda: {
            "service": str(service.key),
            "local_addresses": list(local_addresses),
            "destinations": _plain_pool(service, columns.traffic),
        },
    )


def _destination_lines(
    service: Service, local_addresses: Sequence[str], columns: Columns
) -> Iterator[str]:
    connections = [] if columns.traffic is None else [CONNECTION_COLUMNS]
    yield " ".join([DESTINATION_COLUMNS, *connections, *columns.header()])
    for name in sorted(service.destinations, key=DestinationKey.order):
        settings = service.destinations[name]
        word = method_word(settings.forwarding, local_addresses)
        words = [f"{name} {settings.weight} ({word}) {settings.lower}-{settings.upper}"]
        if columns.traffic is not None:
            found = connections_of(service.key, name, columns.traffic)
            words += map(str, (found.active, found.inactive, found.persistent))
            words += columns.of_destination(service.key, name)
        yield " ".join(words)


def _plain_pool(service: Service, traffic: Traffic | None) -> list[dict[str, Any]]:
    pool = []
    for name in sorted(service.destinations, key=DestinationKey.order):
        plain = plain_destination(name, service.destinations[name])
        if traffic is not None:
            found = connections_of(service.key, name, traffic)
            plain["connections"] = {
                "active": found.active,
                "inactive": found.inactive,
                "persistent": found.persistent,
            }
            plain.update(traffic.plain(*traffic.destination(service.key, name)))
        pool.append(plain)
    return pool


def connections_of(
    key: ServiceKey, name: DestinationKey, traffic: Traffic | None
) -> DestinationCounters:
    """Connections that a destination has now; none where nobody counted."""
    service = traffic.now.get(key) if traffic else None
    return service.destinations.get(name, _NO_CONNECTIONS) if service else _NO_CONNECTIONS
