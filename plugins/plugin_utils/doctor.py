# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of the playbook doctor, from what was gathered on all hosts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .comparison import About, Directors, between
from .findings import Finding, Level, of_director

_HEAD = ("director", "kernel", "ipvsman", "services", "destinations", "connections", "sync")


def doctor(told: Mapping[str, Any]) -> dict[str, Any]:
    """The text, and how many findings there are of each level.

    told: directors (name: what ipvs_director_info returned, false where it could not be asked),
    probe (result of ipvs_arp_probe, or nothing), realservers (name: result of
    `lvs-realserver status`, or None), now (seconds since the epoch).
    """
    known: Directors = {name: each for name, each in told["directors"].items() if each}
    found: list[About] = [
        ([name], Finding(Level.FAULT, "could not be asked", "see above, in the play's output"))
        for name, each in told["directors"].items()
        if not each
    ]
    for name, each in known.items():
        found += [([name], finding) for finding in of_director(each, float(told["now"]))]
    found += between(known, are_all=len(known) == len(told["directors"]))
    found += _probed(told.get("probe") or {})
    found += _real_servers(told.get("realservers") or {})
    merged = _merged(found)
    counts = {level: sum(finding.level is level for _who, finding in merged) for level in Level}
    lines = [
        f"{_number(len(told['directors']), 'director')},"
        f" {_number(len(told.get('realservers') or {}), 'real server')}:"
        f" {', '.join(_number(counts[level], level.value.lower()) for level in Level)}",
        "",
    ]
    for level in Level:
        for who, finding in merged:
            if finding.level is level:
                lines.append(f"{level.value:8} {_people(who, told['directors'])}: {finding.what}")
                lines.append(f"{'':8} -> {finding.do}")
    return {
        "text": "\n".join([*lines, "", *_table(known)]).strip() + "\n",
        **{f"{level.value.lower()}s": counts[level] for level in Level},
    }


def _probed(probe: Mapping[str, Any]) -> Iterable[About]:
    for row in probe.get("hosts") or []:
        if row["answered"]:
            what = f"answers ARP for {', '.join(row['answered'])}, and takes it from the director"
            do = "lvs.ipvs.realserver sets arp_ignore and arp_announce there"
            yield [row["name"]], Finding(Level.FAULT, what, do)
        elif not row["proven"]:
            what = f"whether it answers ARP is not known: {row['reason']}"
            yield [row["name"]], Finding(Level.NOTE, what, "ask from a host on its network")


def _real_servers(servers: Mapping[str, Any]) -> Iterable[About]:
    for name, result in servers.items():
        if not result:
            yield [name], Finding(Level.FAULT, "could not be asked", "is it up?")
        elif result.get("rc"):
            said = "; ".join(str(result.get("stdout") or result.get("stderr") or "").splitlines())
            what = f"is not set up as it was: {said}"
            yield [name], Finding(Level.FAULT, what, "systemctl reload lvs-realserver")


def _merged(found: Iterable[About]) -> list[About]:
    """The same finding of several hosts once."""
    people: dict[Finding, list[str]] = {}
    for who, finding in found:
        people.setdefault(finding, []).extend(who)
    return [(who, finding) for finding, who in people.items()]


def _people(who: Sequence[str], directors: Mapping[str, Any]) -> str:
    if len(directors) > 1 and set(who) == set(directors):
        return "all directors"
    return ", ".join(who)


def _table(directors: Directors) -> list[str]:
    """One line of each director, in columns."""
    rows = [_HEAD, *(_row(name, each) for name, each in directors.items())]
    if len(rows) == 1:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    ]


def _row(name: str, director: Mapping[str, Any]) -> tuple[str, ...]:
    daemon = director["daemon"]
    version = str(daemon["version"]) if daemon["running"] else "-"
    if not director["available"]:
        return (name, str(director["release"]), version, "-", "-", "-", "-")
    entries = director["entries"] or {}
    numbers = f"{entries.get('local', '?')} own, {entries.get('synced', '?')} synced"
    sync = ", ".join(f"{each['role']} {each['sync_id']}" for each in director["sync_daemons"])
    return (
        name,
        str(director["release"]),
        version,
        str(len(director["services"])),
        str(sum(len(service["destinations"]) for service in director["services"])),
        numbers,
        sync or "-",
    )


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
