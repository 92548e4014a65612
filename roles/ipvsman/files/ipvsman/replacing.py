# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file in the place of another at one stroke, and on the disk when that is done."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path


def replace_file(
    path: Path, content: Iterable[bytes], *, suffix: str, give: Callable[[int], None]
) -> None:
    """Have this in the file. Raises OSError, and what was there still is.

    suffix: of what is half written, beside it; nobody else may read that. give: told the open file,
    gives it owners and rights.
    """
    handle, temporary = tempfile.mkstemp(suffix, f".{path.stem}.", path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            give(handle)
            stream.writelines(content)
            stream.flush()
            os.fsync(handle)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Have on the disk what its files are called. Raises OSError."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
