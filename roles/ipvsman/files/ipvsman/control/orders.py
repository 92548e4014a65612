# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the operator has said at run time, kept: on disk, and against what is configured."""

from __future__ import annotations

import logging

from .desired import Desired
from .journal import Journal, Kind
from .notes import Notes
from .overrides import NAME, Override, Overrides, Subject
from .subjects import astray, tell_astray
from .weights import told


class Orders:
    """overrides: those in force. astray: those of what is not configured, each in words."""

    def __init__(self, journal: Journal, notes: Notes) -> None:
        self._journal = journal
        self._notes = notes
        self.overrides = notes.recall(NAME, Overrides.from_plain) or Overrides()
        self.astray: dict[Subject, str] = {}

    def give(self, subject: Subject, override: Override, desired: Desired) -> None:
        """The operator takes something out or in."""
        self.overrides = told(self.overrides, subject, override, desired)
        self.compare(desired)
        verb = "disabled" if override.disabled else "enabled"
        because = f": {override.reason}" if override.reason else ""
        message = f"{subject.level.value} {subject.name} {verb} by operator{because}"
        self._journal.record(Kind.OVERRIDE, subject.name, message)

    def withdraw(self, subject: Subject, desired: Desired) -> bool:
        """The operator leaves it to the configuration again; whether there was an override."""
        if subject not in self.overrides.entries:
            return False
        self.overrides = self.overrides.drop(subject)
        self.compare(desired)
        message = f"{subject.level.value} {subject.name} follows the configuration again"
        self._journal.record(Kind.OVERRIDE, subject.name, message)
        return True

    def compare(self, desired: Desired) -> None:
        """Overrides that a new configuration leaves behind are told once, and kept."""
        before = self.astray
        self.astray = {
            subject: tell_astray(subject, self.overrides.entries[subject])
            for subject in astray(self.overrides, desired)
        }
        for subject, message in self.astray.items():
            if subject not in before:
                self._journal.record(Kind.OVERRIDE, subject.name, message, logging.WARNING)

    def write(self) -> None:
        """At once, since the operator takes the answer for a promise."""
        self._notes.write_now(NAME, self.overrides.to_plain)

    @property
    def forgotten(self) -> str:
        """Why a restart would forget what the operator has said; empty when it would not."""
        return self._notes.fault(NAME)
