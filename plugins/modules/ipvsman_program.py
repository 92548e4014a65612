#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The daemon's program on a host: versions beside each other, each whole or not there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvsman_program
short_description: Versions of the daemon ipvsman on a host
version_added: 0.1.0
description:
  - Lays the daemon of this collection into a directory of its own, named by version and digest, or looks at what is there.
  - A version is built beside and renamed when it is complete, so it is whole or not there. Nothing that runs is touched, and
    no link is changed; to take a version into use is the work of the role P(lvs.ipvs.ipvsman#role).
  - The archive is made on the controller, and sent only to hosts that do not have the version.
options:
  state:
    description:
      - V(examined) changes nothing, and tells what is there and what is missing.
      - V(present) has the version there, and removes old ones.
    type: str
    choices: [examined, present]
    default: present
  root:
    description: Directory of the versions.
    type: path
    default: /usr/lib/ipvsman
  python:
    description: The Python that runs the daemon, 3.11 or later.
    type: path
    default: /usr/bin/python3
  install:
    description:
      - V(distro) takes the daemon's libraries from the system.
      - V(venv) installs them into a virtual environment that is part of the version.
    type: str
    choices: [distro, venv]
    default: distro
  requirements:
    description: Text of a pip requirements file, for O(install=venv). Without, that of the collection, with hashes.
    type: str
  pip_index:
    description: URL of the index that pip asks instead of its default.
    type: str
  pip_find_links:
    description: Directory or URL of wheels. With it, and without O(pip_index), pip asks no index.
    type: str
  pip_arguments:
    description: Further arguments of C(pip install), such as C(--trusted-host).
    type: list
    elements: str
    default: []
  keep:
    description: How many versions stay, the one in use and this one among them.
    type: int
    default: 2
  pin:
    description: Name of a version on the host that is wanted instead of the collection's. It has to be there.
    type: str
  name:
    description: Name of the version; the action plugin fills it in.
    type: str
  archive:
    description: Path of the archive on the host; the action plugin fills it in.
    type: path
attributes:
  check_mode:
    description: Can run in C(check_mode) and say what it would change, without changing anything.
    support: full
  diff_mode:
    description: Returns in C(diff_mode) what has changed, or would change in check mode.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  platform:
    description: What the managed host has to be.
    support: full
    platforms: linux
requirements:
  - Python 3.9 or later on the managed host for the module, 3.11 or later for the daemon
author:
  - The lvs.ipvs developers (@lvs-ansible)
"""

EXAMPLES = r"""
- name: Lay the program down, with its libraries
  lvs.ipvs.ipvsman_program:
    install: venv
    pip_find_links: /srv/wheels
  register: program

- name: Say where it is
  ansible.builtin.debug:
    var: program.directory
"""

RETURN = r"""
name:
  description: Name of the version.
  returned: success
  type: str
  sample: 0.1.0-1f0c3a9be212
directory:
  description: Its directory.
  returned: success
  type: str
  sample: /usr/lib/ipvsman/versions/0.1.0-1f0c3a9be212
present:
  description: Whether it is there.
  returned: success
  type: bool
versions:
  description: The versions on the host, the newest last.
  returned: success
  type: list
  elements: str
missing:
  description: What the daemon needs and the host does not have, as names on PyPI; V(venv) where no environment can be made.
  returned: success
  type: list
  elements: str
host:
  description: What the host is, as far as the installation depends on it.
  returned: success
  type: dict
  contains:
    system:
      description: ID of C(/etc/os-release).
      type: str
      sample: debian
    system_version:
      description: VERSION_ID of C(/etc/os-release).
      type: str
      sample: "12"
    python:
      description: Version of the daemon's Python; none where there is none.
      type: str
      sample: 3.11.2
    user:
      description: Whether there is a user ipvsman.
      type: bool
    interfaces:
      description: Names of the network interfaces.
      type: list
      elements: str
    systemd:
      description: Version of systemd; 0 where there is none.
      type: int
      sample: 252
"""

import json
import os
import pwd
import re
import shutil
import tarfile
import tempfile
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

OLDEST_PYTHON = (3, 11)
#: What the daemon imports, and the oldest versions it runs with; pyproject.toml has the same.
NEEDED = {
    "aiohttp": "3.8.4",
    "dnspython": "2.3.0",
    "h11": "0.14.0",
    "prometheus-client": "0.16.0",
    "pyroute2": "0.7.2",
    "PyYAML": "6.0",
    "voluptuous": "0.12.2",
}
COMMANDS = {"ipvsman": "ipvsman.__main__", "ipvsctl": "ipvsman.ctl.__main__"}
#: A command finds its version by where it lies itself: a switch of versions changes nothing in a
#: process that runs. Drop-ins are in /etc/ipvsman, unless an argument says another directory.
LAUNCHER = """\
#!{python} -I
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from {module} import main

raise SystemExit(main({arguments}))
"""
ARGUMENTS = {"ipvsman": '["--config-dir", "/etc/ipvsman", *sys.argv[1:]]', "ipvsctl": ""}
ASK_PYTHON = """\
import importlib.metadata, importlib.util, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
makes_venvs = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
print(json.dumps({"python": sys.version_info[:3], "found": found, "venv": makes_venvs}))
"""


def numbers(version: str) -> tuple[int, ...]:
    """The numbers at the beginning of a version, as something that can be compared."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def os_release(text: str) -> dict[str, str]:
    """What /etc/os-release says."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, _equals, value in pairs}


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


class Program:
    """The versions on this host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.root: str = self.params["root"]
        self.versions_directory = os.path.join(self.root, "versions")
        self.name: str = self.params["pin"] or self.params["name"]
        self.directory = os.path.join(self.versions_directory, self.name)
        self.missing: list[str] = []
        self.host: dict[str, Any] = {}

    @property
    def present(self) -> bool:
        """Whether the version is there; then it is whole."""
        return os.path.isdir(self.directory)

    def versions(self) -> list[str]:
        """The versions that are there, the newest last."""
        try:
            names = os.listdir(self.versions_directory)
        except FileNotFoundError:
            return []
        whole = [name for name in names if not name.startswith(".")]
        return sorted(whole, key=lambda name: (self._age(name), name))

    def _age(self, name: str) -> float:
        return os.lstat(os.path.join(self.versions_directory, name)).st_mtime

    def examine(self) -> None:
        """Find out what the host is and has. Fails where the daemon cannot run."""
        python = self.params["python"]
        asked: dict[str, Any] = {}
        if os.path.exists(python):
            status, output, errors = self.module.run_command(
                [python, "-I", "-c", ASK_PYTHON, *NEEDED]
            )
            if status:
                self.fail(f"{python} cannot be run: {errors.strip() or output.strip()}")
            asked = json.loads(output)
            version = ".".join(map(str, asked["python"]))
            if tuple(asked["python"]) < OLDEST_PYTHON:
                oldest = ".".join(map(str, OLDEST_PYTHON))
                self.fail(
                    f"{python} is Python {version}, and ipvsman needs {oldest} or later;"
                    " name another with ipvsman_python"
                )
            self.host["python"] = version
        else:
            self.host["python"] = None
        self.host.update(self._system())
        self.missing = self._missing(asked)

    def _missing(self, asked: dict[str, Any]) -> list[str]:
        if self.params["install"] == "venv":
            return [] if asked.get("venv") or self.present else ["venv"]
        found = asked.get("found", {})
        return [
            name
            for name, oldest in NEEDED.items()
            if numbers(found.get(name, "")) < numbers(oldest)
        ]

    def _system(self) -> dict[str, Any]:
        release = {}
        for path in ("/etc/os-release", "/usr/lib/os-release"):
            if os.path.exists(path):
                with open(path, encoding="utf-8") as stream:
                    release = os_release(stream.read())
                break
        systemd = 0
        systemctl = self.module.get_bin_path("systemctl")
        if systemctl:
            _status, output, _errors = self.module.run_command([systemctl, "--version"])
            found = re.match(r"systemd (\d+)", output)
            systemd = int(found.group(1)) if found else 0
        return {
            "user": _is_user("ipvsman"),
            "interfaces": sorted(os.listdir("/sys/class/net")),
            "system": release.get("ID", ""),
            "system_version": release.get("VERSION_ID", ""),
            "systemd": systemd,
        }

    def build(self) -> None:
        """Lay the version down: beside, and renamed when it is complete."""
        os.makedirs(self.versions_directory, mode=0o755, exist_ok=True)
        self._sweep()
        work = tempfile.mkdtemp(prefix=".making-", dir=self.versions_directory)
        try:
            os.chmod(work, 0o755)
            # Newer Pythons want to be told how far an archive is trusted.
            trust: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            with tarfile.open(self.params["archive"]) as tar:
                tar.extractall(work, **trust)
            python = self.params["python"]
            if self.params["install"] == "venv":
                self._make_environment(work)
                python = os.path.join(self.directory, "venv", "bin", "python")
            self._write_commands(work, python)
            self._run(
                [
                    *(self.params["python"], "-I", "-m", "compileall", "-q"),
                    *("--invalidation-mode", "unchecked-hash", os.path.join(work, "ipvsman")),
                ]
            )
            os.rename(work, self.directory)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise

    def _sweep(self) -> None:
        """Remove what a run that was killed has left half made."""
        for name in os.listdir(self.versions_directory):
            if name.startswith(".making-"):
                shutil.rmtree(os.path.join(self.versions_directory, name), ignore_errors=True)

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

    def _write_commands(self, work: str, python: str) -> None:
        folder = os.path.join(work, "bin")
        os.mkdir(folder, 0o755)
        for name, module in COMMANDS.items():
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(
                    LAUNCHER.format(python=python, module=module, arguments=ARGUMENTS[name])
                )
            os.chmod(path, 0o755)

    def _run(self, command: list[str]) -> None:
        status, output, errors = self.module.run_command(command)
        if status:
            said = errors.strip() or output.strip() or f"exit status {status}"
            self.fail(f"{' '.join(command)}: {said}")

    def superfluous(self) -> list[str]:
        """The versions that go: the oldest, but neither this one nor the one in use."""
        link = os.path.join(self.root, "current")
        used = os.path.basename(os.path.realpath(link)) if os.path.islink(link) else ""
        kept = {self.name, used}
        others = [name for name in self.versions() if name not in kept]
        room = max(self.params["keep"] - len(kept - {""}), 0)
        return others[: max(len(others) - room, 0)]

    def remove(self, name: str) -> None:
        """Remove a version: out of the way first, since it takes a while."""
        aside = tempfile.mkdtemp(prefix=".making-", dir=self.versions_directory)
        os.rename(os.path.join(self.versions_directory, name), os.path.join(aside, name))
        shutil.rmtree(aside)

    def fail(self, message: str) -> NoReturn:
        """End the task; what is half made is removed by whoever made it."""
        raise Unfit(message)


class Unfit(Exception):
    """The program cannot be installed here."""


def run(program: Program) -> dict[str, Any]:
    """Do what the task says; its result."""
    module, params = program.module, program.params
    if params["pin"] and not program.present:
        there = ", ".join(program.versions()) or "none"
        raise Unfit(f"there is no version {params['pin']} to go back to; there are: {there}")
    program.examine()
    builds = removed = None
    if params["state"] == "present":
        builds = None if program.present else program.name
        if builds and not module.check_mode:
            if not params["archive"]:
                return {"changed": False, "wants_archive": True}
            if program.missing and params["install"] == "venv":
                raise Unfit(f"{params['python']} cannot make virtual environments: no ensurepip")
            program.build()
        removed = program.superfluous()
        if not module.check_mode:
            for name in removed:
                program.remove(name)
    lines = [f"+ {builds}"] if builds else []
    lines += [f"- {name}" for name in removed or ()]
    return {
        "changed": bool(lines),
        "name": program.name,
        "directory": program.directory,
        "present": program.present,
        "versions": program.versions(),
        "missing": program.missing,
        "host": program.host,
        "diff": {"prepared": "".join(f"{program.root}: {line}\n" for line in lines)},
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["examined", "present"], "default": "present"},
            "root": {"type": "path", "default": "/usr/lib/ipvsman"},
            "python": {"type": "path", "default": "/usr/bin/python3"},
            "install": {"type": "str", "choices": ["distro", "venv"], "default": "distro"},
            "requirements": {"type": "str"},
            "pip_index": {"type": "str"},
            "pip_find_links": {"type": "str"},
            "pip_arguments": {"type": "list", "elements": "str", "default": []},
            "keep": {"type": "int", "default": 2},
            "pin": {"type": "str"},
            "name": {"type": "str"},
            "archive": {"type": "path"},
        },
        required_one_of=[("pin", "name")],
        supports_check_mode=True,
    )
    try:
        result = run(Program(module))
    except (Unfit, OSError, tarfile.TarError) as error:
        module.fail_json(msg=str(error))
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
