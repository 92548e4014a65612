# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The clock of what is looked at more than once; a test has another one."""

from __future__ import annotations

import time


def now() -> float:
    """Seconds since some time."""
    return time.monotonic()


def wait(seconds: float) -> None:
    """Let them pass."""
    time.sleep(seconds)
