# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The network of this host, seen at one moment, and commands to it: by `ip`, /proc and /sys.

Internal to this collection.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from ..kernelmodules import is_loaded
from .facts import Command, HostError, Link


class Host:
    """This host: its network, seen at one moment, and commands to it."""

    def __init__(self) -> None:
        self.links: Mapping[str, Link] = {}
        self.fou_ports: frozenset[tuple[int, str]] = frozenset()
        self.look()

    def look(self) -> None:
        """See it anew. Raises HostError."""
        rows = json.loads(run(("ip", "-details", "-json", "address", "show")) or "[]")
        self.links = {row["ifname"]: _link(row) for row in rows if row}
        ports = json.loads(run(("ip", "-json", "fou", "show")) or "[]") if _has_fou() else []
        self.fou_ports = frozenset((row["port"], row["family"]) for row in ports)

    def has_module(self, name: str) -> bool:
        """Whether the kernel has this module, loaded or built in."""
        return is_loaded(name)

    def sysctl(self, name: str) -> str | None:
        """The value; None where there is no such sysctl."""
        try:
            with open(sysctl_path(name), encoding="utf-8") as file:
                return file.read().strip()
        except OSError:
            return None

    def do(self, command: Command) -> None:
        """Run a command. Raises HostError."""
        if command[0] != "sysctl":
            run(command)
            return
        _unused, name, value = command
        try:
            with open(sysctl_path(name), "w", encoding="utf-8") as file:
                file.write(value)
        except OSError as error:
            raise HostError(f"sysctl {name} = {value}: {error.strerror}") from None


def _link(row: Mapping[str, Any]) -> Link:
    info = row.get("linkinfo") or {}
    data = info.get("info_data") or {}
    kind = info.get("info_kind", row["link_type"])
    if data.get("local", "any") not in ("any", "::"):
        kind += f" local {data['local']}"
    kind += "".join(f" {word}" for word in ("external", "icsum") if data.get(word))
    return Link(
        kind=kind,
        is_up="UP" in row["flags"],
        answers_arp=not {"NOARP", "LOOPBACK"} & set(row["flags"]),
        addresses={
            f"{entry['local']}/{entry['prefixlen']}": entry["scope"]
            for entry in row["addr_info"]
            if "local" in entry
        },
    )


def _has_fou() -> bool:
    return os.path.isdir("/sys/module/fou")


def sysctl_path(name: str) -> str:
    """The file of a sysctl."""
    # A VLAN has a dot in its name, so the name of the link is not taken apart.
    head, conf, rest = name.partition(".conf.")
    if not conf:
        return "/proc/sys/" + name.replace(".", "/")
    link, _dot, leaf = rest.rpartition(".")
    return f"/proc/sys/{head.replace('.', '/')}/conf/{link}/{leaf}"


def run(command: Command) -> str:
    """What a command says. Raises HostError."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "PATH": path, "LC_ALL": "C"},
            check=False,
        )
    except OSError as error:
        raise HostError(f"{' '.join(command)}: {error.strerror}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise HostError(f"{' '.join(command)}: {said}")
    return done.stdout.decode(errors="replace")
