# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the kernel has the schedulers and persistence engines that changes ask for.

It tells only when it is asked to use one. Beforehand, what is loaded is in /sys/module, and what
can be loaded, or is built in, is known to modprobe(8). Where nobody knows, nothing is said.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from .changes import AddService, Change, EditService
from .refusals import asked_anew, lack

#: An unprivileged PATH has no sbin.
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def lacking(changes: Sequence[Change]) -> Iterator[str]:
    """What this kernel does not have and cannot load, each once."""
    parts = [
        part
        for change in changes
        if isinstance(change, (AddService, EditService))
        for part in asked_anew(change)
    ]
    for part in dict.fromkeys(parts):
        if part.name != "none" and not _is_there(part.module):
            yield lack(part)


def _is_there(module: str) -> bool:
    if Path("/sys/module", module).exists():
        return True
    modprobe = shutil.which("modprobe", path=_PATH)
    # In a container the modules are not here to be looked for.
    if modprobe is None or not Path("/lib/modules", os.uname().release, "modules.dep").is_file():
        return True
    asked = subprocess.run([modprobe, "-n", "-q", module], capture_output=True, check=False)
    return asked.returncode == 0
