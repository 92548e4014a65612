"""What every table is at first, and takes."""

from __future__ import annotations

import re

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    SetTimeouts,
    StartDaemon,
    StopDaemon,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    DestinationSettings,
    Family,
    Firewallmark,
    Forwarding,
    Role,
    Service,
    ServiceFlags,
    ServiceKey,
    State,
    Timeouts,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    EVERYTHING,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.table import Table
from fresh import INTERFACES, await_sync_threads
from samples import (
    A6,
    DNS,
    FRESH,
    MARK,
    WEB,
    WEB6,
    A,
    B,
    daemon,
    direct,
    do,
    masquerade,
    services_of,
    settings,
    settings6,
    tunnel,
)


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
