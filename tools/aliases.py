"""Aliases of subcommands, put into what completes a command line: shtab knows names only.

They are understood where they stand, and not offered: what an alias is for has a name.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping

#: Where each shell looks whether a word is a subcommand.
_BASH = '      if [[ -n $sub_parsers && " ${sub_parsers[@]} " =='
_FISH = "        if contains -- $candidate "

#: Path of a parser -> name of a command -> its aliases.
Aliases = Mapping[tuple[str, ...], Mapping[str, tuple[str, ...]]]


def understand(text: str, shell: str, program: str, aliases: Aliases) -> str:
    """The completion of a program with its aliases."""
    if not any(aliases.values()):
        return text
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](text, program, aliases)


def below(parser: argparse.ArgumentParser) -> dict[str, tuple[str, ...]]:
    """The commands of a parser that have aliases."""
    found: dict[int, list[str]] = {}
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action.choices, dict):
            for name, command in action.choices.items():
                found.setdefault(id(command), []).append(name)
    return {name: tuple(others) for name, *others in found.values() if others}


def _bash(text: str, program: str, aliases: Aliases) -> str:
    lines = ['      case "$prefix $this_word" in']
    for path, name, others in _each(aliases):
        prefix = "_".join(("_shtab", program, *path))
        words = "|".join(f'"{prefix} {other}"' for other in others)
        lines.append(f"        {words}) this_word={name} ;;")
    return _before(text, _BASH, [*lines, "      esac"])


def _fish(text: str, program: str, aliases: Aliases) -> str:
    del program
    lines = ['        switch "$candidate"']
    for path, name, others in _each(aliases):
        words = " ".join(f"'{' '.join((*path, other))}'" for other in others)
        lines += [
            f"          case {words}",
            f"            set candidate '{' '.join((*path, name))}'",
        ]
    return _before(text, _FISH, [*lines, "        end"])


def _zsh(text: str, program: str, aliases: Aliases) -> str:
    for path, name, others in _each(aliases):
        function = "_".join(("_shtab", program, *path))
        begin = text.index(f"\n{function}() {{")
        end = text.index("\n}\n", begin)
        cases, count = re.subn(
            rf"^( +){name}\) ",
            rf"\1{'|'.join((name, *others))}) ",
            text[begin:end],
            flags=re.MULTILINE,
        )
        _once(count, f"{name} of {function}")
        text = text[:begin] + cases + text[end:]
    return text


def _before(text: str, line: str, new: list[str]) -> str:
    _once(text.count(line), line)
    return text.replace(line, "\n".join([*new, line]))


def _each(aliases: Aliases) -> Iterator[tuple[tuple[str, ...], str, tuple[str, ...]]]:
    for path, commands in aliases.items():
        for name, others in commands.items():
            yield path, name, others


def _once(count: int, what: str) -> None:
    """Raises RuntimeError when shtab writes something else than it did."""
    if count != 1:
        raise RuntimeError(f"{count} places, not one, for aliases: {what}")
