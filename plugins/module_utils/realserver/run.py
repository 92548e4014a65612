# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run: the network first, then the files and the unit that bring it back at boot.

Internal to this collection. In this order, what the kernel refuses is not made to last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import persistence
from .exposure import exposed
from .host import NOTES_FILE, Address, Fact, Host, Plan, Step, Sysctl, boot_id, plan, read_notes
from .host import apply as apply_facts


def manage(
    facts: Sequence[Fact], *, dry_run: bool, unit: persistence.Unit | None = None
) -> dict[str, Any]:
    """Have the facts so, now and after a reboot; none = take back what we put there.

    The result of a module. Raises HostError.
    """
    unit = unit or persistence.Unit()
    host = Host()
    todo = plan(facts, read_notes(NOTES_FILE, boot_id()), host)
    if todo.steps and not dry_run:
        apply_facts(facts, host, NOTES_FILE)
    files = persistence.files_of(facts, todo.notes)
    differ = persistence.differing(files)
    calls = unit.missing(bool(facts))
    if not dry_run:
        _persist(files, differ, calls, unit, leaving=not facts)
    return {
        "changed": bool(todo.steps or differ or calls),
        "steps": [
            {"what": step.key, "before": step.before, "after": step.after} for step in todo.steps
        ],
        "files": sorted(differ),
        "answers_arp": _exposed(facts, host, todo),
        "own_addresses": _own(facts, host),
        "persistent": unit.is_possible,
        "diff": _diff(todo.steps) + persistence.diff(files, differ),
        "warnings": _warnings(facts, unit),
    }


def _persist(
    files: dict[str, str | None],
    differ: dict[str, str | None],
    calls: list[list[str]],
    unit: persistence.Unit,
    *,
    leaving: bool,
) -> None:
    if leaving:
        # While systemd knows the unit.
        for words in calls:
            unit.call(words)
    for path in differ:
        persistence.write(path, files[path])
    if persistence.UNIT_FILE in differ:
        unit.call(["daemon-reload"])
    if leaving:
        persistence.remove_directories()
    else:
        for words in calls:
            unit.call(words)


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


def _warnings(facts: Sequence[Fact], unit: persistence.Unit) -> list[str]:
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
