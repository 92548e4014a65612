# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The drop-ins that a daemon would find now, which may be others than those it has.

Internal to this collection.
"""

from __future__ import annotations

from typing import Any

from .judge import Faulty, Judge, Run

_USUAL = "/etc/ipvsman"


def on_disk(program: str, words: list[str], run: Run) -> dict[str, Any] | None:
    """Their faults, and their digest where they have none; None where they cannot be judged.

    program: directory of the version that runs; words: its command line.
    """
    judge = Judge(program, [word for word in words if word == "--strict"], run)
    if not judge.exists:
        return None
    directory = _directory(words)
    try:
        return {"faults": [], "digest": judge.judge(directory, directory).digest}
    except Faulty as faulty:
        return {"faults": str(faulty).splitlines(), "digest": None}


def command_line(pid: int) -> list[str]:
    """That of a process; none where it has ended."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read().split("\0")
    except OSError:
        return []


def _directory(words: list[str]) -> str:
    """Where the daemon of that command line has its drop-ins."""
    found = _USUAL
    for word, after in zip(words, [*words[1:], ""]):
        if word == "--config-dir":
            found = after
        elif word.startswith("--config-dir="):
            found = word.partition("=")[2]
    return found
