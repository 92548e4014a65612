# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Drop-ins as files: their text, whether the daemon takes them, and how they come to disk.

Nothing is written before the daemon's own loader has read all of it, together with what is in the
directory already; and what is there is written over only by who says so.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ipvsman.config.loader import load
from ipvsman.config.model import ConfigError

#: Text of each file, by its path below the directory.
Texts = Mapping[str, bytes]


def text(content: Mapping[str, Any], origin: str) -> bytes:
    """One file. origin: what it was made of, for its first line."""
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    first = "".join(letter if letter.isprintable() else "?" for letter in origin)
    return f"# Made by ipvsctl import of {first}.\n{body}".encode()


def judge(directory: Path, texts: Texts) -> list[str]:
    """What the daemon warns of in a directory with these files. Raises ConfigError."""
    warnings = load(directory, instead=texts).warnings
    return [str(warning) for warning in warnings if not warning.notice]


def in_the_way(directory: Path, texts: Texts) -> list[str]:
    """Files that are there and say something else."""
    return [
        str(directory / name)
        for name, content in texts.items()
        if os.path.lexists(directory / name) and _content(directory / name) != content
    ]


def write(directory: Path, texts: Texts) -> list[str]:
    """Write those that are not there yet as they are; their paths. Raises OSError.

    All are on disk under other names before the first gets its own.
    """
    pending: list[tuple[Path, Path]] = []
    try:
        for name, content in texts.items():
            path = directory / name
            if _content(path) == content:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            # Its name does not end like that of a drop-in: a daemon that looks now passes it over.
            draft = path.with_name(f".{path.name}.{os.getpid()}.new")
            pending.append((draft, path))
            draft.write_bytes(content)
        for draft, path in pending:
            draft.replace(path)
    finally:
        for draft, _path in pending:
            with contextlib.suppress(OSError):
                draft.unlink()
    return [str(path) for _draft, path in pending]


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


__all__ = ["ConfigError", "Texts", "in_the_way", "judge", "text", "write"]
