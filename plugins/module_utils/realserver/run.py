# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run: the network first, then the files and the unit that bring it back at boot.

Internal to this collection. In this order, what the kernel refuses is not made to last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..hostfiles import HostFiles
from ..network.apply import apply
from ..network.facts import Address, Fact, Sysctl
from ..network.host import Host
from ..network.plan import Plan, Step, plan
from ..systemd import Unit
from . import persistence
from .exposure import exposed
from .notes import NotesFile


def manage(facts: Sequence[Fact], unit: Unit, files: HostFiles, *, dry_run: bool) -> dict[str, Any]:
    """Have the facts so, now and after a reboot; none = take back what we put there.

    The result of a module. Raises HostError, Refused, OSError.
    """
    host = Host()
    notes = NotesFile()
    todo = plan(facts, notes.read(), host)
    if todo.steps and not dry_run:
        apply(facts, host, notes)
    verbs = unit.missing(bool(facts), started=True)
    if not dry_run and not facts:
        # While systemd knows the unit.
        _tell(unit, verbs)
    persistence.put(files, persistence.files_of(facts, todo.notes))
    if not dry_run:
        if persistence.UNIT_FILE in files.changed:
            unit.tell("daemon-reload")
        if facts:
            _tell(unit, verbs)
        else:
            persistence.remove_directories()
    return {
        "changed": bool(todo.steps or files.changed or verbs),
        "steps": [
            {"what": step.key, "before": step.before, "after": step.after} for step in todo.steps
        ],
        "files": sorted(files.changed),
        "answers_arp": _exposed(facts, host, todo),
        "own_addresses": _own(facts, host),
        "persistent": unit.is_possible,
        "diff": _diff(todo.steps) + files.diff,
        "warnings": _warnings(facts, unit),
    }


def _tell(unit: Unit, verbs: Sequence[str]) -> None:
    for verb in verbs:
        unit.do(verb)


def _exposed(facts: Sequence[Fact], host: Host, todo: Plan) -> list[dict[str, str]]:
    addresses = [
        fact.address.partition("/")[0]
        for fact in facts
        if isinstance(fact, Address) and ":" not in fact.address
    ]
    # It is on the links of tunnels, too.
    addresses = list(dict.fromkeys(addresses))
    changing = {step.key for step in todo.steps}
    foreseen = {
        fact.name: fact.value for fact in facts if isinstance(fact, Sysctl) and fact.key in changing
    }
    return exposed(addresses, host, foreseen)


def _own(facts: Sequence[Fact], host: Host) -> list[str]:
    """IPv4 addresses that this host has on networks, and may answer for."""
    virtual = {fact.address.partition("/")[0] for fact in facts if isinstance(fact, Address)}
    found = [
        address.partition("/")[0]
        for link in host.links.values()
        if link.answers_arp
        for address in link.addresses
        if ":" not in address
    ]
    return [address for address in found if address not in virtual]


def _warnings(facts: Sequence[Fact], unit: Unit) -> list[str]:
    if facts and not unit.is_possible:
        return ["systemd does not run here, so this does not last over a reboot"]
    return []


def _diff(steps: Sequence[Step]) -> list[Any]:
    if not steps:
        return []
    return [
        {
            "before": "".join(f"{step.key}: {step.before}\n" for step in steps if step.before),
            "after": "".join(f"{step.key}: {step.after}\n" for step in steps if step.after),
            "before_header": "network",
            "after_header": "network",
        }
    ]
