# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is, against what shall be, as rows for the API and the one-shot actions: pure.

Names of fields that existing scripts know are kept as they are (``frontend_name``, ``inpkts``);
what is new stands beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ipvsman.control.desired import Desired, Member, Pool
from ipvsman.control.memory import Known
from ipvsman.control.overrides import Overrides, Subject
from ipvsman.control.quorum import is_falling_back
from ipvsman.control.reasons import ON_PURPOSE, Effective, Weights, Why, uses_fallback
from ipvsman.ipvs.model import (
    Counters,
    DestinationCounters,
    DestinationKey,
    ServiceCounters,
    ServiceKey,
    State,
)
from ipvsman.ipvs.plain import plain_service

from .report import METHODS, Row, fallback, is_disabled, members, pools, service_name

_ON_PURPOSE = {why.value for why in ON_PURPOSE}
#: Who has no weight, and that is no fault.
_WELL = {*_ON_PURPOSE, Why.STANDBY.value}


def detailed(
    desired: Desired,
    weights: Mapping[ServiceKey, Weights],
    state: State | None,
    counters: Mapping[ServiceKey, ServiceCounters],
    is_stale: Callable[[Member], bool] = lambda _unused: False,
) -> list[Row]:
    """Every service with every destination: as it shall be, and as it is.

    weights: effective ones, where a daemon tells them. state None: the kernel could not be read.
    is_stale: whether there has been no result of a probe for too long.
    """
    return [
        _detailed(pool, weights.get(pool.service, {}), state, counters, is_stale)
        for pool in pools(desired)
    ]


def _detailed(
    pool: Pool,
    weights: Weights,
    state: State | None,
    counters: Mapping[ServiceKey, ServiceCounters],
    is_stale: Callable[[Member], bool],
) -> Row:
    live = state.services.get(pool.service) if state else None
    counted = counters.get(pool.service)

    def row(member: Member, is_fallback: bool) -> Row:
        key = member.key
        effective = weights.get(key)
        mine = effective is None or effective.fallback is is_fallback
        there = live.destinations.get(key) if live and mine else None
        if effective is not None and not mine:
            effective = _of_the_other(effective)
        return {
            "address": member.backend.address,
            "ip": key.address,
            "port": key.port,
            "weight": 0 if is_disabled(pool, member) else member.settings.weight,
            "desired_weight": _desired_weight(pool, member, effective, is_fallback),
            "live_weight": there.weight if there else None,
            "why": effective.why.value if effective else None,
            "reason": effective.reason if effective else None,
            "stale": is_stale(member),
            "method": METHODS[member.settings.forwarding],
            **connections(counted.destinations.get(key) if counted and mine else None),
        }

    return {
        "group": pool.frontend.group,
        "frontend_name": pool.frontend.name,
        **service_name(pool.service),
        "service": str(pool.service),
        "scheduler": pool.frontend.settings.scheduler,
        "live_present": live is not None,
        **amounts(counted.traffic if counted else Counters()),
        "unresolved": list(pool.unresolved),
        "backends": [row(member, False) for member in members(pool)],
        "fallback": [row(member, True) for member in fallback(pool)],
        "fallback_in_use": uses_fallback(weights) or is_falling_back(pool, live),
    }


def _of_the_other(effective: Effective) -> Effective:
    """What a destination of both pools is in that which does not have it now."""
    if effective.fallback:
        return Effective(None, Why.NO_QUORUM, "serves as a fallback")
    return Effective(None, Why.STANDBY, "serves as a backend")


def _desired_weight(
    pool: Pool, member: Member, effective: Effective | None, is_fallback: bool
) -> int | None:
    if effective is not None:
        return effective.weight
    if is_fallback:
        return None
    return 0 if is_disabled(pool, member) else member.settings.weight


def connections(counted: DestinationCounters | None) -> Row:
    """Connections and counters of a destination."""
    if counted is None:
        return {"active_conn": 0, "inactive_conn": 0, **amounts(Counters())}
    return {
        "active_conn": counted.active,
        "inactive_conn": counted.inactive,
        **amounts(counted.traffic),
    }


