"""What `ip` says, as it is understood; and where sysctls are."""

from __future__ import annotations

import json
import sys

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.network import host as module
from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import HostError, Link
from ansible_collections.lvs.ipvs.plugins.module_utils.network.host import Host, run, sysctl_path

ROWS = [
    {
        "ifname": "lo",
        "flags": ["LOOPBACK", "UP"],
        "link_type": "loopback",
        "addr_info": [{"local": "127.0.0.1", "prefixlen": 8, "scope": "host"}],
    },
    {},
    {
        "ifname": "lvs-gre",
        "flags": ["NOARP"],
        "link_type": "gre",
        "linkinfo": {"info_kind": "gre", "info_data": {"local": "10.0.0.11", "icsum": True}},
        "addr_info": [{}],
    },
    {
        "ifname": "vip0",
        "flags": ["BROADCAST", "UP"],
        "link_type": "ether",
        "linkinfo": {"info_kind": "dummy"},
        "addr_info": [],
    },
]


def test_links_are_seen(monkeypatch):
    said = {"ip -details -json address show": json.dumps(ROWS), "ip -json fou show": "[]"}
    monkeypatch.setattr(module, "run", lambda command: said[" ".join(command)])
    assert Host().links == {
        "lo": Link("loopback", True, False, {"127.0.0.1/8": "host"}),
        "lvs-gre": Link("gre local 10.0.0.11 icsum", False, False, {}),
        "vip0": Link("dummy", True, True, {}),
    }


def test_a_command_that_fails_is_told():
    assert run((sys.executable, "-c", "print(1)")) == "1\n"
    with pytest.raises(HostError, match=r"no such thing$"):
        run((sys.executable, "-c", "raise SystemExit('no such thing')"))
    with pytest.raises(HostError, match=r"exit status 3$"):
        run((sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(HostError, match=r"^no-such-program x: No such file"):
        run(("no-such-program", "x"))


@pytest.mark.parametrize(
    "name, path",
    [
        ("net.ipv4.conf.all.arp_ignore", "/proc/sys/net/ipv4/conf/all/arp_ignore"),
        ("net.ipv4.conf.eth0.100.rp_filter", "/proc/sys/net/ipv4/conf/eth0.100/rp_filter"),
        ("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"),
    ],
)
def test_where_a_sysctl_is(name, path):
    assert sysctl_path(name) == path
