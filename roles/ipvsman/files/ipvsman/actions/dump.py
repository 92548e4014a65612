# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--dump: the kernel's table in the form that ipvsadm saves and restores."""

from __future__ import annotations

from ipvsman.ipvs.ipvsadm import rules
from ipvsman.ipvs.scope import SERVICES

from .stage import Stage


def run(stage: Stage) -> int:
    """One line a rule. Raises IpvsError when the kernel cannot be read."""
    with stage.table() as table:
        state = table.read(SERVICES)
    stage.say_lines(rules(state))
    return 0
