from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    InvalidValue,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Checksum,
    DestinationSettings,
    Endpoint,
    Family,
    Forwarding,
    FullNat,
    Role,
    Service,
    ServiceFlags,
    State,
    SyncDaemon,
    Timeouts,
    Transport,
    Tunnel,
    TunnelKind,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    Scope,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.text import (
    format_flags,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    DaemonWish,
    DestinationWish,
    ServiceWish,
    TableWish,
    TimeoutsWish,
    resolve,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from hypothesis import given

GUE = Tunnel(TunnelKind.GUE, 6080, Checksum.CSUM)
FULL_POOL = {eg.ONE: DestinationSettings(7, Forwarding.TUNNEL, 9, 3, GUE)}
#: Every option of it is other than what a new one would have.
FULL = eg.service(eg.WEB, eg.STICKY, FULL_POOL)


def meant(wish, current=eg.EMPTY, **options):
    return resolve(wish, current, draws.INTERFACES.get, **options)


def service_meant(current=eg.EMPTY, **options):
    """What one service is to be, with these options said."""
    return meant(TableWish((ServiceWish(eg.WEB, **options),)), current).services[eg.WEB]


def destination_meant(held=None, keep_weights=False, **options):
    """What one destination is to be, with these options said; held: what it is."""
    current = eg.state(eg.service(eg.WEB, eg.WLC, {} if held is None else {eg.ONE: held}))
    wish = TableWish((ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE, **options),)),))
    return meant(wish, current, keep_weights=keep_weights).services[eg.WEB].destinations[eg.ONE]


def faults_of(wish, current=eg.EMPTY):
    with pytest.raises(InvalidValue) as raised:
        meant(wish, current)
    return [(fault.path, fault.reason) for fault in raised.value.faults]


# -- what is left out


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


# -- services that have to exist


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


# -- faults that show only now


def web(path="service", **options):
    return TableWish((ServiceWish(eg.WEB, path=path, **options),))


def real(key=eg.ONE, path="it", **options):
    return web(destinations=(DestinationWish(key, path=path, **options),))


def synced(**options):
    return TableWish(daemons=(DaemonWish(Role.MASTER, path="daemon", **options),))


@pytest.mark.parametrize(
    "wish, path, reason",
    [
        (
            web(scheduler="mh", flags=("sh-port",)),
            "service.flags",
            "'sh-port' is a flag of scheduler 'sh', not of 'mh'",
        ),
        (web(flags=("sh-port",), path=""), "flags", "not of 'wlc'"),
        (
            web(flags=("one-packet",)),
            "service.flags",
            "'one-packet' is for UDP and firewall mark services, not for tcp://192.0.2.1:80",
        ),
        (web(engine="sip"), "service.engine", "'sip' needs persistence"),
        (
            real(tunnel=GUE),
            "it.tunnel",
            "a tunnel type needs forwarding 'tunnel', and forwarding is 'direct'",
        ),
        (real(lower=5, upper=3), "it.lower_threshold", "lower threshold 5 is above the upper"),
        (real(lower=5, upper=3), "it.lower_threshold", "above the upper one (3)"),
        (real(lower=5), "it.lower_threshold", "above the upper one (0: none)"),
        (
            real(key=eg.THREE6),
            "it.address",
            "[2001:db8::3]:80 is of the other address family than its service;"
            " that needs forwarding 'tunnel', and forwarding is 'direct'",
        ),
        (synced(), "daemon.interface", "is needed to start a sync daemon"),
        (synced(interface="eth9"), "daemon.interface", "there is no network interface 'eth9'"),
        (
            synced(interface="eth0", group="ff02::81", maxlen=65500),
            "daemon.maxlen",
            "65500 is not in 1..65487 (what fits a UDP packet to ff02::81)",
        ),
    ],
)
def test_a_fault_of_what_is_new_has_its_path(wish, path, reason):
    ((where, why),) = faults_of(wish)
    assert where == path
    assert reason in why


def test_an_ipv4_address_written_as_ipv6_is_for_what_has_it_already():
    key = Endpoint(Transport.TCP, "::ffff:192.0.2.1", 80)
    wish = TableWish((ServiceWish(key, scheduler="rr", path="services[0]"),))
    ((where, why),) = faults_of(wish)
    assert where == "services[0]"
    assert why.endswith("'::ffff:192.0.2.1' is an IPv4 address written as IPv6; say 192.0.2.1")
    held = eg.state(eg.service(key, eg.WLC, {}))
    assert meant(wish, held).services[key].settings.scheduler == "rr"
    # Of one that has to be there it is told that it is not.
    ((_where, why),) = faults_of(
        TableWish((ServiceWish(key, destinations=(DestinationWish(eg.THREE6),), exists=True),))
    )
    assert "does not exist" in why


@pytest.mark.parametrize(
    "wish, path",
    [
        (web(flags=("mh-port",)), "service.flags"),
        (web(persistence=0, engine="sip"), "service.engine"),
        (real(upper=2), "it.upper_threshold"),
        (real(forwarding=Forwarding.DIRECT, tunnel=GUE), "it.tunnel"),
    ],
    ids=["flags", "engine", "upper", "tunnel"],
)
def test_a_wish_is_judged_with_what_the_kernel_has(wish, path):
    assert [where for where, _why in faults_of(wish, eg.state(FULL))] == [path]


def test_what_the_kernel_has_makes_a_wish_right():
    current = eg.state(FULL)
    assert service_meant(current, flags=("sh-port",)).settings == eg.STICKY
    assert service_meant(current, engine="other").settings.engine == "other"
    assert destination_meant(FULL_POOL[eg.ONE], lower=9).lower == 9


