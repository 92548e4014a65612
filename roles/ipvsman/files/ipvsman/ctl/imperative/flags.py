# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flags as this dialect writes them: ``--vip A``, ``-vip A`` and ``-vip=A`` are one.

A Flag is data: help, completion and manual page are made of it. Parser takes a command line apart
and notes everything that is wrong with its form; nothing is judged here that needs more than that.
"""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from ipvsman.ctl import frame
from ipvsman.ctl.frame import HelpWanted, Usage
from ipvsman.ipvs.text import nearest

#: The flags that every command has.
_HELP: Final = ("h", "help")
_TRUE, _FALSE = ("1", "t", "true"), ("0", "f", "false")


class Words(tuple[str, ...]):
    """What help and completion offer; whether a value is allowed is judged with all others."""

    def __contains__(self, _word: object) -> bool:
        return True


@dataclass(frozen=True)
class Flag:
    """One flag of a command.

    names: without dashes, the first one is its own; about: for the help; value: what it takes,
    empty for a switch; words: what the value can be, for help and completion; bare: what it means
    without a value, where that may be left out; number: only a whole number will do; repeated: it
    may be said several times; required: it has to be said, unless another flag is.
    """

    names: tuple[str, ...]
    about: str
    value: str = ""
    words: tuple[str, ...] = ()
    bare: str | None = None
    number: bool = False
    repeated: bool = False
    required: bool = False
    unless: str = ""

    @property
    def dest(self) -> str:
        """Its name among the options."""
        return self.names[0].replace("-", "_")

    @property
    def required_name(self) -> str:
        """What it is called when it is missing: by its last name that is longer than a letter."""
        return [name for name in self.names if len(name) > 1][-1]

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Have a parser know it."""
        names = [dashed(name) for name in self.names]
        about = self.about
        if self.required:
            about += f" (needed, unless {dashed(self.unless)})" if self.unless else " (needed)"
        if not self.value:
            parser.add_argument(*names, dest=self.dest, action="store_true", help=about)
            return
        parser.add_argument(
            *names,
            dest=self.dest,
            action="append" if self.repeated else "store",
            nargs=None if self.bare is None else "?",
            const=self.bare,
            metavar=self.value,
            choices=Words(self.words) if self.words else None,
            help=about,
        )


def dashed(name: str) -> str:
    """``-s``, ``--scheduler``."""
    return f"-{name}" if len(name) == 1 else f"--{name}"


@dataclass
class Noted:
    """What is wrong with the form: a line each; and of which flags, by their names as options."""

    lines: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)

    def add(self, line: str, flag: Flag | None = None) -> None:
        """One more."""
        self.lines.append(line)
        if flag is not None:
            self.flags.add(flag.dest)


class Parser(frame.Parser):
    """Of a verb or of one command: what is wrong with flags is ``noted`` among the options."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.flags: tuple[Flag, ...] = ()
        #: The parsers of its commands by name, where it has some.
        self.commands: dict[str, frame.Parser] = {}
        #: What there is help on by name, where it gives help and does nothing else.
        self.topics: Mapping[str, frame.Parser] | None = None

    def take(self, flags: Sequence[Flag]) -> None:
        """The flags that there are."""
        self.flags = tuple(flags)
        for flag in flags:
            flag.add_to(self)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """See argparse; nothing is unknown afterwards."""
        words = list(args or ())
        if self.topics is not None:
            self._explain(words, self.topics)
        noted = Noted()
        if not self.commands:
            words = _in_long(words, self.flags, noted)
        elif words and not words[0].startswith("-"):
            return super().parse_known_args(words, namespace)
        else:
            words = _in_long(words[:1], (), noted)
        options, _none = super().parse_known_args(words, namespace)
        options.parser, options.noted = self, noted
        return options, []

    def _explain(self, words: Sequence[str], topics: Mapping[str, frame.Parser]) -> NoReturn:
        word = words[0] if words else ""
        if word not in topics:
            raise Usage(self, f"there is no help on {word!r}", topic=word)
        raise HelpWanted(topics[word])


def _in_long(words: Sequence[str], flags: Sequence[Flag], noted: Noted) -> list[str]:
    """The same in the form that argparse takes and nobody can misread: ``--name=value``."""
    known = {name: flag for flag in flags for name in flag.names}
    taken: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        form = re.fullmatch(r"--?(?P<name>[^-=][^=]*)(?P<said>=(?P<value>.*))?", word, re.DOTALL)
        if form is None or word == "-":
            noted.add(f"unexpected argument {word!r}")
            continue
        name, value = form.group("name", "value")
        if name in _HELP:
            return ["--help"]
        flag = known.get(name)
        if flag is None:
            noted.add(f"unknown flag {word}{_hint(name, known)}")
        elif not flag.value:
            taken += _switch(flag, name, value, noted)
        elif value is None and flag.bare is not None:
            # No command takes a word that belongs to no flag.
            value = rest.pop(0) if rest and not rest[0].startswith("-") else flag.bare
            taken.append(f"{dashed(flag.names[0])}={value}")
        elif value is None and not rest:
            noted.add(f"flag {dashed(name)} needs a value: {flag.value}", flag)
        else:
            said = rest.pop(0) if value is None else value
            taken.append(f"{dashed(flag.names[0])}={said}")
            if flag.number and not re.fullmatch(r"-?[0-9]{1,20}", said.strip()):
                line = f"invalid value {said!r} for flag {dashed(name)}: not a whole number"
                noted.add(line, flag)
    return taken


def _hint(name: str, known: Iterable[str]) -> str:
    # Late: this is what the program starts from.
    top = importlib.import_module("ipvsman.ctl.__main__").top()
    if dashed(name) in top.format_help().replace(",", " ").split():
        return f" ({dashed(name)} belongs before the verb)"
    return str(nearest(name, known))


def _switch(flag: Flag, name: str, value: str | None, noted: Noted) -> list[str]:
    if value is None or value.lower() in _TRUE:
        return [dashed(flag.names[0])]
    if value.lower() not in _FALSE:
        noted.add(f"invalid value {value!r} for flag {dashed(name)}: true or false", flag)
    return []
