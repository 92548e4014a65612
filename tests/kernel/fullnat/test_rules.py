"""The rules of full NAT go with their service and are put right; those of others are left alone."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import SetLocalAddresses
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Endpoint,
    Family,
    State,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from translation import (
    EVERYTHING_HERE,
    PORT,
    addresses,
    have,
    pool,
    rr,
    saved,
    seen,
)

from topology import VIP, Topology


@pytest.mark.usefixtures("by_iptables")
def test_rules_go_with_their_service_and_the_chain_with_the_last(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    whole = rr(Endpoint(Transport.TCP, vip, PORT), pool(net, field))
    have(table, whole, addresses(field))
    assert f"--ctorigdstport {PORT}" in saved(net, field)
    plan = reconcile(table, State(), EVERYTHING_HERE)
    assert [change.action for change in plan.changes] == ["remove_service", "set_local_addresses"]
    assert "LVS_IPVS" not in saved(net, field)


@pytest.mark.usefixtures("by_iptables")
def test_rules_of_others_are_left_alone(net: Topology, table: KernelTable, field: str) -> None:
    tables = "iptables-legacy" if field == "v4" else "ip6tables-legacy"
    net.director.run(f"{tables} -t nat -N THEIRS")
    net.director.run(f"{tables} -t nat -A POSTROUTING -o nowhere -j THEIRS")
    before = rules(saved(net, field))
    whole = rr(Endpoint(Transport.TCP, getattr(VIP, field), PORT), pool(net, field))
    have(table, whole, addresses(field))
    assert [line for line in rules(saved(net, field)) if "LVS_IPVS" not in line] == before
    reconcile(table, State(), EVERYTHING_HERE)
    assert rules(saved(net, field)) == before
    net.director.run(f"{tables} -t nat -F POSTROUTING")
    net.director.run(f"{tables} -t nat -X THEIRS")


def rules(text: str) -> list[str]:
    return [line.partition(" [")[0] for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.usefixtures("by_iptables")
@pytest.mark.parametrize(
    "field, edit",
    [
        ("v4", "-F LVS_IPVS"),
        ("v4", "-D LVS_IPVS 1"),
        ("v4", "-I LVS_IPVS 1 -j ACCEPT"),
        ("v4", "-D POSTROUTING -j LVS_IPVS"),
        ("v6", "-F POSTROUTING"),
    ],
)
def test_an_edit_by_hand_is_seen_and_repaired(
    net: Topology, table: KernelTable, field: str, edit: str
) -> None:
    tables = "iptables-legacy" if field == "v4" else "ip6tables-legacy"
    vip = getattr(VIP, field)
    key = Endpoint(Transport.TCP, vip, PORT)
    whole = rr(key, pool(net, field))
    have(table, whole, addresses(field))
    net.director.run(f"{tables} -t nat {edit}")
    plan = have(table, whole, addresses(field))
    (change,) = plan.changes
    assert isinstance(change, SetLocalAddresses)
    assert change.before != change.after == addresses(field)
    assert seen(net, "tcp", vip, 4) == dict.fromkeys(addresses(field), 2)
    assert not have(table, whole, addresses(field))


@pytest.mark.usefixtures("by_iptables")
def test_a_second_jump_is_told_and_taken_away_by_the_next_change(
    net: Topology, table: KernelTable, field: str
) -> None:
    tables = "iptables-legacy" if field == "v4" else "ip6tables-legacy"
    whole = rr(Endpoint(Transport.TCP, getattr(VIP, field), PORT), pool(net, field))
    have(table, whole, addresses(field))
    net.director.run(f"{tables} -t nat -A POSTROUTING -j LVS_IPVS")
    state = table.read(EVERYTHING_HERE)
    assert state.local_addresses(whole.key) == addresses(field)
    family = Family.INET if field == "v4" else Family.INET6
    assert state.unreadable == (f"rules of netfilter for local addresses ({family.value})",)
    have(table, whole, addresses(field, 1))
    assert saved(net, field).count("-j LVS_IPVS") == 1


def test_when_tracking_was_turned_off_by_hand_it_is_turned_on_again(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    whole = rr(Endpoint(Transport.TCP, vip, PORT), pool(net, field))
    have(table, whole, addresses(field))
    net.director.sysctl("net.ipv4.vs.conntrack", 0)
    plan = have(table, whole, addresses(field))
    assert plan.counts() == {"track_connections": 1, "set_local_addresses": 1}
    assert seen(net, "tcp", vip)
