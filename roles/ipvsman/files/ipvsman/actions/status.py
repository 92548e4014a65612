# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""-s, --status and --status-detailed: what there is against what shall be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ipvsman.client.unix import NotRunning, Refused
from ipvsman.control.overrides import Level, Override, Subject
from ipvsman.control.reasons import Why
from ipvsman.control.subjects import astray, tell_astray
from ipvsman.control.weights import effective
from ipvsman.face import standing
from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.scope import SERVICES
from ipvsman.lock import Lock

from .alone import Left
from .filters import Filters, Row
from .rates import COUNTED, with_rates
from .stage import Stage
from .stats import place

_WELL, _DEGRADED, _UNREADABLE = 0, 1, 2


def run(stage: Stage) -> int:
    """One look: 0 all is as it should be, 1 degraded, 2 the kernel cannot be read.

    What is degraded is the exit status of --status alone: --status-detailed is there to be read.
    """
    try:
        full = _report(stage)
        if stage.options.show_rates:
            full["services"] = with_rates(
                full["services"], lambda: _report(stage)["services"], stage.options.show_rates
            )
    except (IpvsError, Refused) as error:
        stage.complain(str(error))
        return _UNREADABLE
    services = stage.filters.of_report(full["services"])
    full.update(services=services, state=_summary(stage, services, full))
    if stage.as_json:
        stage.say_json(full)
    elif stage.options.status:
        _brief(stage, services, full["state"])
    else:
        _detailed(stage, services)
    if not stage.as_json:
        _tell_trouble(stage, full)
        _tell_strays(stage, full)
    return _DEGRADED if stage.options.status and full["state"] != "OK" else _WELL


def _summary(stage: Stage, services: Sequence[Row], full: Row) -> str:
    """That of the services asked for; of all of them, also what is wrong beside the weights."""
    return standing.summary(
        services, full.get("last_apply") if stage.filters == Filters() else None
    )


def _report(stage: Stage) -> dict[str, Any]:
    """From the daemon, which knows effective weights; without one, from the drop-ins."""
    try:
        # What serves for a second is too old to measure by.
        fresh = "?fresh=1" if stage.options.show_rates else ""
        return dict(stage.daemon.get(f"/v1/status/detailed{fresh}"))
    except NotRunning as absent:
        holder = Lock(stage.options.lock_file).holder()
        if holder is not None:
            # Weights of a daemon that is not asked look wrong where somebody is down.
            stage.complain(f"{absent}, though process {holder} is one: told without what it knows")
    config = stage.config()
    desired = stage.desired(config)
    circumstances = Left(stage).circumstances(desired)
    said = circumstances.overrides
    with stage.table() as table:
        state, counters = table.read(SERVICES), table.counters()
    weights = {
        key: {
            name: entry
            for name, entry in effective(pool, circumstances, None).items()
            # Nobody probes, so that nothing is known but what the operator has said.
            if entry.why is Why.OPERATOR
        }
        for key, pool in desired.pools.items()
    }
    return {
        "services": standing.detailed(desired, weights, state, counters),
        "desired_generation": 0,
        "config_version_mtime_seconds": config.mtime,
        "overrides": standing.overrides(said, astray(said, desired)),
    }


def _tell_trouble(stage: Stage, full: Row) -> None:
    """What keeps the daemon from its work, which is not to be seen in any weight."""
    applied, reload = full.get("last_apply"), full.get("last_reload")
    if applied is None and Lock(stage.options.lock_file).holder() is None:
        stage.complain("no daemon runs, nobody is probed: told by the drop-ins and the kernel")
    for reason in applied["error"].splitlines() if applied else ():
        stage.complain(reason)
    if reload and reload["error"]:
        first, *more = reload["error"].splitlines()
        rest = f" (and {len(more)} more)" if more else ""
        stage.complain(
            f"the drop-ins as they are now were refused, those before are in force: {first}{rest}"
        )


