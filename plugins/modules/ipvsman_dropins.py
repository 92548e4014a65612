#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directory of the daemon's drop-ins, judged as a whole before it takes the place of the old."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvsman_dropins
short_description: Directory of the drop-ins of the daemon ipvsman
version_added: 0.1.0
description:
  - Has the drop-ins of a host as variables and files of the playbook say. The new directory is put together beside the old
    one, judged as a whole by C(ipvsman --test) on the host, and takes its place at one stroke.
  - With a fault the task fails with file, line and reason, and nothing has changed. So it does where the kernel has no module for a
    scheduler or a persistence engine of the playbook's drop-ins.
  - Drop-ins that somebody else has written stay, unless O(purge) removes them. Files that an earlier run has written, and
    that are not said any more, are removed.
options:
  groups:
    description: Groups, which become C(groups/ansible.yaml). An empty list is an empty table; left out, there is no such file.
    type: list
    elements: dict
  backends:
    description: Lists of backends by the name of their file, which becomes C(backends/NAME.yaml).
    type: dict
  backend_maps:
    description: Lists of backends by name, which become C(backend-maps/ansible.yaml).
    type: dict
  check_refs:
    description: Check targets by name, which become C(check-refs/ansible.yaml).
    type: dict
  globals:
    description: What belongs to the whole table, which becomes C(globals/ansible.yaml).
    type: dict
  src:
    description:
      - Directory on the controller with drop-ins in the folders that the daemon reads, which are taken as they are. A relative path
        is looked for beside the playbook, and in its C(files).
    type: path
  purge:
    description: Whether drop-ins that this module has not written are removed.
    type: bool
    default: false
  purge_api:
    description: Whether C(groups/api-put.yaml), which belongs to the API of the daemon, is removed too.
    type: bool
    default: false
  directory:
    description: Directory of the drop-ins.
    type: path
    default: /etc/ipvsman
  program:
    description: Directory of the version of the program that judges, as M(lvs.ipvs.ipvsman_program) returns it.
    type: path
    required: true
  arguments:
    description: Further arguments of C(ipvsman --test), such as C(--strict).
    type: list
    elements: str
    default: []
  group:
    description: Group that may read the drop-ins, and make new ones in C(groups).
    type: str
    default: ipvsman
  files:
    description: The files by their paths below the directory; the action plugin fills them in.
    type: dict
  kernel_modules:
    description: Kernel modules that the drop-ins need; the action plugin fills them in.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description:
      - Can run in C(check_mode) and say what it would change, without changing anything.
      - Where the program is not there yet, nothing can judge the drop-ins, which is a warning.
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
- name: One group, beside what others have written
  lvs.ipvs.ipvsman_dropins:
    program: /usr/lib/ipvsman/current
    groups:
      - group: web
        vip: 192.0.2.80
        frontends:
          - {name: http, proto: tcp, port: 80}
        backends:
          - {address: 10.0.1.10}
        healthcheck: {type: tcp}

- name: The directory of the playbook, and nothing else
  lvs.ipvs.ipvsman_dropins:
    program: /usr/lib/ipvsman/current
    src: drop-ins
    purge: true
"""

RETURN = r"""
digest:
  description: What the daemon calls C(config_digest) when it has these drop-ins; none where nothing could judge them.
  returned: success
  type: str
foreign:
  description: Drop-ins that stay, and that this module has not written.
  returned: success
  type: list
  elements: str
  sample: [groups/api-put.yaml]
icmp:
  description: Whether a drop-in has health checks of type icmp.
  returned: success
  type: bool
table:
  description: What a daemon with these drop-ins would change in the kernel now; none where that cannot be known.
  returned: in check mode, where the drop-ins were judged
  type: list
  elements: dict
used:
  description: What of the kernel the drop-ins of the playbook use.
  returned: success
  type: dict
  contains:
    vips:
      description: Virtual addresses.
      type: list
      elements: str
    schedulers:
      description: Schedulers.
      type: list
      elements: str
    engines:
      description: Persistence engines.
      type: list
      elements: str
    kernel_modules:
      description: Kernel modules of these schedulers and engines.
      type: list
      elements: str
    masquerades_inet6:
      description: Whether backends may be reached by masquerading over IPv6.
      type: bool
