from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.iptablesrules import (
    FoundChain,
    parse,
    script,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Family,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.programs import Iptables
from hypothesis import given
from hypothesis import strategies as st

families = st.sampled_from(Family)
THEIRS = "-o eth0 -j MASQUERADE"
RULES = {eg.WEB: ("10.2.0.1", "10.2.0.2"), eg.DNS: ("10.2.0.1",), eg.MARK: ("10.2.0.2",)}


@given(families.flatmap(lambda family: st.tuples(*[st.just(family), *[draws.rules(family)] * 2])))
def test_what_was_written_is_read_whatever_was_there_before(task):
    family, before, after = task
    tables = Iptables(THEIRS)
    for wanted in (before, after, before, {}):
        tables.run(script(parse(tables.saved(), family), wanted))
        found = parse(tables.saved(), family)
        assert found == (FoundChain(wanted, True, True, 1) if wanted else None)
    assert tables.chains == {"POSTROUTING": [f"-A POSTROUTING {THEIRS}"]}


def test_the_rules_of_a_service():
    tables = Iptables(THEIRS)
    tables.run(script(None, RULES))
    assert tables.saved().splitlines()[4:-1] == [
        "-A POSTROUTING -j LVS_IPVS",
        f"-A POSTROUTING {THEIRS}",
        "-A LVS_IPVS -p tcp -m mark --mark 0x7 -j SNAT --to-source 10.2.0.2",
        "-A LVS_IPVS -p udp -m mark --mark 0x7 -j SNAT --to-source 10.2.0.2",
        "-A LVS_IPVS -p sctp -m mark --mark 0x7 -j SNAT --to-source 10.2.0.2",
        "-A LVS_IPVS ! -d 192.0.2.1/32 -p udp -m conntrack --ctorigdst 192.0.2.1"
        " --ctorigdstport 53 -j SNAT --to-source 10.2.0.1",
        "-A LVS_IPVS ! -d 192.0.2.1/32 -p tcp -m conntrack --ctorigdst 192.0.2.1"
        " --ctorigdstport 80 -m statistic --mode nth --every 2 --packet 0"
        " -j SNAT --to-source 10.2.0.1",
        "-A LVS_IPVS ! -d 192.0.2.1/32 -p tcp -m conntrack --ctorigdst 192.0.2.1"
        " --ctorigdstport 80 -j SNAT --to-source 10.2.0.2",
    ]


def spoilt(spoil):
    """What is found after somebody's edit, and after our next writing."""
    tables = Iptables(THEIRS)
    tables.run(script(None, RULES))
    spoil(tables.chains)
    found = parse(tables.saved(), Family.INET)
    tables.run(script(found, {**found.rules, **RULES}))
    assert parse(tables.saved(), Family.INET) == FoundChain(RULES, True, True, 1)
    assert tables.chains["POSTROUTING"].count("-A POSTROUTING -j LVS_IPVS") == 1
    return found


@pytest.mark.parametrize(
    "spoil",
    [
        lambda chains: chains["LVS_IPVS"].insert(0, "-A LVS_IPVS -j ACCEPT"),
        lambda chains: chains["LVS_IPVS"].append("-A LVS_IPVS -s 10.0.0.0/8 -j ACCEPT"),
        lambda chains: chains["LVS_IPVS"].append(
            "-A LVS_IPVS ! -d 1.2.3/32 -p tcp -m conntrack --ctorigdst 1.2.3 -j SNAT --to-source x"
        ),
        lambda chains: chains["POSTROUTING"].clear(),
        lambda chains: chains["LVS_IPVS"].append(chains["LVS_IPVS"].pop(3)),
    ],
)
def test_rules_that_something_is_in_the_way_of_do_not_work_and_are_kept(spoil):
    found = spoilt(spoil)
    assert (found.rules, found.works, found.intact) == (RULES, False, False)


def test_a_service_that_lost_a_rule_has_no_rules():
    found = spoilt(lambda chains: chains["LVS_IPVS"].pop(1))
    assert found.rules == {eg.WEB: RULES[eg.WEB], eg.DNS: RULES[eg.DNS]}
    assert not found.works


def test_a_second_way_to_the_chain_does_no_harm_and_is_noticed():
    found = spoilt(lambda chains: chains["POSTROUTING"].append("-A POSTROUTING -j LVS_IPVS"))
    assert found == FoundChain(RULES, True, False, 2)


def test_nothing_is_nothing():
    assert script(None, {}) == ""
    assert parse(Iptables(THEIRS).saved(), Family.INET) is None
    assert parse("", Family.INET6) is None
