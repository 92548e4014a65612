from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationSettings,
    Forwarding,
    Role,
    Service,
    ServiceFlags,
    State,
    SyncDaemon,
    Timeouts,
    Tunnel,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    Scope,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    DaemonWish,
    DestinationWish,
    ServiceWish,
    TableWish,
    TimeoutsWish,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.wishes import (
    FULL,
    FULL_POOL,
    GUE,
    destination_meant,
    faults_of,
    meant,
    service_meant,
)
from hypothesis import given


def test_what_is_new_takes_the_defaults_of_ipvsadm():
    wish = TableWish(
        (
            ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE),)),
            ServiceWish(eg.WEB6),
        )
    )
    assert meant(wish).services == {
        eg.WEB: eg.service(eg.WEB, eg.WLC, {eg.ONE: DestinationSettings(1, Forwarding.DIRECT)}),
        eg.WEB6: eg.service(eg.WEB6, eg.WLC6),
    }


def test_what_is_there_stays_when_nothing_is_said():
    wish = TableWish((ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE),)),))
    assert meant(wish, eg.state(FULL)).services == {eg.WEB: FULL}


@pytest.mark.parametrize(
    "said, settings",
    [
        ({"scheduler": "mh"}, replace(eg.STICKY, scheduler="mh")),
        ({"flags": ()}, replace(eg.STICKY, flags=ServiceFlags.NONE)),
        (
            {"flags": ("sh-fallback", "sh-port")},
            replace(eg.STICKY, flags=ServiceFlags.FLAG_1 | ServiceFlags.FLAG_2),
        ),
        ({"persistence": 60}, replace(eg.STICKY, persistence=60)),
        ({"persistence": 0}, replace(eg.STICKY, persistence=0)),
        ({"netmask": eg.HOST}, replace(eg.STICKY, netmask=eg.HOST)),
        ({"netmask": 0}, replace(eg.STICKY, netmask=0)),
        ({"engine": ""}, replace(eg.STICKY, engine="")),
        ({"engine": "other"}, replace(eg.STICKY, engine="other")),
    ],
    ids=str,
)
def test_one_option_of_a_service_changes_no_other(said, settings):
    found = service_meant(eg.state(eg.service(eg.WEB, eg.STICKY)), **said)
    assert found == eg.service(eg.WEB, settings)


def test_options_of_a_new_service_are_taken():
    found = service_meant(
        scheduler="sh", flags=("sh-port",), persistence=300, netmask=0xFFFFFF00, engine="sip"
    )
    assert found == eg.service(eg.WEB, eg.STICKY)


@pytest.mark.parametrize(
    "said, settings",
    [
        ({"weight": 0}, DestinationSettings(0, Forwarding.TUNNEL, 9, 3, GUE)),
        ({"upper": 10}, DestinationSettings(7, Forwarding.TUNNEL, 10, 3, GUE)),
        ({"lower": 0}, DestinationSettings(7, Forwarding.TUNNEL, 9, 0, GUE)),
        ({"tunnel": Tunnel()}, DestinationSettings(7, Forwarding.TUNNEL, 9, 3)),
        # A tunnel's options mean nothing without one.
        ({"forwarding": Forwarding.DIRECT}, DestinationSettings(7, Forwarding.DIRECT, 9, 3)),
        (
            {"forwarding": Forwarding.DIRECT, "tunnel": Tunnel()},
            DestinationSettings(7, Forwarding.DIRECT, 9, 3),
        ),
    ],
    ids=str,
)
def test_one_option_of_a_destination_changes_no_other(said, settings):
    assert destination_meant(FULL_POOL[eg.ONE], **said) == settings


def test_options_of_a_new_destination_are_taken():
    said = {"weight": 0, "forwarding": Forwarding.TUNNEL, "upper": 9, "lower": 9, "tunnel": GUE}
    assert destination_meant(**said) == DestinationSettings(0, Forwarding.TUNNEL, 9, 9, GUE)


@pytest.mark.parametrize(
    "held, said, keep, weight",
    [
        (eg.QUIET, 5, True, 0),
        (eg.QUIET, 5, False, 5),
        (eg.QUIET, None, True, 0),
        (eg.QUIET, None, False, 0),
        (None, 5, True, 5),
        (None, None, True, 1),
        (None, 0, False, 0),
    ],
)
def test_weights_may_be_kept_where_there_are_any(held, said, keep, weight):
    found = destination_meant(held, keep, weight=said, forwarding=Forwarding.MASQUERADE)
    assert found == DestinationSettings(weight, Forwarding.MASQUERADE)


def test_a_timeout_that_is_not_said_stays():
    current = eg.state(timeouts=Timeouts(1, 2, 3))
    assert meant(TableWish(timeouts=TimeoutsWish(udp=9)), current).timeouts == Timeouts(1, 2, 9)
    wish = TimeoutsWish(tcp=7, tcp_fin=8)
    assert meant(TableWish(timeouts=wish), current).timeouts == Timeouts(7, 8, 3)
    assert meant(TableWish(), current).timeouts == Timeouts(1, 2, 3)
    assert meant(TableWish(timeouts=TimeoutsWish(tcp=7)), State()).timeouts is None


