from __future__ import annotations

import pytest
from ipvsman.ipvs.connections import Connection
from ipvsman.ipvs.memory import MemoryTable
from ipvsman.ipvs.model import (
    Counters,
    DestinationCounters,
    DestinationKey,
    Endpoint,
    ServiceCounters,
    Transport,
)

WEB = Endpoint(Transport.TCP, "192.0.2.1", 80)
ONE, TWO = DestinationKey("10.0.0.1", 80), DestinationKey("10.0.0.2", 80)

VS = ("--vip", "192.0.2.1", "--vport", "80")
RS = ("--rip", "10.0.0.1", "--rport", "80")


class BusyTable(MemoryTable):
    """One that something passes through; more of it at each look."""

    def __init__(self):
        super().__init__({"lo": 65536, "eth0": 1500})
        self.looks = 0
        self.known = []
        self.scopes = []

    def counters(self, services=None):
        self.calls["counters"] += 1
        self.looks += 1
        step = 10 * self.looks
        traffic = Counters(100 + step, 200 + step, 300, 4000 + step, 5000, 1, 2, 3, 4, 5)
        busy = DestinationCounters(7, 8, 9, traffic)
        return {
            key: ServiceCounters(traffic, dict.fromkeys(still.destinations, busy))
            for key, still in super().counters(services).items()
        }

    def read(self, scope):
        self.scopes.append(scope)
        return super().read(scope)

    def connections(self):
        return iter(self.known)


def connection(client="198.51.100.5", virtual=("192.0.2.1", 80), server=("10.0.0.1", 80), **more):
    """An entry of the connection table."""
    told = {"transport": "tcp", "state": "ESTABLISHED", "expires": 93, **more}
    return Connection(
        told["transport"], client, 40000, *virtual, *server, told["state"], told["expires"]
    )


@pytest.fixture
def web(ctl):
    """A command line before a table with some services, of which one has two real servers."""
    ctl.table = BusyTable()
    for line in (
        "service add --vip 192.0.2.1 --vport 80 --scheduler wrr",
        "service add --vip 2001:db8::1 --vport 53 --protocol udp --scheduler rr",
        "service add --vip 192.0.2.1 --vport 36412 --protocol sctp --scheduler lc",
        "service add --fwmark 7 --scheduler rr",
        "service add --fwmark 7 --family inet6 --scheduler sh",
        "server add --vip 192.0.2.1 --vport 80 --rip 10.0.0.2 --rport 80 --fwd dr --weight 0",
        "server add --vip 192.0.2.1 --vport 80 --rip 10.0.0.1 --rport 80 --fwd masq --weight 5"
        " --upper-threshold 100 --lower-threshold 50",
        "server add --vip 2001:db8::1 --vport 53 --proto udp --rip fd00::1 --rport 53 --fwd tun"
        " --weight 1",
    ):
        done = ctl.run(*line.split())
        assert (done.status, done.out, done.err) == (0, "", "")
    ctl.table.calls.clear()
    ctl.table.scopes.clear()
    return ctl
