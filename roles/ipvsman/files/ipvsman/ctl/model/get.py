# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""get: the table as a document that `apply` takes."""

from __future__ import annotations

from argparse import Namespace

from ipvsman.ctl.emit import json_text, yaml_lines
from ipvsman.ctl.frame import Context, Parser, Status
from ipvsman.ctl.written import document
from ipvsman.ipvs.remarks import leftover_line, leftovers
from ipvsman.ipvs.scope import EVERYTHING

from .asking import add_output, reading


def parser(parser: Parser) -> None:
    """No more than the form."""
    add_output(parser)


def run(options: Namespace, context: Context) -> int:
    """Print it. Raises Failed, Unavailable."""
    with context.table() as table, reading():
        state = table.read(EVERYTHING)
    for unreadable in state.unreadable:
        context.warn(f"left out, not understood: {unreadable}")
    for key, addresses in leftovers(state).items():
        context.warn(leftover_line(key, addresses))
    written = document(state)
    context.say_lines([json_text(written)] if options.output == "json" else yaml_lines(written))
    return Status.DONE
