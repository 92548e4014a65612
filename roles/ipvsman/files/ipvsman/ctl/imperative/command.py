# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of a verb: which there are, what they take, and how the one asked for is done."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ipvsman.ctl.frame import Context, HelpWanted

from .flags import Flag, Parser
from .said import Said


class Command(NamedTuple):
    """One command of a verb. run: does it; returns the exit status."""

    name: str
    aliases: tuple[str, ...]
    about: str
    flags: tuple[Flag, ...]
    run: Callable[[Said, Context], int]


def add_commands(parser: Parser, commands: Sequence[Command]) -> None:
    """Have the parser of a verb know its commands, and a last one that gives help on them."""
    group = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    for command in commands:
        own = group.add_parser(
            command.name,
            aliases=command.aliases,
            help=command.about,
            description=f"{command.about[0].upper()}{command.about[1:]}.",
        )
        add_flags(own, command)
        parser.commands.update(dict.fromkeys((command.name, *command.aliases), own))
    helper = group.add_parser("help", aliases=["h"], help="show this, or help on one command")
    helper.topics = {"": parser, **parser.commands}


def add_flags(parser: Parser, command: Command) -> None:
    """Have a parser know one command, which may be a verb of its own."""
    parser.take(command.flags)
    parser.set_defaults(command=command)


def run_command(options: argparse.Namespace, context: Context) -> int:
    """Do the command asked for. Raises HelpWanted when there is none."""
    said = Said(options, context)
    command: Command | None = getattr(options, "command", None)
    if command is None:
        said.finish()
        raise HelpWanted(options.parser)
    return command.run(said, context)
