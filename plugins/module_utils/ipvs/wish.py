# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a caller asks for, where options may be left out, and how it becomes a complete state.

This is the one place where "option omitted" is decided: what is left out stays as the kernel has
it, and what is new takes ipvsadm's default (scheduler wlc, weight 1, forwarding direct). Everything
that can only be judged with the kernel's part filled in is checked here, all faults at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Optional

from .errors import Fault, InvalidValue, under
from .model import (
    HOST_NETMASK,
    PLAIN_TUNNEL,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Forwarding,
    FullNat,
    Role,
    Service,
    ServiceFlags,
    ServiceKey,
    ServiceSettings,
    State,
    SyncDaemon,
    Timeouts,
    Transport,
    Tunnel,
    family_of,
)
from .scope import ALL, DestinationScope, PoolScope, Scope
from .text import FULL_NAT, MappedAddress, parse_flag, refuse_mapped

#: ``IP_VS_SYNC_PORT`` and the group ipvsadm(8) names; the kernel's defaults, said out loud.
SYNC_PORT, SYNC_GROUP, SYNC_TTL = 8848, "224.0.0.81", 1
_ETHERNET_MTU = 1500
_UDP_HEADERS = {Family.INET: 28, Family.INET6: 48}

#: Interface name -> its MTU, or None when there is no such interface.
MtuOf = Callable[[str], Optional[int]]


@dataclass(frozen=True)
class DestinationWish:
    """One destination; None = not said. path: where the user wrote it.

    full_nat: it is to be reached from local addresses, which its service has to have then.
    """

    key: DestinationKey
    weight: int | None = None
    forwarding: Forwarding | None = None
    upper: int | None = None
    lower: int | None = None
    tunnel: Tunnel | None = None
    full_nat: bool = False
    path: str = field(default="", compare=False)


@dataclass(frozen=True)
class ServiceWish:
    """One virtual service; None = not said.

    flags: names, since what sh-port means depends on the scheduler in the end.
    exists: the service has to be there already, and its settings are not the caller's to change.
    """

    key: ServiceKey
    scheduler: str | None = None
    flags: tuple[str, ...] | None = None
    persistence: int | None = None
    netmask: int | None = None
    engine: str | None = None
    destinations: tuple[DestinationWish, ...] = ()
    local_addresses: tuple[str, ...] | None = None
    exists: bool = False
    path: str = field(default="", compare=False)


@dataclass(frozen=True)
class TimeoutsWish:
    """Connection time-outs in seconds; None = not said."""

    tcp: int | None = None
    tcp_fin: int | None = None
    udp: int | None = None


@dataclass(frozen=True)
class DaemonWish:
    """One sync daemon; None = not said."""

    role: Role
    interface: str | None = None
    sync_id: int | None = None
    maxlen: int | None = None
    group: str | None = None
    port: int | None = None
    ttl: int | None = None
    path: str = field(default="", compare=False)


@dataclass(frozen=True)
class TableWish:
    """A table, or a part of one."""

    services: tuple[ServiceWish, ...] = ()
    timeouts: TimeoutsWish | None = None
    daemons: tuple[DaemonWish, ...] = ()

    def scope(self, *, purge_services: bool = False, purge_destinations: bool = False) -> Scope:
        """What is named, and with purge also what is not."""
        pools: dict[ServiceKey, PoolScope] = {}
        for service in self.services:
            named = frozenset(destination.key for destination in service.destinations)
            pools[service.key] = ALL if purge_destinations else named
        destinations: DestinationScope = pools
        owned = frozenset(service.key for service in self.services if not service.exists)
        translated = frozenset(
            service.key
            for service in self.services
            if any(destination.full_nat for destination in service.destinations)
        )
        return Scope(
            ALL if purge_services else owned,
            destinations,
            self.timeouts is not None,
            frozenset(daemon.role for daemon in self.daemons),
            ALL if purge_services else owned | translated,
        )


