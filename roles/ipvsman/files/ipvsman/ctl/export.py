# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""export: the table, or what a document says, in the words of another tool."""

from __future__ import annotations

import importlib
from argparse import Namespace

from ipvsman.ipvs.errors import InvalidValue
from ipvsman.ipvs.model import Role, State
from ipvsman.ipvs.scope import EVERYTHING
from ipvsman.ipvs.wish import resolve

from .exporting import Export
from .frame import Context, Failed, Parser, Usage

_REFUSED, _LOSSES = 1, 3
_MTU = 1500


def parser(parser: Parser) -> None:
    """What is written, and of what."""
    parser.epilog = "\n".join(
        [
            "What the other tool cannot be told is said on stderr.",
            "exit status:",
            "  0  all is told",
            "  1  refused by --strict, and nothing written",
            "  3  written, and not all is told",
        ]
    )
    parser.add_argument("--to", choices=("ipvsadm",), help="lines for ipvsadm -R")
    parser.add_argument("-f", "--file", metavar="FILE", help="of this document, not of the kernel")
    parser.add_argument("--strict", action="store_true", help="all is told, or nothing is")


def run(options: Namespace, context: Context) -> int:
    """0, or 3 when not all can be told. Raises Failed, Unavailable."""
    if options.to is None:
        own = Parser(prog="ipvsctl export")
        parser(own)
        raise Usage(own, "--to is needed: ipvsadm")
    export = Export()
    lines = _of_document(options, context, export) if options.file else _of_kernel(context, export)
    for loss in export.losses:
        context.complain(f"not told: {loss}")
    if export.losses and options.strict:
        raise Failed(_REFUSED, "not all can be told; nothing is written")
    context.say_lines(lines)
    return _LOSSES if export.losses else 0


def _of_kernel(context: Context, export: Export) -> list[str]:
    with context.table() as table:
        state = table.read(EVERYTHING)
    export.losses += state.unreadable
    daemons = [state.daemons[role] for role in Role if role in state.daemons]
    return [
        *export.timeouts(state.timeouts),
        *export.services(state),
        *map(export.daemon, daemons),
    ]


def _of_document(options: Namespace, context: Context, export: Export) -> list[str]:
    model = importlib.import_module(".model.document", __package__)
    read = Namespace(file=options.file, strict=options.strict)
    document = model.Document(read, context, model.Words())
    try:
        state = resolve(document.wish, State(), lambda _interface: _MTU)
    except InvalidValue as invalid:
        raise document.invalid(invalid) from None
    return [
        *export.timeouts(document.wish.timeouts),
        *export.services(state),
        *map(export.daemon, document.wish.daemons),
    ]
