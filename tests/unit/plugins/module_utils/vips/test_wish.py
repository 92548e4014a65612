"""Which facts addresses come to, and what is refused."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import InvalidValue
from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import Link, OwnLink, Up
from ansible_collections.lvs.ipvs.plugins.module_utils.vips.wish import facts_of
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.network.fakehost import FakeHost

OPTIONS = {
    "name": "x",
    "state": "present",
    "interface": "vip0",
    "addresses": ["2001:DB8:0::1", "10.0.0.2", "9.0.0.1", "10.0.0.2"],
    "dummy": True,
    "before": None,
}


def facts(ours=(), host=None, **options):
    return facts_of({**OPTIONS, **options}, ours, host or FakeHost())


def keys(found):
    return [fact.key for fact in found]


def test_addresses_have_one_form_and_one_order():
    assert keys(facts()) == [
        "link vip0",
        "address 9.0.0.1/32 dev vip0",
        "address 10.0.0.2/32 dev vip0",
        "address 2001:db8::1/128 dev vip0",
    ]
    assert [fact.options for fact in facts()[1:]] == ["", "", "nodad preferred_lft 0"]


def test_without_addresses_there_is_nothing():
    assert facts(addresses=[]) == facts(state="absent", interface=None) == []
    assert facts(addresses=[], dummy=False) == []


def test_an_interface_of_somebody_else_is_up_when_something_is_put_there():
    host = FakeHost()
    found = facts(interface="eth0", dummy=False, addresses=["192.0.2.1"], host=host)
    assert found == [Up("eth0"), found[1]]
    host.links["eth0"].addresses["192.0.2.1/32"] = "global"
    assert facts(found[1:], host, interface="eth0", dummy=False, addresses=["192.0.2.1"]) == [
        found[1]
    ]


@pytest.mark.parametrize("length", [32, 24])
def test_what_somebody_else_has_put_there_is_no_fact_of_ours(length):
    host = FakeHost()
    host.links["eth0"].addresses[f"192.0.2.1/{length}"] = "global"
    assert facts(interface="eth0", dummy=False, addresses=["192.0.2.1"], host=host) == []


def test_an_interface_of_another_kind_is_taken_as_it_is():
    assert not any(isinstance(fact, OwnLink) for fact in facts(interface="eth0"))
    host = FakeHost()
    host.links["vip0"] = Link("dummy", False, True, {})
    assert isinstance(facts(host=host)[0], OwnLink)


def test_faults_all_at_once():
    with pytest.raises(InvalidValue) as caught:
        facts(
            name="a/b", interface="a/b", addresses=["10.0.0.0/8", "x", "10.0.0.1"], before="ipvsman"
        )
    assert str(caught.value).splitlines() == [
        "name: 'a/b' is no name of a unit without suffix; letters, digits, _ and -",
        "before: 'ipvsman' is no name of a unit with its suffix, such as ipvsman.service",
        "interface: 'a/b' is not the name of a network interface",
        "addresses[0]: '10.0.0.0/8' is not an IPv4 or IPv6 address; without a prefix length",
        "addresses[1]: 'x' is not an IPv4 or IPv6 address",
    ]
    with pytest.raises(InvalidValue, match="there is no vip0, only eth0, lo; dummy=true"):
        facts(dummy=False)
    with pytest.raises(InvalidValue, match="name: '-x'"):
        facts(name="-x", state="absent", interface=None)
