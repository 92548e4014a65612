# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--reset: remove the services that are ours from the kernel. Not while a daemon runs."""

from __future__ import annotations

from ipvsman.control.difference import whole
from ipvsman.ipvs.model import State
from ipvsman.ipvs.reconcile import reconcile
from ipvsman.lock import Lock, Locked

from .alone import Left
from .stage import Stage


def run(stage: Stage) -> int:
    """0 when they are gone; 2 when a daemon runs. Raises IpvsError when the kernel says no."""
    lock = Lock(stage.options.lock_file)
    try:
        lock.acquire()
    except Locked as error:
        stage.complain(f"not while a daemon runs: {error}")
        return 2
    except OSError as error:
        stage.complain(f"cannot lock {stage.options.lock_file}: {error.strerror}")
        return 2
    try:
        return _reset(stage)
    finally:
        lock.release()


def _reset(stage: Stage) -> int:
    left = Left(stage)
    owned = left.owned()
    with stage.table() as table:
        reconcile(table, State(), whole(owned))
    trouble = left.disown_all()
    if trouble:
        stage.complain(trouble)
        return 2
    return 0
