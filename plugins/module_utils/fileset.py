# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A set of files, links and directories, as the options of file_set say them.

Internal to this collection.
"""

from __future__ import annotations

import grp
import pwd
from typing import Any, Callable

from .hostfiles import HostFiles

_NEEDS = {"file": ("content", "secret"), "link": ("target",)}
_MODES = {"file": "0644", "directory": "0755"}


def faults(files: list[dict[str, Any]], *, accounts: bool) -> list[str]:
    """Everything that is wrong with the options.

    accounts: whether owners and groups have to be there; in check mode they may be about to come.
    """
    found = []
    for number, entry in enumerate(files):
        name, state = f"files[{number}] ({entry['path']})", entry["state"]
        needed = _NEEDS.get(state, ())
        if needed and sum(entry[option] is not None for option in needed) != 1:
            found.append(f"{name}: state={state} needs {' or '.join(needed)}")
        found += [
            f"{name}: {option}: is not for state={state}"
            for option in ("content", "secret", "target")
            # What goes may be said as it was when it was there.
            if entry[option] is not None and option not in needed and state != "absent"
        ]
        if not entry["path"].startswith("/"):
            found.append(f"{name}: the path is not absolute")
        mode = entry["mode"]
        if mode is not None and not (mode.isdigit() and set(mode) <= set("01234567")):
            found.append(f"{name}: mode: {mode!r} is not octal digits, such as '0644'")
        if accounts and state in _MODES:
            found += [f"{name}: {fault}" for fault in _account_faults(entry)]
    return found


def _account_faults(entry: dict[str, Any]) -> list[str]:
    knows: dict[str, Callable[[str], object]] = {"owner": pwd.getpwnam, "group": grp.getgrnam}
    found = []
    for option, known in knows.items():
        try:
            known(entry[option])
        except KeyError:
            kind = "user" if option == "owner" else "group"
            found.append(f"{option}: there is no {kind} {entry[option]!r} on this host")
    return found


def put(host: HostFiles, entry: dict[str, Any]) -> None:
    """Have one as it shall be."""
    path, state = entry["path"], entry["state"]
    rights = {"owner": entry["owner"], "group": entry["group"]}
    mode = int(entry["mode"] or _MODES.get(state, "0"), 8)
    if state == "absent":
        host.absent(path)
    elif state == "link":
        host.link(path, entry["target"])
    elif state == "directory":
        host.directory(path, mode=mode, **rights)
    elif entry["secret"] is not None:
        host.file(path, entry["secret"], mode=mode, secret=True, **rights)
    else:
        host.file(path, entry["content"], mode=mode, **rights)
