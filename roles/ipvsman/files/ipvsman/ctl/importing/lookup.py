# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of hosts and ports in what is imported: of this system, and of its resolver if wanted."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

from ipvsman.ipvs.model import Family, canonical_address
from ipvsman.ipvs.text import parse_integer

#: A name and a family -> an address, or OSError.
Resolver = Callable[[str, Family], str]
#: The name of a service and a protocol -> its port, or OSError.
Services = Callable[[str, str], int]


def ask(name: str, family: Family) -> str:
    """The first address that the system's resolver has."""
    kind = socket.AF_INET6 if family is Family.INET6 else socket.AF_INET
    found = socket.getaddrinfo(name, None, kind, socket.SOCK_STREAM)
    return canonical_address(str(found[0][4][0]))


@dataclass(frozen=True)
class Lookup:
    """resolver: None = names of hosts stay names."""

    resolver: Resolver | None = None
    services: Services = socket.getservbyname

    def port(self, text: str, protocol: str) -> int:
        """A port by number or name. ValueError when it is neither."""
        if text.lstrip("-").isdigit():
            return parse_integer(text, 0, 65535)
        try:
            return self.services(text, protocol)
        except OSError:
            reason = f"{text!r} is neither a port nor the name of one ({protocol}) on this system"
            raise ValueError(reason) from None

    def host(self, text: str, family: Family) -> str:
        """An address, or a name where those stay. ValueError for what cannot be resolved."""
        try:
            return canonical_address(text)
        except ValueError:
            if self.resolver is None:
                return text
        try:
            return self.resolver(text, family)
        except (OSError, ValueError):
            raise ValueError(f"{text!r} has no address of family {family.value} here") from None