@pytest.mark.parametrize(
    "role, interface, group, maxlen",
    [
        (Role.MASTER, "eth0", "224.0.0.81", 1472),
        (Role.MASTER, "lo", "224.0.0.81", 1472),
        (Role.MASTER, "eth0", "ff02::81", 1452),
        (Role.BACKUP, "eth0", "224.0.0.81", 1472),
        (Role.BACKUP, "jumbo0", "224.0.0.81", 8972),
        (Role.BACKUP, "jumbo0", "ff02::81", 8952),
        (Role.BACKUP, "lo", "224.0.0.81", 65507),
    ],
)
def test_a_new_sync_daemon_takes_what_its_interface_carries(role, interface, group, maxlen):
    wish = TableWish(daemons=(DaemonWish(role, interface, group=group),))
    assert meant(wish).daemons == {role: SyncDaemon(role, interface, 0, maxlen, group, 8848, 1)}


HELD_DAEMON = SyncDaemon(Role.BACKUP, "jumbo0", 5, 2000, "224.0.0.99", 99, 9)


@pytest.mark.parametrize(
    "said, daemon",
    [
        ({}, HELD_DAEMON),
        ({"sync_id": 0}, replace(HELD_DAEMON, sync_id=0)),
        ({"maxlen": 3000}, replace(HELD_DAEMON, maxlen=3000)),
        ({"port": 98}, replace(HELD_DAEMON, port=98)),
        ({"ttl": 8}, replace(HELD_DAEMON, ttl=8)),
        ({"interface": "jumbo0"}, HELD_DAEMON),
        # Its length followed from interface and group.
        ({"interface": "eth0"}, replace(HELD_DAEMON, interface="eth0", maxlen=1472)),
        ({"group": "ff02::81"}, replace(HELD_DAEMON, group="ff02::81", maxlen=8952)),
        (
            {"interface": "eth0", "maxlen": 1100},
            replace(HELD_DAEMON, interface="eth0", maxlen=1100),
        ),
    ],
    ids=str,
)
def test_one_option_of_a_sync_daemon_changes_no_other(said, daemon):
    wish = TableWish(daemons=(DaemonWish(Role.BACKUP, **said),))
    assert meant(wish, eg.state(daemons=(HELD_DAEMON,))).daemons == {Role.BACKUP: daemon}


@given(draws.states())
def test_a_wish_that_says_nothing_of_a_table_means_the_table(held):
    wish = TableWish(
        tuple(
            ServiceWish(key, destinations=tuple(map(DestinationWish, service.destinations)))
            for key, service in held.services.items()
        ),
        TimeoutsWish(),
        tuple(map(DaemonWish, held.daemons)),
    )
    assert meant(wish, held) == held
    assert meant(wish, held, keep_weights=True) == held


def existing(*destinations):
    return TableWish(
        (ServiceWish(eg.WEB, scheduler="zzz", exists=True, destinations=destinations, path="here"),)
    )


def test_the_settings_of_a_service_that_has_to_exist_are_left_alone():
    current = eg.state(eg.service(eg.WEB, eg.STICKY))
    found = meant(existing(DestinationWish(eg.ONE)), current)
    assert found.services == {eg.WEB: Service(eg.WEB, eg.STICKY, {eg.ONE: eg.DIRECT})}


def test_destinations_need_their_service():
    ((path, reason),) = faults_of(existing(DestinationWish(eg.ONE)))
    assert path == "here"
    assert reason.startswith("the virtual service tcp://192.0.2.1:80 does not exist")


def test_without_destinations_a_missing_service_is_nothing_to_complain_of():
    assert meant(existing()).services == {}


NAMED = TableWish(
    (
        ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE),)),
        ServiceWish(eg.DNS, destinations=(DestinationWish(eg.TWO),), exists=True),
    ),
    TimeoutsWish(),
    (DaemonWish(Role.BACKUP),),
)


def test_a_wish_owns_what_it_names():
    assert NAMED.scope() == Scope(
        frozenset([eg.WEB]),
        {eg.WEB: frozenset([eg.ONE]), eg.DNS: frozenset([eg.TWO])},
        True,
        frozenset([Role.BACKUP]),
        frozenset([eg.WEB]),
    )
    assert TableWish().scope() == Scope()


def test_a_purge_owns_what_is_not_named_too():
    assert NAMED.scope(purge_destinations=True) == Scope(
        frozenset([eg.WEB]),
        {eg.WEB: ALL, eg.DNS: ALL},
        True,
        frozenset([Role.BACKUP]),
        frozenset([eg.WEB]),
    )
    assert NAMED.scope(purge_services=True) == Scope(
        ALL, NAMED.scope().destinations, True, frozenset([Role.BACKUP]), ALL
    )
