#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kernel modules and sysctls: loaded and set now, and at every boot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_settings
short_description: Kernel modules and sysctls, now and at every boot
version_added: 0.1.0
description:
  - Loads kernel modules and sets sysctls, and writes them to C(/etc/modules-load.d/NAME.conf) and C(/etc/sysctl.d/90-NAME.conf).
  - What the kernel has is compared too, so that drift is seen in check mode and put right.
  - V(absent) removes the files. Modules stay loaded and sysctls as they are until the next boot, since what was before is not known.
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
options:
  name:
    description: Name of the files, without suffix.
    type: str
    required: true
  state:
    description: Whether the settings are there.
    type: str
    choices: [present, absent]
    default: present
  modules:
    description: Names of kernel modules.
    type: list
    elements: str
    default: []
  sysctls:
    description: Values by the names of sysctls.
    type: dict
    default: {}
  optional:
    description: Names of sysctls that not every kernel has, and that are skipped where they are missing.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: A director that masquerades
  lvs.ipvs.kernel_settings:
    name: director
    modules: [ip_vs, ip_vs_wlc]
    sysctls:
      net.ipv4.ip_forward: 1
      net.ipv4.vs.expire_nodest_conn: 1
"""

RETURN = r"""
loaded:
  description: Modules that were loaded, or would be in check mode.
  returned: success
  type: list
  elements: str
set:
  description: Sysctls whose value was not as it shall be.
  returned: success
  type: dict
  contains:
    before:
      description: The value that was; none where the kernel does not have it yet.
      type: str
    after:
      description: The value that is.
      type: str
"""

import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.hostfiles import HostFiles
from ..module_utils.kernelmodules import is_loaded, load

_HEADER = "# Written by Ansible (lvs.ipvs.kernel_settings): what is changed here is changed back.\n"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class Faulty(Exception):
    """It cannot be as it shall be; one reason a line."""


def path_of(name: str) -> str:
    """The file of a sysctl. As sysctl.d(5) has it: after a first slash, dots are part of names."""
    separators = [letter for letter in name if letter in "./"]
    if separators[:1] != ["/"]:
        name = name.translate(str.maketrans("./", "/."))
    return f"/proc/sys/{name}"


def value_of(value: Any) -> str:
    """A value as the kernel prints it, but with single spaces."""
    if isinstance(value, bool):
        return str(int(value))
    return " ".join(str(value).split())


def current(name: str) -> str | None:
    """What the kernel has; None where there is no such sysctl. Raises OSError."""
    try:
        with open(path_of(name), encoding="utf-8") as stream:
            return value_of(stream.read())
    except FileNotFoundError:
        return None


class Settings:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.sysctls = {name: value_of(value) for name, value in self.params["sysctls"].items()}
        self.lines: list[str] = []
        self.loaded: list[str] = []
        self.set: dict[str, dict[str, str | None]] = {}

    def load(self) -> None:
        """Load what is missing; in check mode, see whether it could be. Raises Faulty."""
        faults = []
        for name in self.params["modules"]:
            if is_loaded(name):
                continue
            fault = load(self.module, name, dry_run=self.module.check_mode)
            if fault:
                faults.append(fault)
                continue
            self.loaded.append(name)
            self.lines.append(f"+ module {name}\n")
        if faults:
            raise Faulty("\n".join(faults))

    def write(self) -> None:
        """Set what is not as it shall be. All faults are told. Raises Faulty."""
        faults = []
        for name, wanted in self.sysctls.items():
            before = current(name)
            if before == wanted:
                continue
            if before is None and self._may_be_missing(name):
                continue
            self.set[name] = {"before": before, "after": wanted}
            self.lines.append(f"{name}: {'(absent)' if before is None else before} -> {wanted}\n")
            if self.module.check_mode:
                continue
            try:
                with open(path_of(name), "w", encoding="utf-8") as stream:
                    stream.write(wanted)
            except OSError as error:
                faults.append(f"{name} = {wanted}: {error.strerror}")
                continue
            after = current(name)
            if after != wanted:
                faults.append(f"{name} = {wanted}: the kernel has {after}")
        if faults:
            raise Faulty("\n".join(faults))

    def _may_be_missing(self, name: str) -> bool:
        """Whether a kernel may lack it; in check mode not when a module is to bring it."""
        comes = self.module.check_mode and self.loaded
        return name in self.params["optional"] and not comes

    def files(self, host: HostFiles) -> None:
        """Write the same down for every boot."""
        name = self.params["name"]
        modules = "".join(f"{each}\n" for each in self.params["modules"])
        optional = self.params["optional"]
        sysctls = "".join(
            f"{'-' if each in optional else ''}{each} = {value}\n"
            for each, value in self.sysctls.items()
        )
        for path, content in (
            (f"/etc/modules-load.d/{name}.conf", modules),
            (f"/etc/sysctl.d/90-{name}.conf", sysctls),
        ):
            if content and self.params["state"] == "present":
                host.file(path, _HEADER + content, mode=0o644)
            else:
                host.absent(path)


def run(settings: Settings, host: HostFiles) -> dict[str, Any]:
    """Do what the task says; its result. Raises Faulty, OSError."""
    if not _NAME.fullmatch(settings.params["name"]):
        raise Faulty(f"name: {settings.params['name']!r} is no name of a file without suffix")
    if settings.params["state"] == "present":
        settings.load()
        settings.write()
    settings.files(host)
    live = [{"prepared": "".join(settings.lines)}] if settings.lines else []
    return {
        "changed": bool(settings.lines or host.changed),
        "loaded": settings.loaded,
        "set": settings.set,
        "diff": live + host.diff,
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "modules": {"type": "list", "elements": "str", "default": []},
            "sysctls": {"type": "dict", "default": {}},
            "optional": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    host = HostFiles.of(module)
    settings = Settings(module)
    try:
        result = run(settings, host)
    except (Faulty, OSError) as error:
        module.fail_json(msg=str(error), changed=bool(settings.lines))
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
