"""Real servers set up by the collection: traffic arrives, ARP is kept quiet, all is undone."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.network.apply import apply
from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import HostError
from ansible_collections.lvs.ipvs.plugins.module_utils.network.host import Host, run
from ansible_collections.lvs.ipvs.plugins.module_utils.network.plan import plan
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.arp import (
    Asked,
    Socket,
    probe,
    route_to,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.exposure import exposed
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.notes import NotesFile
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.wish import facts_of

from loadclient import load
from node import InnerNode, endpoint
from topology import GUE_PORT, VIP, Topology

EVENLY = {"rs1": 4, "rs2": 4}
#: Packets of the director come in by `back`, and answers go out by `front`.
OPTIONS = {"addresses": list(VIP), "interface": "lo", "tunnels": [], "loose_interfaces": ["back"]}
BOOT = "this boot"


@pytest.fixture(scope="module")
def net() -> Iterator[Topology]:
    # Their links come with the modules, in every namespace; what is undone does not unload them.
    names = ["ipip", "sit", "ip6_tunnel", "ip_gre", "ip6_gre", "fou", "dummy"]
    subprocess.run(["modprobe", "-a", *names], check=True)
    with Topology(real_servers=2) as network:
        network.route_replies(via=None)
        network.serve(80)
        for server in network.real_servers:
            # What distributions set, and what a tunnel's packets do not get past.
            server.sysctl("net.ipv4.conf.all.rp_filter", 1)
        yield network


def snapshot(server: InnerNode) -> dict[str, Any]:
    """All that we could leave behind on a host."""
    links = json.loads(server.run("ip -details -json address show"))
    kept = ("ifname", "link_type", "flags", "linkinfo", "addr_info", "operstate")
    return {
        "links": [{name: link.get(name) for name in kept} for link in links if "ifname" in link],
        "fou": server.run("ip -json fou show"),
        "sysctls": server.run(
            ["sh", "-c", "grep . /proc/sys/net/ipv4/conf/*/arp_* /proc/sys/net/ipv4/conf/*/rp_*"]
        ),
    }


class Real:
    """The real servers, set up one way, and put back."""

    def __init__(self, net: Topology, notes: Path, **options: Any) -> None:
        self._net = net
        self._notes = notes
        self._facts = facts_of({**OPTIONS, **options})

    def __enter__(self) -> Real:
        self._before = [snapshot(server) for server in self._net.real_servers]
        for server in self._net.real_servers:
            with server.inside():
                notes = NotesFile(str(self._notes / server.name))
                assert apply(self._facts, Host(), notes)
                assert apply(self._facts, Host(), notes) == []
        return self

    def __exit__(self, *_unused: object) -> None:
        for server in self._net.real_servers:
            with server.inside():
                apply([], Host(), NotesFile(str(self._notes / server.name)))
        assert [snapshot(server) for server in self._net.real_servers] == self._before
        assert list(self._notes.iterdir()) == []


def ask(net: Topology, vip: str, how: str, over: str = "") -> dict[str, int]:
    """Who answers requests that the director forwards so; over: family of the real servers."""
    server_family = over or ("v6" if ":" in vip else "v4")
    net.director.run("ipvsadm -C")
    net.director.run(f"ipvsadm -A -t {endpoint(vip, 80)} -s rr")
    for server in net.real_servers:
        address = endpoint(getattr(server.back, server_family), 80)
        net.director.run(f"ipvsadm -a -t {endpoint(vip, 80)} -r {address} {how}")
    with net.client.inside():
        # A busy host may lose a packet or two before neighbours know each other.
        summary = load(vip, 80, count=8, timeout=20.0)
    assert summary.errors == {}
    return summary.by_server


@pytest.mark.parametrize("interface", ["lo", "vip0"])
def test_direct_routing(net: Topology, tmp_path: Path, interface: str) -> None:
    with Real(net, tmp_path, interface=interface):
        for vip in VIP:
            assert ask(net, vip, "-g") == EVENLY


def gue(checksum: str) -> str:
    return f"-i --tun-type gue --tun-port {GUE_PORT} --tun-{checksum}"


@pytest.mark.parametrize(
    "tunnel, ways",
    [
        ({"type": "ipip"}, ["-i"]),
        (
            {"type": "gue", "port": GUE_PORT, "checksum": "remcsum"},
            [gue("nocsum"), gue("csum"), gue("remcsum")],
        ),
        ({"type": "gre"}, ["-i --tun-type gre"]),
    ],
    ids=["ipip", "gue", "gre"],
)
def test_tunnels(net: Topology, tmp_path: Path, tunnel: dict[str, Any], ways: list[str]) -> None:
    with Real(net, tmp_path, tunnels=[tunnel], loose_interfaces=[]):
        for vip in VIP:
            for way in ways:
                assert ask(net, vip, way) == EVENLY


@pytest.mark.parametrize(
    "tunnel, way",
    [
        ({"type": "ipip"}, "-i"),
        ({"type": "gue", "port": GUE_PORT}, gue("csum")),
        ({"type": "gre"}, "-i --tun-type gre"),
    ],
    ids=["ipip", "gue", "gre"],
)
def test_tunnels_over_the_other_family(
    net: Topology, tmp_path: Path, tunnel: dict[str, Any], way: str
) -> None:
    tunnels = [{**tunnel, "over": ["inet", "inet6"]}]
    with Real(net, tmp_path, tunnels=tunnels, loose_interfaces=[]):
        assert ask(net, VIP.v4, way, over="v6") == EVENLY
        assert ask(net, VIP.v6, way, over="v4") == EVENLY


def test_gre_with_checksums_to_one_address(net: Topology, tmp_path: Path) -> None:
    (server,) = net.real_servers[:1]
    before = snapshot(server)
    tunnels = [
        {"type": "gre", "checksum": "csum", "local": server.back.v4},
        {"type": "gre", "checksum": "csum", "local": server.back.v6},
    ]
    facts = facts_of({**OPTIONS, "tunnels": tunnels, "loose_interfaces": []})
    notes = NotesFile(str(tmp_path / "notes"))
    with server.inside():
        apply(facts, Host(), notes)
        assert (
            plan(facts, NotesFile(str(tmp_path / "notes"), "another boot").read(), Host()).steps
            == []
        )
    for vip in VIP:
        net.director.run("ipvsadm -C")
        net.director.run(f"ipvsadm -A -t {endpoint(vip, 80)} -s rr")
        address = endpoint(server.back.v6 if ":" in vip else server.back.v4, 80)
        way = "-i --tun-type gre --tun-csum"
        net.director.run(f"ipvsadm -a -t {endpoint(vip, 80)} -r {address} {way}")
        with net.client.inside():
            assert load(vip, 80, count=2, timeout=5.0).by_server == {"rs1": 2}
    with server.inside():
        apply([], Host(), notes)
    assert snapshot(server) == before


# -- ARP


def asked(net: Topology) -> dict[str, tuple[list[str], str]]:
    """Who answers the director for what, and why that is no proof; by the clients' network."""
    hosts = [
        Asked(server.name, ["192.0.2.99", server.front.v4], [VIP.v4]) for server in net.real_servers
    ]
    with net.director.inside():
        found = probe(
            hosts,
            lambda address: route_to(address, run),
            lambda interface, source: Socket(interface, source, time.monotonic),
            # Which is waited for in vain alone.
            1.0,
        )
    return {each.asked.name: (each.answered, each.reason) for each in found}


