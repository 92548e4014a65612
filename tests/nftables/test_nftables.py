"""The rules of nftables on a real kernel: what is written is read back, and translates traffic.

There need not be an IPVS in it: another table of nftables changes the destination as IPVS does, and
for conntrack, which is all that the rules go by, that is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import netfilter, nftrules
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    SetLocalAddresses,
    TrackConnections,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.conntrack import count, tracked
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import Cause, Unavailable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    Endpoint,
    Family,
    Firewallmark,
    FullNat,
    ServiceKey,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.netfilter import Netfilter
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import strategies as draws
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from translation import PORT, addresses, seen, without_a_way_back

from topology import VIP, Topology

PROTOCOLS = ("tcp", "udp")
IP = {"v4": "ip", "v6": "ip6"}

#: In the place of IPVS: as there, the packet is changed, and what conntrack knows is not.
STAND_IN = """
table {ip} ipvs {{
    chain in {{
        type nat hook prerouting priority dstnat; policy accept;
        meta l4proto {{ tcp, udp }} {ip} daddr {vip} meta mark set 7 \\
            dnat to numgen inc mod 2 map {{ 0 : {one}, 1 : {two} }}
    }}
}}
"""


@pytest.fixture(scope="module")
def net() -> Iterator[Topology]:
    """Real servers that throw away what goes to the client."""
    with without_a_way_back(PROTOCOLS) as network:
        for field, ip in IP.items():
            one, two = (getattr(server.back, field) for server in network.real_servers)
            rules = STAND_IN.format(ip=ip, vip=getattr(VIP, field), one=one, two=two)
            network.director.run("nft -f -", given=rules)
        yield network


@pytest.fixture(autouse=True)
def conntrack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sysctl that IPVS has, and this kernel has not."""
    switch = tmp_path / "conntrack"
    switch.write_text("1\n")
    monkeypatch.setattr(netfilter, "_CONNTRACK", switch)
    return switch


@pytest.fixture
def rules(net: Topology) -> Iterator[Netfilter]:
    """Those of the director; none at first."""
    own = Netfilter(net.director.name)
    have(own, {})
    yield own
    have(own, {})