"""

import ctypes
import errno
import grp
import json
import os
import re
import shutil
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.kernelmodules import is_loaded, load

FOLDERS = ("groups", "backends", "backend-maps", "check-refs", "globals")
API = "groups/api-put.yaml"
#: Which drop-ins are ours. The daemon reads the folders only.
MANIFEST = ".ansible.json"
#: The daemon makes files in groups/, and touches none of others there: hence the sticky bit.
MODES = {"": 0o750, "groups": 0o1770}
OWNER = 0
MODE = 0o750
MODE_OF_FILES = 0o640

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_CANNOT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.EBUSY)
_ICMP = re.compile(rb"""["']?type["']?\s*:\s*["']?icmp\b""")
DIGEST = """\
import sys
sys.path.insert(0, sys.argv[1])
from ipvsman.config.loader import load
print(load(sys.argv[2]).digest)
"""


class Faulty(Exception):
    """The drop-ins are not good."""


class Directory:
    """A directory of drop-ins as it is: the content of every file by its path below it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.files: dict[str, bytes] = {}
        for folder in FOLDERS:
            for name in _names(os.path.join(path, folder)):
                with open(os.path.join(path, folder, name), "rb") as stream:
                    self.files[f"{folder}/{name}"] = stream.read()
        self.exists = os.path.isdir(path)
        self.managed = self._manifest() & set(self.files)

    def _manifest(self) -> set[str]:
        try:
            with open(os.path.join(self.path, MANIFEST), encoding="utf-8") as stream:
                return {str(name) for name in json.load(stream)["files"]}
        except FileNotFoundError:
            return set()
        except (ValueError, KeyError, TypeError):
            # Whose the files are is not known any more: then they are not ours.
            return set()

    def others(self) -> list[str]:
        """What lies beside the folders, and belongs to somebody else."""
        return [
            name
            for name in (os.listdir(self.path) if self.exists else [])
            if name not in FOLDERS and name != MANIFEST
        ]


