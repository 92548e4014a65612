# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The last good drop-ins, as files: for a start that finds faulty ones.

Without them a director that boots with a mistake in a drop-in would have an empty table. They can
be read, and copied back, by whoever looks for what was good.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path

from .loader import load
from .model import Config, ConfigError

#: A link to the directory that holds them, so that they change at one stroke.
NAME = "last-good"


class Kept:
    """Below a directory of the daemon's own. directory None: nothing is kept."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._digest = ""
        self._lock = threading.Lock()

    @property
    def place(self) -> Path | None:
        """Where they are, if anywhere."""
        return None if self._directory is None else self._directory / NAME

    def load(self) -> Config | None:
        """What they mean; None when there are none that are good.

        Warnings are no faults here, whatever was asked for: an old configuration beats none.
        """
        if self.place is None or not self.place.is_dir():
            return None
        try:
            config = load(self.place)
        except ConfigError:
            return None
        self._digest = config.digest
        return config

    def holds(self, config: Config) -> bool:
        """Whether this configuration is what is kept; asks no disk."""
        return self._directory is None or config.digest == self._digest

    def keep(self, config: Config) -> None:
        """Put the drop-ins of this configuration in place of those before. Raises OSError."""
        # At the end of the daemon a thread may still be at it.
        with self._lock:
            if self._directory is not None and not self.holds(config):
                self._put(self._directory, config)

    def _put(self, directory: Path, config: Config) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        # Nobody else may read it: a command check can have a password in it.
        new = Path(tempfile.mkdtemp(prefix=f"{NAME}-", dir=directory))
        try:
            for name, content in config.content.items():
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
            link = new / ".link"
            link.symlink_to(new.name)
            link.replace(directory / NAME)
        except OSError:
            shutil.rmtree(new, ignore_errors=True)
            raise
        self._digest = config.digest
        for old in directory.glob(f"{NAME}-*"):
            if old != new:
                shutil.rmtree(old, ignore_errors=True)
