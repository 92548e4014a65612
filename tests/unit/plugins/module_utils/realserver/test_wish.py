"""From what was asked for to facts: which, in which order, and what is refused."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import InvalidValue
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.wish import facts_of

OPTIONS = {"addresses": ["192.0.2.1"], "interface": "lo", "tunnels": [], "loose_interfaces": []}


def keys(**options):
    return [fact.key for fact in facts_of({**OPTIONS, **options})]


def faults(**options):
    with pytest.raises(InvalidValue) as caught:
        facts_of({**OPTIONS, **options})
    return str(caught.value).splitlines()


SILENCE = ["sysctl net.ipv4.conf.all.arp_ignore", "sysctl net.ipv4.conf.all.arp_announce"]


def test_silence_comes_before_addresses():
    assert keys() == [*SILENCE, "address 192.0.2.1/32 dev lo"]


def test_ipv6_needs_no_silence():
    assert keys(addresses=["2001:DB8::1"]) == ["address 2001:db8::1/128 dev lo"]


def test_a_dummy_is_made_first():
    assert keys(interface="vip0")[2:] == [
        "module dummy",
        "link vip0",
        "address 192.0.2.1/32 dev vip0",
    ]


def test_loose_interfaces():
    assert "sysctl net.ipv4.conf.eth0.100.rp_filter" in keys(loose_interfaces=["eth0.100"])


BOTH = ["192.0.2.1", "2001:db8::1"]
GUE_PORTS = ["module fou", "gue port 6080 inet", "gue port 6080 inet6"]


@pytest.mark.parametrize(
    "tunnel, links",
    [
        ({"type": "ipip"}, ["link tunl0", "link ip6tnl0"]),
        ({"type": "ipip", "over": ["inet"]}, ["link tunl0", "link sit0"]),
        ({"type": "ipip", "over": ["inet6"]}, ["link lvs-ip6tnl", "link ip6tnl0"]),
        ({"type": "gre"}, ["link gre0", "link ip6gre0"]),
        ({"type": "gre", "over": ["inet6"]}, ["link ip6gre0"]),
        ({"type": "gre", "local": "10.0.0.11", "checksum": "csum"}, ["link lvs-gre"]),
        ({"type": "gue", "port": 6080}, ["link tunl0", "link ip6tnl0"]),
    ],
)
def test_links_of_tunnels(tunnel, links):
    found = keys(addresses=BOTH, tunnels=[tunnel])
    assert [key for key in found if key.startswith("link ")] == links
    assert [key for key in GUE_PORTS if key in found] == (
        GUE_PORTS if tunnel["type"] == "gue" else []
    )
    # What carries IPv4 needs an address, or even loose filtering refuses.
    for key in found:
        if key.endswith(".rp_filter"):
            link = key.split(".")[3]
            assert f"address 192.0.2.1/32 dev {link}" in found


def test_what_two_tunnels_share_is_there_once():
    found = keys(tunnels=[{"type": "ipip"}, {"type": "gue", "port": 6080}])
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "options, says",
    [
        ({"addresses": []}, ["addresses: is empty; with state absent everything is taken back"]),
        (
            {"addresses": ["192.0.2.1/24", "x", "224.0.0.1", "127.0.0.1", "::", "fe80::1%eth0"]},
            [
                "addresses[0]: '192.0.2.1/24' is not an IPv4 or IPv6 address; without a prefix"
                " length",
                "addresses[1]: 'x' is not an IPv4 or IPv6 address",
                "addresses[2]: 224.0.0.1 is not an address that hosts on a network have",
                "addresses[3]: 127.0.0.1 is not an address that hosts on a network have",
                "addresses[4]: :: is not an address that hosts on a network have",
                "addresses[5]: fe80::1%eth0 is not an address that hosts on a network have",
            ],
        ),
        (
            {"addresses": ["2001:db8::1", "2001:DB8:0::1"]},
            ["addresses[1]: 2001:db8::1 is there twice"],
        ),
        (
            {"interface": "a/b", "loose_interfaces": ["eth0", "all", "-x", "eth0:1"]},
            [
                "interface: 'a/b' is not the name of a network interface",
                "loose_interfaces[1]: 'all' is not the name of a network interface",
                "loose_interfaces[2]: '-x' is not the name of a network interface",
                "loose_interfaces[3]: 'eth0:1' is not the name of a network interface",
            ],
        ),
        (
            {"interface": "tunl0"},
            ["interface: tunl0 unpacks tunnels; 'lo', or the name of a dummy"],
        ),
        (
            {
                "tunnels": [
                    {"type": "gue"},
                    {"type": "gue", "port": 0},
                    {"type": "ipip", "port": 1, "local": "10.0.0.1", "checksum": "csum"},
                    {"type": "gre", "checksum": "csum"},
                    {"type": "gre", "checksum": "remcsum"},
                    {"type": "gre", "local": "10.0.0.1", "over": ["inet6"]},
                    {"type": "ipip", "over": []},
                ]
            },
            [
                "tunnels[0].port: is missing; gue needs a UDP port",
                "tunnels[1].port: 0 is not in 1..65535",
                "tunnels[2].port: is for gue, not for ipip",
                "tunnels[2].local: is for gre, not for ipip",
                "tunnels[2].checksum: is for gue and gre, ipip has none",
                "tunnels[3].local: is missing; gre0 takes no checksums, and a link of its own needs"
                " an address",
                "tunnels[4].checksum: remcsum is for gue, not for gre",
                "tunnels[5].over: ['inet6'] and local 10.0.0.1 contradict each other",
                "tunnels[6].over: is empty; inet, inet6, or leave it out",
            ],
        ),
        (
            {
                "tunnels": [
                    {"type": "gre", "local": "10.0.0.1"},
                    {"type": "gre", "local": "10.0.0.2"},
                ]
            },
            ["tunnels[1].local: another tunnel has lvs-gre already, with local 10.0.0.1"],
        ),
    ],
)
def test_faults_all_at_once(options, says):
    assert faults(**options) == says
