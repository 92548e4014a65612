"""Facts are made so, and taken back to what was there: on a host in memory."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import (
    Address,
    HostError,
    OwnLink,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.network.plan import Note, plan
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.wish import facts_of
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.network.fakehost import FakeHost
from hypothesis import given
from hypothesis import strategies as st

TUNNELS = [
    {"type": "ipip"},
    {"type": "ipip", "over": ["inet", "inet6"]},
    {"type": "gue", "port": 6080},
    {"type": "gre", "local": "10.0.0.11", "checksum": "csum"},
]
wishes = st.fixed_dictionaries(
    {
        "addresses": st.lists(
            st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]), min_size=1, unique=True
        ),
        "interface": st.sampled_from(["lo", "vip0", "vip1"]),
        "tunnels": st.lists(st.sampled_from(TUNNELS), max_size=2),
        "loose_interfaces": st.just([]),
    }
)
sysctls = st.sampled_from(["0", "1", "2"])


def carry_out(facts, notes, host):
    todo = plan(facts, notes, host)
    for step in todo.steps:
        for command in step.commands:
            host.do(command)
    return todo


@given(st.lists(wishes, min_size=1, max_size=3), sysctls, sysctls, st.booleans())
def test_whatever_was_wished_in_turn_is_so_and_is_taken_back(asked, ignore, announce, has_vip):
    host = FakeHost()
    host.sysctls["net.ipv4.conf.all.arp_ignore"] = ignore
    host.sysctls["net.ipv4.conf.all.arp_announce"] = announce
    for name in ("ipip", "ip6_tunnel", "sit", "ip_gre", "ip6_gre", "fou", "dummy"):
        host.do(("modprobe", name))
    if has_vip:
        host.do(("ip", "address", "replace", "192.0.2.1/32", "dev", "lo"))
    before = host.state()
    notes = []
    for wish in asked:
        facts = facts_of(wish)
        notes = carry_out(facts, notes, host).notes
        assert all(fact.is_so(fact.now(host)) for fact in facts)
        assert plan(facts, notes, host).steps == []
    left = carry_out([], notes, host)
    assert left.notes == []
    assert host.state() == before


@given(wishes)
def test_what_a_plan_foretells_is_what_is_there(wish):
    host = FakeHost()
    steps = carry_out(facts_of(wish), [], host).steps
    facts = {fact.key: fact for fact in facts_of(wish)}
    assert [(step.key, step.after) for step in steps] == [
        (step.key, facts[step.key].now(host)) for step in steps
    ]


def test_an_address_that_moves_is_never_gone():
    host = FakeHost()
    wish = {"addresses": ["192.0.2.1"], "interface": "lo", "tunnels": [], "loose_interfaces": []}
    notes = carry_out(facts_of(wish), [], host).notes
    for step in plan(facts_of({**wish, "interface": "vip0"}), notes, host).steps:
        for command in step.commands:
            host.do(command)
        assert any("192.0.2.1/32" in link.addresses for link in host.links.values())


def test_a_link_of_another_kind_is_not_taken():
    facts = facts_of(
        {"addresses": ["192.0.2.1"], "interface": "eth0", "tunnels": [], "loose_interfaces": []}
    )
    with pytest.raises(HostError, match="there is a link eth0 already, and it is ether, up"):
        plan(facts, [], FakeHost())


VIP0 = [
    OwnLink("vip0", "dummy"),
    Address("192.0.2.1/32", "vip0"),
    Address("2001:db8::1/128", "vip0"),
]


def put_there():
    host = FakeHost()
    return host, carry_out(VIP0, [], host).notes


def keys(steps):
    return [step.key for step in steps]


@pytest.mark.parametrize("is_up", ["up", "down"])
def test_a_link_of_ours_goes_with_its_addresses_up_or_down(is_up):
    host, notes = put_there()
    host.do(("ip", "address", "replace", "fe80::1/64", "dev", "vip0"))
    host.do(("ip", "link", "set", "vip0", is_up))
    carry_out([], notes, host)
    assert "vip0" not in host.links


def test_a_link_of_ours_that_somebody_else_uses_stays():
    host, notes = put_there()
    host.do(("ip", "address", "replace", "192.0.2.9/32", "dev", "vip0"))
    left = carry_out([], notes, host)
    assert list(host.links["vip0"].addresses) == ["192.0.2.9/32"]
    assert left.notes == []


def test_a_link_that_was_down_before_us_is_put_down_and_stays():
    host = FakeHost()
    host.do(("ip", "link", "add", "vip0", "type", "dummy"))
    notes = carry_out(VIP0, [], host).notes
    carry_out([], notes, host)
    assert not host.links["vip0"].is_up
    assert plan([], [Note(VIP0[0], "dummy, down")], host).steps == []
