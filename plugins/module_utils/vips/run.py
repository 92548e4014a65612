# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run of vip_addresses: the network, then the record and the unit that bring it back at boot.

Internal to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..hostfiles import HostFiles
from ..network.apply import Reachable, apply
from ..network.facts import Address, Fact, OwnLink
from ..network.plan import Step, plan
from ..systemd import Unit
from .record import Record, unit_text, written
from .wish import facts_of


def manage(
    params: Mapping[str, Any],
    host: Reachable,
    record: Record,
    unit: Unit,
    files: HostFiles,
    *,
    ip: str,
) -> dict[str, Any]:
    """Have the addresses as they shall be; the result of a module.

    ip: the program that the unit runs. Raises InvalidValue, HostError, Refused, OSError.
    """
    ours = record.addresses()
    facts = facts_of(params, ours, host)
    todo = plan(facts, record.read(), host)
    # What is so without us is not among the notes.
    kept = [note.fact for note in todo.notes if isinstance(note.fact, Address)]
    missing = [fact for fact in kept if not fact.is_so(fact.now(host))]
    verbs = unit.missing(bool(kept), started=False)
    text = _unit_text(params, facts, record, ip) if kept else None
    # Told before it is done: the record is written on the way, too.
    told = files.rehearsal()
    _put(told, record, kept, unit, text)
    if not files.dry_run:
        if todo.steps:
            apply(facts, host, record)
        if not kept:
            # While systemd knows the unit.
            _tell(unit, verbs)
        _put(files, record, kept, unit, text)
        if unit.file in told.changed:
            unit.tell("daemon-reload")
        if kept:
            _tell(unit, verbs)
    lines = [_line(step) for step in todo.steps] + [f"{unit.name}: {verb}\n" for verb in verbs]
    keys = {fact.key for fact in kept}
    return {
        "changed": bool(lines or told.changed),
        "added": [_bare(each) for each in missing],
        "removed": [_bare(each) for each in ours if each.key not in keys],
        "diff": ([{"prepared": "".join(lines)}] if lines else []) + told.diff,
    }


def _unit_text(params: Mapping[str, Any], facts: Sequence[Fact], record: Record, ip: str) -> str:
    return unit_text(
        params["interface"],
        ip=ip,
        record=record.path,
        is_dummy=any(isinstance(fact, OwnLink) for fact in facts),
        before=params["before"],
    )


def _put(
    files: HostFiles, record: Record, kept: Sequence[Address], unit: Unit, text: str | None
) -> None:
    """The record and the unit; without addresses, neither. Raises OSError."""
    if text is None:
        files.absent(unit.file)
        files.absent(record.path)
    else:
        files.file(record.path, written(kept), mode=0o644)
        files.file(unit.file, text, mode=0o644)


def _tell(unit: Unit, verbs: Sequence[str]) -> None:
    for verb in verbs:
        unit.do(verb)


def _line(step: Step) -> str:
    return f"{'-' if step.after is None else '+'} {step.key}\n"


def _bare(address: Address) -> str:
    return address.address.partition("/")[0]
