# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where and how the daemon is seen."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Api:
    """The HTTP API on TCP.

    token empty: everybody may. rate: requests a minute of each client, 0 = any number.
    """

    host: str = "127.0.0.1"
    port: int = 9111
    token: str = field(default="", repr=False)
    write: bool = False
    max_body: int = 1048576
    rate: int = 300
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True)
class Metrics:
    """What is exported, and where when there is no API. labels: configured, route or both."""

    host: str = "localhost"
    port: int = 9110
    stats: bool = True
    health: bool = True
    labels: str = "configured"


@dataclass(frozen=True)
class Faces:
    """None: not seen there. socket: path of the unix socket.

    directory: of the drop-ins. strict: whether warnings about them are faults.
    """

    directory: Path = Path()
    strict: bool = False
    socket: Path | None = None
    api: Api | None = None
    metrics: Metrics | None = None


def is_local(host: str) -> bool:
    """Whether nobody but this host gets there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
