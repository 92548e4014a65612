# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configuration + resolved names -> the pools that shall be, before health and operator: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ipvsman.config.model import Backend, CheckKind, Config, Frontend, HealthCheck
from ipvsman.health.spec import (
    Check,
    CommandProbe,
    DnsProbe,
    HttpProbe,
    IcmpProbe,
    Probe,
    TcpProbe,
    TlsProbe,
    UdpProbe,
)
from ipvsman.ipvs.model import (
    DestinationKey,
    DestinationSettings,
    Family,
    Forwarding,
    ServiceKey,
    canonical_address,
    family_of,
)
from ipvsman.ipvs.wish import DaemonWish, TimeoutsWish

#: (host name, family) -> its addresses; a name that has not been resolved yet is not in it.
Addresses = Mapping[tuple[str, Family], tuple[str, ...]]


@dataclass(frozen=True)
class Member:
    """One destination of a pool as configured.

    check None: not probed, counts as up; unless lacks says the name of what is to be probed for it,
    which has no address yet.
    """

    key: DestinationKey
    settings: DestinationSettings
    backend: Backend
    check: Check | None
    lacks: str = ""


@dataclass(frozen=True)
class Pool:
    """One virtual service as configured.

    fallback: who serves when too few of the members do; the same address may be in both.
    unresolved: names without an address of its family.
    """

    service: ServiceKey
    frontend: Frontend
    members: Mapping[DestinationKey, Member]
    unresolved: tuple[str, ...] = ()
    fallback: Mapping[DestinationKey, Member] = field(default_factory=dict)

    @property
    def everybody(self) -> tuple[Member, ...]:
        """Members, and those of the fallback."""
        return (*self.members.values(), *self.fallback.values())

    @property
    def by_key(self) -> Mapping[DestinationKey, Member]:
        """Everybody whom the kernel tells apart: of two with one address, that of the members."""
        return {**self.members, **{k: v for k, v in self.fallback.items() if k not in self.members}}


@dataclass(frozen=True)
class Desired:
    """Everything that shall be, by configuration."""

    pools: Mapping[ServiceKey, Pool] = field(default_factory=dict)
    timeouts: TimeoutsWish | None = None
    daemons: tuple[DaemonWish, ...] = ()

    @cached_property
    def users(self) -> Mapping[Check, frozenset[ServiceKey]]:
        """Every check that somebody needs, with those whose pools hang on it."""
        found: dict[Check, set[ServiceKey]] = {}
        for service, pool in self.pools.items():
            for member in pool.everybody:
                if member.check is not None:
                    found.setdefault(member.check, set()).add(service)
        return {check: frozenset(services) for check, services in found.items()}


def hostnames(config: Config) -> frozenset[tuple[str, Family]]:
    """Names that have to be resolved, each with the family it is wanted in."""
    names = set()
    for frontend in config.frontends:
        for service in frontend.services:
            for backend in (*frontend.backends, *frontend.fallback):
                if not _is_address(backend.address):
                    names.add((backend.address, service.family))
                target = backend.check.target
                if target is not None and not _is_address(target.address):
                    names.add((target.address, service.family))
    return frozenset(names)


def build(config: Config, addresses: Addresses) -> Desired:
    """The pools of a configuration, with what the names are known to mean now.

    A name stands for all its addresses of the service's family, each with the full weight of the
    row. A name without an address gives no destination: its siblings are not touched by that.
    """
    pools: dict[ServiceKey, Pool] = {}
    for frontend in config.frontends:
        for service in frontend.services:
            missing: dict[str, None] = {}
            members = _members(frontend.backends, service.family, addresses, missing)
            fallback = _members(frontend.fallback, service.family, addresses, missing)
            pools[service] = Pool(service, frontend, members, tuple(missing), fallback)
    return Desired(pools, config.timeouts, config.daemons)


def _members(
    backends: Iterable[Backend], family: Family, addresses: Addresses, missing: dict[str, None]
) -> dict[DestinationKey, Member]:
    """Rows as destinations of a service of a family; names without an address go to missing."""
    members = {}
    for backend in backends:
        found = _addresses(backend, family, addresses)
        if not found and not _is_address(backend.address):
            missing[backend.address] = None
        for address in found:
            key = DestinationKey(address, backend.port)
            members[key] = member = _member(key, backend, family, addresses)
            if member.lacks:
                missing[member.lacks] = None
    return members


def _is_address(text: str) -> bool:
    try:
        canonical_address(text)
    except ValueError:
        return False
    return True


def _addresses(backend: Backend, family: Family, addresses: Addresses) -> tuple[str, ...]:
    if not _is_address(backend.address):
        return addresses.get((backend.address, family), ())
    address = canonical_address(backend.address)
    # Another family than the service's goes by tunnel only; the loader has complained otherwise.
    if family_of(address) is family or backend.forwarding is Forwarding.TUNNEL:
        return (address,)
    return ()


def _member(key: DestinationKey, backend: Backend, family: Family, addresses: Addresses) -> Member:
    settings = DestinationSettings(
        backend.weight, backend.forwarding, backend.upper, backend.lower, backend.tunnel
    )
    if backend.check.disable:
        return Member(key, settings, backend, None)
    probe = probe_of(backend.check, key, family, addresses)
    if probe is None:
        target = backend.check.target
        return Member(key, settings, backend, None, target.address if target else "")
    return Member(key, settings, backend, Check(probe, backend.check.timing))


def probe_of(
    check: HealthCheck, destination: DestinationKey, family: Family, addresses: Addresses
) -> Probe | None:
    """The probe of a destination; None when its target's name has no address yet."""
    address, port = destination.address, destination.port
    if check.target is not None:
        port = check.target.port
        address = check.target.address
        if not _is_address(address):
            known = addresses.get((address, family), ())
            if not known:
                return None
            address = known[0]
        address = canonical_address(address)
    return _probe(check, address, port)


def _probe(check: HealthCheck, address: str, port: int) -> Probe:
    match check.kind:
        case CheckKind.TCP:
            return TcpProbe(address, port, check.send, check.expect)
        case CheckKind.HTTP:
            return _http(check, address, port, secure=False)
        case CheckKind.HTTPS:
            return _http(check, address, port, secure=True)
        case CheckKind.TLS:
            return TlsProbe(address, port, check.tls, check.days)
        case CheckKind.DNS:
            return DnsProbe(
                address,
                port,
                check.query_name,
                check.query_type or "A",
                check.over_tcp,
                check.rcode,
                check.answers,
            )
        case CheckKind.UDP:
            return UdpProbe(address, port, check.send, check.expect)
        case CheckKind.ICMP:
            return IcmpProbe(address)
        case CheckKind.COMMAND:
            return CommandProbe(check.command, address, port)


def _http(check: HealthCheck, address: str, port: int, secure: bool) -> HttpProbe:
    return HttpProbe(
        address,
        port,
        check.tls if secure else None,
        check.method,
        check.path or "/",
        check.host,
        check.statuses,
        check.body,
        check.body_is_regex,
    )