def _tell_strays(stage: Stage, full: Row) -> None:
    """What the operator has said of what is not there."""
    for row in full.get("overrides", ()):
        if not row["configured"]:
            subject = Subject(Level(row["level"]), row["name"])
            override = Override(row["disabled"], row["since"], row["reason"])
            stage.complain(f"warning: {tell_astray(subject, override)}")


def _brief(stage: Stage, services: Sequence[Mapping[str, Any]], state: str) -> None:
    stage.say(f"status={stage.paint(state)} services={len(services)}")
    for service in services:
        up = sum(_is_up(backend) for backend in service["backends"])
        stage.say(
            f"[{stage.paint(_state(service))}] {service['proto']} {place(service, 'vip')}"
            f" group={service['group']} frontend={service['frontend_name']}"
            f" sched={service['scheduler']} live={service['live_present']}"
            f" backends_up={up}/{len(service['backends'])}" + _fallback(service)
        )
        for backend, word, what in _rows(service):
            stage.say(
                f"  - [{stage.paint(word)}] {what}{place(backend, 'ip')} weight={_weight(backend)}"
                + _stale(backend)
            )


def _detailed(stage: Stage, services: Sequence[Mapping[str, Any]]) -> None:
    stage.say(f"status-detailed services={len(services)}")
    for service in services:
        up = sum(_is_up(backend) for backend in service["backends"])
        stage.say(
            f"[{stage.paint(_state(service))}] {service['group']}/{service['frontend_name']}"
            f" {service['proto']} {place(service, 'vip')} sched={service['scheduler']}"
            f" live={service['live_present']} backends_up={up}/{len(service['backends'])}"
            + _fallback(service)
            + _extra(stage, service)
            + "".join(f" unresolved={name}" for name in service["unresolved"])
        )
        for backend, word, what in _rows(service):
            weight = _weight(backend)
            explained = f"{weight} (actual/desired)" if "/" in weight else weight
            reason = f" reason={backend['reason']!r}" if backend.get("reason") else ""
            stage.say(
                f"  - [{stage.paint(word)}] {what}{place(backend, 'ip')} weight={explained}"
                f" conn_active={backend['active_conn']} conn_inactive={backend['inactive_conn']}"
                + _extra(stage, backend)
                + _stale(backend)
                + reason
            )


def _fallback(service: Row) -> str:
    """Who serves, of a service that has a fallback."""
    if not service["fallback"]:
        return ""
    return f" fallback={'IN_USE' if service['fallback_in_use'] else 'standby'}"


def _stale(backend: Row) -> str:
    """Whether it is as its last probe said, which is too long ago."""
    return " stale=True" if backend.get("stale") else ""


def _rows(service: Row) -> Iterator[tuple[Row, str, str]]:
    """The destinations of a service, each with a word for how it is, and what it is."""
    for backend in service["backends"]:
        yield backend, "UP" if _is_up(backend) else "DOWN", ""
    for backend in service["fallback"]:
        idle = "STANDBY" if backend["why"] in (None, Why.STANDBY.value) else "DOWN"
        yield backend, "UP" if _is_up(backend) else idle, "fallback "


def _extra(stage: Stage, row: Mapping[str, Any]) -> str:
    text = ""
    if stage.options.show_counters:
        text += f" pkts_in={row['inpkts']} pkts_out={row['outpkts']}"
    if stage.options.show_rates:
        text += "".join(f" rate_{name}={row[f'rate_{name}']}" for name in COUNTED)
    return text


def _state(service: Mapping[str, Any]) -> str:
    return "UP" if standing.is_well(service) else "DEGRADED"


def _actual(backend: Mapping[str, Any]) -> int:
    """What the kernel has: what is not in its table gets nothing, whatever it shall get."""
    return int(backend["live_weight"] or 0)


def _is_up(backend: Mapping[str, Any]) -> bool:
    return _actual(backend) > 0


def _weight(backend: Mapping[str, Any]) -> str:
    actual, desired = _actual(backend), backend["desired_weight"] or 0
    return str(actual) if actual == desired else f"{actual}/{desired}"