@given(draws.held_service_settings(Family.INET), draws.held_destination_settings)
def test_what_the_kernel_holds_may_be_said_again_whatever_it_is(settings, entry):
    pool = {eg.ONE: entry, eg.THREE6: entry}
    destinations = tuple(
        DestinationWish(key, entry.weight, entry.forwarding, entry.upper, entry.lower, entry.tunnel)
        for key in pool
    )
    wish = ServiceWish(
        eg.WEB,
        settings.scheduler,
        tuple(format_flags(settings.flags, settings.scheduler)),
        settings.persistence,
        settings.netmask,
        settings.engine,
        destinations,
    )
    current = eg.state(eg.service(eg.WEB, settings, pool))
    assert meant(TableWish((wish,)), current).services == current.services


@pytest.mark.parametrize("key", [eg.DNS, eg.MARK])
def test_one_packet_scheduling_is_for_udp_and_marks(key):
    found = meant(TableWish((ServiceWish(key, flags=("one-packet",)),)))
    assert found.services[key].settings.flags is ServiceFlags.ONE_PACKET


def test_all_faults_are_told_at_once():
    wish = TableWish(
        (
            ServiceWish(
                eg.WEB,
                flags=("sh-port", "mh-port", "one-packet"),
                engine="sip",
                destinations=(
                    DestinationWish(eg.ONE, lower=1, tunnel=GUE, path="a.b[0]"),
                    DestinationWish(eg.THREE6, path="a.b[1]"),
                ),
                path="a",
            ),
            ServiceWish(eg.DNS, exists=True, destinations=(DestinationWish(eg.ONE),), path="c"),
        ),
        daemons=(DaemonWish(Role.BACKUP, maxlen=65508, path="d"),),
    )
    assert [path for path, _reason in faults_of(wish)] == [
        "a.flags",
        "a.flags",
        "a.flags",
        "a.engine",
        "a.b[0].tunnel",
        "a.b[0].lower_threshold",
        "a.b[1].address",
        "d.interface",
        "d.maxlen",
        "c",
    ]


def test_what_an_earlier_task_may_be_about_to_make_is_told_and_taken_for_there():
    wish = TableWish(
        (
            ServiceWish(
                eg.DNS, exists=True, destinations=(DestinationWish(eg.ONE),), path="service"
            ),
        ),
        daemons=(DaemonWish(Role.MASTER, "eth9"),),
    )
    told = []
    state = resolve(wish, eg.EMPTY, lambda _name: None, absent=told.append)
    assert [fault.path for fault in told] == ["service", "interface"]
    assert list(state.services[eg.DNS].destinations) == [eg.ONE]
    assert state.daemons[Role.MASTER].maxlen == 1472


def test_to_take_away_the_upper_threshold_takes_away_the_lower_one():
    current = eg.state(eg.service(eg.WEB, eg.WLC, {eg.ONE: replace(eg.DIRECT, upper=9, lower=5)}))
    wish = ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE, upper=0),))
    state = resolve(TableWish((wish,)), current, lambda _name: None)
    assert state.services[eg.WEB].destinations[eg.ONE] == eg.DIRECT


# -- scopes

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


# -- local addresses

HERE = ("10.2.0.1",)


def translated(*services):
    return replace(eg.state(*services), full_nat=FullNat(True, {eg.WEB: HERE}))


def test_local_addresses_left_out_stay_as_they_are():
    current = translated(eg.service(eg.WEB))
    assert meant(web(), current).full_nat == FullNat(True, {eg.WEB: HERE})
    assert meant(web(local_addresses=()), current).full_nat == FullNat(True, {})
    two = ("10.2.0.1", "10.2.0.2")
    assert meant(web(local_addresses=two), current).full_nat == FullNat(True, {eg.WEB: two})


def test_a_new_service_does_not_take_over_what_a_former_one_has_left():
    assert meant(web(), translated()).full_nat == FullNat(True, {})


def test_who_wants_local_addresses_wants_connections_tracked():
    assert meant(web(local_addresses=HERE)).full_nat == FullNat(True, {eg.WEB: HERE})
    assert meant(web()).full_nat == FullNat(False, {})


def fnat(**options):
    destination = DestinationWish(eg.ONE, full_nat=True, path="it")
    return ServiceWish(eg.WEB, destinations=(destination,), path="service", **options)


def test_full_nat_needs_local_addresses_said_or_there():
    current = translated(eg.service(eg.WEB))
    assert meant(TableWish((fnat(local_addresses=HERE),))).full_nat.local_addresses
    assert meant(TableWish((fnat(),)), current).full_nat.local_addresses == {eg.WEB: HERE}
    for wish, held in [(fnat(), eg.EMPTY), (fnat(local_addresses=()), current)]:
        with pytest.raises(InvalidValue) as raised:
            meant(TableWish((wish,)), held)
        (fault,) = raised.value.faults
        assert fault.path == "it.forwarding"
        assert fault.reason.startswith("'fnat' needs local_addresses of the service")


def test_local_addresses_that_an_earlier_task_would_set_are_taken_for_there():
    told = []
    meant(TableWish((fnat(exists=True),)), eg.state(eg.service(eg.WEB)), absent=told.append)
    assert [fault.path for fault in told] == ["it.forwarding"]


def test_who_names_full_nat_looks_at_the_local_addresses():
    assert TableWish((fnat(exists=True),)).scope().local_addresses == {eg.WEB}
    plain = ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE),), exists=True)
    assert TableWish((plain,)).scope().local_addresses == frozenset()
