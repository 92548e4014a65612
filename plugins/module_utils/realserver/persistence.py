# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What brings a real server's facts back at boot: files, and a unit of systemd.

Internal to this collection. No network manager is asked: the unit is done before any of them
starts, and what it puts on `lo`, a dummy or a tunnel link is none of their links.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from . import host
from .host import Fact, HostError, Module, Note, Sysctl, to_plain

PROGRAM = "/usr/lib/lvs-realserver/lvs-realserver"
UNIT_NAME = "lvs-realserver.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT_NAME}"
SYSCTL_FILE = "/etc/sysctl.d/90-lvs-realserver.conf"
MODULES_FILE = "/etc/modules-load.d/lvs-realserver.conf"
#: Directories of ours alone, removed when they are empty.
OWN_DIRECTORIES = (
    os.path.dirname(PROGRAM),
    os.path.dirname(host.FACTS_FILE),
    os.path.dirname(host.NOTES_FILE),
)
#: There where systemd runs.
SYSTEMD = "/run/systemd/system"

HEADING = "# Written by Ansible (lvs.ipvs.ipvs_realserver)."

# DefaultDependencies=no: what follows network-pre.target may itself come before sysinit.target, as
# cloud-init does. No Conflicts=shutdown.target: a host that goes down serves to its end.
UNIT = f"""\
{HEADING}
[Unit]
Description=Virtual addresses and tunnels of a real server behind IPVS
Documentation=https://github.com/lvs-ansible/lvs.ipvs
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service systemd-sysctl.service
Before=network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={{python}} {PROGRAM} up
ExecReload={{python}} {PROGRAM} up
ExecStop={{python}} {PROGRAM} down

[Install]
WantedBy=multi-user.target
"""


def files_of(facts: Sequence[Fact], notes: Sequence[Note]) -> dict[str, str | None]:
    """Every file with its content; None = it is not there. Without facts there is none."""
    names = (PROGRAM, host.FACTS_FILE, UNIT_FILE, SYSCTL_FILE, MODULES_FILE)
    files: dict[str, str | None] = dict.fromkeys(names)
    if not facts:
        return files
    files[PROGRAM] = f"#!{_python()}\n" + inspect.getsource(host)
    # One a line, for those who read it and its diff.
    rows = ",\n".join(json.dumps(row) for row in to_plain(facts))
    files[host.FACTS_FILE] = f'{{"facts": [\n{rows}\n]}}\n'
    files[UNIT_FILE] = UNIT.format(python=_python())
    # Ours alone: a value that was good before we came is of somebody else's file.
    sysctls = [note.fact for note in notes if isinstance(note.fact, Sysctl)]
    if sysctls:
        # The dash: a tunnel's link may come later, and lvs-realserver.service sets it then.
        lines = [f"-{_relative(sysctl.name)} = {sysctl.value}\n" for sysctl in sysctls]
        files[SYSCTL_FILE] = f"{HEADING}\n" + "".join(lines)
    modules = [fact.name for fact in facts if isinstance(fact, Module)]
    if modules:
        files[MODULES_FILE] = f"{HEADING}\n" + "".join(f"{name}\n" for name in modules)
    return files


def _relative(name: str) -> str:
    """A sysctl with slashes, as sysctl.d takes names of links that have a dot."""
    return host.sysctl_path(name).partition("/proc/sys/")[2]


def _python() -> str:
    """The host's own interpreter rather than that of an environment that may go."""
    return "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def differing(files: Mapping[str, str | None]) -> dict[str, str | None]:
    """The files that are not as they should be, with what they hold now (None = not there)."""
    found: dict[str, str | None] = {}
    for path, wanted in files.items():
        there = _read(path)
        if there != wanted:
            found[path] = there
    return found


def write(path: str, content: str | None) -> None:
    """Have a file as it should be; None = gone. Raises HostError."""
    try:
        if content is None:
            if os.path.lexists(path):
                os.unlink(path)
            return
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(path + ".new", 0o755 if path == PROGRAM else 0o644)
        os.replace(path + ".new", path)
    except OSError as error:
        raise HostError(f"{path}: {error.strerror}") from None


def remove_directories() -> None:
    """Those of ours that are empty."""
    for path in OWN_DIRECTORIES:
        if os.path.isdir(path) and not os.listdir(path):
            os.rmdir(path)


def diff(files: Mapping[str, str | None], differ: Mapping[str, str | None]) -> list[Any]:
    """What --diff shows of files that differ; of the program, that it is another one."""
    return [
        {
            "before": _shown(path, there),
            "after": _shown(path, files[path]),
            "before_header": path,
            "after_header": path,
        }
        for path, there in differ.items()
    ]


def _shown(path: str, content: str | None) -> str:
    if content is None or path != PROGRAM:
        return content or ""
    return f"a program, sha256 {hashlib.sha256(content.encode()).hexdigest()}\n"


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise HostError(f"{path} cannot be read: {error}") from None


Run = Callable[[Sequence[str]], "tuple[int, str]"]


class Unit:
    """Our unit, and systemd; nothing where systemd does not run, as in a container."""

    def __init__(self, run: Run | None = None, systemd: str = SYSTEMD) -> None:
        self.is_possible = os.path.isdir(systemd)
        self._run = run or _systemctl

    def missing(self, wanted: bool) -> list[list[str]]:
        """The calls of systemctl that the unit needs to be enabled and active, or neither."""
        if not self.is_possible:
            return []
        enabled = self._run(["is-enabled", UNIT_NAME])[1].strip() == "enabled"
        active = self._run(["is-active", UNIT_NAME])[1].strip() == "active"
        if wanted:
            calls = [] if enabled else [["enable", UNIT_NAME]]
            return calls if active else [*calls, ["start", UNIT_NAME]]
        calls = [["stop", UNIT_NAME]] if active else []
        return [*calls, ["disable", UNIT_NAME]] if enabled else calls

    def call(self, words: Sequence[str]) -> None:
        """Raises HostError."""
        if not self.is_possible:
            return
        status, said = self._run(words)
        if status:
            raise HostError(f"systemctl {' '.join(words)}: {said.strip() or status}")


def _systemctl(words: Sequence[str]) -> tuple[int, str]:
    done = subprocess.run(
        ["systemctl", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")
