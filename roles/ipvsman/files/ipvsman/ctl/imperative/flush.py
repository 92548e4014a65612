# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""flush: remove all virtual services."""

from __future__ import annotations

from .command import Command, add_flags, run_command
from .flags import Parser
from .vocabulary import YES
from .wholetable import flush

PARSER = Parser
run = run_command


def parser(parser: Parser) -> None:
    """One flag."""
    add_flags(parser, Command("flush", (), "remove all virtual services", (YES,), flush))
