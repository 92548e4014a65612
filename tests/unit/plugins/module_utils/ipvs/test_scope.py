from __future__ import annotations

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Role,
    State,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    EVERYTHING,
    SERVICES,
    Scope,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from hypothesis import given
from hypothesis import strategies as st

FULL = eg.state(
    eg.service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT, eg.TWO: eg.QUIET}),
    eg.service(eg.DNS, eg.RR, {eg.ONE: eg.DIRECT}),
    daemons=(eg.MASTER, eg.BACKUP),
)


def test_everything_is_the_whole_table():
    assert EVERYTHING.restrict(FULL) == FULL
    assert EVERYTHING.service_keys() is None


def test_services_are_the_table_without_timeouts_and_daemons():
    assert SERVICES.restrict(FULL) == State(FULL.services, None, {})


def test_nothing_is_in_an_empty_scope():
    assert Scope().restrict(FULL) == State({}, None, {})
    assert Scope().service_keys() == frozenset()


def test_of_a_service_whose_destinations_alone_are_owned_the_others_are_not_seen():
    scope = Scope(frozenset(), {eg.WEB: frozenset([eg.TWO, eg.THREE6])})
    assert scope.restrict(FULL) == State(
        {eg.WEB: eg.service(eg.WEB, eg.WLC, {eg.TWO: eg.QUIET})}, None, {}
    )
    assert scope.service_keys() == {eg.WEB}
    assert not scope.has_service(eg.WEB)


def test_a_service_in_scope_is_seen_with_its_whole_pool():
    scope = Scope(frozenset([eg.DNS]), {eg.DNS: frozenset()})
    assert scope.restrict(FULL).services == {eg.DNS: FULL.services[eg.DNS]}
    assert scope.pool(eg.DNS) == frozenset()


def test_a_whole_pool_may_be_owned_without_its_service():
    scope = Scope(frozenset(), {eg.WEB: ALL})
    assert scope.restrict(FULL).services == {eg.WEB: FULL.services[eg.WEB]}
    assert scope.pool(eg.WEB) is ALL
    assert scope.pool(eg.DNS) == frozenset()


def test_all_destinations_are_read_with_all_services():
    scope = Scope(frozenset([eg.WEB]), ALL)
    assert scope.service_keys() is None
    assert scope.restrict(FULL).services == FULL.services
    assert scope.has_service(eg.WEB)
    assert not scope.has_service(eg.DNS)


def test_services_and_destinations_named_apart_are_both_read():
    scope = Scope(frozenset([eg.WEB]), {eg.DNS: frozenset([eg.ONE])})
    assert scope.service_keys() == {eg.WEB, eg.DNS}


def test_daemons_are_owned_by_role():
    scope = Scope(daemons=frozenset([Role.BACKUP]))
    assert scope.restrict(FULL) == State({}, None, {Role.BACKUP: eg.BACKUP})


def test_what_is_unreadable_is_told_in_every_scope():
    assert Scope().restrict(State(unreadable=("odd",))).unreadable == ("odd",)


def test_all_shows_as_such():
    assert repr(ALL) == "ALL"


@given(st.data())
def test_what_is_restricted_is_in_scope_and_stays_as_it_is(data):
    table = data.draw(draws.states())
    scope = data.draw(draws.scopes(table))
    part = scope.restrict(table)
    assert scope.restrict(part) == part
    keys = scope.service_keys()
    assert part.services.keys() == (
        table.services.keys() if keys is None else table.services.keys() & keys
    )
    for key, service in part.services.items():
        whole = table.services[key]
        assert service.settings == whole.settings
        owned = scope.pool(key)
        for name, settings in whole.destinations.items():
            seen = scope.has_service(key) or owned is ALL or name in owned
            assert service.destinations.get(name) == (settings if seen else None)
        assert service.destinations.keys() <= whole.destinations.keys()
    assert part.full_nat.conntrack == bool(scope.local_addresses)
    assert part.full_nat.local_addresses == {
        key: addresses
        for key, addresses in table.full_nat.local_addresses.items()
        if scope.has_local_addresses(key)
    }
