# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is to be said of a plan: surprises of the services it touches, also those that only the rest
of the table, or the host around it, can tell of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable

from .changes import Change, RemoveDestination, SetLocalAddresses
from .model import Endpoint, Forwarding, Service, ServiceKey, State
from .plan import Plan
from .surprises import surprises
from .table import Table
from .wish import TableWish

#: Of addresses, those that are not the host's.
Elsewhere = Callable[[Sequence[str]], Sequence[str]]


def remarks(plan: Plan, table: Table, elsewhere: Elsewhere) -> Iterator[str]:
    """One sentence each, about what the plan leads to."""
    touched = {getattr(change, "service", None) for change in plan.changes}
    lending = _Lending(plan, table)
    for key, service in plan.target.services.items():
        if key in touched:
            addresses = plan.target.local_addresses(key)
            yield from surprises(service, addresses)
            foreign = elsewhere(addresses) if addresses else ()
            if foreign:
                yield (
                    f"{key} has local addresses that are not this host's: {', '.join(foreign)};"
                    " unless real servers route them here, connections from them get no answer"
                )
            yield from lending.of(service, touched)


def emptied(data: Any, where: str, wish: TableWish, changes: Iterable[Change]) -> list[str]:
    """One sentence for each service that loses destinations, and of which a document says none.

    They may be commented out, or under another key. where: how the document is called; wish: what
    was read from its data.
    """
    gone = Counter(each.service for each in changes if isinstance(each, RemoveDestination))
    entries = (data or {}).get("services") or ()
    return [
        f"{asked.key} has no destinations in {where}, and {gone[asked.key]} in the table go;"
        " `destinations: []` says that this is meant"
        for asked, entry in zip(wish.services, entries)
        if entry.get("destinations") is None and asked.key in gone
    ]


def leftovers(state: State) -> dict[ServiceKey, tuple[str, ...]]:
    """Local addresses, by service, of services that are gone: somebody else has removed them."""
    have = state.full_nat.local_addresses
    keys = sorted(have.keys() - state.services.keys(), key=lambda key: key.order())
    return {key: have[key] for key in keys}


def leftover_line(key: ServiceKey, addresses: Sequence[str]) -> str:
    """One sentence about them."""
    return (
        f"{key} is gone, and rules for its local addresses are left: {', '.join(addresses)}; they"
        " have an effect again when a service of this name is made by ipvsadm or another program"
    )


class _Lending:
    """A service of every port lends its local addresses to those of single ports that have none.

    What conntrack knows of their connections is the same (see decision 8).
    """

    def __init__(self, plan: Plan, table: Table) -> None:
        self._changed = {
            change.service: change.after
            for change in plan.changes
            if isinstance(change, SetLocalAddresses)
        }
        self._table = table
        self._there: Mapping[ServiceKey, Sequence[str]] | None = None

    def of(self, service: Service, touched: set[ServiceKey | None]) -> Iterator[str]:
        """What is to be said of one that is touched."""
        key = service.key
        if not isinstance(key, Endpoint):
            return
        if not key.port and self._addresses(key):
            single = [
                other
                for other in self._table.services() - touched
                if isinstance(other, Endpoint)
                and other.port
                and (other.transport, other.address) == (key.transport, key.address)
                and not self._addresses(other)
            ]
            for other in sorted(single, key=Endpoint.order):
                yield _lent(other, key)
        elif key.port and _masquerades(service):
            whole = Endpoint(key.transport, key.address, 0)
            if self._addresses(whole) and not self._addresses(key):
                yield _lent(key, whole)

    def _addresses(self, key: ServiceKey) -> Sequence[str]:
        """Of any service, also out of the plan's scope; netfilter is asked once, if at all."""
        if key in self._changed:
            return self._changed[key]
        if self._there is None:
            self._there = self._table.full_nat().local_addresses
        return self._there.get(key, ())


def _lent(key: Endpoint, whole: Endpoint) -> str:
    return (
        f"{key} has no local addresses, and its masqueraded connections come from those of {whole}"
        " all the same; local addresses of its own would go before them"
    )


def _masquerades(service: Service) -> bool:
    ways = {entry.forwarding for entry in service.destinations.values()}
    return Forwarding.MASQUERADE in ways
