"""Things that examples are told with, and how a table in memory comes to hold a state."""

from __future__ import annotations

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    Change,
    SetLocalAddresses,
    SetTimeouts,
    StartDaemon,
    TrackConnections,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.memory import (
    MemoryTable,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DEFAULT_TIMEOUTS,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    Role,
    Service,
    ServiceFlags,
    ServiceKey,
    ServiceSettings,
    State,
    SyncDaemon,
    Timeouts,
    Transport,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.strategies import INTERFACES

WEB = Endpoint(Transport.TCP, "192.0.2.1", 80)
WEB6 = Endpoint(Transport.TCP, "2001:db8::1", 80)
DNS = Endpoint(Transport.UDP, "192.0.2.1", 53)
MARK = Firewallmark(7, Family.INET)

ONE = DestinationKey("198.51.100.1", 80)
TWO = DestinationKey("198.51.100.2", 80)
THREE6 = DestinationKey("2001:db8::3", 80)

HOST, HOST6 = 0xFFFFFFFF, 128
WLC = ServiceSettings("wlc", ServiceFlags.NONE, 0, HOST, "")
WLC6 = ServiceSettings("wlc", ServiceFlags.NONE, 0, HOST6, "")
RR = ServiceSettings("rr", ServiceFlags.NONE, 0, HOST, "")
STICKY = ServiceSettings("sh", ServiceFlags.FLAG_2, 300, 0xFFFFFF00, "sip")

DIRECT = DestinationSettings(1, Forwarding.DIRECT)
QUIET = DestinationSettings(0, Forwarding.DIRECT)
TUNNELLED = DestinationSettings(1, Forwarding.TUNNEL)

MASTER = SyncDaemon(Role.MASTER, "eth0", 1, 1472, "224.0.0.81", 8848, 1)
BACKUP = SyncDaemon(Role.BACKUP, "eth0", 1, 1472, "224.0.0.81", 8848, 1)

EMPTY = State({}, DEFAULT_TIMEOUTS, {})


def state(
    *services: Service, timeouts: Timeouts | None = DEFAULT_TIMEOUTS, daemons: tuple = ()
) -> State:
    """A state of these parts."""
    return State(
        {service.key: service for service in services},
        timeouts,
        {daemon.role: daemon for daemon in daemons},
    )


def service(
    key: ServiceKey,
    settings: ServiceSettings = WLC,
    pool: dict[DestinationKey, DestinationSettings] | None = None,
) -> Service:
    """A service, by default with nothing behind it."""
    return Service(key, settings, pool or {})


def fill(table: MemoryTable, held: State) -> None:
    """Let an empty table hold the state, without asking what is to be tested."""
    changes: list[Change] = []
    for key, one in held.services.items():
        changes.append(AddService(key, one.settings))
        changes += [AddDestination(key, name, one.destinations[name]) for name in one.destinations]
    if held.timeouts:
        changes.append(SetTimeouts(DEFAULT_TIMEOUTS, held.timeouts))
    changes += [StartDaemon(daemon) for daemon in held.daemons.values()]
    if held.full_nat.conntrack:
        changes.append(TrackConnections())
    for key, addresses in held.full_nat.local_addresses.items():
        changes.append(SetLocalAddresses(key, (), addresses))
    outcome = table.apply(changes)
    assert not outcome.refused, outcome.refused
    table.calls.clear()


def table_holding(held: State) -> MemoryTable:
    """A table in memory that holds the state."""
    table = MemoryTable(INTERFACES)
    fill(table, held)
    return table
