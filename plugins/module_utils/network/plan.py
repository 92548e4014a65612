# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is to be done so that facts are so, and what was put there for others is taken back. Pure.

Internal to this collection. What was put there is known by notes, which say how it was before.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .facts import Address, Command, Fact, FouPort, Module, OwnLink, Seen, Sysctl, Up


@dataclass(frozen=True)
class Note:
    """How it was before we came."""

    fact: Fact
    before: str | None


@dataclass(frozen=True)
class Step:
    """One thing to do. before, after: None = not there."""

    key: str
    before: str | None
    after: str | None
    commands: Sequence[Command]

    def __str__(self) -> str:
        return f"{self.key}: {self.before or 'none'} -> {self.after or 'none'}"


@dataclass(frozen=True)
class Plan:
    """What is to be done, and what is to be noted before it is."""

    steps: Sequence[Step]
    notes: Sequence[Note]


def plan(facts: Sequence[Fact], notes: Sequence[Note], seen: Seen) -> Plan:
    """What makes the facts so, and takes back what is noted and is no fact any more.

    First what is new, in the order given, then what goes, in the opposite order: an address that
    moves from one link to another is never gone. What somebody else has changed since is left, and
    so is a link of ours that somebody else uses. Raises HostError.
    """
    known = {note.fact.key: note for note in notes}
    steps = []
    kept = []
    for fact in facts:
        now = fact.now(seen)
        note = known.pop(fact.key, None)
        if note is not None:
            kept.append(Note(fact, note.before))
        if fact.is_so(now):
            continue
        after = fact.value if isinstance(fact, Sysctl) else _word(fact)
        steps.append(Step(fact.key, now, after, fact.put(now)))
        if note is None and not isinstance(fact, Module):
            kept.append(Note(fact, now))
    going = list(known.values())
    leaving = {note.fact.key for note in going if isinstance(note.fact, Address)}
    for note in reversed(going):
        now = note.fact.now(seen)
        commands = note.fact.back(note.before)
        if not commands or not _is_ours(note, now) or _is_in_use(note, seen, leaving):
            continue
        before = "down" if isinstance(note.fact, Up) else note.before
        steps.append(Step(note.fact.key, now, before, commands))
    return Plan(steps, kept)


def _is_ours(note: Note, now: str | None) -> bool:
    """Whether it is as we made it. A link that we made is ours when it is down, too."""
    fact = note.fact
    if isinstance(fact, OwnLink) and note.before is None and now == f"{fact.kind}, down":
        return True
    return fact.is_so(now)


def _is_in_use(note: Note, seen: Seen, leaving: Collection[str]) -> bool:
    """Whether a link that we would remove has addresses of somebody else."""
    fact = note.fact
    if not isinstance(fact, OwnLink) or note.before is not None:
        return False
    return any(
        Address(address, fact.name).key not in leaving
        for address in seen.links[fact.name].addresses
        # The kernel's own, which every link has.
        if not ipaddress.ip_interface(address).is_link_local
    )


def _word(fact: Fact) -> str:
    """What `now` will say of it."""
    if isinstance(fact, OwnLink):
        return f"{fact.kind}, up"
    words: dict[type, str] = {Module: "loaded", Up: "up", FouPort: "open", Address: "there"}
    return words[type(fact)]
