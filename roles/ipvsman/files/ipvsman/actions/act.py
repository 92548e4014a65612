# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One action, once or with --watch again and again; and what its errors look like."""

from __future__ import annotations

import argparse
import importlib
import io
import sys
import time
from collections.abc import Callable

from ipvsman.client.unix import NotRunning, Refused
from ipvsman.config.model import ConfigError
from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.table import Table

from .stage import Stage

#: Action -> the file that does it.
_FILES = {
    "dump": "dump",
    "stats": "stats",
    "reload": "reload",
    "test": "test",
    "list": "listing",
    "healthcheck": "healthcheck_now",
    "disable": "toggle",
    "enable": "toggle",
    "status": "status",
    "reset": "reset",
    "diff": "difference",
    "schema": "schema",
}
#: Those that look at something that changes, and so can be watched.
_LOOKING = frozenset(
    ("dump", "stats", "test", "listing", "healthcheck_now", "status", "difference")
)
_FAULT = 2
#: Seconds between two looks, at least.
_PAUSE = 0.1


def act(options: argparse.Namespace, name: str) -> int:
    """Exit status: that of the action; 2 when it cannot be done."""
    if sys.stdout is None:
        sys.stdout = io.StringIO()  # closed by whoever started us
    elif isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal has no letters for is shown all the same.
        sys.stdout.reconfigure(errors="backslashreplace")

    stage = Stage(options, opener(options))
    try:
        return run(stage, _FILES[name.split("_", maxsplit=1)[0]])
    except ConfigError as error:
        for fault in error.faults:
            stage.complain(f"load failed: {fault}")
    except (IpvsError, NotRunning, Refused) as error:
        stage.complain(str(error))
    return _FAULT


def opener(options: argparse.Namespace) -> Callable[[], Table]:
    """What opens the kernel's table."""

    def open_table() -> Table:
        # Late: most actions need no netlink.
        kernel = importlib.import_module("ipvsman.ipvs.kernel")
        table: Table = kernel.KernelTable(options.netns)
        return table

    return open_table


def run(stage: Stage, file: str) -> int:
    """As often as is wanted."""
    action = importlib.import_module(f".{file}", __package__)
    pause = stage.options.watch if file in _LOOKING else None
    while True:
        if pause is not None:
            stage.clear_screen()
        status = int(action.run(stage))
        stage.flush()
        if pause is None:
            return status
        time.sleep(max(pause, _PAUSE))
