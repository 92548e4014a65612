from __future__ import annotations

from dataclasses import fields, replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.afresh import afresh
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import InvalidValue
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationSettings,
    Forwarding,
    FullNat,
    Role,
    State,
    SyncDaemon,
    Timeouts,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.text import format_flags
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    DaemonWish,
    DestinationWish,
    ServiceWish,
    TableWish,
    TimeoutsWish,
    resolve,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import examples as eg
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from hypothesis import given
from hypothesis import strategies as st

POOL = TableWish((ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE),)),))
HEAVY = DestinationSettings(7, Forwarding.MASQUERADE, 9, 3)
HELD = replace(
    eg.state(eg.service(eg.WEB, eg.STICKY, {eg.ONE: HEAVY})),
    full_nat=FullNat(True, {eg.WEB: ("192.0.2.9",)}),
)


def meant(wish, current, **options):
    known = afresh(wish, current, **options)
    return resolve(wish, known, draws.INTERFACES.get, **options)


def said(state):
    """The wish for all that there is."""
    services = tuple(
        ServiceWish(
            key,
            service.settings.scheduler,
            tuple(format_flags(service.settings.flags, service.settings.scheduler)),
            service.settings.persistence,
            service.settings.netmask,
            service.settings.engine,
            tuple(
                DestinationWish(name, one.weight, one.forwarding, one.upper, one.lower, one.tunnel)
                for name, one in service.destinations.items()
            ),
            state.local_addresses(key),
        )
        for key, service in state.services.items()
    )
    timeouts = state.timeouts
    return TableWish(
        services,
        timeouts and TimeoutsWish(timeouts.tcp, timeouts.tcp_fin, timeouts.udp),
        tuple(
            DaemonWish(one.role, one.interface, one.sync_id, one.maxlen, one.group, one.port)
            for one in state.daemons.values()
        ),
    )


def thinned(draw, wish):
    """The same wish, some of what it says left out."""
    left_out = {
        each.name: None
        for each in fields(wish)
        if each.name not in ("key", "role", "path", "exists", "full_nat", "destinations")
        and draw(st.booleans())
    }
    return replace(wish, **left_out)


@st.composite
def wishes(draw):
    wish = said(draw(draws.states()))
    services = [
        replace(
            thinned(draw, service),
            destinations=tuple(thinned(draw, each) for each in service.destinations),
        )
        for service in wish.services
    ]
    daemons = [thinned(draw, daemon) for daemon in wish.daemons]
    timeouts = wish.timeouts and thinned(draw, wish.timeouts)
    return TableWish(tuple(services), timeouts, tuple(daemons))


def outcome(wish, current, **options):
    """What is meant, or what is wrong with it."""
    try:
        return meant(wish, current, **options)
    except InvalidValue as invalid:
        return invalid.plain()


@given(wishes(), draws.states())
def test_it_means_the_same_whatever_there_is(wish, held):
    conntrack = FullNat(held.full_nat.conntrack)
    nothing = replace(eg.EMPTY, full_nat=conntrack)
    assert outcome(wish, replace(held, timeouts=Timeouts(1, 2, 3))) == outcome(wish, nothing)


@given(wishes())
def test_in_an_empty_table_it_is_the_wish_as_ever(wish):
    try:
        expected = resolve(wish, eg.EMPTY, draws.INTERFACES.get)
    except InvalidValue as invalid:
        expected = invalid.plain()
    assert outcome(wish, eg.EMPTY) == expected


def test_what_is_left_out_is_as_in_what_is_new():
    found = meant(POOL, HELD)
    assert found.services == {
        eg.WEB: eg.service(eg.WEB, eg.WLC, {eg.ONE: DestinationSettings(1, Forwarding.DIRECT)})
    }
    assert found.full_nat == FullNat(True)


def test_weights_may_be_kept_all_the_same():
    found = meant(POOL, HELD, keep_weights=True)
    assert found.services == {
        eg.WEB: eg.service(eg.WEB, eg.WLC, {eg.ONE: DestinationSettings(7, Forwarding.DIRECT)})
    }


@pytest.mark.parametrize("keep_weights", [False, True])
def test_a_service_that_has_to_exist_is_not_ours(keep_weights):
    wish = TableWish((replace(POOL.services[0], exists=True),))
    found = meant(wish, HELD, keep_weights=keep_weights)
    one = DestinationSettings(7 if keep_weights else 1, Forwarding.DIRECT)
    assert found.services == {eg.WEB: eg.service(eg.WEB, eg.STICKY, {eg.ONE: one})}
    assert found.full_nat == HELD.full_nat


def test_full_nat_needs_local_addresses_that_are_said():
    wish = TableWish(
        (ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE, full_nat=True, path="d"),)),)
    )
    assert [fault["path"] for fault in outcome(wish, HELD)] == ["d.forwarding"]


def test_timeouts_are_the_kernels():
    held = eg.state(timeouts=Timeouts(1, 2, 3))
    wish = TableWish(timeouts=TimeoutsWish(udp=9))
    assert meant(wish, held).timeouts == Timeouts(900, 120, 9)
    assert meant(TableWish(timeouts=TimeoutsWish(udp=9)), State()).timeouts is None


def test_a_sync_daemon_is_as_if_started_anew():
    held = eg.state(daemons=(SyncDaemon(Role.BACKUP, "jumbo0", 5, 2000, "224.0.0.99", 99, 9),))
    wish = TableWish(daemons=(DaemonWish(Role.BACKUP, "jumbo0", path="d"),))
    new = SyncDaemon(Role.BACKUP, "jumbo0", 0, 8972, "224.0.0.81", 8848, 1)
    assert meant(wish, held).daemons == {Role.BACKUP: new}
    unnamed = TableWish(daemons=(DaemonWish(Role.BACKUP, path="d"),))
    assert [fault["path"] for fault in outcome(unnamed, held)] == ["d.interface"]
