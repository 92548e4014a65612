"""What is said of a plan that only the rest of the table, or the host, can tell of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    RemoveDestination,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.document import (
    Reader,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.memory import (
    MemoryTable,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationSettings,
    Endpoint,
    Forwarding,
    FullNat,
    Service,
    State,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import (
    reconcile,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.remarks import (
    emptied,
    leftover_line,
    leftovers,
    remarks,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    EVERYTHING,
    Scope,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)

WHOLE = Endpoint(Transport.TCP, "192.0.2.1", 0)
OTHERS = [
    Endpoint(Transport.UDP, "192.0.2.1", 80),
    Endpoint(Transport.TCP, "192.0.2.2", 80),
]
NAT = DestinationSettings(1, Forwarding.MASQUERADE)
STICKY = replace(eg.RR, persistence=60)
LOCAL = ("10.2.0.1",)
LENT = "tcp://192.0.2.1:80 has no local addresses, and its masqueraded connections come from those"


def table(services, local_addresses, elsewhere=()):
    have = MemoryTable(elsewhere=elsewhere)
    state = State(
        {service.key: service for service in services}, full_nat=FullNat(True, local_addresses)
    )
    reconcile(have, state, EVERYTHING)
    return have


def said(have, scope, *services, local_addresses=None, dry_run=False):
    """What is said of bringing this about."""
    full_nat = FullNat(True, local_addresses or {})
    state = State({service.key: service for service in services}, full_nat=full_nat)
    plan = reconcile(have, state, scope, dry_run=dry_run)
    return list(remarks(plan, have, have.elsewhere))


def web(how=NAT, key=eg.WEB):
    return Service(key, eg.WLC, {eg.ONE: how})


def whole():
    return Service(WHOLE, STICKY, {eg.ONE: NAT})


def one(key):
    return Scope(frozenset([key]), {key: ALL}, local_addresses=frozenset([key]))


@pytest.mark.parametrize("dry_run", [False, True])
def test_addresses_that_are_not_the_hosts_are_named(dry_run):
    have = table([], {}, elsewhere=["10.2.0.2", "10.2.0.3"])
    local = ("10.2.0.1", "10.2.0.2", "10.2.0.3")
    lines = said(have, one(eg.WEB), web(), local_addresses={eg.WEB: local}, dry_run=dry_run)
    assert lines == [
        "tcp://192.0.2.1:80 has local addresses that are not this host's: 10.2.0.2, 10.2.0.3;"
        " unless real servers route them here, connections from them get no answer"
    ]
    assert said(have, one(eg.WEB), web(), local_addresses={eg.WEB: ("10.2.0.1",)}) == []


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_new_service_that_borrows_is_told(dry_run):
    have = table([whole()], {WHOLE: LOCAL})
    (line,) = said(have, one(eg.WEB), web(), dry_run=dry_run)
    assert line.startswith(f"{LENT} of tcp://192.0.2.1 all ")


def test_a_destination_is_reason_enough():
    have = table([whole(), Service(eg.WEB, eg.WLC)], {WHOLE: LOCAL})
    pool = Scope(destinations={eg.WEB: frozenset([eg.ONE])})
    (line,) = said(have, pool, web())
    assert line.startswith(LENT)


def test_one_that_has_its_own_is_not_told_though_they_are_out_of_scope():
    have = table([whole(), Service(eg.WEB, eg.WLC)], {WHOLE: LOCAL, eg.WEB: ("10.2.0.9",)})
    assert said(have, Scope(destinations={eg.WEB: frozenset([eg.ONE])}), web()) == []


@pytest.mark.parametrize("mine", [web(eg.DIRECT), Service(eg.WEB, eg.WLC)])
def test_what_is_not_masqueraded_borrows_nothing(mine):
    assert said(table([whole()], {WHOLE: LOCAL}), one(eg.WEB), mine) == []


@pytest.mark.parametrize("other", OTHERS)
def test_another_address_or_protocol_borrows_nothing(other):
    assert said(table([whole()], {WHOLE: LOCAL}), one(other), web(key=other)) == []


@pytest.mark.parametrize("dry_run", [False, True])
def test_the_one_that_lends_names_who_borrows(dry_run):
    own = Endpoint(Transport.TCP, "192.0.2.1", 443)
    have = table([web(), web(key=own), *(web(key=key) for key in OTHERS)], {own: LOCAL})
    (line,) = said(have, one(WHOLE), whole(), local_addresses={WHOLE: LOCAL}, dry_run=dry_run)
    assert line.startswith(f"{LENT} of tcp://192.0.2.1 all ")


def test_both_at_once_are_told_once():
    have = table([], {})
    lines = said(have, EVERYTHING, web(), whole(), local_addresses={WHOLE: LOCAL})
    assert [line[: len(LENT)] for line in lines] == [LENT]


def test_the_last_that_was_lent_is_no_more():
    have = table([whole(), web()], {WHOLE: LOCAL})
    assert said(have, EVERYTHING, whole(), web(eg.DIRECT)) == []


def test_what_a_removed_service_leaves():
    have = table([web(), whole()], {WHOLE: LOCAL, eg.WEB: ("10.2.0.7", "10.2.0.9")})
    assert leftovers(have.read(EVERYTHING)) == {}
    have.flush()
    left = leftovers(have.read(EVERYTHING))
    assert left == {WHOLE: LOCAL, eg.WEB: ("10.2.0.7", "10.2.0.9")}
    assert list(left) == [WHOLE, eg.WEB]
    line = leftover_line(eg.WEB, left[eg.WEB])
    assert line.startswith("tcp://192.0.2.1:80 is gone, and rules for its local addresses are left")
    assert "10.2.0.7, 10.2.0.9" in line


GONE = (RemoveDestination(eg.WEB, eg.ONE, eg.DIRECT), RemoveDestination(eg.WEB, eg.TWO, eg.DIRECT))


@pytest.mark.parametrize("entry", [{}, {"destinations": None}])
def test_whoever_says_no_destinations_and_loses_some_is_told(entry):
    data = {"services": [{"service": "fwmark:7"}, {"service": str(eg.WEB), **entry}]}
    wish = Reader().table(data)
    (warning,) = emptied(data, "the document", wish, GONE)
    assert warning.startswith(
        f"{eg.WEB} has no destinations in the document, and 2 in the table go"
    )
    assert emptied(data, "the document", wish, ()) == []


def test_whoever_says_that_there_are_none_means_it():
    data = {"services": [{"service": str(eg.WEB), "destinations": []}]}
    assert emptied(data, "the document", Reader().table(data), GONE) == []
    assert emptied(None, "the document", Reader().table(None), GONE) == []
