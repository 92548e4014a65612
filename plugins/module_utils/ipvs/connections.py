# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection table: lines of ``/proc/net/ip_vs_conn`` (``ip_vs_conn_seq_show``) as values."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .model import DestinationKey, Endpoint, canonical_address

#: Transport column -> our word. A template of a firewall mark service says IP.
_TRANSPORTS = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp", "IP": "ip"}
#: Of an IPv6 address without colons, as a kernel with full NAT of its own may write it.
_IPV6_DIGITS = 32


@dataclass(frozen=True)
class Connection:
    """One entry of the connection table.

    transport: ``tcp``, ``udp``, ``sctp``, or ``ip`` for a template of a firewall mark service.
    client, virtual, destination: address and port each.
    state: the kernel's word (``ESTABLISHED``, ``FIN_WAIT``, ``UDP``; ``NONE`` or ``ASSURED`` for
    templates).
    expires: seconds until the entry goes; engine, engine_data: of a persistence engine, else empty.
    """

    transport: str
    client_address: str
    client_port: int
    virtual_address: str
    virtual_port: int
    destination_address: str
    destination_port: int
    state: str
    expires: int
    engine: str = ""
    engine_data: str = ""

    def is_to(self, endpoint: Endpoint) -> bool:
        """Whether it is to this service; one with port 0 has every port."""
        return (
            endpoint.transport.value == self.transport
            and endpoint.address == self.virtual_address
            and endpoint.port in (0, self.virtual_port)
        )

    def is_served_by(self, destinations: Collection[DestinationKey]) -> bool:
        """Whether one of these serves it; one with port 0 has every port."""
        address, port = self.destination_address, self.destination_port
        return (
            DestinationKey(address, port) in destinations
            or DestinationKey(address, 0) in destinations
        )

    def plain(self) -> dict[str, Any]:
        """For a program."""
        return {
            "protocol": self.transport,
            "client_address": self.client_address,
            "client_port": self.client_port,
            "virtual_address": self.virtual_address,
            "virtual_port": self.virtual_port,
            "destination_address": self.destination_address,
            "destination_port": self.destination_port,
            "state": self.state,
            "expires": self.expires,
            "engine": self.engine,
            "engine_data": self.engine_data,
        }


def parse_connections(lines: Iterable[str]) -> Iterator[Connection]:
    """Connections from the lines of the file; the heading is passed over."""
    for line in lines:
        columns = line.split()
        if len(columns) < 9 or columns[0] == "Pro":
            continue
        numbers = [int(column, 16) for column in (columns[2], columns[4], columns[6])]
        yield Connection(
            _TRANSPORTS.get(columns[0], columns[0].lower()),
            _address(columns[1]),
            numbers[0],
            _address(columns[3]),
            numbers[1],
            _address(columns[5]),
            numbers[2],
            columns[7],
            int(columns[8]),
            columns[9] if len(columns) > 9 else "",
            " ".join(columns[10:]),
        )


def _address(column: str) -> str:
    if ":" in column:
        return canonical_address(column)
    family = socket.AF_INET6 if len(column) == _IPV6_DIGITS else socket.AF_INET
    return socket.inet_ntop(family, bytes.fromhex(column))
