# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What would have to change in a table for a snapshot to be true in it: pure."""

from __future__ import annotations

from collections.abc import Iterable

from ipvsman.ipvs.model import ServiceKey, State
from ipvsman.ipvs.plan import Plan, plan
from ipvsman.ipvs.scope import ALL, Scope

from .account import Snapshot
from .weights import effective, target


def difference(snapshot: Snapshot, owned: Iterable[ServiceKey], current: State) -> Plan:
    """What a writer would do who owns these services, in a table that is like current."""
    services = {}
    for key, pool in snapshot.desired.pools.items():
        there = current.services.get(key)
        services[key] = target(pool, effective(pool, snapshot.circumstances, there), there)
    scope = whole({*owned, *services})
    return plan(scope.restrict(current), State(services), scope)


def whole(keys: Iterable[ServiceKey]) -> Scope:
    """These services, with all that is in them."""
    names = frozenset(keys)
    return Scope(names, dict.fromkeys(names, ALL))
