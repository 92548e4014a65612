# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--diff: what the daemon would change in the kernel now, and nothing is changed."""

from __future__ import annotations

from ipvsman.client.unix import NotRunning
from ipvsman.control.overrides import Overrides
from ipvsman.control.weights import Circumstances, effective, target
from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.model import State
from ipvsman.ipvs.plain import plain_change
from ipvsman.ipvs.plan import plan
from ipvsman.ipvs.scope import ALL, SERVICES, Scope

from .stage import Stage


def run(stage: Stage) -> int:
    """0 nothing, 1 something would be changed, 2 the kernel cannot be read."""
    try:
        changes = stage.daemon.get("/v1/drift")["changes"]
    except NotRunning:
        try:
            changes = _without_daemon(stage)
        except IpvsError as error:
            stage.complain(str(error))
            return 2
    if stage.as_json:
        stage.say_json({"changes": changes})
    else:
        stage.say_lines(change["summary"] for change in changes)
    return 1 if changes else 0


def _without_daemon(stage: Stage) -> list[dict[str, object]]:
    """As a daemon that starts now would, before its first probe is back."""
    desired = stage.desired(stage.config())
    circumstances = Circumstances({}, Overrides(), cold_start=True)
    table = stage.open_table()
    try:
        current = table.read(SERVICES)
    finally:
        table.close()
    services = {}
    for key, pool in desired.pools.items():
        there = current.services.get(key)
        services[key] = target(pool, effective(pool, circumstances, there), there)
    scope = Scope(frozenset(services), dict.fromkeys(services, ALL))
    changes = plan(scope.restrict(current), State(services), scope).changes
    return [plain_change(change) for change in changes]
