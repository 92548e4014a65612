# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One daemon at a time: a lock on a file, which holds our pid while we hold the lock."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

#: Seconds in which a lock may become free: somebody may just be asking who holds it, or be ending.
_PATIENCE = 1.0
_GLANCE = 0.05


class Locked(Exception):
    """Another process holds the lock."""


class Lock:
    """Held from acquire to release, or to the end of the process, however it ends."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take it. Raises Locked, OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if not _taken(handle):
                holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
                raise Locked(f"{self._path} is held by process {holder}")
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    def keep(self) -> bool:
        """Have it under its name, also where somebody has removed that; whether it is there.

        Without the name, a second daemon would find nobody who holds it. Raises Locked, OSError.
        """
        if self._handle is None or _is_same(self._handle, self._path):
            return True
        before = self._handle
        self.acquire()
        os.close(before)
        return False

    def release(self) -> None:
        """Give it back, and leave no pid behind that somebody could take for ours."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None

    def holder(self) -> int | None:
        """Pid of the process that holds the lock now; None = nobody does."""
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.read(handle, 32).decode("ascii", "replace").strip()
            return int(text) if text.isdigit() else None
        finally:
            os.close(handle)
        return None


def _is_same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _taken(handle: int) -> bool:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(_GLANCE)
        else:
            return True
