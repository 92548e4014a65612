# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""zero and flush: at one stroke for the whole table, hence only with --yes."""

from __future__ import annotations

from ipvsman.ctl.frame import Context
from ipvsman.ipvs.model import State
from ipvsman.ipvs.reconcile import reconcile
from ipvsman.ipvs.scope import ALL, Scope

from .said import Said


def zero(said: Said, context: Context) -> int:
    """All counters."""
    said.finish()
    with context.table() as table:
        table.zero()
    return 0


def flush(said: Said, context: Context) -> int:
    """All services with their destinations and local addresses; the rest stays."""
    said.finish()
    with context.table() as table:
        table.flush()
        reconcile(table, State(), Scope(local_addresses=ALL))
    return 0
