# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What other tools have and there is not here: why it is lost, and what to do instead."""

from __future__ import annotations

from typing import Final

SCRIPTS: Final = (
    "there are no scripts for what changes",
    "the daemon tells it in its event stream, log and metrics",
)
MAIL: Final = ("there is no mail", "the daemon tells it in its event stream, log and metrics")
