# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts made so, and seen to be so; what was put there is remembered before it is put there.

Internal to this collection. Stopped half-way, the next run finds what it needs to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .facts import Command, Fact, HostError, Seen, Sysctl
from .plan import Note, Step, plan


class Memory(Protocol):
    """Where it is remembered what we put there, and how it was before."""

    def read(self) -> list[Note]:
        """What is remembered. Raises HostError."""

    def write(self, notes: Sequence[Note]) -> None:
        """Remember these, and nothing else. Raises HostError."""


class Reachable(Seen, Protocol):
    """A host that takes commands."""

    def look(self) -> None:
        """See it anew. Raises HostError."""

    def do(self, command: Command) -> None:
        """Run a command. Raises HostError."""


def apply(facts: Sequence[Fact], host: Reachable, memory: Memory) -> list[Step]:
    """Make it so, and see that it is. The steps that were done. Raises HostError."""
    notes = memory.read()
    todo = plan(facts, notes, host)
    done: list[Step] = []
    if todo.steps:
        # Before anything is done, and with what is about to go: if we are stopped half-way, the
        # next run finds what it needs to know.
        kept = {note.fact.key for note in todo.notes}
        going = [note for note in notes if note.fact.key not in kept]
        memory.write([*going, *todo.notes])
    kept_notes = list(todo.notes)
    for step in todo.steps:
        kept_notes = [_at_last(note, step, host) for note in kept_notes]
        for command in step.commands:
            try:
                host.do(command)
            except HostError as error:
                raise HostError(f"{error} (done before: {_list(done)})") from None
        done.append(step)
    memory.write(kept_notes)
    if done:
        host.look()
        left = plan(facts, kept_notes, host).steps
        if left:
            raise HostError(f"accepted by the kernel, and yet not so: {_list(left)}")
    return done


def _at_last(note: Note, step: Step, host: Seen) -> Note:
    """A sysctl of a link that came with its module just now has had a value for a moment, too."""
    if isinstance(note.fact, Sysctl) and note.before is None and note.fact.key == step.key:
        return Note(note.fact, host.sysctl(note.fact.name))
    return note


def _list(steps: Sequence[Step]) -> str:
    return "; ".join(map(str, steps)) or "nothing"
