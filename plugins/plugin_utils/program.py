# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The daemon as one archive: which files it is made of, and its name.

The same files give the same archive and the same name, on every controller. Nothing of Ansible.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

#: The trees that make a program: below the collection -> in the archive.
_TREES = {
    "roles/ipvsman/files/ipvsman": "ipvsman",
    "plugins/module_utils/ipvs": "ipvsman/ipvs",
    "roles/ipvsman/files/man": "share/man",
    "roles/ipvsman/files/completion": "share/completion",
    "roles/ipvsman/files/schema": "share/schema",
}
_REQUIREMENTS = "roles/ipvsman/files/requirements.txt"
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
#: Letters of the digest that the name has.
_LETTERS = 12


class Program:
    """The program that a collection brings. collection: the directory it lies in."""

    def __init__(self, collection: Path) -> None:
        self.files: Mapping[str, bytes] = dict(sorted(_files(collection)))

    @property
    def version(self) -> str:
        """The release."""
        text = self.files["ipvsman/__init__.py"].decode()
        found = _VERSION.search(text)
        if found is None:
            raise ValueError("ipvsman/__init__.py says no __version__")
        return found.group(1)

    def name(self, *circumstances: str) -> str:
        """Version and digest; of the files, and of how they are installed."""
        total = hashlib.sha256()
        for path, content in self.files.items():
            total.update(f"{hashlib.sha256(content).hexdigest()} {path}\n".encode())
        for circumstance in circumstances:
            total.update(f"{circumstance}\n".encode())
        return f"{self.version}-{total.hexdigest()[:_LETTERS]}"

    def archive(self) -> bytes:
        """All files, as tar.gz; owned by root, and of no time."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz", format=tarfile.USTAR_FORMAT) as tar:
            for path, content in self.files.items():
                entry = tarfile.TarInfo(path)
                entry.size = len(content)
                entry.mode = 0o644
                tar.addfile(entry, io.BytesIO(content))
        return stream.getvalue()


def _files(collection: Path) -> Iterator[tuple[str, bytes]]:
    """Every file by its name in the archive."""
    for below, within in _TREES.items():
        root = collection / below
        for path in root.rglob("*"):
            name = path.relative_to(root)
            if path.is_file() and not _is_litter(name) and not _is_laid_in(within, name):
                yield f"{within}/{name.as_posix()}", path.read_bytes()
    yield "requirements.txt", (collection / _REQUIREMENTS).read_bytes()


def _is_litter(name: Path) -> bool:
    """What is made where a checkout is worked in."""
    return name.suffix == ".pyc" or any(
        part == "__pycache__" or part.startswith(".") for part in name.parts
    )


def _is_laid_in(within: str, name: Path) -> bool:
    """The core, where it has been laid into the daemon's tree: it has a tree of its own."""
    return within == "ipvsman" and name.parts[0] == "ipvs"
