"""What every table accepts, refuses and reports: one suite for the kernel and for its stand-in.

The stand-in is what unit tests and dry runs on hosts without IPVS rely on.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    SetLocalAddresses,
    SetTimeouts,
    StartDaemon,
    StopDaemon,
    TrackConnections,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    AlreadyThere,
    KernelRefused,
    NotThere,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.memory import MemoryTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Counters,
    DestinationCounters,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    FullNat,
    LocalUse,
    Role,
    Service,
    ServiceCounters,
    ServiceFlags,
    ServiceKey,
    State,
    Timeouts,
    Transport,
    Tunnel,
    TunnelKind,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    EVERYTHING,
    SERVICES,
    Scope,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.table import Table
from fresh import INTERFACES, FreshHost, await_sync_threads
from samples import (
    A6,
    DNS,
    MARK,
    WEB,
    WEB6,
    A,
    B,
    daemon,
    direct,
    do,
    many,
    masquerade,
    refused,
    services_of,
    settings,
    settings6,
    tunnel,
)

FRESH = Timeouts(900, 120, 300)
MISSING = Endpoint(Transport.TCP, "192.0.2.99", 80)
C = DestinationKey("10.9.0.13", 80)


@pytest.fixture(params=["memory", "kernel"])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    if request.param == "memory":
        yield MemoryTable({"lo": 65536, **INTERFACES})
        return
    with FreshHost() as host:
        host.connect()
        kernel = KernelTable(host.name)
        yield kernel
        kernel.close()


# -- what is there at first


def test_a_fresh_table_holds_nothing_but_the_default_timeouts(table: Table) -> None:
    assert table.read(EVERYTHING) == State({}, FRESH, {})
    assert table.counters() == {}
    assert list(table.connections()) == []


def test_info_tells_a_version_and_the_size_of_the_connection_table(table: Table) -> None:
    info = table.info()
    assert re.fullmatch(r"1\.\d+\.\d+", info.version)
    assert info.connection_table_size >= 256
    assert info.connection_table_size.bit_count() == 1


def test_the_mtu_of_an_interface_is_told_and_of_none_none(table: Table) -> None:
    assert {name: table.mtu(name) for name in INTERFACES} == INTERFACES
    assert table.mtu("lo") == 65536
    assert table.mtu("absent0") is None


# -- what is accepted


@pytest.mark.parametrize("key", [WEB, WEB6, DNS, MARK, Firewallmark(7, Family.INET6)], ids=str)
def test_a_service_is_added_edited_and_removed(table: Table, key: ServiceKey) -> None:
    make = settings if key.family is Family.INET else settings6
    before, after = make("rr"), make("wlc", persistence=300)
    do(table, AddService(key, before))
    assert services_of(table) == {key: Service(key, before)}
    do(table, EditService(key, before, after))
    assert services_of(table) == {key: Service(key, after)}
    do(table, RemoveService(key, Service(key, after)))
    assert services_of(table) == {}


@pytest.mark.parametrize("key, name", [(WEB, A), (WEB6, A6), (MARK, A)], ids=str)
def test_a_destination_is_added_edited_and_removed(
    table: Table, key: ServiceKey, name: DestinationKey
) -> None:
    make = settings if key.family is Family.INET else settings6
    before, after = masquerade(3), DestinationSettings(0, Forwarding.DIRECT, 100, 10)
    do(table, AddService(key, make()))
    do(table, AddDestination(key, name, before))
    assert services_of(table)[key].destinations == {name: before}
    do(table, EditDestination(key, name, before, after))
    assert services_of(table)[key].destinations == {name: after}
    do(table, RemoveDestination(key, name, after))
    assert services_of(table)[key].destinations == {}


def test_a_destination_of_the_other_family_is_tunnelled(table: Table) -> None:
    do(table, AddService(WEB, settings()), AddService(WEB6, settings6()))
    do(table, AddDestination(WEB, A6, tunnel()), AddDestination(WEB6, A, tunnel()))
    pools = {key: dict(service.destinations) for key, service in services_of(table).items()}
    assert pools == {WEB: {A6: tunnel()}, WEB6: {A: tunnel()}}
    do(table, RemoveDestination(WEB, A6, tunnel()))


def test_the_same_destination_serves_several_services(table: Table) -> None:
    do(table, AddService(WEB, settings()), AddService(DNS, settings()))
    do(table, AddDestination(WEB, A, direct(1)), AddDestination(DNS, A, direct(2)))
    assert services_of(table)[WEB].destinations == {A: direct(1)}
    assert services_of(table)[DNS].destinations == {A: direct(2)}


def test_a_firewall_mark_counts_for_each_family_apart(table: Table) -> None:
    mark6 = Firewallmark(MARK.mark, Family.INET6)
    do(table, AddService(MARK, settings("rr")), AddService(mark6, settings6("lc")))
    do(table, RemoveService(MARK, Service(MARK, settings("rr"))))
    assert services_of(table) == {mark6: Service(mark6, settings6("lc"))}


def test_an_engine_is_taken_off_by_an_edit(table: Table) -> None:
    sip = settings("rr", persistence=60, engine="sip")
    plain = settings("rr", persistence=60)
    do(table, AddService(DNS, sip))
    assert services_of(table)[DNS].settings == sip
    do(table, EditService(DNS, sip, plain))
    assert services_of(table)[DNS].settings == plain


def test_flags_are_taken_off_by_an_edit(table: Table) -> None:
    both = settings("sh", flags=ServiceFlags.FLAG_1 | ServiceFlags.FLAG_2, persistence=60)
    do(table, AddService(WEB, both))
    do(table, EditService(WEB, both, settings("sh", flags=ServiceFlags.FLAG_2)))
    assert services_of(table)[WEB].settings == settings("sh", flags=ServiceFlags.FLAG_2)


def test_an_edit_keeps_the_destinations(table: Table) -> None:
    do(table, AddService(WEB, settings("rr")))
    do(table, AddDestination(WEB, A, direct()), AddDestination(WEB, B, direct()))
    do(table, EditService(WEB, settings("rr"), settings("lc")))
    assert services_of(table)[WEB].destinations == {A: direct(), B: direct()}


def test_a_service_takes_its_destinations_along(table: Table) -> None:
    do(table, AddService(WEB, settings()), AddService(DNS, settings()))
    do(table, AddDestination(WEB, A, direct()), AddDestination(DNS, A, direct()))
    do(table, RemoveService(WEB, Service(WEB, settings(), {A: direct()})))
    assert set(services_of(table)) == {DNS}
    do(table, AddService(WEB, settings()))
    assert services_of(table)[WEB].destinations == {}


def test_a_removed_destination_can_come_back_with_other_settings(table: Table) -> None:
    do(table, AddService(WEB, settings()), AddDestination(WEB, A, masquerade(5)))
    do(table, RemoveDestination(WEB, A, masquerade(5)))
    do(table, AddDestination(WEB, A, direct(7, upper=9)))
    assert services_of(table)[WEB].destinations == {A: direct(7, upper=9)}


def test_timeouts_are_set(table: Table) -> None:
    do(table, SetTimeouts(FRESH, Timeouts(1, 2, 3)))
    assert table.read(EVERYTHING).timeouts == Timeouts(1, 2, 3)
    longest = Timeouts(2147483, 2147483, 2147483)
    do(table, SetTimeouts(Timeouts(1, 2, 3), longest))
    assert table.read(EVERYTHING).timeouts == longest


def test_a_timeout_of_zero_is_left_as_it_is(table: Table) -> None:
    do(table, SetTimeouts(FRESH, Timeouts(0, 60, 0)))
    assert table.read(EVERYTHING).timeouts == Timeouts(900, 60, 300)


def test_a_daemon_of_each_role_starts_and_stops(table: Table) -> None:
    master = daemon(Role.MASTER, "eth0", sync_id=5, ttl=4)
    backup = daemon(
        Role.BACKUP, "jumbo0", sync_id=0, maxlen=2000, group="239.1.2.3", port=9000, ttl=255
    )
    do(table, StartDaemon(master), StartDaemon(backup))
    running = {Role.MASTER: master, Role.BACKUP: backup}
    assert table.read(EVERYTHING).daemons == running
    await_sync_threads()
    do(table, StopDaemon(master))
    assert table.read(EVERYTHING).daemons == {Role.BACKUP: backup}
    do(table, StopDaemon(backup))
    assert table.read(EVERYTHING).daemons == {}


def test_a_daemon_is_not_told_zero_but_the_default(table: Table) -> None:
    unsaid = daemon(Role.MASTER, "jumbo0", maxlen=0, port=0, ttl=0)
    do(table, StartDaemon(unsaid), StartDaemon(daemon(Role.BACKUP, "jumbo0", maxlen=0)))
    assert table.read(EVERYTHING).daemons == {
        Role.MASTER: daemon(Role.MASTER, "jumbo0", maxlen=1472, port=8848, ttl=1),
        Role.BACKUP: daemon(Role.BACKUP, "jumbo0", maxlen=8972),
    }


def test_the_length_of_messages_is_brought_within_bounds(table: Table) -> None:
    do(table, StartDaemon(daemon(Role.MASTER, "eth0", maxlen=65535)))
    do(table, StartDaemon(daemon(Role.BACKUP, "eth0", maxlen=1)))
    running = table.read(EVERYTHING).daemons
    assert {role: one.maxlen for role, one in running.items()} == {
        Role.MASTER: 65507,
        Role.BACKUP: 1024,
    }


def test_services_are_named(table: Table) -> None:
    assert table.services() == frozenset()
    do(table, AddService(WEB6, settings6()), AddDestination(WEB6, A6, direct()))
    do(table, *(AddService(key, settings()) for key in (WEB, DNS, MARK)))
    assert table.services() == {WEB, WEB6, DNS, MARK}


def test_flush_removes_services_and_leaves_the_rest(table: Table) -> None:
    master = daemon(Role.MASTER, "eth0")
    do(table, AddService(WEB, settings()), AddService(MARK, settings()))
    do(table, AddDestination(WEB, A, direct()), SetTimeouts(FRESH, Timeouts(7, 8, 9)))
    do(table, StartDaemon(master))
    table.flush()
    assert table.read(EVERYTHING) == State({}, Timeouts(7, 8, 9), {Role.MASTER: master})
    table.flush()


# -- local addresses

MARK6 = Firewallmark(7, Family.INET6)
WHOLE = Endpoint(Transport.SCTP, "192.0.2.1", 0)
LOCAL = Scope(local_addresses=ALL)
SOME: dict[ServiceKey, tuple[str, ...]] = {
    WEB: ("10.2.0.1",),
    WEB6: ("fd02::1", "fd02::2", "fd02::3"),
    DNS: ("10.2.0.1", "10.2.0.2"),
    MARK: ("10.2.0.3", "10.2.0.10"),
    MARK6: ("fd02::1",),
    WHOLE: ("10.2.0.1",),
}


def local(table: Table) -> FullNat:
    return table.read(LOCAL).full_nat


def translate(
    table: Table, wanted: dict[ServiceKey, tuple[str, ...]], have: FullNat | None = None
) -> None:
    """Have these local addresses in place of those, at one stroke."""
    known = have.local_addresses if have else {}
    keys = [key for key in {**known, **wanted} if known.get(key) != wanted.get(key)]
    do(table, *(SetLocalAddresses(key, known.get(key, ()), wanted.get(key, ())) for key in keys))


def test_local_addresses_are_set_changed_and_taken_away(table: Table) -> None:
    do(table, TrackConnections())
    assert local(table) == FullNat(True)
    translate(table, SOME)
    assert local(table) == FullNat(True, SOME)
    other = {**SOME, WEB: ("10.2.0.1", "10.2.0.9"), WEB6: ("fd02::9",), DNS: ("10.2.0.7",)}
    del other[MARK]
    translate(table, other, local(table))
    assert local(table) == FullNat(True, other)
    translate(table, {}, local(table))
    assert local(table) == FullNat(True)


def test_local_addresses_are_set_one_by_one(table: Table) -> None:
    do(table, TrackConnections())
    for key, addresses in SOME.items():
        do(table, SetLocalAddresses(key, (), addresses))
    assert local(table) == FullNat(True, SOME)
    for key, addresses in SOME.items():
        do(table, SetLocalAddresses(key, addresses, ()))
    assert local(table) == FullNat(True)


def test_what_is_so_already_can_be_said_again(table: Table) -> None:
    do(table, TrackConnections())
    do(table, TrackConnections())
    translate(table, SOME)
    translate(table, SOME)
    assert local(table) == FullNat(True, SOME)
    do(table, SetLocalAddresses(Firewallmark(9, Family.INET), ("10.2.0.1",), ()))
    do(table, TrackConnections())
    assert local(table) == FullNat(True, SOME)


def test_without_tracking_there_are_no_local_addresses(table: Table) -> None:
    translate(table, SOME)
    assert local(table) == FullNat()
    do(table, TrackConnections())
    # What had no effect was nobody's will of today.
    assert local(table) == FullNat(True)


def test_local_addresses_do_not_hang_on_services(table: Table) -> None:
    do(table, TrackConnections(), AddService(WEB, settings()))
    translate(table, {WEB: ("10.2.0.1",)})
    do(table, RemoveService(WEB, Service(WEB, settings())))
    assert local(table) == FullNat(True, {WEB: ("10.2.0.1",)})
    table.flush()
    assert local(table) == FullNat(True, {WEB: ("10.2.0.1",)})


def test_local_addresses_are_read_in_scope_alone(table: Table) -> None:
    do(table, TrackConnections())
    translate(table, SOME)
    assert table.read(SERVICES).full_nat == FullNat()
    own = Scope(local_addresses=frozenset([DNS, MISSING]))
    assert table.read(own).full_nat == FullNat(True, {DNS: SOME[DNS]})
    assert table.read(EVERYTHING).full_nat == FullNat(True, SOME)


def test_connections_are_counted_by_local_address(table: Table) -> None:
    assert table.local_connections() == {}
    do(table, TrackConnections(), AddService(MARK, settings()), AddService(WEB, settings()))
    assert table.local_connections() == {}
    translate(table, {WEB: ("10.2.0.1",), MARK: ("10.2.0.1", "10.2.0.2")})
    assert table.local_connections() == {
        WEB: {"10.2.0.1": LocalUse()},
        MARK: {"10.2.0.1": LocalUse(), "10.2.0.2": LocalUse()},
    }


# -- what is refused


def there(table: Table) -> None:
    """What the refused changes below meet."""
    do(table, AddService(WEB, settings()), AddService(WEB6, settings6()))
    do(table, AddDestination(WEB, A, direct()))


GUE = Tunnel(TunnelKind.GUE)
REFUSED: list[tuple[str, Change, int, str]] = [
    ("a service that is there", AddService(WEB, settings("rr")), errno.EEXIST, "another program"),
    ("an edit of no service", EditService(MISSING, settings(), settings()), errno.ESRCH, "gone"),
    (
        "removal of no service",
        RemoveService(MISSING, Service(MISSING, settings())),
        errno.ESRCH,
        "gone",
    ),
    (
        "an unknown scheduler",
        AddService(MISSING, settings("fastest")),
        errno.ENOENT,
        "modprobe ip_vs_fastest",
    ),
    (
        "an edit to an unknown scheduler",
        EditService(WEB, settings(), settings("fastest")),
        errno.ENOENT,
        "no scheduler 'fastest'",
    ),
    (
        "an unknown engine",
        AddService(MISSING, settings(engine="rtp")),
        errno.ENOENT,
        "no persistence engine 'rtp'",
    ),
    (
        "an edit to an unknown engine",
        EditService(WEB, settings(), settings(engine="rtp")),
        errno.ENOENT,
        "no persistence engine 'rtp'",
    ),
    (
        "an unknown scheduler of a service that is there",
        AddService(WEB, settings("fastest")),
        errno.EEXIST,
        "another program",
    ),
    (
        "a prefix that is too long",
        AddService(Firewallmark(9, Family.INET6), settings6(netmask=129)),
        errno.EINVAL,
        "netmask",
    ),
    (
        "an edit to no prefix",
        EditService(WEB6, settings6(), settings6(netmask=0)),
        errno.EINVAL,
        "netmask",
    ),
    ("a destination that is there", AddDestination(WEB, A, direct(9)), errno.EEXIST, "another"),
    ("a destination of no service", AddDestination(MISSING, A, direct()), errno.ESRCH, "gone"),
    (
        "an edit of no destination",
        EditDestination(WEB, B, direct(), direct(2)),
        errno.ENOENT,
        "the destination is gone",
    ),
    (
        "an edit of a destination of no service",
        EditDestination(MISSING, A, direct(), direct(2)),
        errno.ESRCH,
        "the virtual service is gone",
    ),
    (
        "removal of no destination",
        RemoveDestination(WEB, B, direct()),
        errno.ENOENT,
        "the destination is gone already",
    ),
    (
        "removal of a destination of no service",
        RemoveDestination(MISSING, A, direct()),
        errno.ESRCH,
        "the virtual service is gone",
    ),
    (
        "a lower threshold above the upper",
        AddDestination(WEB, B, direct(upper=5, lower=6)),
        errno.ERANGE,
        "the lower threshold is above",
    ),
    (
        "an edit to a lower threshold without an upper",
        EditDestination(WEB, A, direct(), direct(lower=1)),
        errno.ERANGE,
        "the lower threshold is above",
    ),
    ("gue without a port", AddDestination(WEB, B, tunnel(GUE)), errno.EINVAL, "needs a port"),
    (
        "an edit to gue without a port",
        EditDestination(WEB, A, direct(), tunnel(GUE)),
        errno.EINVAL,
        "needs a port",
    ),
    (
        "gue without a port where the tunnel does not matter",
        AddDestination(WEB, B, DestinationSettings(1, Forwarding.DIRECT, tunnel=GUE)),
        errno.EINVAL,
        "needs a port",
    ),
    (
        "another family without a tunnel",
        AddDestination(WEB, A6, masquerade()),
        errno.EINVAL,
        "has to be forwarded by tunnel",
    ),
    (
        "another family without a tunnel, to IPv4",
        AddDestination(WEB6, A, direct()),
        errno.EINVAL,
        "has to be forwarded by tunnel",
    ),
    (
        "a multicast destination",
        AddDestination(WEB, DestinationKey("224.0.0.5", 80), direct()),
        errno.EINVAL,
        "neither a unicast nor a local address",
    ),
    (
        "the broadcast address",
        AddDestination(WEB, DestinationKey("255.255.255.255", 80), direct()),
        errno.EINVAL,
        "neither a unicast nor a local address",
    ),
    (
        "the address of nobody",
        AddDestination(WEB, DestinationKey("0.0.0.0", 80), direct()),
        errno.EINVAL,
        "neither a unicast nor a local address",
    ),
    (
        "a multicast destination of IPv6",
        AddDestination(WEB6, DestinationKey("ff02::5", 80), direct()),
        errno.EINVAL,
        "neither a unicast nor a local address",
    ),
    (
        "an IPv4 address as one of IPv6",
        AddDestination(WEB6, DestinationKey("::ffff:10.9.0.11", 80), direct()),
        errno.EINVAL,
        "neither a unicast nor a local address",
    ),
    (
        "an address that is not unicast, of another family",
        AddDestination(WEB, DestinationKey("::ffff:10.9.0.11", 80), tunnel()),
        errno.EINVAL,
        "::ffff:10.9.0.11 is no unicast address",
    ),
    (
        "a link-local destination",
        AddDestination(WEB6, DestinationKey("fe80::5", 80), direct()),
        errno.EINVAL,
        "neither a unicast nor a local address",
    ),
    (
        "the address of nobody in IPv6",
        AddDestination(WEB6, DestinationKey("::", 80), direct()),
        errno.EINVAL,
        "neither a unicast nor a local address",
    ),
    (
        "a daemon on no interface",
        StartDaemon(daemon(Role.MASTER, "absent0")),
        errno.ENODEV,
        "no network interface 'absent0'",
    ),
    (
        "a daemon to no multicast group",
        StartDaemon(daemon(Role.MASTER, "eth0", group="192.0.2.81")),
        errno.EINVAL,
        "no usable multicast group",
    ),
    (
        "a daemon to no multicast group of IPv6",
        StartDaemon(daemon(Role.BACKUP, "eth0", group="fd00::81")),
        errno.EINVAL,
        "no usable multicast group",
    ),
    (
        "a stop of no daemon",
        StopDaemon(daemon(Role.MASTER, "eth0")),
        errno.ESRCH,
        "no such daemon is running",
    ),
    (
        "a time-out that is too long",
        SetTimeouts(FRESH, Timeouts(21474837, 1, 1)),
        errno.EINVAL,
        "Invalid argument",
    ),
]


@pytest.mark.parametrize(
    "change, number, words", [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_the_refusal_says_why(table: Table, change: Change, number: int, words: str) -> None:
    there(table)
    refusal = refused(table, change)
    assert errno.errorcode[refusal.errno] == errno.errorcode[number]
    assert words in str(refusal)
    kinds = {errno.EEXIST: AlreadyThere, errno.EINVAL: KernelRefused, errno.ERANGE: KernelRefused}
    assert refusal.__class__ is kinds.get(number, NotThere)
    assert table.read(EVERYTHING).timeouts == FRESH
    assert table.read(EVERYTHING).daemons == {}


def test_a_second_daemon_of_a_role_is_refused(table: Table) -> None:
    first = daemon(Role.MASTER, "eth0")
    do(table, StartDaemon(first))
    again = refused(table, StartDaemon(daemon(Role.MASTER, "jumbo0")))
    assert isinstance(again, AlreadyThere)
    assert again.errno == errno.EEXIST
    assert "running already" in str(again)
    # The interface is looked at first.
    nowhere = refused(table, StartDaemon(daemon(Role.MASTER, "absent0")))
    assert nowhere.errno == errno.ENODEV
    assert table.read(EVERYTHING).daemons == {Role.MASTER: first}


def test_a_running_daemon_excludes_mixed_families(table: Table) -> None:
    do(table, AddService(WEB, settings()), StartDaemon(daemon(Role.BACKUP, "eth0")))
    change = AddDestination(WEB, A6, tunnel())
    refusal = refused(table, change)
    assert refusal.errno == errno.EINVAL
    assert "sync daemon exclude each other" in str(refusal)
    await_sync_threads()
    do(table, StopDaemon(daemon(Role.BACKUP, "eth0")), change)


def remove_it(table: Table) -> None:
    do(table, RemoveDestination(WEB, A6, tunnel()))


def remove_its_service(table: Table) -> None:
    do(table, RemoveService(WEB, Service(WEB, settings(), {A6: tunnel()})))


def flush(table: Table) -> None:
    table.flush()


@pytest.mark.parametrize("end", [remove_it, remove_its_service, flush])
def test_mixed_families_exclude_a_daemon(table: Table, end: Callable[[Table], None]) -> None:
    do(table, AddService(WEB, settings()), AddDestination(WEB, A6, tunnel()))
    start = StartDaemon(daemon(Role.MASTER, "eth0"))
    refusal = refused(table, start)
    assert refusal.errno == errno.EINVAL
    assert "other address family than their service" in str(refusal)
    end(table)
    do(table, start)


def test_a_destination_of_the_other_family_cannot_leave_its_tunnel(table: Table) -> None:
    do(table, AddService(WEB, settings()), AddDestination(WEB, A6, tunnel()))
    refusal = refused(table, EditDestination(WEB, A6, tunnel(), direct()))
    assert refusal.errno == errno.EINVAL


# -- many at a time


def test_a_refusal_stops_nothing_and_is_laid_to_its_change(table: Table) -> None:
    good = [
        AddService(WEB, settings()),
        AddDestination(WEB, A, direct()),
        AddService(DNS, settings("rr")),
        SetTimeouts(FRESH, Timeouts(10, 20, 30)),
    ]
    bad = [
        AddService(WEB, settings("rr")),
        AddDestination(MISSING, A, direct()),
        AddDestination(WEB, B, direct(lower=1)),
        RemoveDestination(WEB, C, direct()),
    ]
    changes = [change for pair in zip(good, bad) for change in pair]
    outcome = table.apply(changes)
    assert outcome.done == tuple(good)
    assert [refusal.change for refusal in outcome.refused] == bad
    assert [refusal.errno for refusal in outcome.refused] == [
        errno.EEXIST,
        errno.ESRCH,
        errno.ERANGE,
        errno.ENOENT,
    ]
    assert outcome.unknown == ()
    assert table.read(EVERYTHING) == State(
        {WEB: Service(WEB, settings(), {A: direct()}), DNS: Service(DNS, settings("rr"))},
        Timeouts(10, 20, 30),
        {},
    )


@pytest.mark.parametrize("last_is_refused", [False, True])
def test_each_of_a_thousand_changes_has_its_own_answer(table: Table, last_is_refused: bool) -> None:
    do(table, AddService(WEB, settings()))
    changes = [
        AddDestination(WEB if number % 3 != 2 else MISSING, name, how)
        for number, (name, how) in enumerate(many(999 if last_is_refused else 1000).items())
    ]
    outcome = table.apply(changes)
    good = tuple(change for change in changes if change.service == WEB)
    assert outcome.done == good
    assert [refusal.change for refusal in outcome.refused] == [
        change for change in changes if change.service == MISSING
    ]
    assert {refusal.errno for refusal in outcome.refused} == {errno.ESRCH}
    assert set(services_of(table)[WEB].destinations) == {change.destination for change in good}


def test_no_change_is_no_change(table: Table) -> None:
    outcome = table.apply([])
    assert (outcome.done, outcome.refused, outcome.unknown) == ((), (), ())


# -- what is read


def filled(table: Table) -> None:
    do(
        table,
        AddService(WEB, settings()),
        AddService(DNS, settings()),
        AddService(WEB6, settings6()),
    )
    do(table, AddDestination(WEB, A, direct(1)), AddDestination(WEB, B, direct(2)))
    do(table, AddDestination(DNS, A, direct(3)), AddDestination(WEB6, A6, direct(4)))
    do(table, StartDaemon(daemon(Role.MASTER, "eth0")))
    do(table, StartDaemon(daemon(Role.BACKUP, "eth0")))


WHOLE_WEB = Service(WEB, settings(), {A: direct(1), B: direct(2)})
WHOLE_DNS = Service(DNS, settings(), {A: direct(3)})
WHOLE_WEB6 = Service(WEB6, settings6(), {A6: direct(4)})


@pytest.mark.parametrize(
    "scope, expected",
    [
        (Scope(), State()),
        (Scope(timeouts=True), State(timeouts=FRESH)),
        (
            Scope(daemons=frozenset([Role.BACKUP])),
            State(daemons={Role.BACKUP: daemon(Role.BACKUP, "eth0")}),
        ),
        (SERVICES, State({WEB: WHOLE_WEB, DNS: WHOLE_DNS, WEB6: WHOLE_WEB6})),
        # A service that is owned has its whole pool, since that goes with it.
        (Scope(frozenset([DNS, MISSING])), State({DNS: WHOLE_DNS})),
        (Scope(destinations={WEB: ALL}), State({WEB: WHOLE_WEB})),
        (
            Scope(destinations={WEB: frozenset([B, C]), MISSING: frozenset([A])}),
            State({WEB: Service(WEB, settings(), {B: direct(2)})}),
        ),
        (
            Scope(frozenset([WEB6]), {DNS: frozenset()}),
            State({WEB6: WHOLE_WEB6, DNS: Service(DNS, settings())}),
        ),
    ],
    ids=[
        "nothing",
        "timeouts",
        "one role",
        "all services",
        "one service",
        "one pool",
        "one destination",
        "one of each",
    ],
)
def test_what_is_read_is_what_the_scope_names(table: Table, scope: Scope, expected: State) -> None:
    filled(table)
    assert table.read(scope) == expected


# -- counters


def test_what_is_new_has_counted_nothing(table: Table) -> None:
    filled(table)
    still = DestinationCounters(0, 0, 0, Counters())
    of_web = ServiceCounters(Counters(), {A: still, B: still})
    assert table.counters([WEB]) == {WEB: of_web}
    assert table.counters()[WEB] == of_web
    assert set(table.counters()) == {WEB, DNS, WEB6}


def test_what_is_missing_has_no_counters(table: Table) -> None:
    filled(table)
    assert set(table.counters([MISSING, DNS])) == {DNS}
    assert table.counters([MISSING]) == {}
    assert table.counters([]) == {}


def test_zeroing_leaves_the_table_as_it_is(table: Table) -> None:
    filled(table)
    before = table.read(EVERYTHING)
    table.zero()
    table.zero(WEB)
    assert table.read(EVERYTHING) == before


def test_what_is_missing_cannot_be_zeroed(table: Table) -> None:
    with pytest.raises(KeyError) as missing:
        table.zero(MISSING)
    assert missing.value.args == (MISSING,)