@pytest.fixture(params=["v4", "v6"])
def field(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def have(own: Netfilter, wanted: Mapping[ServiceKey, tuple[str, ...]]) -> None:
    """These local addresses and no others."""
    known = own.read()[0].local_addresses
    keys = {**known, **wanted}
    changes = [SetLocalAddresses(key, known.get(key, ()), wanted.get(key, ())) for key in keys]
    assert own.apply(changes) == []


def key_of(protocol: str, field: str, port: int = PORT) -> Endpoint:
    return Endpoint(Transport(protocol), getattr(VIP, field), port)


# -- traffic


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_connections_come_from_the_local_address(
    net: Topology, rules: Netfilter, field: str, protocol: str
) -> None:
    have(rules, {key_of(protocol, field): addresses(field, 1)})
    assert seen(net, protocol, getattr(VIP, field), 4) == {addresses(field)[0]: 4}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pool_of_addresses_takes_turns(
    net: Topology, rules: Netfilter, field: str, protocol: str
) -> None:
    key = key_of(protocol, field)
    have(rules, {key: addresses(field)})
    before = counted(rules, key)
    assert seen(net, protocol, getattr(VIP, field), 8) == dict.fromkeys(addresses(field), 4)
    after = counted(rules, key)
    assert {one: after[one] - before[one] for one in after} == dict.fromkeys(addresses(field), 4)


def test_a_service_of_every_port_has_local_addresses_too(
    net: Topology, rules: Netfilter, field: str
) -> None:
    have(rules, {key_of("tcp", field, 0): addresses(field, 1)})
    assert seen(net, "tcp", getattr(VIP, field), 2) == {addresses(field)[0]: 2}


def test_a_service_of_one_port_goes_before_that_of_every_port(
    net: Topology, rules: Netfilter, field: str
) -> None:
    first, second = addresses(field)
    have(rules, {key_of("tcp", field, 0): (first,), key_of("tcp", field): (second,)})
    assert seen(net, "tcp", getattr(VIP, field), 2) == {second: 2}


def test_a_firewall_mark_goes_before_all_services(
    net: Topology, rules: Netfilter, field: str
) -> None:
    first, second = addresses(field)
    mark = Firewallmark(7, Family.INET if field == "v4" else Family.INET6)
    have(rules, {key_of("tcp", field): (first,), mark: (second,)})
    before = counted(rules, mark, net, field)
    assert seen(net, "tcp", getattr(VIP, field), 2) == {second: 2}
    assert counted(rules, mark, net, field)[second] - before[second] == 2


def test_what_goes_to_the_virtual_address_itself_is_left_alone(
    net: Topology, rules: Netfilter, field: str
) -> None:
    """As direct routing sends it: the source has to stay."""
    have(rules, {key_of("tcp", field): addresses(field, 1)})
    ip, mine = IP[field], net.real_servers[0]
    stand_in = net.director.run(f"nft list table {ip} ipvs")
    net.director.run(f"nft delete table {ip} ipvs")
    for address in net.client.front:
        mine.ip(f"route del blackhole {address}")
    bits = 32 if field == "v4" else 128
    vip = f"{getattr(VIP, field)}/{bits}"
    mine.sysctl("net.ipv4.conf.all.arp_ignore", 1)
    mine.ip(f"addr add {vip} dev lo")
    net.director.ip(
        f"addr del {vip} dev lo", f"route add {vip} via {getattr(mine.back, field)} dev back"
    )
    assert seen(net, "tcp", getattr(VIP, field), 2) == {getattr(net.client.front, field): 2}
    net.director.ip(f"route del {vip}", f"addr add {vip} dev lo")
    mine.ip(f"addr del {vip} dev lo")
    for address in net.client.front:
        mine.ip(f"route add blackhole {address}")
    net.director.run("nft -f -", given=stand_in)


def counted(
    own: Netfilter, key: ServiceKey, net: Topology | None = None, field: str = ""
) -> Mapping[str, int]:
    """Connections of each local address, as conntrack knows them."""
    pools = {}
    if isinstance(key, Firewallmark) and net:
        pools[key] = [DestinationKey(getattr(one.back, field), 0) for one in net.real_servers]
    known = own.read()[0].local_addresses
    used = count(tracked(own.connections()), known, pools)[key]
    return {one: used[one].connections for one in used}


# -- what is written and read


SOME: dict[ServiceKey, tuple[str, ...]] = {
    Endpoint(Transport.TCP, "192.0.2.1", 80): ("10.2.0.1",),
    Endpoint(Transport.SCTP, "192.0.2.1", 0): ("10.2.0.1", "10.2.0.7"),
    Endpoint(Transport.UDP, "2001:db8::1", 53): ("fd02::1", "fd02::7", "fd02::10"),
    Endpoint(Transport.UDP, "::ffff:10.0.0.1", 53): ("fd02::1",),
    Firewallmark(7, Family.INET): ("10.2.0.1",),
    Firewallmark(7, Family.INET6): ("fd02::7",),
    Firewallmark(0xFFFFFFFF, Family.INET6): ("fd02::1", "fd02::7"),
}


def local_addresses() -> st.SearchStrategy[dict[ServiceKey, tuple[str, ...]]]:
    return st.lists(draws.service_keys, max_size=4, unique=True).flatmap(
        lambda keys: st.fixed_dictionaries({key: draws.local_addresses(key.family) for key in keys})
    )


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(first=local_addresses(), second=local_addresses())
def test_any_local_addresses_are_read_as_they_were_written(
    rules: Netfilter,
    first: dict[ServiceKey, tuple[str, ...]],
    second: dict[ServiceKey, tuple[str, ...]],
) -> None:
    for wanted in (first, second, {}):
        have(rules, wanted)
        assert rules.read() == (FullNat(True, wanted), [])


def test_the_table_goes_with_the_last_service(net: Topology, rules: Netfilter) -> None:
    before = net.director.run("nft list ruleset")
    have(rules, SOME)
    assert "table ip lvs_ipvs" in net.director.run("nft list ruleset")
    have(rules, {})
    assert net.director.run("nft list ruleset") == before


def test_a_change_of_one_service_touches_its_chain_alone(net: Topology, rules: Netfilter) -> None:
    have(rules, SOME)
    before = handles(net)
    have(rules, {**SOME, Endpoint(Transport.TCP, "192.0.2.1", 80): ("10.2.0.9",)})
    after = handles(net)
    assert {name for name in before if before[name] != after[name]} == {"tcp-192.0.2.1-80"}


def handles(net: Topology) -> dict[str, str]:
    """Chains of our table with the handles of their rules."""
    text = net.director.run("nft -a list table ip lvs_ipvs")
    pieces = text.split("\tchain ")[1:]
    return {piece.split()[0]: piece for piece in pieces}


@pytest.mark.parametrize(
    "edit",
    [
        "flush chain ip lvs_ipvs postrouting",
        "flush chain ip lvs_ipvs tcp-192.0.2.1-80",
        "insert rule ip lvs_ipvs tcp-192.0.2.1-80 counter accept",
        "insert rule ip lvs_ipvs postrouting counter",
        "add rule ip lvs_ipvs postrouting counter",
        "delete element ip lvs_ipvs ports { tcp . 192.0.2.1 . 80 }",
        "chain ip lvs_ipvs postrouting { policy drop ; }",
        "add chain ip lvs_ipvs more { type nat hook postrouting priority 0 ; }",
    ],
)
def test_an_edit_by_hand_is_no_local_address_and_is_repaired(
    net: Topology, rules: Netfilter, edit: str
) -> None:
    key, other = Endpoint(Transport.TCP, "192.0.2.1", 80), Firewallmark(7, Family.INET)
    wanted: dict[ServiceKey, tuple[str, ...]] = {key: ("10.2.0.1",), other: ("10.2.0.7",)}
    have(rules, wanted)
    net.director.run(["nft", edit])
    found, strange = rules.read()
    assert key not in found.local_addresses
    assert strange == ["rules of netfilter for local addresses (inet)"]
    assert rules.apply([SetLocalAddresses(key, (), wanted[key])]) == []
    assert rules.read() == (FullNat(True, wanted), [])


def test_a_way_that_leads_elsewhere_is_repaired(net: Topology, rules: Netfilter) -> None:
    key, other = Endpoint(Transport.TCP, "192.0.2.1", 80), Firewallmark(7, Family.INET)
    have(rules, {key: ("10.2.0.1",), other: ("10.2.0.7",)})
    element = "ip lvs_ipvs ports { tcp . 192.0.2.1 . 80"
    net.director.run(
        ["nft", f"delete element {element} }}; add element {element} : goto fwmark-7 }}"]
    )
    assert key not in rules.read()[0].local_addresses
    have(rules, {key: ("10.2.0.1",), other: ("10.2.0.7",)})
    assert rules.read()[1] == []


@pytest.mark.parametrize(
    "edit",
    [
        "add chain ip lvs_ipvs theirs",
        "add set ip lvs_ipvs theirs { type ipv4_addr ; }",
        "add element ip lvs_ipvs ports { tcp . 192.0.2.9 . 80 : accept }",
    ],
)
def test_what_harms_nothing_is_told_and_goes_with_the_next_change(
    net: Topology, rules: Netfilter, edit: str
) -> None:
    key = Endpoint(Transport.TCP, "192.0.2.1", 80)
    have(rules, {key: ("10.2.0.1",)})
    net.director.run(["nft", edit])
    told = ["rules of netfilter for local addresses (inet)"]
    assert rules.read() == (FullNat(True, {key: ("10.2.0.1",)}), told)
    have(rules, {key: ("10.2.0.2",)})
    assert rules.read() == (FullNat(True, {key: ("10.2.0.2",)}), [])


def test_rules_without_effect_are_gone_before_they_have_one(
    net: Topology, rules: Netfilter, conntrack: Path
) -> None:
    have(rules, SOME)
    conntrack.write_text("0\n")
    assert rules.read() == (FullNat(), [])
    assert rules.apply([TrackConnections()]) == []
    assert conntrack.read_text() == "1\n"
    assert rules.read() == (FullNat(True), [])
    assert "lvs_ipvs" not in net.director.run("nft list ruleset")


# -- programs


def test_no_program_is_started_where_there_is_no_table_of_ours(
    rules: Netfilter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netfilter.subprocess, "run", None)
    assert rules.read() == (FullNat(True), [])


def test_what_nft_refuses_is_told_of_the_one_change(rules: Netfilter) -> None:
    good = SetLocalAddresses(Endpoint(Transport.TCP, "192.0.2.1", 80), (), ("10.2.0.1",))
    bad = SetLocalAddresses(Endpoint(Transport.TCP, "192.0.2.2", 80), (), ("fd00::1",))
    (refused,) = rules.apply([good, bad])
    assert refused.change is bad
    assert "nft said: " in str(refused)
    assert rules.read() == (FullNat(True, {good.service: good.after}), [])


@pytest.mark.parametrize("tracks", ["0\n", "1\n"])
def test_what_nft_would_refuse_is_told_beforehand_and_nothing_is_left(
    net: Topology, rules: Netfilter, conntrack: Path, tracks: str
) -> None:
    conntrack.write_text(tracks)
    before = net.director.run("nft list ruleset")
    good = SetLocalAddresses(Endpoint(Transport.TCP, "192.0.2.1", 80), (), ("10.2.0.1",))
    bad = SetLocalAddresses(Endpoint(Transport.TCP, "192.0.2.2", 80), (), ("fd00::1",))
    assert rules.foresee([TrackConnections(), good]) == []
    (reason,) = rules.foresee([good, bad])
    assert reason.startswith("the rules of netfilter would be refused: nft said: ")
    assert net.director.run("nft list ruleset") == before
    assert conntrack.read_text() == tracks


def test_without_nft_a_table_of_ours_cannot_be_read(
    rules: Netfilter, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(rules, SOME)
    with monkeypatch.context() as patch:
        patch.setattr(netfilter, "_PATH", "/nowhere")
        with pytest.raises(Unavailable, match="there is no nft to read it") as caught:
            rules.read()
    assert caught.value.cause is Cause.NO_PROGRAM


def test_a_table_of_another_family_is_not_asked_for(net: Topology, rules: Netfilter) -> None:
    have(rules, {Firewallmark(7, Family.INET6): ("fd02::7",)})
    assert nftrules.table_name(Family.INET) not in net.director.run("nft list tables").splitlines()
    assert rules.read()[1] == []