def resolve(
    wish: TableWish,
    current: State,
    mtu_of: MtuOf,
    *,
    keep_weights: bool = False,
    absent: Callable[[Fault], None] | None = None,
) -> State:
    """The complete state that this wish means, given what the kernel has.

    keep_weights: destinations that exist keep the weight they have, whatever the wish says.
    absent: told of a service or interface that the wish builds on, or of local addresses, that are
    not there, which are taken for there then; None: that is a fault like any other.
    Raises InvalidValue with every fault that shows only now.
    """
    faults: list[Fault] = []
    missing: list[Fault] = []
    services = {}
    local_addresses = {}
    for asked in wish.services:
        service = _service(asked, current.services.get(asked.key), keep_weights, faults, missing)
        if service is not None:
            services[asked.key] = service
        addresses = _local_addresses(asked, current, missing if asked.exists else faults)
        if addresses:
            local_addresses[asked.key] = addresses
    daemons = {
        daemon.role: _daemon(daemon, current.daemons.get(daemon.role), mtu_of, faults, missing)
        for daemon in wish.daemons
    }
    if absent is None:
        faults += missing
    elif not faults:
        for fault in missing:
            absent(fault)
    if faults:
        raise InvalidValue(faults)
    timeouts = current.timeouts
    if wish.timeouts is not None and timeouts is not None:
        timeouts = Timeouts(
            _first(wish.timeouts.tcp, timeouts.tcp),
            _first(wish.timeouts.tcp_fin, timeouts.tcp_fin),
            _first(wish.timeouts.udp, timeouts.udp),
        )
    full_nat = FullNat(current.full_nat.conntrack or bool(local_addresses), local_addresses)
    return State(services, timeouts, daemons, full_nat=full_nat)


def _service(
    asked: ServiceWish,
    have: Service | None,
    keep_weights: bool,
    faults: list[Fault],
    missing: list[Fault],
) -> Service | None:
    """The complete service; None when it has to be there, is not, and nothing builds on it."""
    if asked.exists and have is None:
        if not asked.destinations:
            return None
        reason = f"the virtual service {asked.key} does not exist (create it with ipvs_service)"
        missing.append(Fault(asked.path, reason))
    elif have is None and isinstance(asked.key, Endpoint):
        try:
            refuse_mapped(asked.key.address, asked.key.address)
        except MappedAddress as error:
            # One that is there is not asked for.
            faults.append(Fault(asked.path or "service", f"{str(asked.key)!r}: {error}"))
    settings = have.settings if have else None
    if settings is None or not asked.exists:
        settings = _service_settings(asked, settings, faults)
    known = have.destinations if have else {}
    pool = {
        destination.key: _destination_settings(
            destination, known.get(destination.key), asked.key.family, keep_weights, faults
        )
        for destination in asked.destinations
    }
    return Service(asked.key, settings, pool)


def _local_addresses(asked: ServiceWish, current: State, faults: list[Fault]) -> tuple[str, ...]:
    """Those said, else those that the service has; one that is new starts without."""
    addresses = asked.local_addresses
    if addresses is None:
        addresses = current.local_addresses(asked.key) if asked.key in current.services else ()
    if not addresses:
        for destination in asked.destinations:
            if destination.full_nat:
                reason = (
                    f"{FULL_NAT!r} needs local_addresses of the service: addresses of this host"
                    " that its connections to real servers come from; it has none"
                )
                faults.append(Fault(under(destination.path, "forwarding"), reason))
    return addresses


def _first(said: int | None, otherwise: int) -> int:
    return otherwise if said is None else said


def new_service_settings(family: Family) -> ServiceSettings:
    """Of a service that nothing is said of: as ipvsadm makes it."""
    return ServiceSettings("wlc", ServiceFlags.NONE, 0, HOST_NETMASK[family], "")


def _service_settings(
    asked: ServiceWish, have: ServiceSettings | None, faults: list[Fault]
) -> ServiceSettings:
    key = asked.key
    base = have or new_service_settings(key.family)
    scheduler = asked.scheduler or base.scheduler
    flags = base.flags
    if asked.flags is not None:
        flags = ServiceFlags.NONE
        for name in asked.flags:
            try:
                flags |= parse_flag(name, scheduler)
            except ValueError as error:
                faults.append(Fault(under(asked.path, "flags"), str(error)))
    settings = ServiceSettings(
        scheduler,
        flags,
        _first(asked.persistence, base.persistence),
        _first(asked.netmask, base.netmask),
        base.engine if asked.engine is None else asked.engine,
    )
    if settings != have:
        _judge_service(asked, settings, faults)
    return settings


