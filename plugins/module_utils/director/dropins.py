# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directory of the daemon's drop-ins: what is in it, whose it is, and what will be in it.

Internal to this collection. A file is ours when the list that we leave beside the folders has it;
what is not, somebody else has written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping

FOLDERS = ("groups", "backends", "backend-maps", "check-refs", "globals")
API = "groups/api-put.yaml"
#: Which drop-ins are ours. The daemon reads the folders only.
MANIFEST = ".ansible.json"


class Directory:
    """A directory of drop-ins as it is: the content of every file by its path below it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.files: dict[str, bytes] = {}
        for folder in FOLDERS:
            for name in _names(os.path.join(path, folder)):
                with open(os.path.join(path, folder, name), "rb") as stream:
                    self.files[f"{folder}/{name}"] = stream.read()
        self.exists = os.path.isdir(path)
        self.ours = self._manifest() & set(self.files)

    def _manifest(self) -> set[str]:
        try:
            with open(os.path.join(self.path, MANIFEST), encoding="utf-8") as stream:
                return {str(name) for name in json.load(stream)["files"]}
        except FileNotFoundError:
            return set()
        except (ValueError, KeyError, TypeError):
            # Whose the files are is not known any more: then they are not ours.
            return set()

    def others(self) -> list[str]:
        """What lies beside the folders, and belongs to somebody else."""
        return [
            name
            for name in (os.listdir(self.path) if self.exists else [])
            if name not in FOLDERS and name != MANIFEST
        ]

    def foreign(self, wanted: Collection[str], *, purge: bool, purge_api: bool) -> list[str]:
        """The files that stay although nobody wants them of us."""
        return [
            name
            for name in self.files
            if name not in self.ours
            and name not in wanted
            and not (purge_api if name == API else purge)
        ]

    def diff(self, target: Mapping[str, bytes]) -> list[dict[str, str]]:
        """What of the files is going to be different, one by one."""
        entries = []
        for name in sorted(self.files.keys() | target.keys()):
            before, after = self.files.get(name), target.get(name)
            if before != after:
                path = os.path.join(self.path, name)
                entries.append(
                    {
                        "before_header": path if before is not None else f"{path} (absent)",
                        "after_header": path if after is not None else f"{path} (absent)",
                        "before": _text(before),
                        "after": _text(after),
                    }
                )
        return entries


def manifest(names: Collection[str]) -> str:
    """The list of our files, as it is left for the next run."""
    return json.dumps({"files": sorted(names)}, indent=2)


def _names(folder: str) -> list[str]:
    """The regular files of a folder, or what is linked to; half-written ones of the daemon not."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(
        name
        for name in names
        if os.path.isfile(os.path.join(folder, name)) and not name.endswith(".tmp")
    )


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "replace")
