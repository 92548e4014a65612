# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the daemon needs of a host: its Python and the libraries, and which of them it lacks.

Internal to this collection.
"""

from __future__ import annotations

import json
import os
import pwd
import re
from collections.abc import Mapping
from typing import Any, Callable

OLDEST_PYTHON = (3, 11)
#: What the daemon imports, and the oldest versions it runs with; pyproject.toml has the same.
NEEDED = {
    "aiohttp": "3.8.4",
    "dnspython": "2.3.0",
    "h11": "0.14.0",
    "prometheus-client": "0.16.0",
    "PyYAML": "6.0",
    "voluptuous": "0.12.2",
}
#: Where `ip netns` keeps those that have a name.
NAMESPACES = "/run/netns"
_ASK_PYTHON = """\
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

#: Words of a command -> status, output, errors.
Run = Callable[[list[str]], "tuple[int, str, str]"]


class Unfit(Exception):
    """The program cannot be installed here."""


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


def ask_python(python: str, run: Run) -> dict[str, Any]:
    """What this Python is and has; nothing where there is none. Raises Unfit."""
    if not os.path.exists(python):
        return {}
    status, output, errors = run([python, "-I", "-c", _ASK_PYTHON, *NEEDED])
    if status:
        raise Unfit(f"python: {python} cannot be run: {errors.strip() or output.strip()}")
    asked: dict[str, Any] = json.loads(output)
    if tuple(asked["python"]) < OLDEST_PYTHON:
        version, oldest = _dotted(asked["python"]), _dotted(OLDEST_PYTHON)
        raise Unfit(
            f"python: {python} is Python {version}, and ipvsman needs {oldest} or later;"
            " name another (with the role: ipvsman_python)"
        )
    return asked


def lacking(asked: Mapping[str, Any]) -> list[str]:
    """The libraries that it does not have, or not new enough."""
    found = asked.get("found", {})
    return [
        name for name, oldest in NEEDED.items() if numbers(found.get(name, "")) < numbers(oldest)
    ]


def told(asked: Mapping[str, Any], systemctl: str | None, run: Run) -> dict[str, Any]:
    """The host, as far as an installation depends on it."""
    release = {}
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as stream:
                release = os_release(stream.read())
            break
    return {
        "python": _dotted(asked["python"]) if asked else None,
        "user": _is_user("ipvsman"),
        "interfaces": sorted(os.listdir("/sys/class/net")),
        "namespaces": sorted(os.listdir(NAMESPACES)) if os.path.isdir(NAMESPACES) else [],
        "system": release.get("ID", ""),
        "system_version": release.get("VERSION_ID", ""),
        "systemd": _systemd(systemctl, run),
    }


def _systemd(systemctl: str | None, run: Run) -> int:
    """Its version; 0 where there is none."""
    if systemctl is None:
        return 0
    _status, output, _errors = run([systemctl, "--version"])
    found = re.match(r"systemd (\d+)", output)
    return int(found.group(1)) if found else 0


def _dotted(version: Any) -> str:
    return ".".join(map(str, version))
