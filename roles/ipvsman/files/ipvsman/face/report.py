# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows that the API answers with and the one-shot actions print: plain data, pure.

Names of fields that existing scripts know are kept as they are (``frontend_name``, ``real``,
``inpkts``); what is new stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ipvsman.config.model import CheckKind, Config, HealthCheck
from ipvsman.control.desired import Desired, Member, Pool
from ipvsman.control.memory import Known
from ipvsman.control.weights import Effective
from ipvsman.ipvs.model import (
    Counters,
    DestinationCounters,
    DestinationKey,
    Endpoint,
    Forwarding,
    ServiceCounters,
    ServiceKey,
    State,
)
from ipvsman.ipvs.plain import plain_service

#: Forwarding methods as drop-ins call them.
METHODS = {
    Forwarding.MASQUERADE: "nat",
    Forwarding.DIRECT: "routing",
    Forwarding.TUNNEL: "tunnel",
    Forwarding.LOCAL: "local",
    Forwarding.BYPASS: "bypass",
}

Weights = Mapping[ServiceKey, Mapping[DestinationKey, Effective]]
Row = dict[str, Any]


def service_name(key: ServiceKey) -> Row:
    """proto, vip and port of a service; of a firewall mark, ``fwmark``, the family and the mark."""
    if isinstance(key, Endpoint):
        return {"proto": key.transport.value, "vip": key.address, "port": key.port}
    return {"proto": "fwmark", "vip": key.family.value, "port": key.mark}


def healthcheck(check: HealthCheck) -> Row:
    """A health check as configured; fields that its kind does not have are null."""
    http = check.kind in (CheckKind.HTTP, CheckKind.HTTPS)
    dns = check.kind is CheckKind.DNS
    statuses = [list(span) for span in check.statuses]
    single = check.statuses[0][0] if statuses and len(statuses) == 1 else None
    single = single if single is not None and check.statuses[0][1] == single else None
    return {
        "type": check.kind.value,
        "interval": check.timing.interval,
        "fast_interval": check.timing.fast_interval,
        "down_interval": check.timing.down_interval,
        "timeout": check.timing.timeout,
        "rise": check.timing.rise,
        "fall": check.timing.fall,
        "path": check.path if http else None,
        "host": (check.host or None) if http else None,
        "expected_status": single if http else None,
        "expected_statuses": statuses if http else None,
        "query_name": check.query_name if dns else None,
        "query_type": check.query_type if dns else None,
        "disable": check.disable,
    }


def check_target(member: Member) -> Row:
    """What is probed for a destination."""
    check = member.backend.check
    shown = healthcheck(check)
    probe = member.check.probe if member.check else None
    return {
        "ip": getattr(probe, "address", member.key.address),
        "port": getattr(probe, "port", member.key.port),
        **{name: shown[name] for name in ("type", "path", "host", "query_name", "query_type")},
        "timeout": check.timing.timeout,
    }


def is_disabled(pool: Pool, member: Member) -> bool:
    """Whether the configuration takes a destination out, at whatever level."""
    frontend = pool.frontend
    return frontend.group_disabled or frontend.disabled or member.backend.disabled


def real(pool: Pool, member: Member) -> Row:
    """One destination as configured."""
    disabled = is_disabled(pool, member)
    return {
        "address": member.backend.address,
        "ip": member.key.address,
        "port": member.key.port,
        "configured_weight": member.settings.weight,
        "weight": 0 if disabled else member.settings.weight,
        "disabled": disabled,
        "method": METHODS[member.settings.forwarding],
        "check_target": check_target(member),
    }


def health(known: Known | None, age_of: Any, stale: bool) -> Row:
    """What is known of a destination. age_of: seconds since a moment of the daemon's clock."""
    if known is None:
        return {"state": "not_probed", "stale": False, "message": "", "history": []}
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
            for item in known.history
        ],
    }


def services(desired: Desired) -> list[Row]:
    """Virtual services as configured, with their destinations."""
    return [
        {
            "group": pool.frontend.group,
            "frontend_name": pool.frontend.name,
            **service_name(pool.service),
            "scheduler": pool.frontend.settings.scheduler,
            "disabled": pool.frontend.disabled or pool.frontend.group_disabled,
            "healthcheck": healthcheck(pool.frontend.healthcheck),
            "reals": [real(pool, member) for member in members(pool)],
        }
        for pool in pools(desired)
    ]


