"""Full NAT beside what others do to the same tables, with traffic: what the guide says of it."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationSettings,
    Endpoint,
    Forwarding,
    Service,
    State,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from translation import EVERYTHING_HERE, PORT, addresses, asks, have, pool, rr, seen

from topology import VIP, Topology

pytestmark = pytest.mark.usefixtures("by_iptables")


@pytest.fixture
def program(field: str) -> str:
    return "iptables-legacy" if field == "v4" else "ip6tables-legacy"


@pytest.fixture
def whole(net: Topology, table: KernelTable, field: str) -> Service:
    """A service with a local address."""
    made = rr(Endpoint(Transport.TCP, getattr(VIP, field), PORT), pool(net, field))
    have(table, made, addresses(field, 1))
    return made


def answered(net: Topology, vip: str) -> bool:
    """Whether a client gets an answer within a second: none is lost here that has a way."""
    with asks(net, "tcp", vip) as sock:
        sock.settimeout(1)
        try:
            sock.connect((vip, PORT))
        except TimeoutError:
            return False
        return bool(sock.recv(100))


def test_a_rule_that_is_inserted_before_ours_goes_first(
    net: Topology, table: KernelTable, whole: Service, program: str, field: str
) -> None:
    vip = getattr(VIP, field)
    rule = f"{program} -w -t nat {{}} POSTROUTING -o back -j {{}}"
    other = getattr(net.director.back, field)
    net.director.run(rule.format("-I", f"SNAT --to-source {other}"))
    assert not have(table, whole, addresses(field, 1))
    assert seen(net, "tcp", vip) == {other: 1}
    net.director.run(rule.format("-D", f"SNAT --to-source {other}"))
    net.director.run(rule.format("-I", "ACCEPT"))
    assert not answered(net, vip)
    net.director.run(rule.format("-D", "ACCEPT"))
    assert seen(net, "tcp", vip) == {addresses(field)[0]: 1}


@pytest.mark.parametrize("flush", ["-F", "-F; {} -t nat -X"])
def test_a_flush_takes_ours_along_and_the_next_run_puts_them_back(
    net: Topology, table: KernelTable, whole: Service, program: str, field: str, flush: str
) -> None:
    vip = getattr(VIP, field)
    net.director.run(f"sh -c '{program} -t nat {flush.format(program)}'")
    assert not answered(net, vip)
    (change,) = have(table, whole, addresses(field, 1)).changes
    assert change.action == "set_local_addresses"
    assert seen(net, "tcp", vip) == {addresses(field)[0]: 1}


def test_with_the_last_rule_of_a_family_its_connections_end(
    net: Topology, table: KernelTable, whole: Service, field: str
) -> None:
    vip = getattr(VIP, field)
    with asks(net, "tcp", vip) as held:
        held.connect((vip, PORT))
        assert held.recv(100).decode() == addresses(field)[0]
        reconcile(table, State({whole.key: whole}), EVERYTHING_HERE)
        held.settimeout(1)
        held.send(b"?")
        with pytest.raises(OSError):
            held.recv(100)


def test_a_server_that_is_quiesced_keeps_its_connection(
    net: Topology, table: KernelTable, whole: Service, field: str
) -> None:
    vip = getattr(VIP, field)
    with asks(net, "tcp", vip) as held:
        held.connect((vip, PORT))
        assert held.recv(100).decode() == addresses(field)[0]
        quiet = pool(net, field, DestinationSettings(0, Forwarding.MASQUERADE))
        have(table, Service(whole.key, whole.settings, quiet), addresses(field, 1))
        held.send(b"?")
        assert held.recv(100).decode() == addresses(field)[0]
