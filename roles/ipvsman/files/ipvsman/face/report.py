# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is configured, as rows that the API answers with and one-shot actions print: pure.

Names of fields that existing scripts know are kept as they are (``frontend_name``, ``reals``); what
is new stands beside them. Rows come in the order of the drop-ins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ipvsman.config.model import CheckKind, Frontend, HealthCheck
from ipvsman.control.desired import Desired, Member, Pool
from ipvsman.health.spec import Verdict
from ipvsman.ipvs.model import Endpoint, Forwarding, ServiceKey

#: Forwarding methods as drop-ins call them.
METHODS = {
    Forwarding.MASQUERADE: "nat",
    Forwarding.DIRECT: "routing",
    Forwarding.TUNNEL: "tunnel",
    Forwarding.LOCAL: "local",
    Forwarding.BYPASS: "bypass",
}

Row = dict[str, Any]


def service_name(key: ServiceKey) -> Row:
    """proto, vip and port of a service; of a firewall mark, ``fwmark``, the family and the mark."""
    if isinstance(key, Endpoint):
        return {"proto": key.transport.value, "vip": key.address, "port": key.port}
    return {"proto": "fwmark", "vip": key.family.value, "port": key.mark}


def healthcheck(check: HealthCheck) -> Row:
    """A health check as configured; what is not said, or not of its kind, is null.

    expected_status: the one status that is good; null when there are several.
    """
    http = check.kind in (CheckKind.HTTP, CheckKind.HTTPS)
    dns = check.kind is CheckKind.DNS
    statuses = [list(span) for span in check.statuses]
    first, last = check.statuses[0] if len(check.statuses) == 1 else (0, 1)
    return {
        "type": check.kind.value,
        "interval": check.timing.interval,
        "fast_interval": check.timing.fast_interval,
        "down_interval": check.timing.down_interval,
        "timeout": check.timing.timeout,
        "rise": check.timing.rise,
        "fall": check.timing.fall,
        "path": (check.path or None) if http else None,
        "host": (check.host or None) if http else None,
        "expected_status": first if first == last else None,
        "expected_statuses": statuses if http else None,
        "query_name": (check.query_name or None) if dns else None,
        "query_type": (check.query_type or None) if dns else None,
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


def checked(pool: Pool, member: Member, verdict: Verdict) -> Row:
    """What a probe of one destination said, made beside the schedule."""
    return {
        "group": pool.frontend.group,
        "frontend": pool.frontend.name,
        "backend_ip": member.key.address,
        "ok": verdict.ok,
        "message": verdict.message,
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
            "fallback": [real(pool, member) for member in fallback(pool)],
            "quorum": pool.frontend.quorum,
            "hysteresis": pool.frontend.hysteresis,
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
            "fallback": is_fallback,
            **real(pool, member),
        }
        for pool in pools(desired)
        for is_fallback, found in ((False, members(pool)), (True, fallback(pool)))
        for member in found
    ]


def healthchecks(frontends: Iterable[Frontend]) -> list[Row]:
    """Health checks of frontends; a frontend of both address families has one all the same."""
    shown = {(frontend.group, frontend.name): frontend for frontend in frontends}
    return [
        {"group": group, "frontend": name, "healthcheck": healthcheck(frontend.healthcheck)}
        for (group, name), frontend in shown.items()
    ]


def pools(desired: Desired) -> list[Pool]:
    """Pools in the order of the drop-ins."""
    return list(desired.pools.values())


def members(pool: Pool) -> list[Member]:
    """Destinations of a pool in the order of the drop-ins."""
    return list(pool.members.values())


def fallback(pool: Pool) -> list[Member]:
    """Those of its fallback."""
    return list(pool.fallback.values())