def amounts(traffic: Counters) -> Row:
    """Counters under the names that existing scripts know."""
    return {
        "conns": traffic.connections,
        "inpkts": traffic.packets_in,
        "outpkts": traffic.packets_out,
        "inbytes": traffic.bytes_in,
        "outbytes": traffic.bytes_out,
    }


def stats(counters: Mapping[ServiceKey, ServiceCounters]) -> list[Row]:
    """Counters of everything in the kernel, configured or not."""
    return [
        {
            **service_name(key),
            **amounts(counters[key].traffic),
            "reals": [
                {
                    "ip": name.address,
                    "port": name.port,
                    **amounts(counters[key].destinations[name].traffic),
                }
                for name in sorted(counters[key].destinations, key=DestinationKey.order)
            ],
        }
        for key in sorted(counters, key=lambda key: key.order())
    ]


def foreign(state: State, keys: Iterable[ServiceKey]) -> list[Row]:
    """Services in the kernel that are not ours, in the form of a table document."""
    return [
        plain_service(state.services[key])
        for key in sorted(keys, key=lambda key: key.order())
        if key in state.services
    ]


def overrides(said: Overrides, strays: Collection[Subject]) -> list[Row]:
    """What the operator has said; strays: what of it is about nothing that is configured."""
    lost = {(subject.level.value, subject.name) for subject in strays}
    return [
        {**row, "configured": (row["level"], row["name"]) not in lost} for row in said.to_plain()
    ]


def health(known: Known | None, age_of: Callable[[float], float], stale: bool) -> Row:
    """What is known of a destination. age_of: seconds since a moment of the daemon's clock."""
    if known is None:
        return {
            "state": "not_probed",
            "counter": None,
            "since_seconds": None,
            "checked_seconds": None,
            "message": "",
            "stale": False,
            "history": [],
        }
    state = known.health
    return {
        "state": state.condition.value,
        "counter": state.counter,
        "since_seconds": round(age_of(state.since), 3),
        "checked_seconds": None if state.checked is None else round(age_of(state.checked), 3),
        "message": state.message,
        "stale": stale,
        "history": [
            {
                "time": item.time,
                "from": item.before.value,
                "to": item.after.value,
                "message": item.message,
            }
            for item in tuple(known.history)  # it may grow meanwhile
        ],
    }


def is_well(row: Mapping[str, Any]) -> bool:
    """Whether a detailed service row is as it should be.

    It is in the kernel, every name in it means something, every destination that shall have weight
    has it, and results of its probes come in. What was taken out on purpose is no fault; a fallback
    that serves is, whyever.
    """
    return (
        row["live_present"]
        and not row["unresolved"]
        and not row["fallback_in_use"]
        and all(map(_is_as_it_should_be, row["backends"]))
        # Nobody knows how those are who wait, where no daemon tells.
        and all(each["why"] is None or _is_as_it_should_be(each) for each in row["fallback"])
    )


def _is_as_it_should_be(entry: Mapping[str, Any]) -> bool:
    if entry.get("stale") and entry["why"] not in _ON_PURPOSE:
        return False  # it may be dead, and nobody would know
    wanted, live = entry["desired_weight"], entry["live_weight"]
    if not wanted:
        return not live and (entry["why"] in _WELL or entry["weight"] == 0)
    # All down, and kept because nothing is left: traffic goes there, and no answer comes back.
    return bool(live == wanted and entry["why"] != Why.ALL_DOWN.value)


def summary(rows: Iterable[Mapping[str, Any]], last_apply: Mapping[str, Any] | None = None) -> str:
    """OK when every service is, else DEGRADED.

    last_apply: of a daemon, when all of its services are meant: what it could not do counts, though
    no weight shows it.
    """
    if last_apply is not None and not last_apply["ok"]:
        return "DEGRADED"
    return "OK" if all(map(is_well, rows)) else "DEGRADED"