def _names(folder: str) -> list[str]:
    """The regular files of a folder, or what is linked to; half-written ones of the daemon not."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(
        name
        for name in names
        if os.path.isfile(os.path.join(folder, name)) and not name.endswith(".tmp")
    )


class DropIns:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.path: str = self.params["directory"]
        self.wanted = {
            name: text.encode("utf-8") for name, text in (self.params["files"] or {}).items()
        }
        self.now = Directory(self.path)
        self.foreign = [name for name in self.now.files if self._stays(name)]
        self.target = {name: self.now.files[name] for name in self.foreign} | self.wanted
        self.digest: str | None = None

    def _stays(self, name: str) -> bool:
        """Whether a file that is there, and that nobody wants of us, is left."""
        if name in self.now.managed or name in self.wanted:
            return False
        if name == API:
            return not self.params["purge_api"]
        return not self.params["purge"]

    def differs(self) -> bool:
        """Whether anything is to be done."""
        return (
            self.target != self.now.files
            or self.now.managed != set(self.wanted)
            or bool(self.wrong_rights())
        )

    # -- rights

    def group(self) -> int | None:
        """The group that may read; None where there is no such group yet (check mode)."""
        try:
            return grp.getgrnam(self.params["group"]).gr_gid
        except KeyError:
            if self.module.check_mode:
                return None
            raise Faulty(f"there is no group {self.params['group']}") from None

    def rights(self) -> dict[str, int]:
        """The mode of everything that is ours, by its path below the directory."""
        modes = {folder: MODES.get(folder, MODE) for folder in ("", *FOLDERS)}
        return {**modes, **dict.fromkeys(self.wanted, MODE_OF_FILES), MANIFEST: MODE_OF_FILES}

    def wrong_rights(self) -> list[str]:
        """What is there with other rights than it shall have, a line each."""
        group = self.group()
        wrong = []
        for name, mode in self.rights().items():
            path = os.path.join(self.path, name) if name else self.path
            try:
                state = os.stat(path)
            except FileNotFoundError:
                if name in FOLDERS or not name:
                    wrong.append(f"{name or '.'}: is missing")
                continue
            held = (OWNER, group if group is not None else state.st_gid, mode)
            if (state.st_uid, state.st_gid, state.st_mode & 0o7777) != held:
                wrong.append(f"{name or '.'}: {state.st_mode & 0o7777:04o}")
        return wrong

    # -- the new directory

    def stage(self, at: str) -> None:
        """Put the new directory together there; foreign files are the same files."""
        group = self.group()
        for name in FOLDERS:
            os.mkdir(os.path.join(at, name))
        for name, content in self.wanted.items():
            with open(os.path.join(at, name), "wb") as stream:
                stream.write(content)
        with open(os.path.join(at, MANIFEST), "w", encoding="utf-8") as stream:
            json.dump({"files": sorted(self.wanted)}, stream, indent=2)
        for name in self.foreign:
            _same_file(os.path.join(self.path, name), os.path.join(at, name))
        for name in self.now.others():
            _same_file(os.path.join(self.path, name), os.path.join(at, name))
        for name, mode in self.rights().items():
            path = os.path.join(at, name) if name else at
            if group is not None:
                os.chown(path, OWNER, group)
            os.chmod(path, mode)

    def judge(self, at: str) -> list[str]:
        """Have the program say whether it is good; its warnings. Raises Faulty."""
        command = os.path.join(self.params["program"], "bin", "ipvsman")
        if not os.path.exists(command):
            if not self.module.check_mode:
                raise Faulty(f"{command} is not there, and nothing else can judge the drop-ins")
            return ["the drop-ins have not been judged: ipvsman is not installed on this host yet"]
        judged = [command, *self.params["arguments"], "--test", "--no-syslog", "--config-dir", at]
        status, _output, errors = self.module.run_command(judged)
        said = [self._as_it_will_be(line, at) for line in errors.splitlines()]
        if status:
            faults = [line for line in said if not line.startswith("warning: ")]
            raise Faulty("\n".join(faults) or f"{command} --test ended with status {status}")
        with open(command, encoding="utf-8") as stream:
            python = stream.readline()[2:].split()[0]
        status, output, errors = self.module.run_command(
            [python, "-I", "-c", DIGEST, self.params["program"], at]
        )
        self.digest = output.strip() if status == 0 else None
        return [line[len("warning: ") :] for line in said if line.startswith("warning: ")]

    def check_kernel(self) -> None:
        """See that the kernel has what they need, before a daemon is told of them. Raises Faulty."""
        missing = [name for name in self.params["kernel_modules"] if not is_loaded(name)]
        faults = [
            fault for fault in (load(self.module, name, dry_run=True) for name in missing) if fault
        ]
        if faults:
            raise Faulty(
                "\n".join(f"the kernel lacks what drop-ins use: {each}" for each in faults)
            )

    def would_change(self, at: str) -> list[dict[str, Any]] | None:
        """What a daemon with these drop-ins would change in the kernel now; None: not known."""
        command = os.path.join(self.params["program"], "bin", "ipvsman")
        # No daemon is asked: the one that runs has the old drop-ins.
        words = [command, "--diff", "--output", "json", "--no-syslog", "--socket", f"{at}/none"]
        status, output, _errors = self.module.run_command([*words, "--config-dir", at])
        if status not in (0, 1):
            return None
        try:
            changes: list[dict[str, Any]] = json.loads(output)["changes"]
        except (ValueError, KeyError, TypeError):
            return None
        return changes

    def _as_it_will_be(self, line: str, at: str) -> str:
        """A line of the program's, with the file where it will be."""
        line = line.replace(at, self.path)
        for prefix in ("ipvsman: ", "load failed: "):
            line = line.removeprefix(prefix)
        return line

    def swap(self, at: str) -> None:
        """Put the new directory in the place of the old one, at one stroke where that is possible."""
        if not self.now.exists:
            os.rename(at, self.path)
            return
        if not _exchange(at, self.path):
            self._replace_piecemeal(at)
        else:
            # The API may have written since we read: what it wrote is in the old directory now.
            late = os.path.join(at, API)
            if os.path.exists(late) and _content(late) != self.now.files.get(API):
                os.replace(late, os.path.join(self.path, API))
        shutil.rmtree(at)

    def _replace_piecemeal(self, at: str) -> None:
        """Where a directory cannot be renamed: a mount, an overlay.

        First what is new, then away with what is too much: nothing is missing in between.
        """
        for name in self.rights():
            new, old = os.path.join(at, name), os.path.join(self.path, name)
            if os.path.isdir(new):
                os.makedirs(old, exist_ok=True)
                shutil.copystat(new, old)
                os.chown(old, OWNER, os.stat(new).st_gid)
            else:
                os.replace(new, old)
        for name in set(self.now.files) - set(self.target):
            os.unlink(os.path.join(self.path, name))

    def diff(self) -> list[dict[str, str]]:
        """What is different, file by file."""
        entries = []
        for name in sorted(self.now.files.keys() | self.target.keys()):
            before, after = self.now.files.get(name), self.target.get(name)
            if before != after:
                path = os.path.join(self.path, name)
                entries.append(
                    {
                        "before_header": path if before is not None else f"{path} (absent)",
                        "after_header": path if after is not None else f"{path} (absent)",
                        "before": _text(before),
                        "after": _text(after),
                    }
                )
        wrong = self.wrong_rights() if self.now.exists else []
        if wrong:
            lines = "".join(f"{self.path}: rights of {line}\n" for line in wrong)
            entries.append({"prepared": lines})
        return entries