def test_arp_is_answered_without_and_not_with_our_settings(net: Topology, tmp_path: Path) -> None:
    naive, ours = net.real_servers
    naive.ip(f"addr add {VIP.v4}/32 dev lo")
    with ours.inside():
        apply(facts_of(OPTIONS), Host(), NotesFile(str(tmp_path / "notes")))
        assert exposed([VIP.v4], Host()) == []
    assert asked(net) == {"rs1": ([VIP.v4], ""), "rs2": ([], "")}
    with naive.inside():
        places = {(row["address"], row["interface"]) for row in exposed([VIP.v4], Host())}
    assert {(VIP.v4, "front"), (VIP.v4, "back")} <= places
    naive.ip(f"addr del {VIP.v4}/32 dev lo")
    with ours.inside():
        apply([], Host(), NotesFile(str(tmp_path / "notes")))


@pytest.mark.parametrize("value", range(9))
@pytest.mark.parametrize("scope", ["host", "global"])
def test_the_rules_of_arp_ignore_are_the_kernels(net: Topology, value: int, scope: str) -> None:
    """What the settings say is what a request from outside finds."""
    server = net.real_servers[0]
    server.ip(f"addr add {VIP.v4}/32 dev lo scope {scope}")
    server.sysctl("net.ipv4.conf.front.arp_ignore", value)
    with server.inside():
        says = any(row["interface"] == "front" for row in exposed([VIP.v4], Host()))
    answered, reason = asked(net)["rs1"]
    server.sysctl("net.ipv4.conf.front.arp_ignore", 0)
    server.ip(f"addr del {VIP.v4}/32 dev lo")
    if value == 8:
        # It keeps quiet about its own address as well, and then silence is no proof.
        assert "did not answer for its own" in reason
    else:
        assert reason == ""
    assert says == (answered == [VIP.v4])


