"""Who answers ARP, by the settings; that these are the kernel's rules is tested on a kernel."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import Link
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.exposure import ALL, exposed
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.network.fakehost import FakeHost

VIP = "192.0.2.1"


def seen(ignore="0", scope="host"):
    host = FakeHost()
    host.sysctls[ALL] = ignore
    host.links["lo"] = Link("loopback", True, False, {f"{VIP}/32": scope})
    return host


@pytest.mark.parametrize(
    "ignore, scope, answers",
    [
        ("0", "host", True),
        ("1", "global", False),
        ("2", "global", False),
        ("3", "host", False),
        ("3", "global", True),
        ("4", "host", True),
        ("8", "global", False),
    ],
)
def test_by_value(ignore, scope, answers):
    found = exposed([VIP], seen(ignore, scope))
    assert [row["interface"] for row in found] == (["eth0"] if answers else [])


def test_the_larger_of_the_two_counts():
    host = seen("0")
    host.sysctls["net.ipv4.conf.eth0.arp_ignore"] = "1"
    assert exposed([VIP], host) == []
    assert exposed([VIP], seen("0"), {ALL: "1"}) == []


def test_an_address_on_the_interface_itself_is_answered_for():
    host = seen("1")
    host.links["eth0"] = Link("ether", True, True, {f"{VIP}/24": "global"})
    (row,) = exposed([VIP], host)
    assert row == {
        "address": VIP,
        "interface": "eth0",
        "reason": "the address is on eth0 itself",
    }
    host.sysctls[ALL] = "8"
    assert exposed([VIP], host) == []
