# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--test: are the drop-ins good?"""

from __future__ import annotations

from .stage import Stage


def run(stage: Stage) -> int:
    """0 when they are (warnings and notices go to stderr); faults are raised as ConfigError."""
    config = stage.config()
    for warning in config.warnings:
        stage.complain(f"{'notice' if warning.notice else 'warning'}: {warning}")
    stage.say("validation ok")
    return 0
