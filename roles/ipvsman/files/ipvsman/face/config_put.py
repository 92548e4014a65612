# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Groups that came over the API: one drop-in file, replaced as a whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import yaml

#: Below the directory of the drop-ins.
NAME = "groups/api-put.yaml"


class Groups:
    """The file. directory: of the drop-ins."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME

    def text(self, groups: list[Any]) -> bytes:
        """The file that says so."""
        return yaml.safe_dump(groups, sort_keys=False, allow_unicode=True).encode()

    def read(self) -> list[Any]:
        """What was put last; nothing when there is no such file."""
        try:
            return list(yaml.safe_load(self._path.read_bytes()) or [])
        except FileNotFoundError:
            return []

    def tag(self) -> str:
        """The ETag of what is there."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            content = b""
        return f'"{hashlib.sha256(content).hexdigest()[:32]}"'

    def write(self, text: bytes) -> None:
        """Put it in place at one stroke. Raises OSError; then the old one still is."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(
            dir=self._path.parent, prefix=".api-put.", suffix=".tmp"
        )
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, self._path)
        except OSError:
            os.unlink(temporary)
            raise
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
