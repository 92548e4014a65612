"""Full NAT: real servers that have no way to the client answer all the same.

The kernel of the lab has no nftables for IP; the rules are those of iptables-legacy here. Those of
nftables have traffic of their own in test_nftables.py.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import netfilter
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import SetLocalAddresses
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    Cause,
    KernelRefused,
    Unavailable,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Firewallmark,
    FullNat,
    LocalUse,
    Service,
    ServiceFlags,
    ServiceKey,
    State,
    Transport,
    family_of,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plan import Plan
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.remarks import leftovers, remarks
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import ALL, SERVICES, Scope
from fresh import FreshHost
from samples import WEB, direct, masquerade, service, settings, settings6

from topology import VIP, Address, Topology

PEERSERVER = str(Path(__file__).with_name("peerserver.py"))
LOCALS = [Address("10.2.0.101", "fd02::101"), Address("10.2.0.105", "fd02::105")]
#: Never a real server's, and routed the way that everything goes.
EVERYTHING_HERE = replace(SERVICES, local_addresses=ALL)
PORT = 7000
TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM, "sctp": socket.SOCK_STREAM}


@pytest.fixture(scope="module")
def net() -> Iterator[Topology]:
    """Real servers that throw away what goes to the client."""
    with Topology(real_servers=2) as network:
        for server in network.real_servers:
            server.ip(
                f"route add blackhole {network.client.front.v4}/32",
                f"route add blackhole {network.client.front.v6}/128",
            )
            for protocol in TYPES:
                process = server.start([sys.executable, PEERSERVER, protocol, str(PORT)], stdout=-1)
                assert process.stdout
                assert process.stdout.readline() == "ready\n"
        for one in LOCALS:
            network.director.ip(
                f"addr add {one.v4}/24 dev back", f"addr add {one.v6}/64 dev back nodad"
            )
        yield network


@pytest.fixture(params=["v4", "v6"])
def field(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def table(net: Topology) -> Iterator[KernelTable]:
    """The director's table, empty at first; connections are unknown to netfilter."""
    kernel = KernelTable(net.director.name)
    reconcile(kernel, State(), EVERYTHING_HERE)
    net.director.sysctl("net.ipv4.vs.conntrack", 0)
    forget(net)
    yield kernel
    reconcile(kernel, State(), EVERYTHING_HERE)
    kernel.close()


