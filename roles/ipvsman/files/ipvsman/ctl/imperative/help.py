# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""help: the same as --help, in another place."""

from __future__ import annotations

import importlib
from argparse import Namespace
from typing import NoReturn

from ipvsman.ctl.frame import VERBS, Context, HelpWanted, Parser, Usage, find

from .flags import Words

PARSER = Parser


def parser(parser: Parser) -> None:
    """Words that lead to what help is wanted on."""
    verbs = Words(verb.name for verb in VERBS)
    about = "a verb, and one of its commands"
    parser.add_argument("words", nargs="*", metavar="VERB", choices=verbs, help=about)
    parser.set_defaults(parser=parser)


def run(options: Namespace, context: Context) -> NoReturn:
    """Raises HelpWanted, Usage."""
    del context
    program = importlib.import_module("ipvsman.ctl.__main__")
    if not options.words:
        raise HelpWanted(program.top())
    word, *commands = options.words
    verb = find(word)
    if verb is None:
        raise Usage(options.parser, f"there is no help on {word!r}", topic=word)
    found: Parser = program.parser_of(verb)
    for command in commands[:1]:
        known = getattr(found, "commands", {})
        if command not in known:
            raise Usage(options.parser, f"there is no help on {command!r}", topic=command)
        found = known[command]
    raise HelpWanted(found)
