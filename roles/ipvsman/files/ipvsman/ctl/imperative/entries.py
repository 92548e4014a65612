# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Entries of the connection table: files of it, which of them are meant, how many there are.

A file can be of a kernel with full NAT of its own, whose lines have a local address before the real
server's. Of firewall marks an entry tells nothing; those to a marked service are known by its
destinations.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from ipvsman.ipvs.connections import Connection, parse_connections
from ipvsman.ipvs.model import DestinationKey, host_port

COLUMNS = "Proto CIP CPort VIP VPort SIP SPort State Expire"
LOCAL_COLUMNS = "LIP LPort"

#: The states of TCP, UDP and SCTP, and of what is none of these (ip_vs_proto_*.c).
#: Of TCP, UDP and SCTP; NONE and ASSURED are those of persistence templates.
STATES = tuple(
    "NONE ASSURED ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN"
    " SYNACK UDP INIT1 INIT COOKIE_SENT COOKIE_REPLIED COOKIE_WAIT COOKIE COOKIE_ECHOED"
    " SHUTDOWN_SENT SHUTDOWN_RECEIVED SHUTDOWN_ACK_SENT REJECTED CLOSED".split()
)


@dataclass(frozen=True)
class Entry:
    """One connection. local: address and port that a full NAT gave it, where there is one."""

    connection: Connection
    local: tuple[str, int] | None = None

    def line(self) -> str:
        """Its columns; those of the local address come last, so that the others stay in place."""
        here = self.connection
        expires = f"{here.expires // 60}:{here.expires % 60}" if here.expires else "0"
        words = [
            here.transport.upper(),
            here.client_address,
            here.client_port,
            here.virtual_address,
            here.virtual_port,
            here.destination_address,
            here.destination_port,
            here.state,
            expires,
            *(self.local or ()),
        ]
        return " ".join(map(str, words))

    def plain(self) -> dict[str, Any]:
        """For a program."""
        plain = self.connection.plain()
        if self.local:
            plain["local_address"], plain["local_port"] = self.local
        return plain


def parse_entries(lines: Iterable[str]) -> Iterator[Entry]:
    """Entries of a file; the heading, and what is no entry, is passed over."""
    for line in lines:
        columns = line.split()
        local = None
        if len(columns) >= 11 and _is_place(columns[7:9]):
            local, columns = columns[5:7], columns[:5] + columns[7:]
        entry = _entry(columns)
        if entry is not None:
            yield replace(entry, local=_place(columns, local)) if local else entry


def _is_place(columns: Sequence[str]) -> bool:
    """Whether this is an address and a port, and not a state and the time it has left."""
    address, port = columns
    return bool(re.fullmatch(r"[0-9A-Fa-f]{4}", port)) and bool(
        re.fullmatch(r"[0-9A-Fa-f]{8}|[0-9A-Fa-f:]{2,}:[0-9A-Fa-f:.]*", address)
    )


def _entry(columns: Sequence[str]) -> Entry | None:
    try:
        found = next(parse_connections([" ".join(columns)]), None)
    except ValueError:
        return None
    return Entry(found) if found else None


def _place(columns: Sequence[str], place: Sequence[str]) -> tuple[str, int] | None:
    """An address and a port, which are written like those of a destination."""
    found = _entry([*columns[:5], *place, *columns[7:]])
    if found is None:
        return None
    return found.connection.destination_address, found.connection.destination_port


@dataclass(frozen=True)
class Wanted:
    """Which entries are meant: those that all of this is true of; None: it does not matter.

    address, port, transport: of the virtual service, port 0 is every port; servers: the
    destinations of a service that has a firewall mark; destination, destination_port: which one.
    """

    transport: str | None = None
    address: str | None = None
    port: int | None = None
    servers: Collection[DestinationKey] | None = None
    destination: str | None = None
    destination_port: int | None = None
    client: IPv4Network | IPv6Network | None = None
    states: frozenset[str] | None = None

    def has(self, entry: Entry) -> bool:
        """Whether it is one of them."""
        here = entry.connection
        return (
            self.transport in (None, here.transport)
            and self.address in (None, here.virtual_address)
            and self.port in (None, 0, here.virtual_port)
            and self.destination in (None, here.destination_address)
            and self.destination_port in (None, 0, here.destination_port)
            and (self.states is None or here.state in self.states)
            and (self.servers is None or here.is_served_by(self.servers))
            and (self.client is None or ip_address(here.client_address) in self.client)
        )

    def served_by(self, servers: Collection[DestinationKey]) -> Wanted:
        """The same, and those alone that one of these serves."""
        return replace(self, servers=servers)


def parse_network(text: str) -> IPv4Network | IPv6Network:
    """An address, or a network of them: ``192.0.2.0/24``."""
    try:
        return ip_network(text.strip("[] "), strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is neither an address nor a network") from None


def _service_of(entry: Entry) -> str:
    here = entry.connection
    place = host_port(here.virtual_address, here.virtual_port)
    return f"{here.transport.upper()} {place}"


def _destination_of(entry: Entry) -> str:
    here = entry.connection
    return host_port(here.destination_address, here.destination_port)


#: What connections can be counted by.
COUNTED_BY: dict[str, Callable[[Entry], str]] = {
    "all": lambda _entry: "all",
    "service": _service_of,
    "destination": _destination_of,
    "client": lambda entry: entry.connection.client_address,
    "state": lambda entry: entry.connection.state,
}


def counted(entries: Iterable[Entry], by: str) -> list[tuple[str, int]]:
    """How many there are of each, the most first."""
    counts = Counter(map(COUNTED_BY[by], entries))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
