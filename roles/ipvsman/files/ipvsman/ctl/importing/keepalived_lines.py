# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A keepalived.conf, with all that it includes -> lines without comments, parameters filled in.

What a line means is not known here, but in ``keepalived_blocks`` and above.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .ledger import Directive, Ledger, Place
from .source import Source, decoded

_INCLUDES = frozenset({"include", "includer", "includem", "includew", "includeb", "includea"})
_DEFINITION = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_PARAMETER = re.compile(
    r"\$(?:\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<bare>[A-Za-z_][A-Za-z0-9_]*)(?=\s|$))"
)
_CONDITION = re.compile(r"@(\^?)(\S+)\s*(.*)", re.DOTALL)
_MAX_DEPTH = 16
_MAX_LINES = 200_000


class Line(NamedTuple):
    """One line to be read. place: where it was written, whatever has been filled in."""

    place: Place
    text: str


class Lines:
    """Reads a source once. ignored: directives of lines that are not for this host."""

    def __init__(self, source: Source, ledger: Ledger) -> None:
        self._source = source
        self._ledger = ledger
        self._values: dict[str, list[str]] = {}
        self._count = 0
        self.ignored: list[Directive] = []

    def all(self) -> Iterator[Line]:
        """Every line of the source and of what it includes. Raises Unreadable."""
        source = self._source
        yield from self._file(source.text, source.name, source.directory, 0)

    def _file(self, text: str, name: str, directory: Path, depth: int) -> Iterator[Line]:
        raw = text.splitlines()
        number = 0
        while number < len(raw):
            written = raw[number]
            number += 1
            place = Place(name, number, len(written) - len(written.lstrip()) + 1)
            content = _without_comment(written).strip()
            more = [content]
            # A definition of several lines ends with the first that does not end in a backslash.
            if _DEFINITION.match(_CONDITION.sub(r"\3", content)):
                while more[-1].endswith("\\") and number < len(raw):
                    more[-1] = more[-1][:-1].rstrip()
                    more.append(_without_comment(raw[number]).strip())
                    number += 1
            yield from self._expanded(place, "\n".join(more), directory, depth, 0)

    def _expanded(
        self, place: Place, content: str, directory: Path, depth: int, rounds: int
    ) -> Iterator[Line]:
        """The lines that a line stands for: none, one, or those of a parameter."""
        self._count += 1
        if rounds > _MAX_DEPTH or self._count > _MAX_LINES:
            self._refuse(place, content, "parameters that never end")
        condition = _CONDITION.fullmatch(content)
        if condition:
            if not self._is_for_us(place, content, *condition.group(1, 2)):
                return
            content = condition[3]
        definition = _DEFINITION.fullmatch(content)
        if definition:
            lines = definition[2].split("\n")
            self._values[definition[1]] = [line for line in lines if line.strip()] or [""]
            return
        if not content:
            return
        word, *rest = content.split(None, 1)
        if content.startswith("~"):
            reason = "sequences and lists are not read here; write out the lines that they make"
            self._refuse(place, content, reason)
        if word in _INCLUDES and rounds == 0:
            yield from self._included(place, word, "".join(rest), directory, depth)
            return
        filled = self._filled(content, directory)
        if filled == content:
            yield Line(place, content)
            return
        for line in filled.split("\n"):
            yield from self._expanded(place, line.strip(), directory, depth, rounds + 1)

    def _is_for_us(self, place: Place, content: str, negated: str, wanted: str) -> bool:
        own = self._source.config_id
        if (wanted == own) != bool(negated):
            return True
        line = Directive(place, *_split(content))
        self.ignored.append(line)
        if own:
            self._ledger.lose(line, f"is not for the config id {own!r}")
        else:
            say = f"--config-id {wanted} takes it" if not negated else "no config id takes it"
            self._ledger.lose(line, f"is for hosts of config id {negated}{wanted}", say)
        return False

    def _filled(self, content: str, directory: Path) -> str:
        fixed = {
            "_PWD": str(directory),
            "_INSTANCE": self._source.config_id,
            "_HASH": "#",
            "_BANG": "!",
        }

        def value(match: re.Match[str]) -> str:
            name = match["braced"] or match["bare"]
            if name in self._values:
                return "\n".join(self._values[name])
            return fixed.get(name, match[0])

        return _PARAMETER.sub(value, content)

    def _included(
        self, place: Place, word: str, pattern: str, directory: Path, depth: int
    ) -> Iterator[Line]:
        pattern = pattern.strip("\"'")
        names = sorted(glob.glob(pattern, root_dir=directory)) if pattern else []
        paths = [directory / name for name in names if (directory / name).is_file()]
        if not paths:
            line = Directive(place, word, (pattern,))
            self.ignored.append(line)
            braces = "braces are not read here: one line each" if "{" in pattern else ""
            self._ledger.lose(line, "there is no such file", braces)
            return
        if depth >= _MAX_DEPTH:
            self._refuse(place, f"{word} {pattern}", "files that include each other")
        for path in paths:
            content = b""
            try:
                content = path.read_bytes()
            except OSError as error:
                reason = f"{path} cannot be read: {error.strerror}"
                self._refuse(place, f"{word} {pattern}", reason)
            yield from self._file(decoded(content, str(path)), str(path), path.parent, depth + 1)

    def _refuse(self, place: Place, content: str, reason: str) -> None:
        """What makes all the rest unreadable."""
        self._ledger.fault(place, content.split("\n", maxsplit=1)[0], reason)
        self._ledger.stand()


def _split(content: str) -> tuple[str, tuple[str, ...]]:
    name, *words = content.split() or [""]
    return name, tuple(words)


def _without_comment(line: str) -> str:
    """Up to the first # or ! that is in no quotes."""
    quote = ""
    escaped = False
    for position, letter in enumerate(line):
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "#!":
            return line[:position]
    return line
