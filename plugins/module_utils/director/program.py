# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The daemon's program made of its archive: files, libraries, and the commands that start it.

Internal to this collection.
"""

from __future__ import annotations

import os
import tarfile
from typing import Any

from .needs import Unfit, ask_python, lacking, told
from .versions import Versions

_COMMANDS = {"ipvsman": "ipvsman.__main__", "ipvsctl": "ipvsman.ctl.__main__"}
#: A command finds its version by where it lies itself: a switch of versions changes nothing in a
#: process that runs. Drop-ins are in /etc/ipvsman, unless an argument says another directory.
_LAUNCHER = """\
#!{python} -I
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from {module} import main

raise SystemExit(main({arguments}))
"""
#: MiB with which no environment can be made.
_LITTLE = 100
_ARGUMENTS = {"ipvsman": '["--config-dir", "/etc/ipvsman", *sys.argv[1:]]', "ipvsctl": ""}


class Program:
    """One run of ipvsman_program."""

    def __init__(self, module: Any) -> None:
        """module: of Ansible, which runs commands; its options are those of ipvsman_program."""
        self.module = module
        self.params: dict[str, Any] = module.params
        self.versions = Versions(self.params["root"])
        self.name: str = self.params["pin"] or self.params["name"]
        self.directory = self.versions.place(self.name)

    @property
    def there(self) -> bool:
        """Whether the version is there; then it is whole."""
        return os.path.isdir(self.directory)

    def present(self, asked: dict[str, Any]) -> bool:
        """Whether it is there, and runs on the Python that the host has now.

        An upgrade of the system brings another one, which finds no libraries in the environment.
        """
        environment = os.path.join(self.directory, "venv", "lib")
        if not self.there or not os.path.isdir(environment) or not asked:
            return self.there
        major, minor = asked["python"][:2]
        return os.path.isdir(os.path.join(environment, f"python{major}.{minor}"))

    def missing(self, asked: dict[str, Any]) -> list[str]:
        """What of a Python has to be installed first."""
        if self.params["install"] == "venv":
            return [] if asked.get("venv") or self.present(asked) else ["venv"]
        return lacking(asked)

    def build(self) -> None:
        """Lay the version down. Raises Unfit, OSError, TarError."""
        with self.versions.making(self.name) as work:
            # Newer Pythons want to be told how far an archive is trusted.
            trust: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            with tarfile.open(self.params["archive"]) as tar:
                tar.extractall(work, **trust)
            python = self.params["python"]
            if self.params["install"] == "venv":
                self._make_environment(work)
                python = os.path.join(self.directory, "venv", "bin", "python")
            _write_commands(work, python)
            self._run(
                [
                    *(self.params["python"], "-I", "-m", "compileall", "-q"),
                    *("--invalidation-mode", "unchecked-hash", os.path.join(work, "ipvsman")),
                ]
            )

    def _make_environment(self, work: str) -> None:
        environment = os.path.join(work, "venv")
        self._run([self.params["python"], "-I", "-m", "venv", environment])
        requirements = os.path.join(work, "requirements.txt")
        if self.params["requirements"]:
            with open(requirements, "w", encoding="utf-8") as stream:
                stream.write(self.params["requirements"])
        command = [os.path.join(environment, "bin", "python"), "-I", "-m", "pip", "install"]
        command += ["--quiet", "--disable-pip-version-check", "--no-cache-dir"]
        if self.params["pip_index"]:
            command += ["--index-url", self.params["pip_index"]]
        elif self.params["pip_find_links"]:
            command += ["--no-index"]
        if self.params["pip_find_links"]:
            command += ["--find-links", self.params["pip_find_links"]]
        self._run([*command, *self.params["pip_arguments"], "--requirement", requirements])

    def _run(self, command: list[str]) -> None:
        status, output, errors = self.module.run_command(command)
        if status:
            said = errors.strip() or output.strip() or f"exit status {status}"
            raise Unfit(f"{' '.join(command)}: {said}{_short_of_space(self.versions.root)}")


def _short_of_space(directory: str) -> str:
    """What pip does not always say."""
    found = os.statvfs(directory)
    free = found.f_bavail * found.f_frsize >> 20
    return f"; {directory} has {free} MiB free" if free < _LITTLE else ""


def _write_commands(work: str, python: str) -> None:
    folder = os.path.join(work, "bin")
    os.mkdir(folder, 0o755)
    for name, module in _COMMANDS.items():
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(_LAUNCHER.format(python=python, module=module, arguments=_ARGUMENTS[name]))
        os.chmod(path, 0o755)


def run(program: Program) -> dict[str, Any]:
    """Do what the task says; its result. Raises Unfit, OSError, TarError."""
    module, params = program.module, program.params
    if params["pin"] and not program.there:
        there = ", ".join(program.versions.names()) or "none"
        raise Unfit(f"there is no version {params['pin']} to go back to; there are: {there}")
    asked = ask_python(params["python"], module.run_command)
    if params["pin"] and not program.present(asked):
        raise Unfit(f"version {params['pin']} was made for another Python than the host has now")
    missing = program.missing(asked)
    builds = removed = None
    if params["state"] == "present":
        builds = None if program.present(asked) else program.name
        if builds and not module.check_mode:
            if not params["archive"]:
                return {"changed": False, "wants_archive": True}
            if not asked:
                raise Unfit(
                    f"python: there is no {params['python']} (with the role: ipvsman_python)"
                )
            if missing and params["install"] == "venv":
                raise Unfit(f"{params['python']} cannot make virtual environments: no ensurepip")
            program.build()
        removed = program.versions.superfluous(program.name, params["keep"])
        if not module.check_mode:
            for name in removed:
                program.versions.remove(name)
    lines = [f"+ {builds}"] if builds else []
    lines += [f"- {name}" for name in removed or ()]
    return {
        "changed": bool(lines),
        "name": program.name,
        "directory": program.directory,
        "present": program.present(asked),
        "versions": program.versions.names(),
        "missing": missing,
        "host": told(asked, module.get_bin_path("systemctl"), module.run_command),
        "diff": {"prepared": "".join(f"{params['root']}: {line}\n" for line in lines)},
    }
