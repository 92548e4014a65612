"""Facts are made so, and taken back to what was there: on a host in memory."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver import host as module
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.host import (
    HostError,
    Note,
    Sysctl,
    from_plain,
    plan,
    read_notes,
    to_plain,
    write_notes,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.wish import facts_of
from fakehost import FakeHost
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


@given(wishes)
def test_facts_survive_a_file(wish):
    facts = facts_of(wish)
    assert from_plain(json.loads(json.dumps(to_plain(facts)))) == [
        # A list is what JSON has for a tuple.
        Sysctl(fact.name, fact.value, list(fact.good)) if isinstance(fact, Sysctl) else fact
        for fact in facts
    ]


def test_notes(tmp_path):
    path = str(tmp_path / "deep" / "notes.json")
    assert read_notes(path, "boot") == []
    facts = facts_of(
        {"addresses": ["192.0.2.1"], "interface": "lo", "tunnels": [], "loose_interfaces": []}
    )
    write_notes(path, "boot", [Note(fact, None) for fact in facts])
    assert [note.fact.key for note in read_notes(path, "boot")] == [fact.key for fact in facts]
    # What a boot has cleared away is forgotten with it.
    assert all(isinstance(note.fact, Sysctl) for note in read_notes(path, "next boot"))
    write_notes(path, "boot", [])
    assert list(tmp_path.joinpath("deep").iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"boot": "b", "notes": [{"before": 1}]}'])
def test_notes_that_cannot_be_read_are_no_reason_to_forget(tmp_path, text):
    path = tmp_path / "notes.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HostError, match=r"notes\.json cannot be read"):
        read_notes(str(path), "b")


@pytest.mark.parametrize("arguments", [[], ["upp"], ["up", "down"]])
def test_usage(arguments, capsys):
    assert module.main(arguments) == 2
    assert capsys.readouterr().err == "usage: lvs-realserver up | down | status\n"


def test_without_facts_it_says_so(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "FACTS_FILE", str(tmp_path / "facts.json"))
    assert module.main(["up"]) == 1
    assert "facts.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name, path",
    [
        ("net.ipv4.conf.all.arp_ignore", "/proc/sys/net/ipv4/conf/all/arp_ignore"),
        ("net.ipv4.conf.eth0.100.rp_filter", "/proc/sys/net/ipv4/conf/eth0.100/rp_filter"),
        ("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"),
    ],
)
def test_where_a_sysctl_is(name, path):
    assert module.sysctl_path(name) == path
