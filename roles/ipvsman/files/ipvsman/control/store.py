# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to survive a restart, as small JSON files that are whole or not there.

A file that cannot be understood is set aside under another name and told of, never deleted and
never fatal: the daemon does its work without a memory rather than not at all.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ipvsman.replacing import replace_file

T = TypeVar("T")

_VERSION = 1
_HALF = ".half"


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
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            self.set_aside(name, str(error) or "not written by this program")
            return None

    def tidy(self) -> None:
        """Remove what writers that were killed have left half written. When no other writes."""
        if self._directory is not None:
            for left in self._directory.glob(f".*{_HALF}"):
                with contextlib.suppress(OSError):
                    left.unlink()

    def read_as(self, name: str, parse: Callable[[Any], T]) -> T | None:
        """What parse makes of it; what it cannot be made of is set aside, and None."""
        data = self.read(name)
        if data is None:
            return None
        try:
            return parse(data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self.set_aside(name, f"{type(error).__name__}: {error}")
            return None

    def set_aside(self, name: str, why: str) -> None:
        """Rename a file that cannot be understood."""
        if self._directory is None:
            return
        path = self._directory / f"{name}.json"
        aside = path.with_name(f"{name}.json.broken-{int(self._wall())}")
        try:
            path.rename(aside)
        except OSError as error:
            what = f"left, since it cannot be renamed: {error.strerror}"
        else:
            what = f"set aside as {aside.name}"
        self._complain(f"{path} cannot be understood ({why}); {what}")

    def write(self, name: str, data: Any) -> None:
        """Put data in place of what is there, at one stroke. Raises StoreError."""
        if self._directory is None:
            return
        path = self._directory / f"{name}.json"
        give = partial(_give_to_owner, directory=self._directory)
        lines = (line.encode() for line in _lines(data))
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            replace_file(path, lines, suffix=_HALF, give=give)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from None


def _give_to_owner(handle: int, directory: Path) -> None:
    """What an action of root's writes, a daemon that is not root has to read later."""
    if os.geteuid() == 0:
        state = directory.stat()
        os.fchown(handle, state.st_uid, state.st_gid)


def _lines(data: Any) -> Iterator[str]:
    """An object with version and data, a row of the data a line.

    Row by row, since what is encoded at one stroke is encoded by C with no other thread running.
    """
    if isinstance(data, dict) and data:
        first, last, rows = (
            "{",
            "}",
            (f"{json.dumps(key)}: {_line(data[key])}" for key in sorted(data)),
        )
    elif isinstance(data, list) and data:
        first, last, rows = "[", "]", (_line(row) for row in data)
    else:
        first, last, rows = "", "", (_line(data) for _unused in range(1))
    yield f'{{"version": {_VERSION}, "data": {first}'
    for number, row in enumerate(rows):
        yield f",\n{row}" if number else f"\n{row}"
    yield f"{last}}}\n"


def _line(row: Any) -> str:
    return json.dumps(row, sort_keys=True)
