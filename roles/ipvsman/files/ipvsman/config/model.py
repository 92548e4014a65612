# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the drop-ins say, once everything in them has been understood: typed, complete, frozen.

Inheritance, references, port names and port maps are resolved here; host names are not, since they
change while a configuration does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ipvsman.health.spec import Timing, Tls
from ipvsman.ipvs.model import (
    PLAIN_TUNNEL,
    Forwarding,
    ServiceKey,
    ServiceSettings,
    Tunnel,
)
from ipvsman.ipvs.wish import DaemonWish, TimeoutsWish


@dataclass(frozen=True, order=True)
class Origin:
    """Where something was written; line and column count from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Complaint:
    """A fault or a warning: where, at what, what is wrong and what is allowed.

    notice: nothing is wrong, and it means something else to other tools that read these files.
    """

    origin: Origin
    path: str
    reason: str
    notice: bool = False

    def __str__(self) -> str:
        where = f"{self.origin}: {self.path}" if self.path else str(self.origin)
        return f"{where}: {self.reason}"


class OnDown(Enum):
    """What becomes of a destination that is down: weight 0, or out of the table."""

    ZERO = "zero"
    REMOVE = "remove"


class AllDown(Enum):
    """What becomes of a pool when all its destinations are down: as each one says, or all stay."""

    ZERO = "zero"
    KEEP = "keep"


class CheckKind(Enum):
    """Kinds of probe, as drop-ins name them."""

    TCP = "tcp"
    HTTP = "http"
    HTTPS = "https"
    TLS = "tls"
    DNS = "dns"
    UDP = "udp"
    ICMP = "icmp"
    COMMAND = "command"


@dataclass(frozen=True)
class CheckTarget:
    """What to probe instead of the destination itself; address may be a host name."""

    address: str
    port: int


@dataclass(frozen=True)
class HealthCheck:
    """How a destination is probed. target None: the destination itself.

    disable: no periodic probing; the destination counts as up. What does not belong to the kind is
    left at its default. path, query_type: empty = nothing was said, which means ``/`` and ``A``.
    """

    kind: CheckKind
    timing: Timing = field(default_factory=Timing)
    target: CheckTarget | None = None
    disable: bool = False
    send: bytes = b""
    expect: bytes = b""
    method: str = "GET"
    path: str = ""
    host: str = ""
    statuses: tuple[tuple[int, int], ...] = ((200, 200),)
    body: str = ""
    body_is_regex: bool = False
    tls: Tls = field(default_factory=Tls)
    days: int = 0
    query_name: str = ""
    query_type: str = ""
    over_tcp: bool = False
    rcode: str = "NOERROR"
    answers: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Backend:
    """One row of a pool, for one frontend: address may be a name, port is the real server's."""

    address: str
    port: int
    weight: int
    check: HealthCheck
    forwarding: Forwarding = Forwarding.MASQUERADE
    tunnel: Tunnel = PLAIN_TUNNEL
    upper: int = 0
    lower: int = 0
    disabled: bool = False
    origin: Origin = field(default=Origin(""), compare=False)


@dataclass(frozen=True)
class Frontend:
    """One frontend of a group: the services it makes, and the pool behind all of them.

    healthcheck: what its backends use unless they say otherwise. fallback: who serves while the
    backends that serve weigh less than quorum, which hysteresis makes harder to lose and to regain.
    """

    group: str
    name: str
    services: tuple[ServiceKey, ...]
    settings: ServiceSettings
    backends: tuple[Backend, ...]
    healthcheck: HealthCheck
    on_down: OnDown = OnDown.ZERO
    all_down: AllDown = AllDown.ZERO
    fallback: tuple[Backend, ...] = ()
    quorum: int = 1
    hysteresis: int = 0
    disabled: bool = False
    group_disabled: bool = False
    origin: Origin = field(default=Origin(""), compare=False)


@dataclass(frozen=True)
class Config:
    """All drop-ins of a directory.

    digest: hash of what was read, the identity of a configuration. mtime: newest of the files, in
    seconds since the epoch, 0.0 when there are none. files: all that count as loaded. read: those
    that had a say, by their paths below the directory. content: what is in them. strict: what was a
    fault.
    """

    frontends: tuple[Frontend, ...] = ()
    timeouts: TimeoutsWish | None = None
    daemons: tuple[DaemonWish, ...] = ()
    warnings: tuple[Complaint, ...] = ()
    files: tuple[str, ...] = ()
    mtime: float = 0.0
    digest: str = ""
    read: tuple[str, ...] = ()
    content: Mapping[str, bytes] = field(default_factory=dict, compare=False, repr=False)
    strict: bool = False


class ConfigError(Exception):
    """The drop-ins cannot be used: every fault of every file, in order of place."""

    def __init__(self, faults: list[Complaint]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.origin))
        super().__init__("\n".join(str(fault) for fault in self.faults))
