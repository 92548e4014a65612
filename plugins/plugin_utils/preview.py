# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of the playbook preview: what would change, alike directors together. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Result = Mapping[str, Any]

#: What is asked of each director, in the order of the report: name, and what one change of it is.
PARTS = {
    "program": "",
    "drop_ins": "file",
    "kernel": "setting",
    "files": "file",
    "addresses": "address",
    "daemon": "",
    "table": "change",
}


@dataclass(frozen=True)
class Change:
    """What would change on a director: in short, and as a diff."""

    short: str
    diff: str


def preview(told: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    """The text, and how many directors are the same, differ, and were refused.

    told: name: results of the role's tasks in check mode by PARTS, and `refused`, why it cannot be
    done, where that is so; nothing: the director could not be asked.
    """
    groups: dict[Change, list[str]] = {}
    same, bad = [], []
    for name, row in told.items():
        if not row:
            bad.append(f"{name}: could not be asked")
        elif row.get("refused"):
            bad.append(f"{name}: REFUSED, nothing would be changed: {row['refused']}")
        else:
            change = _change(row)
            if change is None:
                same.append(name)
            else:
                groups.setdefault(change, []).append(name)
    differ = sum(map(len, groups.values()))
    lines = [
        f"{len(told)} director{'' if len(told) == 1 else 's'}: {len(same)} same, {differ} differ,"
        f" {len(bad)} refused or not asked",
    ]
    alike = [f"{', '.join(same)}: same"] if same else []
    if bad or alike:
        lines += ["", *bad, *alike]
    for change, names in groups.items():
        verb = "differ, all alike" if len(names) > 1 else "differs"
        lines += ["", f"{', '.join(names)}: {verb}: {change.short}", change.diff.rstrip("\n")]
    text = "\n".join(lines).rstrip("\n") + "\n"
    return {"text": text, "same": len(same), "differ": differ, "refused": len(bad)}


def _change(row: Mapping[str, Any]) -> Change | None:
    """None where nothing would change."""
    shorts = []
    diffs: list[str] = []
    for part, unit in PARTS.items():
        result = row.get(part) or {}
        words, diff = _of_table(result) if part == "table" else _of_task(part, unit, result)
        if words:
            shorts.append(words)
            diffs += diff
    return Change("; ".join(shorts), "".join(diffs)) if shorts else None


def _of_task(part: str, unit: str, result: Result) -> tuple[str, list[str]]:
    """What the result of one task says would change."""
    name = part.replace("_", "-")
    if part == "program":
        if not result or result.get("present"):
            return "", []
        missing = ", ".join(result.get("missing") or [])
        needs = f", with {missing}" if missing else ""
        return f"program {result.get('name', '')} to be installed{needs}", []
    if not result.get("changed"):
        return "", []
    if part == "daemon":
        reasons = "; ".join(map(str, result.get("reasons") or []))
        return f"{result.get('action')} ({reasons})", []
    diff = [text for entry in _entries(result) for text in _shown(entry)]
    number = len(diff)
    if part in ("kernel", "addresses"):
        number = sum(len(str(entry.get("prepared", "")).splitlines()) for entry in _entries(result))
    count = f" {number} {unit}{'' if number == 1 else 's'}" if number else ""
    return f"{name}{count}", diff


def _of_table(result: Result) -> tuple[str, list[str]]:
    """What the daemon, or ipvs_config, would change in the kernel."""
    changes: Sequence[Mapping[str, Any]] = result.get("changes") or []
    if not changes:
        return "", []
    counts: dict[str, int] = {}
    for change in changes:
        counts[change["action"]] = counts.get(change["action"], 0) + 1
    short = ", ".join(f"{number} {action}" for action, number in sorted(counts.items()))
    lines = [f"  {change['summary']}\n" for change in changes]
    return f"table: {short}", ["table\n", *lines]


def _entries(result: Result) -> list[Mapping[str, Any]]:
    diff = result.get("diff") or []
    return [diff] if isinstance(diff, Mapping) else list(diff)


def _shown(entry: Mapping[str, Any]) -> Iterator[str]:
    """As a unified diff; what is prepared already, as it is."""
    if entry.get("prepared"):
        yield str(entry["prepared"])
    before, after = str(entry.get("before") or ""), str(entry.get("after") or "")
    if before != after:
        yield "".join(
            line if line.endswith("\n") else f"{line}\n"
            for line in difflib.unified_diff(
                before.splitlines(keepends=True),
                after.splitlines(keepends=True),
                str(entry.get("before_header", "before")),
                str(entry.get("after_header", "after")),
            )
        )
