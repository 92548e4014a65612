# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is imported: its text, where it is from, and what it may ask of its surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .ledger import Unreadable


@dataclass(frozen=True)
class Source:
    """One file. name: how remarks call it; directory: what relative paths in it start from.

    config_id: which host keepalived's conditional lines are read for; empty = none.
    """

    name: str
    text: str
    directory: Path = Path()
    config_id: str = ""


def decoded(content: bytes, name: str) -> str:
    """The text of a file. Raises Unreadable for what is none, with line and column."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - before.rfind(b"\n")
        raise Unreadable([f"{name}:{line}:{column}: is not UTF-8: {error.reason}"]) from None
    if "\0" in text:
        before_zero = text[: text.index("\0")]
        line = before_zero.count("\n") + 1
        column = len(before_zero) - before_zero.rfind("\n")
        raise Unreadable([f"{name}:{line}:{column}: is no text: it has a zero byte"])
    return text
