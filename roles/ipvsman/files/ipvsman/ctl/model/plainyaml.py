# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plain part of YAML that documents are mostly written in, read ten times as fast.

Block mappings and lists of words, names, addresses and whole numbers, a line each. Of anything
else, be it only a blank too many, nothing is said: then the real reader has to look. What is said
here is what that one would say, which a test holds it to.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from ipvsman.ctl.emit import PLAIN, WORDS

_VALUE = rf'(0|[1-9][0-9]{{0,17}})|"([ !#-\[\]-~]*)"|({PLAIN})'
_LINE = re.compile(rf"( *)(- )?(?:([a-z_]+):(?: (?:{_VALUE}))?|(?:{_VALUE}))")
_SKIPPED = re.compile(r" *(?:#[ -~]*)?")
_START = "---\n"
#: Below the depth that the real reader bears.
_DEEPEST = 20

_DASH = "- "
#: Letters of a line that is probably there more than once.
_SHORT = 20

_Open = tuple[int, Any]
#: Indentation, whether it begins an item, key (or none), value.
_Line = tuple[int, bool, str, Any]


class NotPlain(Exception):
    """Something else is there, too."""


def plain_yaml(content: bytes) -> Any:
    """What it says. Raises NotPlain."""
    try:
        text = content.decode("ascii").removeprefix(_START)
    except UnicodeDecodeError:
        raise NotPlain from None
    return {} if text.strip(" \n") == "{}" else _read(text)


def _read(text: str) -> Any:
    root: Any = None
    #: Mappings and lists around a line, with their indentation.
    around: list[_Open] = []
    #: Where the value of the last line's key goes, if it was not on that line.
    waiting: tuple[int, dict[str, Any], str] | None = None
    for indent, dashed, key, value in _lines(text):
        if root is None:
            root = [] if dashed else {}
            around.append((indent, root))
        elif waiting is not None:
            level, mapping, name = waiting
            if indent > level or (dashed and indent == level):
                mapping[name] = [] if dashed else {}
                around.append((indent, mapping[name]))
            waiting = None
        inner = _inner(around, indent, is_item=dashed)
        if not key:
            inner.append(value)
            continue
        begins = indent
        if dashed:
            begins += len(_DASH)
            entry: dict[str, Any] = {}
            inner.append(entry)
            inner = entry
            around.append((begins, entry))
        if key in inner:
            raise NotPlain
        inner[key] = value
        if value is None:
            waiting = begins, inner, key
    return root


def _lines(text: str) -> Iterator[_Line]:
    """Each line that says something."""
    # Weights and the like are the same again and again.
    known: dict[str, _Line | None] = {}
    for line in text.split("\n"):
        if line in known:
            found = known[line]
        else:
            found = _line(line)
            if len(line) <= _SHORT:
                known[line] = found
        if found is not None:
            yield found


def _line(line: str) -> _Line | None:
    """What a line says; None = nothing. Raises NotPlain."""
    found = _LINE.fullmatch(line)
    if found is None:
        if _SKIPPED.fullmatch(line) is None:
            raise NotPlain
        return None
    blanks, dash, key, *values = found.groups()
    if key is None and dash is None:
        raise NotPlain
    value = _value(values[3:] if key is None else values[:3])
    return len(blanks), dash is not None, sys.intern(key or ""), value


def _inner(around: list[_Open], indent: int, *, is_item: bool) -> Any:
    """The list or mapping that a line belongs to."""
    while around and around[-1][0] > indent:
        around.pop()
    # A list may stand as far out as the key that it belongs to.
    if not is_item and around and isinstance(around[-1][1], list):
        around.pop()
    if not around or around[-1][0] != indent or len(around) > _DEEPEST:
        raise NotPlain
    inner = around[-1][1]
    if isinstance(inner, list) is not is_item:
        raise NotPlain
    return inner


def _value(values: Sequence[str | None]) -> int | str | None:
    number, quoted, plain = values
    if plain is not None:
        if plain in WORDS:
            raise NotPlain
        return plain
    return int(number) if number is not None else quoted
