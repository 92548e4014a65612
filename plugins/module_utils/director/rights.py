# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may read the drop-ins, and who may make some: owner, group and modes, compared and given.

Internal to this collection.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from .dropins import FOLDERS, MANIFEST

OWNER = 0
MODE = 0o750
#: The daemon makes files in groups/, and touches none of others there: hence the sticky bit.
MODE_OF_GROUPS = 0o1770
MODE_OF_FILES = 0o640


class Rights:
    """Of the directory, its folders, and our files in it.

    group: who may read; None where there is no such group yet, and whatever there is does.
    """

    def __init__(self, group: int | None, files: Collection[str]) -> None:
        self._group = group
        self.modes = {
            **dict.fromkeys(("", *FOLDERS), MODE),
            "groups": MODE_OF_GROUPS,
            **dict.fromkeys((*files, MANIFEST), MODE_OF_FILES),
        }

    def wrong(self, directory: str) -> list[str]:
        """What is there with other rights than it shall have, or is missing; a line each."""
        found = []
        for name, mode in self.modes.items():
            try:
                state = os.stat(_below(directory, name))
            except FileNotFoundError:
                if name in FOLDERS or not name:
                    found.append(f"{name or '.'}: is missing")
                continue
            held = (OWNER, state.st_gid if self._group is None else self._group, mode)
            if (state.st_uid, state.st_gid, state.st_mode & 0o7777) != held:
                found.append(f"{name or '.'}: {state.st_mode & 0o7777:04o}")
        return found

    def give(self, directory: str) -> None:
        """Have them so. Owners first, whose change may take rights away."""
        for name, mode in self.modes.items():
            path = _below(directory, name)
            if self._group is not None:
                os.chown(path, OWNER, self._group)
            os.chmod(path, mode)


def _below(directory: str, name: str) -> str:
    return os.path.join(directory, name) if name else directory
