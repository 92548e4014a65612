# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a directory of drop-ins: which there are, and what is in them. Nothing of YAML.

Everything is read at most once, so that all parts of a configuration are of the same moment.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from .complaints import Complaints
from .model import Origin

GROUPS, BACKENDS, MAPS, REFS, GLOBALS = (
    "groups",
    "backends",
    "backend-maps",
    "check-refs",
    "globals",
)
FOLDERS = (GROUPS, BACKENDS, MAPS, REFS, GLOBALS)
SUFFIX = ".yaml"
MAX_BYTES = 1 << 20
MAX_FILES = 10_000


class Tree:
    """A directory, with some files of it perhaps in another version (None = without them)."""

    def __init__(
        self, directory: Path, instead: Mapping[str, bytes | None], complaints: Complaints
    ) -> None:
        self.directory = directory
        self._root = os.path.realpath(directory)
        self._instead = instead
        self._complaints = complaints
        self._read: dict[str, bytes | None] = {}
        self._names = {folder: self._list(folder) for folder in FOLDERS}
        self.mtime = 0.0
        for name in self.loaded:
            self._note_mtime(name)

    @property
    def loaded(self) -> list[str]:
        """Every drop-in, read or not, by its path below the directory."""
        return [name for names in self._names.values() for name in names]

    @property
    def has_read(self) -> tuple[str, ...]:
        """The files that somebody wanted, by their paths below the directory."""
        return tuple(sorted(self._read))

    @property
    def content(self) -> dict[str, bytes]:
        """What is in the files that have been read."""
        return {name: content for name, content in self._read.items() if content is not None}

    @property
    def digest(self) -> str:
        """A hash of everything that has been read."""
        total = hashlib.sha256()
        for name, content in sorted(self.content.items()):
            inner = hashlib.sha256(content).hexdigest()
            total.update(f"{inner} {name}\n".encode(errors="surrogateescape"))
        return total.hexdigest()

    def names(self, folder: str) -> list[str]:
        """The drop-ins of a folder in order, by their paths below the directory."""
        return self._names[folder]

    def shown(self, name: str) -> str:
        """How complaints name a file."""
        return os.path.join(self.directory, name)

    def read(self, name: str) -> bytes | None:
        """What is in a file; None when it cannot be read, which is noted."""
        if name not in self._read:
            try:
                self._read[name] = self._content(name)
            except OSError as error:
                self._fault(name, f"cannot be read: {error.strerror or error}")
                self._read[name] = None
        return self._read[name]

    def below(self, said: str) -> str:
        """The path below the directory that a user means. Raises ValueError."""
        if os.path.isabs(said):
            raise ValueError(f"absolute backend file path is not allowed: {said}")
        # Links count as what they point to: a file outside is outside by any name.
        target = os.path.realpath(os.path.join(self._root, said))
        if os.path.commonpath([self._root, target]) != self._root:
            raise ValueError(f"backend file path escapes config dir: {said}")
        name = os.path.normpath(said)
        content = self._instead.get(name, b"")
        if content is None or (name not in self._instead and not os.path.exists(target)):
            raise ValueError(f"there is no file {said!r} in {self.directory}")
        return name

    def _content(self, name: str) -> bytes | None:
        if name in self._instead:
            content = self._instead[name] or b""
        else:
            path = os.path.join(self.directory, name)
            # Opening a pipe would wait for somebody to write to it.
            if not stat.S_ISREG(os.stat(path).st_mode):
                self._fault(name, "is not a regular file")
                return None
            with open(path, "rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            self._fault(name, f"too large: more than {MAX_BYTES} bytes")
            return None
        return content

    def _list(self, folder: str) -> list[str]:
        try:
            found = set(os.listdir(os.path.join(self.directory, folder)))
        except FileNotFoundError:
            found = set()
        except OSError as error:
            self._fault(folder, f"cannot be read: {error.strerror or error}")
            found = set()
        for name, content in self._instead.items():
            if os.path.dirname(name) == folder:
                (found.discard if content is None else found.add)(os.path.basename(name))
        for name in sorted(found):
            if name.endswith(".yml"):
                origin = Origin(self.shown(os.path.join(folder, name)))
                reason = f"is not read, since its name does not end in {SUFFIX}"
                self._complaints.warn(origin, "", reason)
        names = sorted(name for name in found if name.endswith(SUFFIX))
        if len(names) > MAX_FILES:
            self._fault(folder, f"{len(names)} files are more than {MAX_FILES}")
            return []
        return [f"{folder}/{name}" for name in names]

    def _note_mtime(self, name: str) -> None:
        if name not in self._instead:
            try:
                self.mtime = max(self.mtime, os.stat(self.shown(name)).st_mtime)
            except OSError:
                # Who reads it complains; who does not read it does not miss it.
                return

    def _fault(self, name: str, reason: str) -> None:
        self._complaints.fault(Origin(self.shown(name)), "", reason)
