# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was written where, and what became of it: nothing of an input goes without a word.

An importer accounts for every directive that it has read: it is carried, or it is lost for a
reason. What nobody has accounted for in the end is lost, too, and said to be unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

T = TypeVar("T")

#: Directives whose value is nobody's business.
_SECRETS = frozenset({"auth_pass", "passwd", "password", "secret"})
_LONGEST = 80


class Place(NamedTuple):
    """Where something is written: line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(eq=False)
class Directive:
    """One thing that an input says, with what stands in its block. shown: as it was written."""

    place: Place
    name: str
    words: tuple[str, ...] = ()
    block: list[Directive] | None = None
    shown: str = ""

    @property
    def value(self) -> str:
        """What follows the name, in one text."""
        return " ".join(self.words)

    def named(self, *names: str) -> list[Directive]:
        """Those of the block that have one of these names."""
        return [inner for inner in self.block or () if inner.name in names]

    def walk(self) -> Iterator[Directive]:
        """This, and all within."""
        yield self
        for inner in self.block or ():
            yield from inner.walk()

    def __str__(self) -> str:
        value = "..." if self.name in _SECRETS else self.value
        text = self.shown or f"{self.name} {value}".strip()
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


@dataclass(frozen=True)
class Remark:
    """One line for the operator."""

    place: Place
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.subject}: {self.text}"


class Unreadable(Exception):
    """An input that is not what it should be: every fault of it, with its place."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


@dataclass
class Ledger:
    """What became of the directives of one input.

    probing, fallbacks: directives that say how real servers are probed, and who serves when too few
    are up, which is for who writes our documents to decide about.
    """

    probing: list[Directive] = field(default_factory=list)
    fallbacks: list[Directive] = field(default_factory=list)
    _faults: list[tuple[Place | None, str]] = field(default_factory=list)
    _lost: dict[Directive, Remark] = field(default_factory=dict)
    _notes: dict[Directive, list[Remark]] = field(default_factory=dict)
    _accounted: set[Directive] = field(default_factory=set)

    def carry(self, *directives: Directive) -> None:
        """These are in what is made of the input; what is in their blocks is not yet told."""
        self._accounted.update(directives)

    def probe(self, *directives: Directive) -> None:
        """These are about probes, with all in their blocks that is not lost already."""
        self.probing += directives
        for directive in directives:
            self._accounted.update(directive.walk())

    def fall_back(self, *directives: Directive) -> None:
        """These are about a fallback."""
        self.fallbacks += (each for each in directives if each not in self.fallbacks)
        self.carry(*directives)

    def lose(self, directive: Directive, why: str, instead: str = "") -> None:
        """This could not be carried over, and so nothing in its block. instead: what to do."""
        for inside in directive.walk():
            self._lost.pop(inside, None)
            self._notes.pop(inside, None)
            self._accounted.add(inside)
        text = f"not carried over: {why}" + (f"; {instead}" if instead else "")
        self._lost[directive] = Remark(directive.place, str(directive), text)

    def note(self, directive: Directive, text: str) -> None:
        """This is carried, and not to the letter; or the reader should know something of it."""
        remark = Remark(directive.place, str(directive), text)
        known = self._notes.setdefault(directive, [])
        if remark not in known:
            known.append(remark)

    def fault(self, place: Place | None, subject: str, reason: str) -> None:
        """The input is wrong here; None: as a whole."""
        where = f"{place.file}:{place.line}:{place.column}: " if place else ""
        self._faults.append((place, f"{where}{subject}: {reason}"))

    def parsed(self, directive: Directive, parse: Callable[[], T]) -> T | None:
        """A value of a directive. None: parse has raised ValueError, and it is a fault."""
        try:
            return parse()
        except ValueError as error:
            self.fault(directive.place, directive.name, str(error))
            return None

    def stand(self) -> None:
        """Raises Unreadable, with every fault so far in the order of the input."""
        if self._faults:
            faults = sorted(self._faults, key=lambda fault: fault[0] or Place("", 0, 0))
            # One line can be wrong for each of the services that it makes.
            raise Unreadable(dict.fromkeys(text for _place, text in faults))

    def settle(self, directives: Iterable[Directive]) -> None:
        """All that was read: what is not accounted for is lost."""
        for directive in directives:
            self._settle(directive)

    def _settle(self, directive: Directive) -> None:
        if directive not in self._accounted:
            self.lose(directive, "is not known to this import")
        elif directive not in self._lost:
            for inner in directive.block or ():
                self._settle(inner)

    def is_lost(self, directive: Directive) -> bool:
        """Whether this has been given up."""
        return directive in self._lost

    @property
    def losses(self) -> list[Remark]:
        """What could not be carried over, in the order of the input."""
        return sorted(self._lost.values(), key=lambda remark: remark.place)

    @property
    def notes(self) -> list[Remark]:
        """What to know of what was carried over, in the order of the input."""
        found = (remark for remarks in self._notes.values() for remark in remarks)
        return sorted(found, key=lambda remark: remark.place)
