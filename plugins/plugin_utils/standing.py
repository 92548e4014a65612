# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How things stand after a playbook was stopped, and what to do: results of tasks -> text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]


def reasons(result: Result) -> list[str]:
    """What a failed task said; of a loop, what each of its rounds said."""
    rounds = [each for each in result.get("results") or [] if is_failed(each)]
    if rounds:
        return [
            f"{each.get('director', each.get('item', ''))}: {line}"
            for each in rounds
            for line in reasons(each)
        ]
    said = [str(result.get("msg") or "it said nothing")]
    said += [str(line) for line in result.get("idle") or []]
    said += [str(result[name]).strip() for name in ("stderr",) if result.get(name)]
    return said


def is_failed(result: Result) -> bool:
    """Whether a round of a loop failed, or its host could not be reached."""
    return bool(result.get("failed") or result.get("unreachable"))


def drain(told: Mapping[str, Any]) -> str:
    """Of a real server whose maintenance did not end well.

    told: server, failed (name of the task), result (of it), worked (whether its own tasks had
    begun), directors, out and in (results of the loops over directors).
    """
    server = told["server"]
    was_out = _by_director(told["out"])
    back = _by_director(told["in"])
    lines = [f"{server}: failed at: {told['failed']}", *_indented(reasons(told["result"]))]
    if told["worked"]:
        lines.append("Work had begun on the server.")
    else:
        lines.append("No work was done on the server.")
    lines += ["It is now:"]
    still_out = False
    for director in told["directors"]:
        word = _standing(was_out.get(director), back.get(director))
        still_out |= word.startswith("OUT")
        lines.append(f"  {director}: {word}")
    if still_out:
        lines += [
            "To bring it back in, once it is fit to serve:",
            f"  ansible-playbook lvs.ipvs.drain -i INVENTORY -e drain_state=in --limit {server}",
        ]
    return "\n".join(lines)


def _standing(out: Result | None, back: Result | None) -> str:
    """What one director does with the server."""
    if out is not None and out.get("services") == []:
        return "does not forward to it"
    if back is not None and not back.get("skipped"):
        idle = "; ".join(map(str, back.get("idle") or []))
        if idle:
            return f"in, but the daemon gives it no weight yet ({idle})"
        if not is_failed(back):
            return "in"
        return f"OUT, and could not be brought back in ({'; '.join(reasons(back))})"
    if out is None or out.get("skipped"):
        return "in, it was not asked"
    if is_failed(out):
        return f"not known ({'; '.join(reasons(out))})"
    left = f"{out.get('active', 0)} active and {out.get('inactive', 0)} other connections"
    return f"OUT, with {left}"


def _by_director(loop: Result) -> dict[str, Result]:
    return {each["director"]: each for each in loop.get("results") or [] if "director" in each}


def rollout(told: Mapping[str, Any]) -> str:
    """Of a roll-out that was stopped.

    told: director, failed (name of the task), result (of it), lost (what was said each time that
    the director could not be reached), rehearsed (nothing was changed anywhere), directors (all),
    begun (those that it had come to), well (those that had passed), before (picture of the gate
    from before, or nothing).
    """
    director, begun, well = told["director"], told["begun"], told["well"]
    if told["lost"]:
        # What failed then failed for want of its answers.
        said = [line.removeprefix("Task failed: ") for line in told["lost"]]
        lines = [f"{director}: stopped, since it could not be reached", *_indented(said)]
    else:
        lines = [
            f"{director}: stopped at: {told['failed']}",
            *_indented(reasons(told["result"])),
        ]
    if told["rehearsed"]:
        return "\n".join([*lines, "Nothing was changed: this was check mode."])
    if director not in begun:
        lines.append(f"Nothing was changed on {director}.")
    elif told["lost"]:
        lines.append(f"How far {director} has come is not known; the next run does what is left.")
    changed = [name for name in begun if name != director]
    others = [name for name in changed if name not in well]
    lines.append(f"Changed, and well: {_named([name for name in changed if name in well])}.")
    if others:
        lines.append(f"Changed with it, and not well either: {_named(others)}.")
    untouched = [name for name in told["directors"] if name not in (*begun, director)]
    lines.append(f"Not touched: {_named(untouched)}.")
    if not begun:
        return "\n".join(lines)
    before = told.get("before") or {}
    targets = ",".join([*changed, *([director] if director in begun else [])])
    lines += [
        "To undo it: put the variables and files back as they were (git revert), then",
        f"  ansible-playbook lvs.ipvs.rollout -i INVENTORY --limit {targets}",
    ]
    if before.get("running"):
        lines += [
            f"Before, it ran {before['program']} ({before['version']}). To go back to that program"
            " at once, if it has not been removed:",
            f"  ln -sfn versions/{_last(before['program'])} /usr/lib/ipvsman/current"
            " && systemctl restart ipvsman",
        ]
    lines.append("The kernel forwards all the while; ipvsman --status-detailed says to whom.")
    return "\n".join(lines)


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _named(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for text in lines for line in text.splitlines()]
