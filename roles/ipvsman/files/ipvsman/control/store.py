# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to survive a restart, as small JSON files that are whole or not there.

A file that cannot be understood is set aside under another name and told of, never deleted and
never
fatal: the daemon does its work without a memory rather than not at all.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

_VERSION = 1


class StoreError(Exception):
    """A file could not be written; the one that was there still is."""


class Store:
    """A directory of JSON files. directory None: nothing is remembered, and that is no error."""

    def __init__(
        self, directory: Path | None, wall: Callable[[], float], complain: Callable[[str], None]
    ) -> None:
        """wall: seconds since the epoch; complain: told what was set aside, and why."""
        self._directory = directory
        self._wall = wall
        self._complain = complain

    def read(self, name: str) -> Any:
        """What was written under this name; None when there is nothing that can be understood."""
        if self._directory is None:
            return None
        path = self._directory / f"{name}.json"
        try:
            content = json.loads(path.read_bytes())
            if content["version"] != _VERSION:
                raise ValueError(f"version {content['version']!r}, not {_VERSION}")
            return content["data"]
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(f"{path} cannot be read: {error.strerror}")
            return None
        except (ValueError, KeyError, TypeError) as error:
            self.set_aside(name, str(error) or "not written by this program")
            return None

    def set_aside(self, name: str, why: str) -> None:
        """Rename a file that cannot be understood."""
        if self._directory is None:
            return
        path = self._directory / f"{name}.json"
        aside = path.with_name(f"{name}.json.broken-{int(self._wall())}")
        with contextlib.suppress(OSError):
            path.rename(aside)
        self._complain(f"{path} cannot be understood ({why}); set aside as {aside.name}")

    def write(self, name: str, data: Any) -> None:
        """Put data in place of what is there, at one stroke. Raises StoreError."""
        if self._directory is None:
            return
        path = self._directory / f"{name}.json"
        text = json.dumps({"version": _VERSION, "data": data}, indent=1, sort_keys=True)
        temporary = ""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._directory, prefix=f".{name}.")
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(path)
            _sync_directory(self._directory)
        except OSError as error:
            if temporary:
                with contextlib.suppress(OSError):
                    Path(temporary).unlink()
            raise StoreError(f"{path} cannot be written: {error.strerror}") from None


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