def test_silence_over_a_gateway_proves_nothing(net: Topology) -> None:
    with net.client.inside():
        (found,) = probe(
            [Asked("far", [VIP.v4], ["10.9.9.9"])],
            lambda address: route_to(address, run),
            lambda interface, source: Socket(interface, source, time.monotonic),
            0.3,
        )
    assert "no network is shared" in found.reason


# -- what was there before, and what others do


def test_what_was_there_before_stays(net: Topology, tmp_path: Path) -> None:
    server = net.real_servers[0]
    server.ip(f"addr add {VIP.v4}/32 dev lo", "link add vip0 type dummy", "link set tunl0 up")
    server.sysctl("net.ipv4.conf.all.arp_announce", 1)
    server.sysctl("net.ipv4.conf.all.arp_ignore", 2)
    before = snapshot(server)
    notes = NotesFile(str(tmp_path / "notes"))
    with server.inside():
        for options in (
            {"tunnels": [{"type": "ipip"}]},
            {"interface": "vip0"},
            {"addresses": [VIP.v4]},
        ):
            apply(facts_of({**OPTIONS, **options}), Host(), notes)
            assert Host().sysctl("net.ipv4.conf.all.arp_ignore") == "2"
        apply([], Host(), notes)
    assert snapshot(server) == before
    server.ip(f"addr del {VIP.v4}/32 dev lo", "link del vip0", "link set tunl0 down")
    server.sysctl("net.ipv4.conf.all.arp_announce", 0)
    server.sysctl("net.ipv4.conf.all.arp_ignore", 0)


def test_what_others_have_changed_since_stays_theirs(net: Topology, tmp_path: Path) -> None:
    server = net.real_servers[0]
    notes = NotesFile(str(tmp_path / "notes"))
    with server.inside():
        apply(facts_of(OPTIONS), Host(), notes)
    server.sysctl("net.ipv4.conf.all.arp_announce", 1)
    server.ip(f"addr del {VIP.v4}/32 dev lo")
    with server.inside():
        done = apply([], Host(), notes)
        assert Host().sysctl("net.ipv4.conf.all.arp_announce") == "1"
    assert f"address {VIP.v4}/32 dev lo" not in [step.key for step in done]
    server.sysctl("net.ipv4.conf.all.arp_announce", 0)


def test_a_link_of_another_kind_is_not_taken(net: Topology, tmp_path: Path) -> None:
    server = net.real_servers[0]
    before = snapshot(server)
    with server.inside(), pytest.raises(HostError, match="there is a link front already"):
        apply(
            facts_of({**OPTIONS, "interface": "front"}), Host(), NotesFile(str(tmp_path / "notes"))
        )
    assert snapshot(server) == before


def test_the_next_run_goes_on_where_one_was_stopped(net: Topology, tmp_path: Path) -> None:
    """A command that fails half-way: what it says, and that nothing is left for ever."""
    server = net.real_servers[0]
    before = snapshot(server)
    notes = NotesFile(str(tmp_path / "notes"))
    facts = facts_of({**OPTIONS, "loose_interfaces": ["nowhere"]})
    with server.inside():
        with pytest.raises(HostError, match=r"nowhere.*\(done before: sysctl .*arp_announce"):
            apply(facts, Host(), notes)
        apply(facts_of(OPTIONS), Host(), notes)
        apply([], Host(), notes)
    assert snapshot(server) == before


def test_after_a_boot_addresses_are_forgotten_and_sysctls_are_not(
    net: Topology, tmp_path: Path
) -> None:
    server = net.real_servers[0]
    notes = NotesFile(str(tmp_path / "notes"))
    with server.inside():
        apply(facts_of(OPTIONS), Host(), notes)
        NotesFile(str(tmp_path / "notes"), BOOT).write(notes.read())
        # The boot cleared them; sysctl.d set what it says.
        server.ip(*(f"addr del {vip} dev lo" for vip in (f"{VIP.v4}/32", f"{VIP.v6}/128")))
        apply(facts_of(OPTIONS), Host(), notes)
        apply([], Host(), notes)
        assert Host().sysctl("net.ipv4.conf.all.arp_ignore") == "0"
        assert not any(f"{VIP.v4}/32" in link.addresses for link in Host().links.values())
