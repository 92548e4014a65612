"""Who is who in a fleet, and by which addresses.

    client --- router --- the hosts' network: directors, real servers
    10.78.0.2  10.78.0.1
    fd78::2    10.77.0.1             10.77.0.11, .12    10.77.0.21, .22
               fd77::1               fd77::11, ::12     fd77::21, ::22

The router is where the command runs.  From 10.77.0.100 (fd77::100) on, addresses are free to be
virtual ones.
"""

from __future__ import annotations

from typing import NamedTuple

ROUTER_4 = "10.77.0.1"
ROUTER_6 = "fd77::1"
CLIENT = "client"
CLIENT_4 = "10.78.0.2"
CLIENT_6 = "fd78::2"
CLIENTS_ROUTER_4 = "10.78.0.1"
CLIENTS_ROUTER_6 = "fd78::1"
DEPOT_PORT = 8000
#: Where the hosts install from.
DEPOT = f"http://{ROUTER_4}:{DEPOT_PORT}"


class Host(NamedTuple):
    """One host of the fleet."""

    name: str
    group: str
    number: int

    @property
    def v4(self) -> str:
        """Its IPv4 address."""
        return f"10.77.0.{self.number}"

    @property
    def v6(self) -> str:
        """Its IPv6 address."""
        return f"fd77::{self.number}"

    @property
    def mac(self) -> str:
        """That of its network card, which a reboot does not change."""
        return f"02:00:00:00:00:{self.number:02x}"


def hosts(directors: int, real_servers: int) -> list[Host]:
    """All of them, by the names that the inventory has."""
    return [Host(f"director{n}", "directors", 10 + n) for n in range(1, directors + 1)] + [
        Host(f"real{n}", "realservers", 20 + n) for n in range(1, real_servers + 1)
    ]
