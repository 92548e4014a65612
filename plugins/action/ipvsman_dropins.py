# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of ipvsman_dropins: makes files of variables, and reads the playbook's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils import dropins

_NAMED = {"backend_maps": "backend-maps", "check_refs": "check-refs", "globals": "globals"}
#: Done here, and unknown to the module.
_HERE = ("groups", "backends", *_NAMED, "src")


class ActionModule(ActionBase):
    """See above."""

    _supports_check_mode = True
    _requires_connection = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """One module run on the host, with all files; and what they use."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        for filled in ("files", "kernel_modules"):
            if filled in arguments:
                raise AnsibleActionFail(f"{filled} is filled in by the action plugin")
        said = {name: arguments.pop(name, None) for name in _HERE}
        try:
            files = self._files(said, Path((task_vars or {})["playbook_dir"]))
        except dropins.Faulty as faulty:
            raise AnsibleActionFail(str(faulty)) from None
        used = dropins.used(files)
        arguments["files"] = files
        arguments["kernel_modules"] = used.kernel_modules()
        result: dict[str, Any] = self._execute_module(
            "lvs.ipvs.ipvsman_dropins", module_args=arguments, task_vars=task_vars
        )
        result["used"] = used._asdict() | {"kernel_modules": used.kernel_modules()}
        return result

    def _files(self, said: dict[str, Any], playbook: Path) -> dict[str, str]:
        """Every file by its path below the directory. Raises Faulty."""
        kinds = {"groups": list, "backends": dict, **dict.fromkeys(_NAMED, dict)}
        wrong = [
            f"{name}: is a {type(said[name]).__name__}, and has to be a {kind.__name__}"
            for name, kind in kinds.items()
            if said[name] is not None and not isinstance(said[name], kind)
        ]
        if wrong:
            raise dropins.Faulty("\n".join(wrong))
        files = dropins.written(
            said["groups"],
            said["backends"],
            {folder: said[name] for name, folder in _NAMED.items()},
        )
        if said["src"]:
            found = dropins.read(_source(playbook, said["src"]))
            twice = sorted(files.keys() & found.keys())
            if twice:
                raise dropins.Faulty(
                    "\n".join(
                        f"{name}: is in {said['src']}, and made of a variable" for name in twice
                    )
                )
            files.update(found)
        return files


def _source(playbook: Path, src: str) -> Path:
    """The directory, beside the playbook or in its files/. Raises Faulty.

    Not where a role has its files: there lies a program of the same name as the drop-ins.
    """
    candidates = [playbook / src, playbook / "files" / src]
    for directory in candidates:
        if directory.is_dir():
            return directory
    places = " and ".join(str(directory) for directory in dict.fromkeys(candidates))
    raise dropins.Faulty(f"src: there is no directory {src!r}; looked for {places}")