def _exchange(one: str, other: str) -> bool:
    """Exchange two directories at one stroke (renameat2); False where that cannot be."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    first, second = os.fsencode(one), os.fsencode(other)
    if renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), other)


def _same_file(path: str, at: str) -> None:
    """The same file by a second name; a copy where that cannot be."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.copytree(path, at, symlinks=True, copy_function=_same_file)
        return
    try:
        os.link(path, at, follow_symlinks=False)
    except OSError:
        shutil.copy2(path, at, follow_symlinks=False)
        state = os.lstat(path)
        os.chown(at, state.st_uid, state.st_gid, follow_symlinks=False)


def _content(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "replace")


def sweep(parent: str, prefix: str) -> None:
    """Remove what a run that was killed has left half made."""
    for name in os.listdir(parent):
        if name.startswith(prefix):
            shutil.rmtree(os.path.join(parent, name), ignore_errors=True)


def run(drop_ins: DropIns) -> dict[str, Any]:
    """Do what the task says; its result. Raises Faulty, OSError."""
    module = drop_ins.module
    parent, base = os.path.split(drop_ins.path)
    prefix = f".{base}.new-"
    if module.check_mode:
        staging = tempfile.mkdtemp(prefix=prefix, dir=module.tmpdir)
    else:
        sweep(parent, prefix)
        staging = tempfile.mkdtemp(prefix=prefix, dir=parent)
    try:
        drop_ins.stage(staging)
        warnings = drop_ins.judge(staging)
        drop_ins.check_kernel()
        changed = drop_ins.differs()
        result = {
            "changed": changed,
            "digest": drop_ins.digest,
            "foreign": drop_ins.foreign,
            "icmp": any(_ICMP.search(content) for content in drop_ins.target.values()),
            "diff": drop_ins.diff() if changed else [],
        }
        if changed and not module.check_mode:
            drop_ins.swap(staging)
        elif module.check_mode and drop_ins.digest:
            result["table"] = drop_ins.would_change(staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    for warning in warnings:
        module.warn(warning)
    return result


def main() -> None:
    """Entry point."""
    here: dict[str, Any] = {
        "groups": {"type": "list", "elements": "dict"},
        "backends": {"type": "dict"},
        "backend_maps": {"type": "dict"},
        "check_refs": {"type": "dict"},
        "globals": {"type": "dict"},
        "src": {"type": "path"},
    }
    module = AnsibleModule(
        argument_spec={
            **here,
            "purge": {"type": "bool", "default": False},
            "purge_api": {"type": "bool", "default": False},
            "directory": {"type": "path", "default": "/etc/ipvsman"},
            "program": {"type": "path", "required": True},
            "arguments": {"type": "list", "elements": "str", "default": []},
            "group": {"type": "str", "default": "ipvsman"},
            "files": {"type": "dict"},
            "kernel_modules": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        result = run(DropIns(module))
    except Faulty as faulty:
        module.fail_json(msg=str(faulty))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
