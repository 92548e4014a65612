from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Endpoint,
    Family,
    Firewallmark,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.nftrules import (
    parse,
    script,
    table_name,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.snat import Found
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.programs import Nft
from hypothesis import given
from hypothesis import strategies as st

WHOLE = Endpoint(Transport.SCTP, "2001:db8::1", 0)
families = st.sampled_from(Family)


@given(families.flatmap(lambda family: st.tuples(*[st.just(family), *[draws.rules(family)] * 2])))
def test_what_was_written_is_read_whatever_was_there_before(task):
    family, before, after = task
    nft = Nft()
    nft.run(script(family, None, before))
    found = parse(nft.listing(), family) if nft.chains is not None else None
    assert found == (Found(before, works=True, intact=True) if before else None)
    nft.run(script(family, found, after))
    if after:
        assert parse(nft.listing(), family) == Found(after, works=True, intact=True)
        assert script(family, parse(nft.listing(), family), after) == ""
    else:
        assert nft.chains is None


@given(families.flatmap(lambda family: st.tuples(*[st.just(family), *[draws.rules(family)] * 2])))
def test_a_new_beginning_leads_there_too(task):
    family, before, after = task
    nft = Nft()
    nft.run(script(family, None, before))
    if nft.chains is not None:
        nft.run(script(family, Found(before, works=False, intact=False), after))
        if after:
            assert parse(nft.listing(), family) == Found(after, works=True, intact=True)
        else:
            assert nft.chains is None


def test_one_service_is_some_lines():
    have = Found({eg.WEB: ("10.2.0.1",), eg.MARK: ("10.2.0.1",)}, works=True, intact=True)
    assert script(Family.INET, have, {**have.rules, eg.WEB: ("10.2.0.1", "10.2.0.2")}) == (
        "add chain ip lvs_ipvs tcp-192.0.2.1-80\n"
        "flush chain ip lvs_ipvs tcp-192.0.2.1-80\n"
        "add rule ip lvs_ipvs tcp-192.0.2.1-80 ip daddr != 192.0.2.1"
        " snat to numgen inc mod 2 map { 0 : 10.2.0.1, 1 : 10.2.0.2 }\n"
        "add element ip lvs_ipvs ports { 6 . 192.0.2.1 . 80 : goto tcp-192.0.2.1-80 }\n"
    )
    assert script(Family.INET, have, {eg.MARK: ("10.2.0.1",)}) == (
        "delete element ip lvs_ipvs ports { 6 . 192.0.2.1 . 80 }\n"
        "flush chain ip lvs_ipvs tcp-192.0.2.1-80\n"
        "delete chain ip lvs_ipvs tcp-192.0.2.1-80\n"
    )


def test_the_last_service_takes_the_table_along():
    have = Found({eg.WEB: ("10.2.0.1",)}, works=True, intact=True)
    assert script(Family.INET, have, {}) == "delete table ip lvs_ipvs\n"
    assert script(Family.INET6, None, {}) == ""
    assert table_name(Family.INET6) == "ip6 lvs_ipvs"


def listed():
    """The table of WHOLE and a mark, as JSON to change."""
    nft = Nft()
    wanted = {WHOLE: ("fd02::1", "fd02::2"), Firewallmark(7, Family.INET6): ("fd02::1",)}
    nft.run(script(Family.INET6, None, wanted))
    return json.loads(nft.listing())["nftables"]


def found(objects):
    return parse(json.dumps({"nftables": objects}), Family.INET6)


def of(objects, kind, **fields):
    """The object of this kind with these fields."""
    (one,) = [
        entry[kind]
        for entry in objects
        if kind in entry and all(entry[kind].get(name) == value for name, value in fields.items())
    ]
    return one


CHAIN = "sctp-2001_db8__1-0"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda objects: of(objects, "rule", chain=CHAIN)["expr"].pop(0),
        lambda objects: of(objects, "rule", chain=CHAIN)["expr"].append({"counter": None}),
        lambda objects: of(objects, "rule", chain=CHAIN)["expr"].insert(0, {"counter": None}),
        lambda objects: of(objects, "rule", chain=CHAIN)["expr"].clear(),
        lambda objects: of(objects, "rule", chain=CHAIN)["expr"][-1].update(snat={"port": 1}),
        lambda objects: of(objects, "rule", chain=CHAIN)["expr"][-1]["snat"].update(port=1),
        lambda objects: of(objects, "rule", chain=CHAIN)["expr"][-1]["snat"].update(addr=[]),
        lambda objects: of(objects, "map", name="addresses")["elem"].clear(),
        lambda objects: of(objects, "map", name="ports").update(
            elem=[[{"concat": [6, "2001:db8::1", 80]}, {"goto": {"target": CHAIN}}]]
        ),
    ],
)
def test_rules_of_a_service_that_are_not_ours_are_none(spoil):
    objects = listed()
    spoil(objects)
    assert found(objects) == Found(
        {Firewallmark(7, Family.INET6): ("fd02::1",)}, works=True, intact=False
    )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda objects: of(objects, "chain", name="postrouting").update(prio=100),
        lambda objects: of(objects, "chain", name="postrouting").update(policy="drop"),
        lambda objects: objects.append(
            {"rule": {"chain": "postrouting", "expr": [{"accept": None}]}}
        ),
        lambda objects: objects.append(
            {"chain": {"name": "more", "type": "filter", "hook": "input", "prio": 0}}
        ),
    ],
)
def test_where_nothing_leads_to_the_rules_they_do_not_work(spoil):
    objects = listed()
    assert found(objects).works
    spoil(objects)
    assert found(objects) == Found(found(listed()).rules, works=False, intact=False)


@pytest.mark.parametrize(
    "more",
    [
        {"set": {"name": "theirs"}},
        {"chain": {"name": "theirs"}},
        {"chain": {"name": "tcp-10.0.0.1-80"}},
        {"chain": {"name": "tcp-fd00__1-x"}},
        {"chain": {"name": "icmp-fd00__1-1"}},
        {"chain": {"name": "fwmark-07"}},
        {"chain": {"name": "fwmark-"}},
        {"chain": {"name": "tcp-fd00-1-80"}},
        {"map": {"name": "marks2", "elem": [[7, {"accept": None}]]}},
    ],
    ids=str,
)
def test_what_is_there_beside_ours_is_noticed(more):
    assert found([*listed(), more]) == Found(found(listed()).rules, works=True, intact=False)


@pytest.mark.parametrize(
    "listing", ["", "{}", "[]", '{"nftables": [3]}', '{"nftables": [{"rule": {"chain": "x"}}]}']
)
def test_what_is_no_listing_is_said_to_be_none(listing):
    with pytest.raises(ValueError):
        parse(listing, Family.INET)
