from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.gather import (
    GATHERABLE,
    gather,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    RemoveService,
    StartDaemon,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.connections import (
    Connection,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.memory import (
    MemoryTable,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Counters,
    DestinationCounters,
    DestinationKey,
    Endpoint,
    Firewallmark,
    FullNat,
    Service,
    ServiceCounters,
    State,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import (
    reconcile,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    Scope,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)

ANY_PORT = Endpoint(Transport.TCP, "192.0.2.9", 0)
NO_SERVER = Firewallmark(8, eg.MARK.family)
#: A destination of a firewall mark service without a port of its own.
PORTLESS = DestinationKey("198.51.100.7", 0)
HAVE = State(
    {
        eg.WEB: Service(eg.WEB, eg.WLC, {eg.TWO: eg.DIRECT, eg.ONE: eg.DIRECT}),
        eg.DNS: Service(eg.DNS, eg.RR, {}),
        eg.WEB6: Service(eg.WEB6, eg.WLC6, {eg.THREE6: eg.DIRECT}),
        eg.MARK: Service(eg.MARK, eg.RR, {eg.TWO: eg.DIRECT, PORTLESS: eg.DIRECT}),
        NO_SERVER: Service(NO_SERVER, eg.RR, {}),
        ANY_PORT: Service(ANY_PORT, eg.RR, {}),
    }
)


def entry(virtual, destination, transport="tcp"):
    return Connection(
        transport, "203.0.113.5", 40000, *virtual, destination.address, destination.port, "SYN", 60
    )


TO_WEB = entry(("192.0.2.1", 80), eg.ONE)
TO_WEB_BY_TWO = entry(("192.0.2.1", 80), eg.TWO)
TO_ITS_UDP = entry(("192.0.2.1", 80), eg.ONE, "udp")
TO_DNS = entry(("192.0.2.1", 53), eg.ONE, "udp")
TO_ANY = entry(("192.0.2.9", 4242), eg.ONE)
BY_PORTLESS = entry(("192.0.2.200", 4242), DestinationKey(PORTLESS.address, 4242))
ENTRIES = [TO_WEB, TO_WEB_BY_TWO, TO_ITS_UDP, TO_DNS, TO_ANY, BY_PORTLESS]


class Busy(MemoryTable):
    """A table that something has passed through."""

    def connections(self):
        self.calls["connections"] += 1
        return iter(ENTRIES)

    def counters(self, services=None):
        found = super().counters(services)
        busy = DestinationCounters(1, 2, 3, Counters(1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
        if eg.WEB in found:
            traffic = Counters(2**63, 2, 3, 4, 5, 60, 70, 80, 90, 100)
            found[eg.WEB] = ServiceCounters(traffic, {eg.TWO: busy, eg.ONE: busy})
        return found


@pytest.fixture
def table():
    return Busy.holding(HAVE)


def ask(table, *subsets, services=None, warnings=None):
    return gather(table, subsets, services, ([] if warnings is None else warnings).append)


def clients(table, *services):
    found = ask(table, "connections", services=services)["connections"]
    return [
        (
            told["protocol"],
            told["virtual_address"],
            told["virtual_port"],
            told["destination_address"],
            told["destination_port"],
        )
        for told in found
    ]


def shown(*entries):
    return [
        (
            connection.transport,
            connection.virtual_address,
            connection.virtual_port,
            connection.destination_address,
            connection.destination_port,
        )
        for connection in entries
    ]


def test_only_what_is_asked_for_is_told(table):
    assert list(ask(table, *GATHERABLE)) == ["services", "leftovers", *GATHERABLE[1:]]
    assert list(ask(table, "services")) == ["services", "leftovers"]
    for name in GATHERABLE[1:]:
        assert list(ask(table, name)) == [name]
    assert ask(table) == {}


def test_connections_are_only_read_when_they_are_asked_for(table):
    ask(table, *(name for name in GATHERABLE if name != "connections"))
    assert table.calls["connections"] == 0


@pytest.mark.parametrize("services", [None, [eg.DNS]])
def test_local_addresses_of_a_service_that_is_gone_are_told(table, services):
    have = FullNat(True, {eg.DNS: ("10.2.0.1", "10.2.0.2"), eg.WEB: ("10.2.0.1",)})
    reconcile(table, State(full_nat=have), Scope(local_addresses=ALL))
    table.apply([RemoveService(eg.DNS, HAVE.services[eg.DNS])])
    warnings = []
    found = ask(table, "services", services=services, warnings=warnings)
    assert found["leftovers"] == [
        {"service": "udp://192.0.2.1:53", "local_addresses": ["10.2.0.1", "10.2.0.2"]}
    ]
    (warning,) = warnings
    assert warning.startswith("udp://192.0.2.1:53 is gone, and rules for its local addresses")
    assert ask(table, "services", services=[eg.WEB])["leftovers"] == []


def test_services_are_in_numeric_order_and_so_are_their_pools(table):
    services = ask(table, "services")["services"]
    names = [told["service"] for told in services]
    assert names.index("tcp://192.0.2.1:80") < names.index(str(ANY_PORT))
    web = services[names.index("tcp://192.0.2.1:80")]
    assert [told["address"] for told in web["destinations"]] == ["198.51.100.1", "198.51.100.2"]
    assert len(names) == len(HAVE.services)


def test_services_can_be_limited_and_one_that_is_not_there_is_left_out(table):
    missing = Firewallmark(9, eg.MARK.family)
    facts = ask(table, "services", "counters", "rates", services=[eg.DNS, missing])
    assert facts.pop("leftovers") == []
    for told in facts.values():
        assert [one["service"] for one in told] == ["udp://192.0.2.1:53"]
    assert ask(table, "services", "counters", services=[]) == {
        "services": [],
        "leftovers": [],
        "counters": [],
    }


def test_what_has_no_word_is_a_warning(table):
    class Odd(Busy):
        def read(self, scope):
            return replace(super().read(scope), unreadable=("a virtual service: protocol 99",))

    warnings = []
    ask(Odd.holding(HAVE), "services", warnings=warnings)
    assert warnings == ["left out, not understood: a virtual service: protocol 99"]


def test_counters_and_rates_are_apart(table):
    facts = ask(table, "counters", "rates", services=[eg.WEB])
    one = {"address": "198.51.100.1", "port": 80, "active": 1, "inactive": 2, "persistent": 3}
    two = {**one, "address": "198.51.100.2"}
    counted = {
        "connections": 1,
        "packets_in": 2,
        "packets_out": 3,
        "bytes_in": 4,
        "bytes_out": 5,
    }
    rated = {
        "connections": 6,
        "packets_in": 7,
        "packets_out": 8,
        "bytes_in": 9,
        "bytes_out": 10,
    }
    assert facts["counters"] == [
        {
            "service": "tcp://192.0.2.1:80",
            **counted,
            "connections": 2**63,
            "destinations": [{**one, **counted}, {**two, **counted}],
        }
    ]
    (rates,) = facts["rates"]
    assert rates["destinations"] == [{**one, **rated}, {**two, **rated}]
    assert [rates[name] for name in counted] == [60, 70, 80, 90, 100]


def test_all_connections_with_all_that_is_known(table):
    found = ask(table, "connections")["connections"]
    assert len(found) == len(ENTRIES)
    assert found[0] == {
        "protocol": "tcp",
        "client_address": "203.0.113.5",
        "client_port": 40000,
        "virtual_address": "192.0.2.1",
        "virtual_port": 80,
        "destination_address": "198.51.100.1",
        "destination_port": 80,
        "state": "SYN",
        "expires": 60,
        "engine": "",
        "engine_data": "",
    }


def test_connections_of_a_service_are_those_to_its_address_port_and_transport(table):
    assert clients(table, eg.WEB) == shown(TO_WEB, TO_WEB_BY_TWO)
    assert clients(table, eg.WEB, eg.DNS) == shown(TO_WEB, TO_WEB_BY_TWO, TO_DNS)


def test_a_service_of_port_0_has_every_port(table):
    assert clients(table, ANY_PORT) == shown(TO_ANY)


def test_connections_of_a_firewall_mark_service_are_those_to_its_destinations(table):
    assert clients(table, eg.MARK) == shown(TO_WEB_BY_TWO, BY_PORTLESS)


def test_a_firewall_mark_service_without_destinations_has_no_connections(table):
    assert clients(table, NO_SERVER) == []
    assert clients(table) == []


def test_timeouts_daemons_and_kernel(table):
    table = Busy(interfaces={"eth0": 1500})
    table.apply([StartDaemon(eg.BACKUP), StartDaemon(eg.MASTER)])
    facts = ask(table, "timeouts", "sync_daemons", "kernel")
    assert facts["timeouts"] == {"tcp": 900, "tcp_fin": 120, "udp": 300}
    assert [told["role"] for told in facts["sync_daemons"]] == ["master", "backup"]
    assert facts["kernel"] == {"version": "1.2.1", "connection_table_size": 4096}
