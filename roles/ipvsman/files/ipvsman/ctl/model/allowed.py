# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--allowed-actions: which kinds of change may be made. Looked at before anything is."""

from __future__ import annotations

from ipvsman.ctl.frame import Failed, Status
from ipvsman.ipvs.changes import ACTIONS
from ipvsman.ipvs.errors import Refused
from ipvsman.ipvs.plan import Plan

ALL = "*"

#: Token -> what it stands for, and the actions of the core.
TOKENS: dict[str, tuple[str, tuple[str, ...]]] = {
    "as": ("add a service", ("add_service",)),
    "us": ("update a service", ("edit_service", "set_local_addresses", "track_connections")),
    "ds": ("delete a service", ("remove_service",)),
    "ad": ("add a destination", ("add_destination",)),
    "ud": ("update a destination", ("edit_destination",)),
    "dd": ("delete a destination", ("remove_destination",)),
    "st": ("set timeouts", ("set_timeouts",)),
    "sd": ("start or stop a sync daemon", ("stop_sync_daemon", "start_sync_daemon")),
}
_TOKEN_OF = {action: token for token, (_words, actions) in TOKENS.items() for action in actions}

#: How many of one kind are named.
_NAMED = 3


def parse_allowed(text: str) -> frozenset[str]:
    """Actions of the core. Raises Failed."""
    tokens = text.split(",")
    wrong = [token for token in tokens if token != ALL and token not in TOKENS]
    if wrong:
        told = ", ".join(f"invalid action {token!r}" for token in wrong)
        known = ", ".join((*TOKENS, ALL))
        raise Failed(
            Status.BAD_VALUE, f"unable to process allowed actions: {told}; there are {known}"
        )
    if ALL in tokens:
        return frozenset(ACTIONS)
    return frozenset(action for token in tokens for action in TOKENS[token][1])


def review_allowed(plan: Plan, allowed: frozenset[str]) -> None:
    """Raises Refused when something else would be done."""
    beyond: dict[str, list[str]] = {}
    for change in plan.changes:
        if change.action not in allowed:
            beyond.setdefault(_TOKEN_OF[change.action], []).append(str(change))
    if beyond:
        reasons = []
        for token, changes in beyond.items():
            named = "; ".join(changes[:_NAMED])
            more = f"; and {len(changes) - _NAMED} more" if len(changes) > _NAMED else ""
            reasons.append(f"not allowed to {TOKENS[token][0]} ({token}): {named}{more}")
        raise Refused(plan, "\n".join(reasons))
