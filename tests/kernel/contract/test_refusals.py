"""What every table refuses, with which words, and what becomes of the changes beside it."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    SetTimeouts,
    StartDaemon,
    StopDaemon,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    AlreadyThere,
    KernelRefused,
    NotThere,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    DestinationSettings,
    Family,
    Firewallmark,
    Forwarding,
    Role,
    Service,
    State,
    Timeouts,
    Tunnel,
    TunnelKind,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    EVERYTHING,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.table import Table
from fresh import await_sync_threads
from samples import (
    A6,
    DNS,
    FRESH,
    MISSING,
    WEB,
    WEB6,
    A,
    B,
    C,
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
