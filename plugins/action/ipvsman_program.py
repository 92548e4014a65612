# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of ipvsman_program: names the version, and sends it to who lacks it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.program import Program

_COLLECTION = Path(__file__).resolve().parents[2]
#: What of the options makes another version of the same files.
_CIRCUMSTANCES = {"install": "distro", "python": "/usr/bin/python3", "requirements": ""}


class ActionModule(ActionBase):
    """See above."""

    _supports_check_mode = True
    _requires_connection = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """One module run on the host; a second one with the archive where it is wanted."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        for filled in ("name", "archive"):
            if filled in arguments:
                raise AnsibleActionFail(f"{filled} is filled in by the action plugin")
        program = Program(_COLLECTION)
        arguments["name"] = program.name(
            *(
                f"{option}={arguments.get(option) or default}"
                for option, default in _CIRCUMSTANCES.items()
            )
        )
        result = self._host(arguments, task_vars)
        if result.pop("wants_archive", False):
            arguments["archive"] = self._send(program)
            result = self._host(arguments, task_vars)
        return result

    def _host(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(
            "lvs.ipvs.ipvsman_program", module_args=arguments, task_vars=task_vars
        )
        return result

    def _send(self, program: Program) -> str:
        """The archive on the host; its path."""
        # Another one beside that of the first run would be left behind: the cleanup knows of one.
        shell = self._connection._shell  # noqa: SLF001 - as Ansible's own action plugins do
        directory = shell.tmpdir or self._make_tmp_path()
        remote = f"{directory}/ipvsman.tar.gz"
        handle, local = tempfile.mkstemp(".tar.gz")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(program.archive())
            self._transfer_file(local, remote)
        finally:
            os.unlink(local)
        self._fixup_perms2((directory, remote))
        return remote
