# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Port names and port maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ipvsman.ipvs.model import Transport
from ipvsman.ipvs.text import parse_integer, parse_word

#: socket.getservbyname: the port of (name, protocol), or OSError.
Lookup = Callable[[str, str], int]


class PortNames:
    """The system's database of services, each name looked up once."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._known: dict[tuple[str, Transport], int | None] = {}

    def find(self, name: str, transport: Transport) -> int | None:
        """The port of a service. Names of SCTP services are mostly those of TCP, and not listed."""
        key = (name, transport)
        if key not in self._known:
            found = self._ask(name, transport.value)
            if found is None and transport is Transport.SCTP:
                found = self._ask(name, Transport.TCP.value)
            self._known[key] = found
        return self._known[key]

    def _ask(self, name: str, transport: str) -> int | None:
        for spelling in dict.fromkeys((name, name.lower())):
            try:
                return self._lookup(spelling, transport)
            except (OSError, ValueError):
                continue
        return None


@dataclass(frozen=True)
class PortMap:
    """Which port of a backend serves a frontend's port. The most exact key wins, numbers first."""

    exact: Mapping[tuple[int, Transport], int] = field(default_factory=dict)
    named_exact: Mapping[tuple[int, Transport], int] = field(default_factory=dict)
    any_transport: Mapping[int, int] = field(default_factory=dict)
    named: Mapping[tuple[int, Transport], int] = field(default_factory=dict)
    rest: int | None = None
    plain: Mapping[str, int] = field(default_factory=dict)

    def find(self, port: int, transport: Transport | None) -> int:
        """The backend's port; the frontend's own when nothing is said of it."""
        candidates = [self.any_transport.get(port), self.rest]
        if transport is not None:
            key = (port, transport)
            candidates = [
                self.exact.get(key),
                self.named_exact.get(key),
                self.any_transport.get(port),
                self.named.get(key),
                self.rest,
            ]
        return next((found for found in candidates if found is not None), port)

    def literally(self, port: int, transport: Transport | None) -> int:
        """The same, for a reader who compares keys as text and knows no names."""
        for key in (f"{port}/{transport.value if transport else ''}", str(port), "*"):
            if key in self.plain:
                return self.plain[key]
        return port


NO_MAP = PortMap()


def read_port_map(pairs: tuple[tuple[str, int], ...], names: PortNames) -> PortMap:
    """Key and port -> a port map. Raises ValueError with every key that means nothing."""
    exact: dict[tuple[int, Transport], int] = {}
    named_exact: dict[tuple[int, Transport], int] = {}
    any_transport: dict[int, int] = {}
    named: dict[tuple[int, Transport], int] = {}
    rest = None
    faults = []
    for key, port in pairs:
        head, slash, tail = key.partition("/")
        try:
            transport = parse_word(tail, Transport) if slash else None
            if key == "*":
                rest = port
            elif head.isdigit():
                number = parse_integer(head, 1, 65535)
                if transport is None:
                    any_transport[number] = port
                else:
                    exact[number, transport] = port
            else:
                wanted = (transport,) if transport else tuple(Transport)
                into = named_exact if transport else named
                into.update(dict.fromkeys(_meanings(head, wanted, names), port))
        except ValueError as error:
            faults.append(f"{key}: {error}")
    if faults:
        raise ValueError("; ".join(faults))
    return PortMap(exact, named_exact, any_transport, named, rest, dict(pairs))


def _meanings(
    name: str, transports: tuple[Transport, ...], names: PortNames
) -> list[tuple[int, Transport]]:
    found = [(names.find(name, transport), transport) for transport in transports]
    known = [(port, transport) for port, transport in found if port is not None]
    if not known:
        words = " or ".join(transport.value for transport in transports)
        raise ValueError(
            f"{name!r} is neither a port nor *, nor a service of {words} that this system knows"
            " (getent services)"
        )
    return known


def frontend_port(said: int | str, transport: Transport | None, names: PortNames) -> int:
    """A frontend's port. Raises ValueError."""
    if isinstance(said, int):
        return said
    wanted = (transport,) if transport else (Transport.TCP, Transport.UDP)
    found = [names.find(said, each) for each in wanted]
    port = next((each for each in found if each is not None), None)
    if port is None:
        words = " or ".join(each.value for each in wanted)
        raise ValueError(
            f"{said!r} is neither a number in 0..65535 nor a service of {words} that this system"
            " knows (getent services)"
        )
    return port
