# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""get: the table as a document that `apply` takes."""

from __future__ import annotations

from argparse import Namespace

from ipvsman.ipvs.errors import Unavailable
from ipvsman.ipvs.scope import EVERYTHING

from .emit import json_text, yaml_lines
from .frame import Context, Failed, Parser
from .written import document

_QUERY_FAILED = 21


def parser(parser: Parser) -> None:
    """No more than the form."""
    parser.add_argument(
        "-o", "--output", choices=("yaml", "json"), default="yaml", help="default: %(default)s"
    )


def run(options: Namespace, context: Context) -> int:
    """0. Raises Unavailable, Failed."""
    with context.table() as table:
        try:
            state = table.read(EVERYTHING)
        except Unavailable as error:
            reason = f"Unable to get current ipvs config: {error}"
            raise Failed(_QUERY_FAILED, reason) from None
    for unreadable in state.unreadable:
        context.warn(f"left out, not understood: {unreadable}")
    written = document(state)
    context.say_lines([json_text(written)] if options.output == "json" else yaml_lines(written))
    return 0
