# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plain part of YAML that documents are mostly written in, read ten times as fast.

Block mappings and lists of words, names, addresses and whole numbers, a line each. Of anything
else, be it only a blank too many, nothing is said: then the real reader has to look. What is said
here is what that one would say, which a test holds it to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ipvsman.ctl.emit import PLAIN, WORDS

_VALUE = rf'(0|[1-9][0-9]{{0,17}})|"([ !#-\[\]-~]*)"|({PLAIN})'
_LINE = re.compile(rf"( *)(- )?(?:([a-z_]+):(?: (?:{_VALUE}))?|(?:{_VALUE}))")
_SKIPPED = re.compile(r" *(?:#[ -~]*)?")
_START = "---\n"
#: Below the depth that the real reader bears.
_DEEPEST = 20

_Open = tuple[int, Any]


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
    for blanks, dash, key, *values in _lines(text):
        indent = len(blanks)
        if root is None:
            root = [] if dash else {}
            around.append((indent, root))
        elif waiting is not None:
            level, mapping, name = waiting
            if indent > level or (dash and indent == level):
                mapping[name] = [] if dash else {}
                around.append((indent, mapping[name]))
            waiting = None
        inner = _inner(around, indent, is_item=bool(dash))
        if not key:
            if not dash:
                raise NotPlain
            inner.append(_value(values[3:]))
            continue
        if dash:
            indent += len(dash)
            entry: dict[str, Any] = {}
            inner.append(entry)
            inner = entry
            around.append((indent, entry))
        if key in inner:
            raise NotPlain
        inner[key] = value = _value(values[:3])
        if value is None:
            waiting = indent, inner, key
    return root


def _lines(text: str) -> Iterator[tuple[str, ...]]:
    """Indentation, dash, key and value of each line; what is not there is empty or None."""
    match = _LINE.fullmatch
    for line in text.split("\n"):
        found = match(line)
        if found is not None:
            yield found.groups()
        elif _SKIPPED.fullmatch(line) is None:
            raise NotPlain


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
