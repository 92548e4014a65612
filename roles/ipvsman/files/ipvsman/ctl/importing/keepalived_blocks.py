# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of a keepalived.conf -> directives in their blocks, quotes taken off.

A brace may end the line of its block or stand on one of its own. A brace within a word is text.
"""

from __future__ import annotations

from typing import NamedTuple

from .keepalived_lines import Line, Lines
from .ledger import Directive, Ledger, Place
from .source import Source

_LETTERS = {"a": "\a", "b": "\b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LETTERS["v"] = "\v"
_HEX = "0123456789abcdefABCDEF"


class _Word(NamedTuple):
    text: str
    column: int
    quoted: bool = False


def directives(source: Source, ledger: Ledger) -> list[Directive]:
    """All of a configuration. Raises Unreadable where there is no telling what belongs to what."""
    lines = Lines(source, ledger)
    tree = _Tree(ledger)
    for line in lines.all():
        tree.add(line)
    return [*tree.whole(), *lines.ignored]


class _Tree:
    """Blocks in the making: those that are open, outermost first."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._root: list[Directive] = []
        self._open: list[Directive] = []

    def add(self, line: Line) -> None:
        current: Directive | None = None
        for word in _words(line, self._ledger):
            place = Place(line.place.file, line.place.line, line.place.column + word.column)
            if word == _Word("{", word.column):
                self._enter(current, place)
                current = None
            elif word == _Word("}", word.column):
                self._leave(place)
                current = None
            elif current is None:
                current = Directive(place, word.text)
                self._siblings.append(current)
            else:
                current.words += (word.text,)

    def whole(self) -> list[Directive]:
        for block in self._open:
            self._ledger.fault(block.place, str(block), "the block is not closed")
        return self._root

    @property
    def _siblings(self) -> list[Directive]:
        if not self._open:
            return self._root
        block = self._open[-1].block
        assert block is not None
        return block

    def _enter(self, current: Directive | None, place: Place) -> None:
        opened = current or (self._siblings[-1] if self._siblings else None)
        if opened is None or opened.block is not None:
            self._ledger.fault(place, "{", "opens a block that has no name")
            opened = Directive(place, "{")
            self._siblings.append(opened)
        opened.block = []
        self._open.append(opened)

    def _leave(self, place: Place) -> None:
        if self._open:
            self._open.pop()
        else:
            self._ledger.fault(place, "}", "closes a block that nothing has opened")


def _words(line: Line, ledger: Ledger) -> list[_Word]:
    """Words of a line; braces at its ends are words of their own."""
    words = _quoted_words(line, ledger)
    if words and not words[0].quoted and words[0].text[:1] == "}" and len(words[0].text) > 1:
        first = words[0]
        words[:1] = [_Word("}", first.column), _Word(first.text[1:], first.column + 1)]
    if words and not words[-1].quoted and words[-1].text[-1:] == "{" and len(words[-1].text) > 1:
        last = words[-1]
        words[-1:] = [
            _Word(last.text[:-1], last.column),
            _Word("{", last.column + len(last.text) - 1),
        ]
    return words


def _quoted_words(line: Line, ledger: Ledger) -> list[_Word]:
    words: list[_Word] = []
    text, position = line.text, 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        start, letters, quote, quoted = position, "", "", False
        while position < len(text) and (quote or not text[position].isspace()):
            letter = text[position]
            if letter == "\\" and quote and position + 1 < len(text):
                found, position = _escape(text, position + 1)
                letters += found
                continue
            position += 1
            if quote and letter == quote:
                quote = ""
            elif not quote and letter in "\"'":
                quote, quoted = letter, True
            else:
                letters += letter
        if quote:
            place = Place(line.place.file, line.place.line, line.place.column + start)
            ledger.fault(place, text[start:], f"the quote {quote} is not closed")
        words.append(_Word(letters, start, quoted))
    return words


def _escape(text: str, position: int) -> tuple[str, int]:
    """What follows a backslash at this position, and where it ends."""
    letter = text[position]
    if letter in "01234567":
        end = position
        while end < min(position + 3, len(text)) and text[end] in "01234567":
            end += 1
        return chr(int(text[position:end], 8)), end
    if letter == "x" and position + 1 < len(text) and text[position + 1] in _HEX:
        end = position + 1
        while end < min(position + 3, len(text)) and text[end] in _HEX:
            end += 1
        return chr(int(text[position + 1 : end], 16)), end
    if letter == "c" and position + 1 < len(text):
        return chr(ord(text[position + 1].upper()) & 0x1F), position + 2
    return _LETTERS.get(letter, letter), position + 1
