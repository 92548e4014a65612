# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What actions share: options, drop-ins, the kernel's table, the daemon, and where to print."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from ipvsman.client.unix import Daemon
from ipvsman.config.loader import load
from ipvsman.config.model import Config
from ipvsman.control.desired import Desired, build, hostnames
from ipvsman.ipvs.model import Family, canonical_address
from ipvsman.ipvs.table import Table

Row = Mapping[str, Any]
_AF = {Family.INET: socket.AF_INET, Family.INET6: socket.AF_INET6}


class Stage:
    """See above. open_table: opens the kernel's table; raises Unavailable."""

    def __init__(
        self,
        options: argparse.Namespace,
        open_table: Callable[[], Table],
        out: TextIO | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.options = options
        self.open_table = open_table
        self._out = sys.stdout if out is None else out
        self._environment = os.environ if environment is None else environment

    @property
    def daemon(self) -> Daemon:
        """The running daemon, if there is one."""
        return Daemon(self.options.socket)

    @property
    def as_json(self) -> bool:
        """Whether JSON was asked for."""
        return bool(self.options.output == "json")

    @property
    def colored(self) -> bool:
        """Whether colours are wanted and somebody sees them (no-color.org)."""
        refused = self.options.no_color or self._environment.get("NO_COLOR")
        return not refused and self._out.isatty()

    def config(self) -> Config:
        """The drop-ins. Raises ConfigError."""
        return load(Path(self.options.config_dir), strict=self.options.strict)

    def desired(self, config: Config) -> Desired:
        """The pools of the drop-ins, with names resolved as they are now."""
        return build(config, {name: _resolved(*name) for name in hostnames(config)})

    def say(self, line: str = "") -> None:
        """Print a line."""
        print(line, file=self._out)

    def say_lines(self, lines: Iterable[str]) -> None:
        """Print lines."""
        for line in lines:
            self.say(line)

    def say_json(self, data: object) -> None:
        """Print data as scripts expect it: indented, keys sorted."""
        self.say(json.dumps(data, indent=2, sort_keys=True))

    def clear_screen(self) -> None:
        """For --watch: begin at the top, if somebody sees it."""
        if self._out.isatty():
            self._out.write("\x1b[H\x1b[2J")
        self._out.flush()

    def complain(self, message: str) -> None:
        """Tell what is wrong on stderr."""
        print(f"ipvsman: {message}", file=sys.stderr)

    def paint(self, word: str) -> str:
        """A word of state in its colour."""
        colors = {"UP": 32, "OK": 32, "DOWN": 31, "DEGRADED": 33}
        return f"\x1b[{colors[word]}m{word}\x1b[0m" if self.colored and word in colors else word

    def selects(self, service: Row) -> bool:
        """Whether the filters let a service (with its group and frontend name) through."""
        options = self.options
        name = f"{service['group']}/{service['frontend_name']}"
        return (
            (not options.filter_group or service["group"] == options.filter_group)
            and (not options.filter_frontend or name == options.filter_frontend)
            and (not options.only_active or bool(service.get("live_present", True)))
        )

    def filtered(self, services: Iterable[Row], pool: str) -> list[dict[str, Any]]:
        """Services with the destinations (under the key pool) that the filters let through."""
        wanted = self.options.filter_backend
        found = []
        for service in services:
            if not self.selects(service):
                continue
            row = dict(service)
            if wanted:
                row[pool] = [b for b in service[pool] if wanted in (b["ip"], b.get("address"))]
                if not row[pool]:
                    continue
            if self.options.only_active:
                row[pool] = [b for b in row[pool] if b.get("live_weight", 0) is not None]
            found.append(row)
        return found


def _resolved(name: str, family: Family) -> tuple[str, ...]:
    """What the system's resolver says now; nothing when it knows none."""
    try:
        found = socket.getaddrinfo(name, None, _AF[family], socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(sorted({canonical_address(str(entry[4][0])) for entry in found}))
