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
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from functools import cached_property
from pathlib import Path
from typing import TextIO

from ipvsman.client.unix import Daemon
from ipvsman.config.loader import load
from ipvsman.config.model import Config
from ipvsman.control.desired import Addresses, Desired, build, hostnames
from ipvsman.ipvs.model import Family, canonical_address
from ipvsman.ipvs.table import Table

from .filters import Filters

_AF = {Family.INET: socket.AF_INET, Family.INET6: socket.AF_INET6}
#: Names that are resolved at a time.
_AT_ONCE = 32
_COLORS = {"UP": 32, "OK": 32, "DOWN": 31, "DEGRADED": 33}


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
        self._open_table = open_table
        self._out = sys.stdout if out is None else out
        self._environment = os.environ if environment is None else environment
        self.filters = Filters(
            options.filter_group,
            options.filter_frontend,
            options.filter_backend,
            options.only_active,
        )

    @cached_property
    def daemon(self) -> Daemon:
        """The running daemon, if there is one."""
        return Daemon(self.options.socket)

    def table(self) -> AbstractContextManager[Table]:
        """The kernel's table, for as long as the ``with`` lasts. Raises Unavailable."""
        return closing(self._open_table())

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
        return self.resolved(config)[0]

    def resolved(self, config: Config) -> tuple[Desired, Addresses]:
        """The same, and what the names mean."""
        names = sorted(hostnames(config), key=lambda name: (name[0], name[1].value))
        # One that hangs takes as long as the system's resolver has patience.
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            found = threads.map(lambda name: _resolved(*name), names)
        addresses = dict(zip(names, found, strict=True))
        return build(config, addresses), addresses

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

    def flush(self) -> None:
        """Have it shown now. Raises OSError if it cannot be, while somebody can still tell."""
        self._out.flush()

    def clear_screen(self) -> None:
        """For --watch: begin at the top, if somebody sees it."""
        if self._out.isatty():
            self._out.write("\x1b[H\x1b[2J")

    def complain(self, message: str) -> None:
        """Tell what is wrong on stderr."""
        print(f"ipvsman: {message}", file=sys.stderr)

    def paint(self, word: str) -> str:
        """A word of state in its colour."""
        if not self.colored or word not in _COLORS:
            return word
        return f"\x1b[{_COLORS[word]}m{word}\x1b[0m"


def _resolved(name: str, family: Family) -> tuple[str, ...]:
    """What the system's resolver says now; nothing when it knows none."""
    try:
        found = socket.getaddrinfo(name, None, _AF[family], socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(sorted({canonical_address(str(entry[4][0])) for entry in found}))
