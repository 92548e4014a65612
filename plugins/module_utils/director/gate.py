# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a director is at least as well as it was before: a picture of it, and a judgement. Pure.

Internal to this collection. What counts is how large a share of a service's backends has weight in
the kernel, and is known to serve. What was taken out on purpose does not count at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What the daemon calls a weight of 0 that somebody wants.
ON_PURPOSE = ("operator", "disabled")
#: What has weight and is not proven to serve: trusted since nothing is known of it yet, or left
#: in the table only because nothing else is.
UNPROVEN = ("all_down", "cold_start", "kept", "unproven")

Picture = Mapping[str, Any]


def is_picture(given: Mapping[str, Any]) -> bool:
    """Whether it is what `picture` or `absent` has made, and not something else of a result."""
    services = given.get("services")
    return (
        isinstance(given.get("running"), bool)
        and isinstance(services, Mapping)
        and all(
            isinstance(service, Mapping)
            and all(isinstance(service.get(count), int) for count in ("serving", "backends"))
            for service in services.values()
        )
    )


def absent(reason: str) -> dict[str, Any]:
    """The picture of a director whose daemon does not answer."""
    return {"running": False, "reason": reason, "services": {}}


def picture(status: Mapping[str, Any], about: Mapping[str, Any], ready: bool) -> dict[str, Any]:
    """What counts of what the daemon tells: /v1/status/detailed, /v1/about and /readyz."""
    return {
        "running": True,
        "ready": ready,
        "version": about["version"],
        "program": about["program"],
        "generation": about["desired_generation"],
        "config_digest": about["config_digest"],
        "reload_error": about["last_reload"]["error"],
        "apply_error": status["last_apply"]["error"],
        "services": {row["service"]: _service(row) for row in status["services"]},
    }


def _service(row: Mapping[str, Any]) -> dict[str, Any]:
    counted = [
        entry
        for entry in row["backends"]
        if entry["why"] not in ON_PURPOSE and (entry["weight"] or entry["desired_weight"])
    ]
    serving = [entry for entry in counted if entry["live_weight"] and entry["why"] not in UNPROVEN]
    return {
        "name": f"{row['group']}/{row['frontend_name']}",
        "present": row["live_present"],
        "fallback": row.get("fallback_in_use", False),
        "backends": len(counted),
        "serving": len(serving),
        "out": [
            f"{entry['ip']}:{entry['port']}: {entry['reason'] or 'weight 0'}"
            for entry in counted
            if entry not in serving
        ],
    }


def share(service: Mapping[str, Any]) -> float:
    """Of the backends that count, how many serve; a service without any lacks nothing."""
    return service["serving"] / service["backends"] if service["backends"] else 1.0


def judge(before: Picture, now: Picture, max_drop: float) -> list[str]:
    """Why it is not as well as before; empty = it is.

    max_drop: by how many percent the share of a service may have fallen. A service that was not
    there before is held to all of its backends.
    """
    if not now["running"]:
        return [now["reason"]]
    faults = []
    if not now["ready"]:
        faults.append("the kernel has not been made what it shall be (/readyz)")
    if now["reload_error"]:
        faults.append(f"the drop-ins were refused: {now['reload_error']}")
    if now["apply_error"]:
        faults.append(f"the kernel refused something: {now['apply_error']}")
    for key, service in now["services"].items():
        faults += _service_faults(key, service, before["services"].get(key), max_drop)
    return faults


def _service_faults(
    key: str, service: Mapping[str, Any], before: Mapping[str, Any] | None, max_drop: float
) -> list[str]:
    place = f"{service['name']} ({key})"
    if not service["present"]:
        return [f"{place} is not in the kernel"]
    if service["fallback"] and not (before and before.get("fallback")):
        return [f"{place}: its fallback is in use ({'; '.join(service['out'])})"]
    least = (1.0 if before is None else share(before)) - max_drop / 100
    if share(service) >= least - 1e-9:
        return []
    was = "it is new" if before is None else f"before {before['serving']} of {before['backends']}"
    out = "; ".join(service["out"])
    serving = f"{service['serving']} of {service['backends']} backends serve"
    return [f"{place}: {serving}, {was} ({out})"]
