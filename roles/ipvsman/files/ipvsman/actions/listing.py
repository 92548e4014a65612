# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--list-services, -frontends, -backends, -healthchecks: what the drop-ins make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ipvsman.config.model import CheckKind
from ipvsman.face import report
from ipvsman.ipvs.scope import SERVICES

from .stage import Stage


def run(stage: Stage) -> int:
    """The sections asked for, in one order."""
    config = stage.config()
    state = None
    if stage.filters.only_active:
        with stage.table() as table:
            state = table.read(SERVICES)
    desired = stage.filters.of_desired(stage.desired(config), state)
    shown = {(pool.frontend.group, pool.frontend.name) for pool in desired.pools.values()}
    frontends = [each for each in config.frontends if (each.group, each.name) in shown]
    sections = {
        "services": report.services(desired),
        "frontends": report.frontends(desired),
        "backends": report.backends(desired),
        "healthchecks": report.healthchecks(frontends),
    }
    asked = [name for name in sections if getattr(stage.options, f"list_{name}")]
    if stage.as_json:
        stage.say_json({name: sections[name] for name in asked})
        return 0
    for number, name in enumerate(asked):
        if number:
            stage.say()
        stage.say(f"# {name}")
        stage.say_lines(" ".join(_words(name, row)) for row in sections[name])
    return 0


def _words(section: str, row: Mapping[str, Any]) -> list[str]:
    if section == "healthchecks":
        return _healthcheck(row)
    if section == "backends":
        return [
            f"group={row['group']}",
            f"frontend={row['frontend']}",
            f"frontend_proto={row['proto']}",
            f"frontend_vip={row['vip']}",
            f"frontend_port={row['frontend_port']}",
            f"backend={row['ip']}",
            f"backend_port={row['port']}",
            f"weight={row['weight']}",
            *(["fallback=True"] if row["fallback"] else []),
        ]
    return [
        f"group={row['group']}",
        f"frontend={row['frontend_name'] if section == 'services' else row['name']}",
        f"proto={row['proto']}",
        f"vip={row['vip']}",
        f"frontend_port={row['port']}",
    ]


def _healthcheck(row: Mapping[str, Any]) -> list[str]:
    check = row["healthcheck"]
    words = [
        f"group={row['group']}",
        f"frontend={row['frontend']}",
        f"type={check['type']}",
        f"disabled={check['disable']}",
        *(f"{name}={check[name]}" for name in ("interval", "timeout", "rise", "fall")),
    ]
    if check["type"] == CheckKind.DNS.value:
        words += [f"{name}={check[name]}" for name in ("query_name", "query_type")]
    if check["type"] in (CheckKind.HTTP.value, CheckKind.HTTPS.value):
        words += [f"{name}={check[name]}" for name in ("path", "host", "expected_status")]
    return words
