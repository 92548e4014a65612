# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""-s, --status and --status-detailed: what there is against what shall be."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ipvsman.client.unix import NotRunning
from ipvsman.face import report
from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.scope import SERVICES

from .stage import Stage

_WELL, _DEGRADED, _UNREADABLE = 0, 1, 2
_RATES = ("conns", "inpkts", "outpkts", "inbytes", "outbytes")


def run(stage: Stage) -> int:
    """One look: 0 all is as it should be, 1 degraded, 2 the kernel cannot be read."""
    try:
        full, state = _report(stage)
        if stage.options.show_rates:
            full["services"] = with_rates(
                full["services"], lambda: _report(stage)[0]["services"], stage.options.show_rates
            )
    except IpvsError as error:
        stage.complain(str(error))
        return _UNREADABLE
    full["services"] = stage.filtered(full["services"], "backends")
    if stage.as_json:
        stage.say_json(full)
    elif stage.options.status:
        _brief(stage, full["services"], state)
    else:
        _detailed(stage, full["services"])
    if not stage.options.status:
        return _WELL
    return _WELL if report.summary(full["services"]) == "OK" else _DEGRADED


def _report(stage: Stage) -> tuple[dict[str, Any], str]:
    """From the daemon, which knows effective weights; without one, from the drop-ins."""
    try:
        full = dict(stage.daemon.get("/v1/status/detailed"))
        return full, report.summary(full["services"])
    except NotRunning:
        pass
    config = stage.config()
    table = stage.open_table()
    try:
        state, counters = table.read(SERVICES), table.counters()
    finally:
        table.close()
    rows = report.detailed(stage.desired(config), {}, state, counters)
    full = {
        "services": rows,
        "desired_generation": 0,
        "config_version_mtime_seconds": config.mtime,
    }
    return full, report.summary(rows)


def with_rates(
    before: Sequence[Mapping[str, Any]], again: Any, seconds: float
) -> list[dict[str, Any]]:
    """The same rows some seconds later, with what has passed per second as ``rate_...``."""
    began = time.monotonic()
    time.sleep(seconds)
    after = again()
    passed = time.monotonic() - began
    return _rated(before, after, passed)


def _rated(before: Any, after: Any, passed: float) -> list[dict[str, Any]]:
    known = {_identity(row): row for row in before}
    rows = []
    for row in after:
        old = known.get(_identity(row), row)
        rated = dict(row)
        for name in _RATES:
            rated[f"rate_{name}"] = round(max(0, row[name] - old[name]) / passed, 1)
        for pool in ("backends", "reals"):
            if pool in row:
                rated[pool] = _rated(old[pool], row[pool], passed)
        rows.append(rated)
    return rows


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("proto", "vip", "ip", "port"))


def _brief(stage: Stage, services: Sequence[Mapping[str, Any]], state: str) -> None:
    stage.say(f"status={stage.paint(state)} services={len(services)}")
    for service in services:
        up = sum(_is_up(backend) for backend in service["backends"])
        stage.say(
            f"[{stage.paint(_state(service))}] {service['proto']} {_place(service, 'vip')}"
            f" group={service['group']} frontend={service['frontend_name']}"
            f" sched={service['scheduler']} live={service['live_present']}"
            f" backends_up={up}/{len(service['backends'])}"
        )
        for backend in service["backends"]:
            word = "UP" if _is_up(backend) else "DOWN"
            stage.say(
                f"  - [{stage.paint(word)}] {_place(backend, 'ip')} weight={_weight(backend)}"
            )


def _detailed(stage: Stage, services: Sequence[Mapping[str, Any]]) -> None:
    stage.say(f"status-detailed services={len(services)}")
    for service in services:
        up = sum(_is_up(backend) for backend in service["backends"])
        stage.say(
            f"[{stage.paint(_state(service))}] {service['group']}/{service['frontend_name']}"
            f" {service['proto']} {_place(service, 'vip')} sched={service['scheduler']}"
            f" live={service['live_present']} backends_up={up}/{len(service['backends'])}"
            + _extra(stage, service)
        )
        for backend in service["backends"]:
            word = "UP" if _is_up(backend) else "DOWN"
            weight = _weight(backend)
            explained = f"{weight} (actual/desired)" if "/" in weight else weight
            reason = f" reason={backend['reason']!r}" if backend.get("reason") else ""
            stage.say(
                f"  - [{stage.paint(word)}] {_place(backend, 'ip')} weight={explained}"
                f" conn_active={backend['active_conn']} conn_inactive={backend['inactive_conn']}"
                + _extra(stage, backend)
                + reason
            )


def _extra(stage: Stage, row: Mapping[str, Any]) -> str:
    text = ""
    if stage.options.show_counters:
        text += f" pkts_in={row['inpkts']} pkts_out={row['outpkts']}"
    if stage.options.show_rates:
        text += "".join(f" rate_{name}={row[f'rate_{name}']}" for name in _RATES)
    return text


def _state(service: Mapping[str, Any]) -> str:
    return "UP" if report.is_well(service) else "DEGRADED"


def _actual(backend: Mapping[str, Any]) -> int:
    live = backend["live_weight"]
    return int(live if live is not None else backend["desired_weight"] or 0)


def _is_up(backend: Mapping[str, Any]) -> bool:
    return _actual(backend) > 0


def _weight(backend: Mapping[str, Any]) -> str:
    actual, desired = _actual(backend), backend["desired_weight"] or 0
    return str(actual) if actual == desired else f"{actual}/{desired}"


def _place(row: Mapping[str, Any], name: str) -> str:
    host = row[name]
    return f"[{host}]:{row['port']}" if ":" in str(host) else f"{host}:{row['port']}"