def frontends(desired: Desired) -> list[Row]:
    """Frontends, one row for each of their services."""
    return [
        {
            "group": pool.frontend.group,
            "name": pool.frontend.name,
            **service_name(pool.service),
        }
        for pool in pools(desired)
    ]


def backends(desired: Desired) -> list[Row]:
    """Destinations, one row for each service that they are in."""
    return [
        {
            "group": pool.frontend.group,
            "frontend": pool.frontend.name,
            "proto": service_name(pool.service)["proto"],
            "vip": service_name(pool.service)["vip"],
            "frontend_port": service_name(pool.service)["port"],
            **real(pool, member),
        }
        for pool in pools(desired)
        for member in members(pool)
    ]


def healthchecks(config: Config) -> list[Row]:
    """Health checks of the frontends."""
    return [
        {
            "group": frontend.group,
            "frontend": frontend.name,
            "healthcheck": healthcheck(frontend.healthcheck),
        }
        for frontend in config.frontends
    ]


def detailed(
    desired: Desired,
    weights: Weights,
    state: State | None,
    counters: Mapping[ServiceKey, ServiceCounters],
) -> list[Row]:
    """Every service with every destination: as it shall be, and as it is.

    weights: effective ones, where a daemon tells them. state None: the kernel could not be read.
    """
    return [
        _detailed(pool, weights.get(pool.service, {}), state, counters) for pool in pools(desired)
    ]


def _detailed(
    pool: Pool,
    weights: Mapping[DestinationKey, Effective],
    state: State | None,
    counters: Mapping[ServiceKey, ServiceCounters],
) -> Row:
    live = state.services.get(pool.service) if state else None
    counted = counters.get(pool.service)
    rows = []
    for member in members(pool):
        key = member.key
        there = live.destinations.get(key) if live else None
        effective = weights.get(key)
        rows.append(
            {
                "address": member.backend.address,
                "ip": key.address,
                "port": key.port,
                "weight": 0 if is_disabled(pool, member) else member.settings.weight,
                "desired_weight": _desired_weight(pool, member, effective),
                "live_weight": there.weight if there else None,
                "why": effective.why.value if effective else None,
                "reason": effective.reason if effective else None,
                "method": METHODS[member.settings.forwarding],
                **connections(counted.destinations.get(key) if counted else None),
            }
        )
    return {
        "group": pool.frontend.group,
        "frontend_name": pool.frontend.name,
        **service_name(pool.service),
        "service": str(pool.service),
        "scheduler": pool.frontend.settings.scheduler,
        "live_present": live is not None,
        **amounts(counted.traffic if counted else Counters()),
        "backends": rows,
    }


def _desired_weight(pool: Pool, member: Member, effective: Effective | None) -> int | None:
    if effective is not None:
        return effective.weight
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


def pools(desired: Desired) -> list[Pool]:
    """Pools in numeric order."""
    return [desired.pools[key] for key in sorted(desired.pools, key=lambda key: key.order())]


def members(pool: Pool) -> list[Member]:
    """Destinations of a pool in numeric order."""
    return [pool.members[key] for key in sorted(pool.members, key=DestinationKey.order)]


def is_well(row: Mapping[str, Any]) -> bool:
    """Whether a detailed service row is as it should be.

    It is in the kernel, and every destination that shall have weight has it. What was taken out on
    purpose is no fault.
    """
    if not row["live_present"]:
        return False
    return all(
        entry["why"] in ("operator", "disabled") or _is_serving(entry) for entry in row["backends"]
    )


def _is_serving(entry: Mapping[str, Any]) -> bool:
    wanted, live = entry["desired_weight"], entry["live_weight"]
    if entry["weight"] == 0 and wanted == 0:
        return bool(live == 0 or live is None)
    return bool(wanted and live == wanted)


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """OK when every service is, else DEGRADED."""
    return "OK" if all(map(is_well, rows)) else "DEGRADED"