def _judge_service(asked: ServiceWish, settings: ServiceSettings, faults: list[Fault]) -> None:
    """Note what does not go together. What the kernel holds already is not asked for."""
    key = asked.key
    if (
        ServiceFlags.ONE_PACKET in settings.flags
        and isinstance(key, Endpoint)
        and key.transport is not Transport.UDP
    ):
        reason = f"'one-packet' is for UDP and firewall mark services, not for {key}"
        faults.append(Fault(under(asked.path, "flags"), reason))
    if asked.engine and not settings.persistence:
        reason = f"{asked.engine!r} needs persistence: a persistence engine does nothing without"
        faults.append(Fault(under(asked.path, "engine"), reason))


def _destination_settings(
    asked: DestinationWish,
    have: DestinationSettings | None,
    service_family: Family,
    keep_weights: bool,
    faults: list[Fault],
) -> DestinationSettings:
    base = have or DestinationSettings(1, Forwarding.DIRECT)
    forwarding = asked.forwarding or base.forwarding
    tunnel = asked.tunnel
    if tunnel is None:
        tunnel = base.tunnel if forwarding is Forwarding.TUNNEL else PLAIN_TUNNEL
    settings = DestinationSettings(
        base.weight if have and (keep_weights or asked.weight is None) else _first(asked.weight, 1),
        forwarding,
        _first(asked.upper, base.upper),
        # Without an upper threshold there can be no lower one: to take away one takes away both.
        0 if asked.upper == 0 and asked.lower is None else _first(asked.lower, base.lower),
        tunnel,
    )
    if settings != have:
        _judge_destination(asked, settings, service_family, faults)
    return settings


def _judge_destination(
    asked: DestinationWish,
    settings: DestinationSettings,
    service_family: Family,
    faults: list[Fault],
) -> None:
    """Note what does not go together. What the kernel holds already is not asked for."""
    forwarding = settings.forwarding
    if asked.tunnel and forwarding is not Forwarding.TUNNEL and settings.tunnel != PLAIN_TUNNEL:
        reason = f"a tunnel type needs forwarding 'tunnel', and forwarding is {forwarding.value!r}"
        faults.append(Fault(under(asked.path, "tunnel"), reason))
    if settings.lower > settings.upper:
        said = "lower_threshold" if asked.lower is not None else "upper_threshold"
        limit = str(settings.upper) if settings.upper else "0: none"
        reason = f"the lower threshold {settings.lower} is above the upper one ({limit})"
        faults.append(Fault(under(asked.path, said), reason))
    if asked.key.family is not service_family and forwarding is not Forwarding.TUNNEL:
        reason = (
            f"{asked.key} is of the other address family than its service;"
            f" that needs forwarding 'tunnel', and forwarding is {forwarding.value!r}"
        )
        faults.append(Fault(under(asked.path, "address"), reason))


def _daemon(
    asked: DaemonWish,
    have: SyncDaemon | None,
    mtu_of: MtuOf,
    faults: list[Fault],
    missing: list[Fault],
) -> SyncDaemon:
    interface = asked.interface or (have.interface if have else "")
    group = asked.group or (have.group if have else SYNC_GROUP)
    headers = _UDP_HEADERS[family_of(group)]
    if not interface:
        faults.append(Fault(under(asked.path, "interface"), "is needed to start a sync daemon"))
    mtu = mtu_of(interface) if interface else None
    if interface and mtu is None:
        reason = f"there is no network interface {interface!r} in this network namespace"
        missing.append(Fault(under(asked.path, "interface"), reason))
    same = have is not None and (have.interface, have.group) == (interface, group)
    maxlen = asked.maxlen
    if maxlen is None and have is not None and same:
        maxlen = have.maxlen
    if maxlen is None:
        maxlen = _default_maxlen(asked.role, mtu or _ETHERNET_MTU, headers)
    if maxlen > 65535 - headers:
        reason = f"{maxlen} is not in 1..{65535 - headers} (what fits a UDP packet to {group})"
        faults.append(Fault(under(asked.path, "maxlen"), reason))
    return SyncDaemon(
        asked.role,
        interface,
        _first(asked.sync_id, have.sync_id if have else 0),
        maxlen,
        group,
        _first(asked.port, have.port if have else SYNC_PORT),
        _first(asked.ttl, have.ttl if have else SYNC_TTL),
    )


def _default_maxlen(role: Role, mtu: int, headers: int) -> int:
    """What the kernel takes when nothing is said (``start_sync_thread``).

    A master fits Ethernet; a backup takes what its interface can carry.
    """
    if role is Role.MASTER:
        return _ETHERNET_MTU - headers
    return min(max(mtu, _ETHERNET_MTU), 65535) - headers
