"""Short names for what the tests build tables from."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import Change
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import KernelRefused
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    HOST_NETMASK,
    PLAIN_TUNNEL,
    DestinationKey,
    DestinationSettings,
    Family,
    Forwarding,
    Role,
    Service,
    ServiceFlags,
    ServiceKey,
    ServiceSettings,
    State,
    SyncDaemon,
    Timeouts,
    Tunnel,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import SERVICES
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.table import Table
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.text import parse_service_key

WEB = parse_service_key("tcp://192.0.2.1:80")
WEB6 = parse_service_key("tcp://[2001:db8::1]:80")
DNS = parse_service_key("udp://192.0.2.1:53")
MARK = parse_service_key("fwmark:7")
A = DestinationKey("10.9.0.11", 80)
B = DestinationKey("10.9.0.12", 80)
A6 = DestinationKey("fd09::11", 80)
#: What no test makes.
MISSING = parse_service_key("tcp://192.0.2.99:80")
C = DestinationKey("10.9.0.13", 80)
#: The time-outs of a table that nobody has touched.
FRESH = Timeouts(900, 120, 300)


def settings(
    scheduler: str = "wlc",
    *,
    flags: ServiceFlags = ServiceFlags.NONE,
    persistence: int = 0,
    netmask: int = HOST_NETMASK[Family.INET],
    engine: str = "",
) -> ServiceSettings:
    """Of an IPv4 service."""
    return ServiceSettings(scheduler, flags, persistence, netmask, engine)


def settings6(
    scheduler: str = "wlc",
    *,
    flags: ServiceFlags = ServiceFlags.NONE,
    persistence: int = 0,
    netmask: int = HOST_NETMASK[Family.INET6],
    engine: str = "",
) -> ServiceSettings:
    """Of an IPv6 service."""
    return ServiceSettings(scheduler, flags, persistence, netmask, engine)


def direct(weight: int = 1, upper: int = 0, lower: int = 0) -> DestinationSettings:
    """A destination by direct routing."""
    return DestinationSettings(weight, Forwarding.DIRECT, upper, lower)


def masquerade(weight: int = 1) -> DestinationSettings:
    """A destination by network address translation."""
    return DestinationSettings(weight, Forwarding.MASQUERADE)


def tunnel(how: Tunnel = PLAIN_TUNNEL, weight: int = 1) -> DestinationSettings:
    """A destination by tunnel."""
    return DestinationSettings(weight, Forwarding.TUNNEL, tunnel=how)


def daemon(
    role: Role,
    interface: str,
    *,
    sync_id: int = 3,
    maxlen: int = 1472,
    group: str = "224.0.0.81",
    port: int = 8848,
    ttl: int = 1,
) -> SyncDaemon:
    """A sync daemon, by default with the kernel's defaults."""
    return SyncDaemon(role, interface, sync_id, maxlen, group, port, ttl)


def service(
    key: ServiceKey,
    pool: Mapping[DestinationKey, DestinationSettings] | None = None,
    how: ServiceSettings | None = None,
) -> Service:
    """A service, by default with plain settings and no destination."""
    plain = settings() if key.family is Family.INET else settings6()
    return Service(key, how or plain, pool or {})


def state(*services: Service) -> State:
    """A table of these services."""
    return State({one.key: one for one in services})


def many(count: int, weight: int = 1) -> dict[DestinationKey, DestinationSettings]:
    """A pool of so many destinations."""
    names = (
        f"10.{8 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"
        for number in range(count)
    )
    return {DestinationKey(name, 80): direct(weight) for name in names}


def services_of(table: Table) -> Mapping[ServiceKey, Service]:
    """All services in a table."""
    return table.read(SERVICES).services


def do(table: Table, *changes: Change) -> None:
    """Apply changes that the table must take, all of them."""
    outcome = table.apply(changes)
    assert not outcome.refused
    assert outcome.done == changes


def refused(table: Table, change: Change) -> KernelRefused:
    """Apply one change that the table must refuse, without a trace; how it did."""
    before = table.read(SERVICES)
    outcome = table.apply([change])
    assert outcome.done == ()
    assert table.read(SERVICES) == before
    (refusal,) = outcome.refused
    assert refusal.change is change
    return refusal