def forget(net: Topology) -> None:
    """Have the director's conntrack forget all connections, as `conntrack -F` does.

    Those of other tests would go in the middle of this one, and be missed when it counts.
    """
    with net.director.inside(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as sock:
        # IPCTNL_MSG_CT_DELETE of NFNL_SUBSYS_CTNETLINK, for every family; with an answer.
        sock.send(struct.pack("=IHHIIBBH", 20, 1 << 8 | 2, 0x5, 1, 0, 0, 0, 0))
        (number,) = struct.unpack_from("=i", sock.recv(100), 16)
        assert number == 0


@pytest.fixture
def by_iptables(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a kernel without nftables, also where it has them."""

    def write(_self: object, _found: object, _wanted: object, *, trial: bool) -> None:
        raise netfilter._Missing

    monkeypatch.setattr(netfilter._Nftables, "find", lambda _self: None)
    monkeypatch.setattr(netfilter._Nftables, "write", write)


def addresses(field: str, count: int = 2) -> tuple[str, ...]:
    return tuple(getattr(one, field) for one in LOCALS[:count])


def pool(
    net: Topology, field: str, how: DestinationSettings | None = None
) -> dict[DestinationKey, DestinationSettings]:
    return {
        DestinationKey(getattr(one.back, field), PORT): how or masquerade()
        for one in net.real_servers
    }


def have(table: KernelTable, whole: Service, local_addresses: tuple[str, ...]) -> Plan:
    known = {whole.key: local_addresses} if local_addresses else {}
    return reconcile(
        table, State({whole.key: whole}, full_nat=FullNat(True, known)), EVERYTHING_HERE
    )


def rr(key: ServiceKey, servers: dict, persistence: int = 0) -> Service:
    make = settings if key.family is Family.INET else settings6
    return service(key, servers, make("rr", persistence=persistence))


def asks(net: Topology, protocol: str, vip: str, port: int = PORT) -> socket.socket:
    """A connection of the client's, which has had no answer yet."""
    number = socket.IPPROTO_SCTP if protocol == "sctp" else 0
    family = socket.AF_INET6 if ":" in vip else socket.AF_INET
    with net.client.inside():
        sock = socket.socket(family, TYPES[protocol], number)
    sock.settimeout(10)
    return sock


def seen(net: Topology, protocol: str, vip: str, count: int = 1, port: int = PORT) -> Counter[str]:
    """Where so many connections come from, as the real servers see them."""
    found: Counter[str] = Counter()
    for _unused in range(count):
        with asks(net, protocol, vip) as sock:
            sock.connect((vip, port))
            if protocol == "udp":
                sock.send(b"?")
            found[sock.recv(100).decode()] += 1
    return found


def counted(table: KernelTable, key: ServiceKey) -> dict[str, int]:
    """How many connections each local address carries."""
    return {one: use.connections for one, use in table.local_connections()[key].items()}


def saved(net: Topology, field: str) -> str:
    program = "iptables-legacy-save" if field == "v4" else "ip6tables-legacy-save"
    return net.director.run(f"{program} -t nat")


# -- traffic


@pytest.mark.parametrize("protocol", TYPES)
def test_servers_without_a_way_to_the_client_answer(
    net: Topology, table: KernelTable, field: str, protocol: str
) -> None:
    vip = getattr(VIP, field)
    whole = rr(Endpoint(Transport(protocol), vip, PORT), pool(net, field))
    plan = have(table, whole, addresses(field, 1))
    assert [change.action for change in plan.changes][:3] == [
        "track_connections",
        "set_local_addresses",
        "add_service",
    ]
    assert seen(net, protocol, vip, 4) == {addresses(field)[0]: 4}
    assert not have(table, whole, addresses(field, 1))


def test_without_local_addresses_they_cannot(net: Topology, table: KernelTable, field: str) -> None:
    vip = getattr(VIP, field)
    whole = rr(Endpoint(Transport.TCP, vip, PORT), pool(net, field))
    have(table, whole, addresses(field))
    assert have(table, whole, ()).counts() == {"set_local_addresses": 1}
    with asks(net, "tcp", vip) as sock:
        sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            sock.connect((vip, PORT))
    have(table, whole, addresses(field))
    assert seen(net, "tcp", vip)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_pool_of_addresses_takes_turns(
    net: Topology, table: KernelTable, field: str, protocol: str
) -> None:
    vip = getattr(VIP, field)
    have(table, rr(Endpoint(Transport(protocol), vip, PORT), pool(net, field)), addresses(field))
    assert seen(net, protocol, vip, 8) == dict.fromkeys(addresses(field), 4)


def test_a_firewall_mark_has_local_addresses_too(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    tables = "iptables-legacy" if field == "v4" else "ip6tables-legacy"
    rule = f"PREROUTING -d {vip} -p tcp --dport {PORT} -j MARK --set-mark 7"
    net.director.run(f"{tables} -t mangle -A {rule}")
    whole = rr(Firewallmark(7, family_of(vip)), pool(net, field))
    have(table, whole, addresses(field))
    assert seen(net, "tcp", vip, 4) == dict.fromkeys(addresses(field), 2)
    assert counted(table, whole.key) == dict.fromkeys(addresses(field), 2)
    assert not have(table, whole, addresses(field))
    net.director.run(f"{tables} -t mangle -D {rule}")


def test_a_service_of_every_port_has_local_addresses_too(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    servers = {DestinationKey(name.address, 0): how for name, how in pool(net, field).items()}
    whole = rr(Endpoint(Transport.TCP, vip, 0), servers, persistence=60)
    have(table, whole, addresses(field, 1))
    assert seen(net, "tcp", vip, 2) == {addresses(field)[0]: 2}


def test_a_service_of_every_port_lends_its_local_addresses_to_one_port_and_it_is_said(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip, (first, second) = getattr(VIP, field), addresses(field)
    servers = {DestinationKey(name.address, 0): how for name, how in pool(net, field).items()}
    whole = rr(Endpoint(Transport.TCP, vip, 0), servers, persistence=60)
    have(table, whole, (first,))
    single = rr(Endpoint(Transport.TCP, vip, PORT), pool(net, field))
    own = frozenset([single.key])
    scope = Scope(own, {single.key: ALL}, local_addresses=own)
    plan = reconcile(table, State({single.key: single}), scope)
    assert seen(net, "tcp", vip, 2) == {first: 2}
    (line,) = remarks(plan, table, table.elsewhere)
    assert line.startswith(f"{single.key} has no local addresses, and its masqueraded connections")
    named = State({single.key: single}, full_nat=FullNat(True, {single.key: (second,)}))
    plan = reconcile(table, named, scope)
    assert seen(net, "tcp", vip, 2) == {second: 2}
    assert list(remarks(plan, table, table.elsewhere)) == []


def test_what_ipvsadm_leaves_is_told_and_can_be_removed(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    whole = rr(Endpoint(Transport.TCP, vip, PORT), pool(net, field))
    have(table, whole, addresses(field))
    net.director.run("ipvsadm -C")
    state = table.read(EVERYTHING_HERE)
    assert leftovers(state) == {whole.key: addresses(field)}
    # Who makes the service anew knows as little of them.
    host = f"[{vip}]" if field == "v6" else vip
    server = next(iter(whole.destinations))
    net.director.run(f"ipvsadm -A -t {host}:{PORT} -s rr")
    net.director.run(f"ipvsadm -a -t {host}:{PORT} -r {server} -m")
    assert seen(net, "tcp", vip, 2) == dict.fromkeys(addresses(field), 1)
    net.director.run("ipvsadm -C")
    plan = reconcile(table, State(), EVERYTHING_HERE)
    assert plan.counts() == {"set_local_addresses": 1}
    assert leftovers(table.read(EVERYTHING_HERE)) == {}


def test_direct_routing_keeps_the_address_of_the_client(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    (mine, theirs), client = net.real_servers, getattr(net.client.front, field)
    net.accept_direct()
    for address in net.client.front:
        mine.ip(f"route del blackhole {address}")
    servers = {DestinationKey(getattr(mine.back, field), PORT): direct()}
    have(table, rr(Endpoint(Transport.TCP, vip, PORT), servers), addresses(field))
    assert seen(net, "tcp", vip, 2) == {client: 2}
    for address in net.client.front:
        mine.ip(f"route add blackhole {address}")
    for one in (mine, theirs):
        one.ip(*(f"addr del {address} dev lo" for address in (f"{VIP.v4}/32", f"{VIP.v6}/128")))


def test_connections_of_each_local_address_are_counted(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    key = Endpoint(Transport.UDP, vip, PORT)
    have(table, rr(key, pool(net, field)), addresses(field))
    assert counted(table, key) == dict.fromkeys(addresses(field), 0)
    with ExitStack() as open_ones:
        for _unused in range(6):
            sock = open_ones.enter_context(asks(net, "udp", vip))
            sock.connect((vip, PORT))
            sock.send(b"?")
            assert sock.recv(100)
        assert counted(table, key) == dict.fromkeys(addresses(field), 3)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_that_is_in_use_is_a_conflict(
    net: Topology, table: KernelTable, field: str, protocol: str
) -> None:
    vip, bits = getattr(VIP, field), {"v4": 24, "v6": 64}[field]
    second = {"v4": "10.1.0.77", "v6": "fd01::77"}[field]
    key = Endpoint(Transport(protocol), vip, PORT)
    servers = dict([next(iter(pool(net, field).items()))])
    have(table, rr(key, servers), addresses(field, 1))
    net.client.ip(f"addr add {second}/{bits} dev front" + (" nodad" if field == "v6" else ""))
    with ExitStack() as open_ones:
        for client in (getattr(net.client.front, field), second):
            sock = open_ones.enter_context(asks(net, protocol, vip))
            sock.bind((client, 20001))
            sock.connect((vip, PORT))
            if protocol == "udp":
                sock.send(b"?")
            assert sock.recv(100).decode() == addresses(field)[0]
        assert table.local_connections()[key] == {addresses(field)[0]: LocalUse(2, 1)}
    net.client.ip(f"addr del {second}/{bits} dev front")


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_connections_that_there_are_go_on_when_the_addresses_change(
    net: Topology, table: KernelTable, field: str, protocol: str
) -> None:
    vip, (first, second) = getattr(VIP, field), addresses(field)
    whole = rr(Endpoint(Transport(protocol), vip, PORT), pool(net, field))
    have(table, whole, (first,))
    with asks(net, protocol, vip) as held:
        held.connect((vip, PORT))
        if protocol == "udp":
            held.send(b"?")
        assert held.recv(100).decode() == first
        have(table, whole, (second,))
        assert seen(net, protocol, vip) == {second: 1}
        held.send(b"?")
        assert held.recv(100).decode() == first
        # Without any rule left the kernel tracks no connections at all (nf_ct_netns_put).
        other = rr(Endpoint(Transport(protocol), vip, PORT + 1), {})
        left = FullNat(True, {other.key: (second,)})
        both = State({whole.key: whole, other.key: other}, full_nat=left)
        assert reconcile(table, both, EVERYTHING_HERE).counts()["set_local_addresses"] == 2
        held.send(b"?")
        assert held.recv(100).decode() == first


def test_one_packet_scheduling_has_no_answers_and_it_is_said(
    net: Topology, table: KernelTable, field: str
) -> None:
    vip = getattr(VIP, field)
    whole = rr(Endpoint(Transport.UDP, vip, PORT), pool(net, field))
    whole = replace(whole, settings=replace(whole.settings, flags=ServiceFlags.ONE_PACKET))
    plan = have(table, whole, addresses(field))
    with asks(net, "udp", vip) as sock:
        sock.settimeout(0.5)
        sock.connect((vip, PORT))
        sock.send(b"?")
        with pytest.raises(TimeoutError):
            sock.recv(100)
    (line,) = remarks(plan, table, table.elsewhere)
    assert line.startswith(f"{whole.key} has the flag one-packet and local addresses")


# -- the rules


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


# -- what it takes


def test_no_program_is_started_where_there_is_nothing_of_ours(
    net: Topology, table: KernelTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.director.sysctl("net.ipv4.vs.conntrack", 1)
    with FreshHost() as host:
        monkeypatch.setattr(netfilter.subprocess, "run", None)
        own = KernelTable(host.name)
        host.sysctl("net.ipv4.vs.conntrack", 1)
        assert own.read(EVERYTHING_HERE).full_nat == FullNat(True)
        assert own.local_connections() == {}
        own.close()


def test_a_scope_without_local_addresses_asks_for_none(
    host: FreshHost, kernel: KernelTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconcile(
        kernel,
        State({WEB: service(WEB)}, full_nat=FullNat(True, {WEB: ("10.2.0.1",)})),
        EVERYTHING_HERE,
    )
    monkeypatch.setattr(kernel, "_netfilter", None)
    assert kernel.read(SERVICES).services == {WEB: service(WEB)}
    assert not reconcile(kernel, State({WEB: service(WEB)}), SERVICES)


def test_without_any_program_the_error_says_what_to_install(
    kernel: KernelTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netfilter, "_PATH", "/nowhere")
    wanted = State({WEB: service(WEB)}, full_nat=FullNat(True, {WEB: ("10.2.0.1",)}))
    with pytest.raises(Unavailable, match="install nftables") as caught:
        reconcile(kernel, wanted, EVERYTHING_HERE)
    assert caught.value.cause is Cause.NO_PROGRAM
    assert [change.action for change in caught.value.done] == ["track_connections"]
    assert kernel.services() == frozenset()


@pytest.mark.usefixtures("by_iptables")
@pytest.mark.parametrize("tracks, without", [(0, ["CONFIG_IP_VS_NFCT)"]), (1, [])])
def test_what_would_be_refused_can_be_told_beforehand(
    host: FreshHost,
    kernel: KernelTable,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tracks: int,
    without: list[str],
) -> None:
    host.sysctl("net.ipv4.vs.conntrack", tracks)
    wanted = State({WEB: service(WEB)}, full_nat=FullNat(True, {WEB: ("10.2.0.1",)}))

    def foreseen() -> Sequence[str]:
        plan = reconcile(kernel, wanted, EVERYTHING_HERE, dry_run=True)
        assert "set_local_addresses" in plan.counts()
        return kernel.foresee(plan.changes)

    assert foreseen() == []
    with monkeypatch.context() as patch:
        patch.setattr(netfilter, "_PATH", "/nowhere")
        (reason,) = foreseen()
        with pytest.raises(Unavailable) as caught:
            reconcile(kernel, wanted, EVERYTHING_HERE)
        assert reason == str(caught.value).partition("\n")[0]
    host.sysctl("net.ipv4.vs.conntrack", tracks)
    # A kernel that is built without.
    modprobe = tmp_path / "modprobe"
    modprobe.write_text("#!/bin/sh\necho no such module >&2\nexit 1\n")
    modprobe.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(netfilter, "_PATH", f"{tmp_path}:{netfilter._PATH}")
        patch.setattr(netfilter.Path, "exists", lambda _self: False)
        *tracking, rules = foreseen()
        assert [reason.partition("(")[2] for reason in tracking] == without
        assert rules == "the rules of netfilter would be refused: modprobe said: no such module"
    # Nothing was changed by asking: not even is there a table of iptables.
    with host.inside():
        names = Path("/proc/thread-self/net/ip_tables_names")
        assert not names.exists() or names.read_text() == ""
        assert netfilter._CONNTRACK.read_text() == f"{tracks}\n"


def test_by_whichever_way_nothing_is_foreseen_where_nothing_is_in_the_way(
    kernel: KernelTable,
) -> None:
    wanted = State({WEB: service(WEB)}, full_nat=FullNat(True, {WEB: ("10.2.0.1",)}))
    plan = reconcile(kernel, wanted, EVERYTHING_HERE, dry_run=True)
    assert kernel.foresee(plan.changes) == []
    assert kernel.full_nat() == FullNat()
    reconcile(kernel, wanted, EVERYTHING_HERE)
    reconcile(kernel, State(), EVERYTHING_HERE)


def test_addresses_are_the_hosts_when_its_routing_keeps_them(
    host: FreshHost, kernel: KernelTable
) -> None:
    asked = ("10.2.0.2", "10.2.0.3", "10.4.5.6", "fd02::3", "fd04::7")
    assert kernel.elsewhere(asked) == asked
    host.connect()
    host.ip(
        "addr add 10.2.0.3/24 dev eth0",
        "addr add fd02::3/64 dev eth0 nodad",
        "route add local 10.4.0.0/16 dev lo",
        "route add local fd04::/64 dev lo",
    )
    assert kernel.elsewhere(asked) == ("10.2.0.2",)


@pytest.mark.usefixtures("by_iptables")
def test_what_a_program_refuses_is_told_of_the_one_change(kernel: KernelTable) -> None:
    good = SetLocalAddresses(WEB, (), ("10.2.0.1",))
    bad = SetLocalAddresses(Endpoint(Transport.TCP, "192.0.2.2", 80), (), ("fd00::1",))
    reconcile(kernel, State(full_nat=FullNat(True)), Scope(local_addresses=ALL))
    outcome = kernel.apply([good, bad])
    assert outcome.done == (good,)
    (refused,) = outcome.refused
    assert isinstance(refused, KernelRefused)
    assert refused.change is bad
    assert "iptables-legacy-restore said: " in str(refused)
    assert kernel.read(EVERYTHING_HERE).full_nat == FullNat(True, {WEB: ("10.2.0.1",)})
