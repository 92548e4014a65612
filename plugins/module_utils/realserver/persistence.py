# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What brings a real server's facts back at boot: files, and a unit of systemd.

Internal to this collection. No network manager is asked: the unit is done before any of them
starts, and what it puts on `lo`, a dummy or a tunnel link is none of their links. What it runs is
made of our own files, and needs nothing but Python's standard library.
"""

from __future__ import annotations

import inspect
import io
import json
import os
import sys
import zipfile
from collections.abc import Sequence
from typing import Union

from .. import kernelmodules
from ..hostfiles import HostFiles
from ..network import apply, facts, host, plan
from ..network.facts import Fact, Module, Sysctl, to_plain
from ..network.plan import Note
from . import boot, notes

PROGRAM = "/usr/lib/lvs-realserver/lvs-realserver"
UNIT_NAME = "lvs-realserver.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT_NAME}"
SYSCTL_FILE = "/etc/sysctl.d/90-lvs-realserver.conf"
MODULES_FILE = "/etc/modules-load.d/lvs-realserver.conf"
#: Directories of ours alone, removed when they are empty.
OWN_DIRECTORIES = (
    os.path.dirname(PROGRAM),
    os.path.dirname(boot.FACTS_FILE),
    os.path.dirname(notes.NOTES_FILE),
)
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


#: The program: ours, in folders as here, below a name of its own.
_PACKAGE = "lvs"
_SOURCES = {
    "kernelmodules": kernelmodules,
    **{f"network/{each.__name__.rpartition('.')[2]}": each for each in (apply, facts, host, plan)},
    **{f"realserver/{each.__name__.rpartition('.')[2]}": each for each in (boot, notes)},
}
_MAIN = f"""\
import sys

from {_PACKAGE}.realserver.boot import main

raise SystemExit(main(sys.argv[1:]))
"""

Content = Union[str, bytes]


def files_of(wanted: Sequence[Fact], remembered: Sequence[Note]) -> dict[str, Content | None]:
    """Every file with its content; None = it is not there. Without facts there is none."""
    names = (PROGRAM, boot.FACTS_FILE, UNIT_FILE, SYSCTL_FILE, MODULES_FILE)
    files: dict[str, Content | None] = dict.fromkeys(names)
    if not wanted:
        return files
    files[PROGRAM] = program()
    # One a line, for those who read it and its diff.
    rows = ",\n".join(json.dumps(row) for row in to_plain(wanted))
    files[boot.FACTS_FILE] = f'{{"facts": [\n{rows}\n]}}\n'
    files[UNIT_FILE] = UNIT.format(python=_python())
    # Ours alone: a value that was good before we came is of somebody else's file.
    sysctls = [note.fact for note in remembered if isinstance(note.fact, Sysctl)]
    if sysctls:
        # The dash: a tunnel's link may come later, and lvs-realserver.service sets it then.
        lines = [f"-{_relative(sysctl.name)} = {sysctl.value}\n" for sysctl in sysctls]
        files[SYSCTL_FILE] = f"{HEADING}\n" + "".join(lines)
    modules = [fact.name for fact in wanted if isinstance(fact, Module)]
    if modules:
        files[MODULES_FILE] = f"{HEADING}\n" + "".join(f"{name}\n" for name in modules)
    return files


def program() -> bytes:
    """What runs at boot, as one file that Python takes; the same files make the same bytes."""
    stream = io.BytesIO()
    sources = {f"{_PACKAGE}/{path}.py": inspect.getsource(_SOURCES[path]) for path in _SOURCES}
    folders = {os.path.dirname(path) for path in sources}
    # Not compressed: it is read by people, too.
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for path, source in (
            ("__main__.py", _MAIN),
            *((f"{folder}/__init__.py", "") for folder in sorted(folders)),
            *sorted(sources.items()),
        ):
            archive.writestr(zipfile.ZipInfo(path), source)
    return f"#!{_python()}\n".encode() + stream.getvalue()


def _relative(name: str) -> str:
    """A sysctl with slashes, as sysctl.d takes names of links that have a dot."""
    return host.sysctl_path(name).partition("/proc/sys/")[2]


def _python() -> str:
    """The host's own interpreter rather than that of an environment that may go."""
    return "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def put(there: HostFiles, files: dict[str, Content | None]) -> None:
    """Have every file as it should be. Raises OSError."""
    for path, content in files.items():
        if content is None:
            there.absent(path)
        else:
            there.file(path, content, mode=0o755 if path == PROGRAM else 0o644)


def remove_directories() -> None:
    """Those of ours that are empty."""
    for path in OWN_DIRECTORIES:
        if os.path.isdir(path) and not os.listdir(path):
            os.rmdir(path)
