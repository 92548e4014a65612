# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--reset: remove the services that are ours from the kernel. Not while a daemon runs."""

from __future__ import annotations

import time
from pathlib import Path

from ipvsman.control.store import Store
from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.model import State
from ipvsman.ipvs.reconcile import reconcile
from ipvsman.ipvs.scope import ALL, Scope
from ipvsman.ipvs.text import parse_service_key
from ipvsman.lock import Lock, Locked

from .stage import Stage


def run(stage: Stage) -> int:
    """0 when they are gone; 2 when a daemon runs or the kernel says no."""
    lock = Lock(stage.options.lock_file)
    try:
        lock.acquire()
    except (Locked, OSError) as error:
        stage.complain(f"not while a daemon runs: {error}")
        return 2
    try:
        return _reset(stage)
    except (IpvsError, ValueError, TypeError) as error:
        stage.complain(str(error))
        return 2
    finally:
        lock.release()


def _reset(stage: Stage) -> int:
    store = Store(Path(stage.options.state_dir), time.time, stage.complain)
    owned = frozenset(parse_service_key(name) for name in store.read("owned") or [])
    table = stage.open_table()
    try:
        reconcile(table, State(), Scope(owned, dict.fromkeys(owned, ALL)))
    finally:
        table.close()
    store.write("owned", [])
    return 0
