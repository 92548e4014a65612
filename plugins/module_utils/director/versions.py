# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The versions of the daemon's program beside each other, each whole or not there.

Internal to this collection.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

#: What is half made, or half removed. No version has such a name.
_UNFINISHED = ".making-"


class Versions:
    """Of one host. root: where they are, and the link to the one in use."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._directory = os.path.join(root, "versions")

    def place(self, name: str) -> str:
        """The directory of a version; when it is there, the version is whole."""
        return os.path.join(self._directory, name)

    def names(self) -> list[str]:
        """The versions that are there, the newest last."""
        try:
            names = os.listdir(self._directory)
        except FileNotFoundError:
            return []
        whole = [name for name in names if not name.startswith(".")]
        return sorted(whole, key=lambda name: (os.lstat(self.place(name)).st_mtime, name))

    def superfluous(self, name: str, keep: int) -> list[str]:
        """The versions that go: the oldest, but neither this one nor the one in use."""
        link = os.path.join(self.root, "current")
        used = os.path.basename(os.path.realpath(link)) if os.path.islink(link) else ""
        kept = {name, used}
        others = [other for other in self.names() if other not in kept]
        room = max(keep - len(kept - {""}), 0)
        return others[: max(len(others) - room, 0)]

    @contextmanager
    def making(self, name: str) -> Iterator[str]:
        """A directory that becomes the version at the end, unless something fails."""
        os.makedirs(self._directory, mode=0o755, exist_ok=True)
        with self._alone():
            self._sweep()
            work = tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._directory)
            try:
                os.chmod(work, 0o755)
                yield work
                # Or a host that loses its power soon may have the name without what is in there.
                os.sync()
                if os.path.isdir(self.place(name)):
                    self._remove(name)
                os.rename(work, self.place(name))
            except BaseException:
                shutil.rmtree(work, ignore_errors=True)
                raise

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A run whose controller was killed goes on for a while: it is waited for."""
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            os.close(directory)

    def _sweep(self) -> None:
        """Remove what a run that was killed has left half made."""
        for name in os.listdir(self._directory):
            if name.startswith(_UNFINISHED):
                shutil.rmtree(self.place(name), ignore_errors=True)

    def remove(self, name: str) -> None:
        """Remove a version."""
        with self._alone():
            if name in self.names():
                self._remove(name)

    def _remove(self, name: str) -> None:
        """Out of the way first, since it takes a while."""
        aside = tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._directory)
        os.rename(self.place(name), os.path.join(aside, name))
        shutil.rmtree(aside)
