# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--reload: judge the drop-ins here, have the daemon read them, and tell how that went."""

from __future__ import annotations

import os
import signal

from ipvsman.client.unix import NotRunning, Refused
from ipvsman.lock import Lock

from .stage import Stage


def run(stage: Stage) -> int:
    """0 when they are in the kernel, or a signal was sent; 1 when the kernel does not have them.

    2 when they are faulty, and when there is no daemon that could be told.
    """
    stage.config()
    try:
        outcome = stage.daemon.post("/v1/reload?wait=1")
    except Refused as refused:
        stage.complain(f"reload refused: {refused}")
        return 2
    except NotRunning as absent:
        return _signal(stage, str(absent))
    if stage.as_json:
        stage.say_json(outcome)
    # Nothing on stdout, where scripts expect nothing.
    number = outcome["generation"]
    if not outcome["applied"]:
        stage.complain(f"configuration {number} is loaded, but not in the kernel; see --status")
        return 1
    stage.complain(f"configuration {number} is loaded and in the kernel")
    return 0


def _signal(stage: Stage, absent: str) -> int:
    """Without a socket, a signal does: to the pid given, or to whoever holds the lock now."""
    pid = stage.options.pid or Lock(stage.options.lock_file).holder()
    if pid is None:
        stage.complain(f"{absent}, and nobody holds {stage.options.lock_file}")
        return 2
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        stage.complain(f"process {pid} cannot be told to reload: {error.strerror}")
        return 2
    stage.complain(f"{absent}; process {pid} has been told to reload, its log says how it went")
    return 0
