# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an input of another tool asks for, in our words; which document it becomes is open yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ipvsman.ipvs.model import (
    PLAIN_TUNNEL,
    Family,
    Firewallmark,
    Forwarding,
    ServiceKey,
    Tunnel,
    canonical_address,
    family_of,
)

from .ledger import Directive


def family_if_address(text: str) -> Family | None:
    """The family of an address; None for a name."""
    try:
        return family_of(canonical_address(text))
    except ValueError:
        return None


@dataclass(eq=False)
class FoundServer:
    """One real server. address: canonical, or a host name.

    upper, lower: None = not said. check: how it is probed, in the words of drop-ins, empty = not at
    all; target: address and port that are probed in its place.
    """

    said: Directive
    address: str
    port: int
    forwarding: Forwarding
    weight: int = 1
    tunnel: Tunnel = PLAIN_TUNNEL
    upper: int | None = None
    lower: int | None = None
    check: dict[str, Any] = field(default_factory=dict)
    target: dict[str, Any] = field(default_factory=dict)

    @property
    def family(self) -> Family | None:
        """Of its address; None as long as that is a name."""
        return family_if_address(self.address)


@dataclass(eq=False)
class FoundService:
    """One pool, and the virtual services it stands behind. netmask: as text, empty = each client.

    on_down: zero or remove, empty = not said; off: nobody in the pool is to get anything;
    unported: behind a firewall mark the ports of real servers do not count. fallback: who serves
    while servers that are up weigh less than quorum.
    """

    said: Directive
    label: str
    keys: list[ServiceKey]
    scheduler: str
    flags: tuple[str, ...] = ()
    persistence: int = 0
    netmask: str = ""
    engine: str = ""
    servers: list[FoundServer] = field(default_factory=list)
    on_down: str = ""
    off: bool = False
    unported: bool = False
    fallback: list[FoundServer] = field(default_factory=list)
    quorum: int = 1
    hysteresis: int = 0

    def settings(self) -> dict[str, Any]:
        """How it distributes, in the words that our documents share; what is not is left out."""
        said: dict[str, Any] = {
            "flags": list(dict.fromkeys(self.flags)),
            "persistence": self.persistence,
            "netmask": self.netmask,
            "engine": self.engine,
        }
        return {name: value for name, value in said.items() if value}

    def port(self, key: ServiceKey, server: FoundServer) -> int:
        """That of a real server behind one of the virtual services."""
        return 0 if self.unported and isinstance(key, Firewallmark) else server.port


@dataclass
class Found:
    """A whole input. daemons: options of sync daemons by role, as a document says them."""

    services: list[FoundService] = field(default_factory=list)
    timeouts: dict[str, int] = field(default_factory=dict)
    daemons: dict[str, dict[str, Any]] = field(default_factory=dict)
