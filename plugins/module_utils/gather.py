# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a table has and does, as plain data. Internal to this collection."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Callable, Optional

from .ipvs.model import Counters, DestinationKey, Endpoint, Role, ServiceCounters, ServiceKey
from .ipvs.plain import plain_daemon, plain_services, plain_timeouts
from .ipvs.remarks import leftover_line, leftovers
from .ipvs.scope import ALL, SERVICES, Scope
from .ipvs.table import Table

#: Of which services; None = of all.
Keys = Optional[frozenset[ServiceKey]]

_AMOUNTS = ("connections", "packets_in", "packets_out", "bytes_in", "bytes_out")


def gather(
    table: Table,
    subsets: Collection[str],
    services: Collection[ServiceKey] | None,
    warn: Callable[[str], None],
) -> dict[str, Any]:
    """The subsets asked for (of GATHERABLE), of these services or of all (None)."""
    keys = None if services is None else frozenset(services)
    facts: dict[str, Any] = {}
    counters: Mapping[ServiceKey, ServiceCounters] | None = None
    for name in GATHERABLE:
        if name not in subsets:
            continue
        if name in _SUFFIXES:
            # One reading for both: they are of the same moment.
            counters = table.counters(keys) if counters is None else counters
            facts[name] = _each(counters, _SUFFIXES[name])
        elif name == "services":
            facts.update(_services(table, keys, warn))
        else:
            facts[name] = _READERS[name](table, keys)
    return facts


def _services(table: Table, keys: Keys, warn: Callable[[str], None]) -> dict[str, Any]:
    """Services, and the local addresses of those that are gone."""
    scope = replace(_pools(keys), local_addresses=ALL if keys is None else keys)
    state = table.read(scope)
    for unreadable in state.unreadable:
        warn(f"left out, not understood: {unreadable}")
    left = leftovers(state)
    for key, addresses in left.items():
        warn(leftover_line(key, addresses))
    return {
        "services": plain_services(state),
        "leftovers": [
            {"service": str(key), "local_addresses": list(addresses)}
            for key, addresses in left.items()
        ],
    }


def _connections(table: Table, keys: Keys) -> list[dict[str, Any]]:
    if keys is None:
        return [connection.plain() for connection in table.connections()]
    endpoints = {key for key in keys if isinstance(key, Endpoint)}
    marked = table.read(_pools(keys - endpoints)).services.values()
    servers = {destination for service in marked for destination in service.destinations}
    return [
        connection.plain()
        for connection in table.connections()
        if any(map(connection.is_to, endpoints)) or connection.is_served_by(servers)
    ]


def _timeouts(table: Table, _keys: object) -> dict[str, int] | None:
    timeouts = table.read(Scope(timeouts=True)).timeouts
    return plain_timeouts(timeouts) if timeouts else None


def _sync_daemons(table: Table, _keys: object) -> list[dict[str, Any]]:
    daemons = table.read(Scope(daemons=frozenset(Role))).daemons
    return [plain_daemon(daemons[role]) for role in Role if role in daemons]


def _kernel(table: Table, _keys: object) -> dict[str, Any]:
    info = table.info()
    return {"version": info.version, "connection_table_size": info.connection_table_size}


_READERS: Mapping[str, Callable[..., Any]] = {
    "connections": _connections,
    "timeouts": _timeouts,
    "sync_daemons": _sync_daemons,
    "kernel": _kernel,
}

#: What is told of counters, by the ending of their names.
_SUFFIXES = {"counters": "", "rates": "_rate"}

#: What can be asked for.
GATHERABLE = (
    "services",
    "counters",
    "rates",
    "connections",
    "timeouts",
    "sync_daemons",
    "kernel",
)


def _pools(keys: Keys) -> Scope:
    return SERVICES if keys is None else Scope(destinations=dict.fromkeys(keys, ALL))


def _each(counters: Mapping[ServiceKey, ServiceCounters], suffix: str) -> list[dict[str, Any]]:
    """A list by service, with its amounts and those of each of its destinations."""
    return [
        {
            "service": str(key),
            **_amounts(counters[key].traffic, suffix),
            "destinations": [
                {
                    "address": name.address,
                    "port": name.port,
                    "active": counters[key].destinations[name].active,
                    "inactive": counters[key].destinations[name].inactive,
                    "persistent": counters[key].destinations[name].persistent,
                    **_amounts(counters[key].destinations[name].traffic, suffix),
                }
                for name in sorted(counters[key].destinations, key=DestinationKey.order)
            ],
        }
        for key in sorted(counters, key=lambda key: key.order())
    ]


def _amounts(traffic: Counters, suffix: str) -> dict[str, int]:
    return {name: getattr(traffic, name + suffix) for name in _AMOUNTS}
