# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--diff: what the daemon would change in the kernel now, and nothing is changed."""

from __future__ import annotations

from typing import Any

from ipvsman.client.unix import NotRunning
from ipvsman.control.account import Snapshot
from ipvsman.control.difference import difference
from ipvsman.ipvs.plain import plain_change
from ipvsman.ipvs.scope import SERVICES

from .alone import Left
from .stage import Stage


def run(stage: Stage) -> int:
    """0 nothing, 1 something would be changed. Raises IpvsError, Refused: cannot be known."""
    try:
        changes = stage.daemon.get("/v1/drift")["changes"]
    except NotRunning:
        changes = _without_daemon(stage)
    if stage.as_json:
        stage.say_json({"changes": changes})
    else:
        stage.say_lines(change["summary"] for change in changes)
    return 1 if changes else 0


def _without_daemon(stage: Stage) -> list[dict[str, Any]]:
    """As a daemon that starts now would, before its first probe is back."""
    desired = stage.desired(stage.config())
    left = Left(stage)
    snapshot = Snapshot(desired, left.circumstances(desired))
    with stage.table() as table:
        current = table.read(SERVICES)
    return [plain_change(each) for each in difference(snapshot, left.owned(), current).changes]
