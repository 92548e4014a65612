# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kernel modules and sysctls: compared with what the kernel has, put right, and kept for boots.

Internal to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .hostfiles import HostFiles
from .kernelmodules import is_loaded, load

_HEADER = "# Written by Ansible (lvs.ipvs.kernel_settings): what is changed here is changed back.\n"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_MODULE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
#: Letters that a line of sysctl.d holds, and that are no pattern there.
_SYSCTL = re.compile(r"[A-Za-z0-9_@:%+./-]+")


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


def option_faults(params: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with the options."""
    faults = []
    if not _NAME.fullmatch(params["name"]):
        faults.append(f"name: {params['name']!r} is no name of a file without suffix")
    faults += [
        f"modules[{number}]: {name!r} is no name of a kernel module"
        for number, name in enumerate(params["modules"])
        if not _MODULE.fullmatch(name)
    ]
    for name, value in params["sysctls"].items():
        parts = re.split("[./]", name)
        if not _SYSCTL.fullmatch(name) or "" in parts:
            faults.append(f"sysctls: {name!r} is no name of a sysctl, such as net.ipv4.ip_forward")
        elif not isinstance(value, (str, int, float)) or not value_of(value):
            faults.append(f"sysctls: {name}: {value!r} is neither a number nor a text")
    return faults


class Settings:
    """One run of kernel_settings."""

    def __init__(self, module: Any) -> None:
        """module: of Ansible, which runs commands; its options are those of kernel_settings."""
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
            if before is None and not self._comes():
                if name not in self.params["optional"]:
                    faults.append(f"{name} = {wanted}: this kernel has no such sysctl")
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

    def _comes(self) -> bool:
        """Whether what is missing may yet come: in check mode, a module that is to be loaded."""
        return bool(self.module.check_mode and self.loaded)

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
    faults = option_faults(settings.params)
    if faults:
        raise Faulty("\n".join(faults))
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
