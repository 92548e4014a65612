# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the seconds that the task `Measured` took to the file that STOPWATCH names."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: stopwatch
type: notification
short_description: How long the task Measured takes
description: From its start to its result, the results of all items of a loop included.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Takes the time."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "stopwatch"
    CALLBACK_NEEDS_ENABLED = True

    _start = 0.0

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Start anew with every task."""
        del task, is_conditional
        self._start = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Stop; the last task's time stands."""
        del result
        seconds = time.monotonic() - self._start
        Path(os.environ["STOPWATCH"]).write_text(str(seconds), encoding="utf-8")
