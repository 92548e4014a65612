# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a real server was before we came: a file that outlives the run, and in part the boot.

Internal to this collection. It runs at boot, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from ..network.facts import HostError, Sysctl, from_plain, to_plain
from ..network.plan import Note

NOTES_FILE = "/var/lib/lvs-realserver/notes.json"
BOOT_ID = "/proc/sys/kernel/random/boot_id"


class NotesFile:
    """The notes, with the boot that they are of."""

    def __init__(self, path: str = NOTES_FILE, boot: str | None = None) -> None:
        self._path = path
        self._boot = _boot_id() if boot is None else boot

    def read(self) -> list[Note]:
        """What a boot has cleared away is not remembered of the boot before. Raises HostError."""
        try:
            with open(self._path, encoding="utf-8") as file:
                data = json.load(file)
            rows = [(row["before"], from_plain([row["fact"]])[0]) for row in data["notes"]]
            same = data["boot"] == self._boot
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HostError(f"{self._path} cannot be read: {error}") from None
        # sysctl.d has set ours again by now, so the value of before would not be found anew.
        return [Note(fact, before) for before, fact in rows if same or isinstance(fact, Sysctl)]

    def write(self, notes: Sequence[Note]) -> None:
        """Remember; no file where there is nothing to remember. Raises HostError."""
        rows = [{"fact": to_plain([note.fact])[0], "before": note.before} for note in notes]
        text = json.dumps({"boot": self._boot, "notes": rows}, indent=1) + "\n"
        try:
            if not notes:
                if os.path.exists(self._path):
                    os.unlink(self._path)
                return
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            with open(self._path + ".new", "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(self._path + ".new", self._path)
        except OSError as error:
            raise HostError(f"{self._path}: {error.strerror}") from None


def _boot_id() -> str:
    with open(BOOT_ID, encoding="utf-8") as file:
        return file.read().strip()
