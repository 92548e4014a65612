"""Local addresses in every table, which hang on no service."""

from __future__ import annotations

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddService,
    RemoveService,
    SetLocalAddresses,
    TrackConnections,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Endpoint,
    Family,
    Firewallmark,
    FullNat,
    LocalUse,
    Service,
    ServiceKey,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    EVERYTHING,
    SERVICES,
    Scope,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.table import Table
from samples import (
    DNS,
    MARK,
    MISSING,
    WEB,
    WEB6,
    do,
    settings,
)

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
