# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A unit of systemd, and what systemctl is told of it; nothing where systemd does not run.

Internal to this collection.
"""

from __future__ import annotations

import os
import re
from typing import Any

#: There where systemd runs, and not in a container without.
SYSTEMD = "/run/systemd/system"
_LAST_LINES = "15"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.@\\-]*\.(service|socket|target|mount|timer|path)")


class Refused(Exception):
    """systemctl refused; what it said, with the last lines of the unit's log."""


def is_unit_name(name: str) -> bool:
    """Whether it is the name of a unit, with its suffix."""
    return bool(_NAME.fullmatch(name))


class Unit:
    """A unit. module: of Ansible, which runs commands."""

    def __init__(self, name: str, module: Any, systemd: str = SYSTEMD) -> None:
        self.name = name
        self.file = f"/etc/systemd/system/{name}"
        self.is_possible = os.path.isdir(systemd)
        self._module = module

    def tell(self, *words: str) -> str:
        """What systemctl says. Raises Refused."""
        if not self.is_possible:
            return ""
        systemctl = self._module.get_bin_path("systemctl", required=True)
        status, output, errors = self._module.run_command([systemctl, *words])
        if status:
            said = errors.strip() or output.strip() or f"exit status {status}"
            raise Refused(f"systemctl {' '.join(words)}: {said}{self.log()}")
        return str(output)

    def log(self) -> str:
        """The last lines of the unit's log, for whoever wants to know why."""
        journalctl = self._module.get_bin_path("journalctl")
        if not journalctl:
            return ""
        words = ["-u", self.name, "-n", _LAST_LINES, "-o", "cat", "--no-pager", "-q"]
        _status, output, _errors = self._module.run_command([journalctl, *words])
        return f"\nThe last lines of its log:\n{output.rstrip()}" if output.strip() else ""

    def properties(self, *names: str) -> dict[str, str]:
        """What `systemctl show` tells; empty words where systemd does not run. Raises Refused."""
        output = self.tell("show", "--property", ",".join(names), self.name)
        pairs = (line.partition("=") for line in output.splitlines())
        return {**dict.fromkeys(names, ""), **{name: value for name, _equals, value in pairs}}

    def missing(self, wanted: bool, *, started: bool) -> list[str]:
        """The verbs that it needs to be enabled, or neither that nor active. Raises Refused.

        started: whether it has to be active, too, when it is wanted.
        """
        shown = self.properties("UnitFileState", "ActiveState")
        enabled, active = shown["UnitFileState"] == "enabled", shown["ActiveState"] == "active"
        if not self.is_possible:
            return []
        if wanted:
            verbs = [] if enabled else ["enable"]
            return verbs if active or not started else [*verbs, "start"]
        verbs = ["stop"] if active and started else []
        return [*verbs, "disable"] if enabled else verbs

    def do(self, verb: str) -> None:
        """Raises Refused."""
        self.tell(verb, self.name)
