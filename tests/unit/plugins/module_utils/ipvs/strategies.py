"""IPVS tables as hypothesis draws them, and the parts they are made of.

Names come out of small pools as often as not, so that two tables drawn apart have things in common.
What is drawn is a table that a document may ask for, unless its name says `held`: that is anything
a kernel may hold.
"""

from __future__ import annotations

import socket

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.document import (
    MAX_PERSISTENCE,
    MAX_THRESHOLD,
    MAX_TIMEOUT,
    MIN_BACKUP_MAXLEN,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    PLAIN_TUNNEL,
    Checksum,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Firewallmark,
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
    TunnelKind,
    packed_address,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.schedulers import SCHEDULERS
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import ALL, Scope
from hypothesis import strategies as st

#: Network interfaces that sync daemons may name, with their MTU.
INTERFACES = {"lo": 65536, "eth0": 1500, "jumbo0": 9000}

U32 = 2**32 - 1

_NEAR = {
    # The order of the text is not the order of the numbers.
    Family.INET: ["192.0.2.9", "192.0.2.10", "198.51.100.7"],
    Family.INET6: ["2001:db8::9", "2001:db8::10", "64:ff9b::c000:209"],
}


def _ipv4(number: int) -> str:
    return socket.inet_ntop(socket.AF_INET, number.to_bytes(4, "big"))


def _ipv6(number: int) -> str:
    return socket.inet_ntop(socket.AF_INET6, number.to_bytes(16, "big"))


_FAR = {
    Family.INET: st.integers(0, U32).map(_ipv4),
    Family.INET6: st.integers(0, 2**128 - 1).map(_ipv6),
}

#: Neither multicast, link-local nor IPv4 in disguise: what can have a real server behind it.
_FAR_HOSTS = {
    Family.INET: st.integers(0x01000000, 0xDFFFFFFF).map(_ipv4),
    Family.INET6: st.integers(0x2000 << 112, (0x4000 << 112) - 1).map(_ipv6),
}
_NEAR_HOSTS = {family: names[:2] for family, names in _NEAR.items()}

families = st.sampled_from(Family)
ports = st.sampled_from([0, 80, 443]) | st.integers(0, 65535)


def addresses(family: Family) -> st.SearchStrategy[str]:
    """Canonical addresses of a family."""
    return st.sampled_from(_NEAR[family]) | _FAR[family]


endpoints = families.flatmap(
    lambda family: st.builds(Endpoint, st.sampled_from(Transport), addresses(family), ports)
)
firewallmarks = st.builds(Firewallmark, st.sampled_from([1, 2]) | st.integers(1, U32), families)
service_keys: st.SearchStrategy[ServiceKey] = endpoints | firewallmarks


def destination_keys(family: Family | None = None) -> st.SearchStrategy[DestinationKey]:
    """Real servers, of one family if it is given."""
    if family is None:
        return families.flatmap(destination_keys)
    return st.builds(
        DestinationKey, st.sampled_from(_NEAR_HOSTS[family]) | _FAR_HOSTS[family], ports
    )


def netmasks(family: Family) -> st.SearchStrategy[int]:
    """Granularity of persistence."""
    if family is Family.INET6:
        return st.integers(1, 128)
    prefixes = st.integers(0, 32).map(lambda length: U32 << (32 - length) & U32)
    return prefixes | st.integers(0, U32)


scheduling_flags = st.sets(
    st.sampled_from([ServiceFlags.FLAG_1, ServiceFlags.FLAG_2, ServiceFlags.FLAG_3])
)


def union(flags: set[ServiceFlags]) -> ServiceFlags:
    """All of the flags as one value."""
    value = ServiceFlags.NONE
    for flag in flags:
        value |= flag
    return value


@st.composite
def service_settings(draw: st.DrawFn, key: ServiceKey) -> ServiceSettings:
    """Settings that this service may be asked to have."""
    flags = union(draw(scheduling_flags))
    one_packet = isinstance(key, Firewallmark) or key.transport is Transport.UDP
    if one_packet and draw(st.booleans()):
        flags |= ServiceFlags.ONE_PACKET
    persistence = draw(st.just(0) | st.integers(1, MAX_PERSISTENCE))
    return ServiceSettings(
        draw(st.sampled_from(sorted(SCHEDULERS))),
        flags,
        persistence,
        draw(netmasks(key.family)),
        draw(st.sampled_from(["", "sip"])) if persistence else "",
    )


tunnels = st.one_of(
    st.just(PLAIN_TUNNEL),
    st.builds(
        Tunnel, st.just(TunnelKind.GRE), st.just(0), st.sampled_from([Checksum.NONE, Checksum.CSUM])
    ),
    st.builds(Tunnel, st.just(TunnelKind.GUE), st.integers(1, 65535), st.sampled_from(Checksum)),
)


@st.composite
def destination_settings(
    draw: st.DrawFn, service: ServiceKey, key: DestinationKey
) -> DestinationSettings:
    """Settings that this destination may be asked to have."""
    mixed = key.family is not service.family
    forwarding = Forwarding.TUNNEL if mixed else draw(st.sampled_from(Forwarding))
    upper = draw(st.just(0) | st.integers(0, MAX_THRESHOLD))
    return DestinationSettings(
        draw(st.sampled_from([0, 1]) | st.integers(0, 65535)),
        forwarding,
        upper,
        draw(st.integers(0, upper)),
        draw(tunnels) if forwarding is Forwarding.TUNNEL else PLAIN_TUNNEL,
    )


@st.composite
def services(draw: st.DrawFn, key: ServiceKey, mixed: bool = True) -> Service:
    """A virtual service with its pool; mixed: destinations may be of the other family."""
    names = destination_keys(None if mixed else key.family)
    pool = {
        name: draw(destination_settings(key, name)) for name in draw(st.lists(names, max_size=3))
    }
    return Service(key, draw(service_settings(key)), pool)


timeouts = st.builds(Timeouts, *[st.integers(1, MAX_TIMEOUT)] * 3)


def _groups(family: Family) -> st.SearchStrategy[str]:
    if family is Family.INET:
        return st.integers(0xE0000000, 0xEFFFFFFF).map(_ipv4)
    return st.integers(0xFF << 120, (0x100 << 120) - 1).map(_ipv6)


@st.composite
def sync_daemons(draw: st.DrawFn, role: Role) -> SyncDaemon:
    """A sync daemon of a role."""
    family = draw(families)
    headers = 28 if family is Family.INET else 48
    least = MIN_BACKUP_MAXLEN if role is Role.BACKUP else 1
    return SyncDaemon(
        role,
        draw(st.sampled_from(sorted(INTERFACES))),
        draw(st.integers(0, 255)),
        draw(st.integers(least, 65535 - headers)),
        draw(st.just("224.0.0.81") if family is Family.INET else _groups(family)),
        draw(st.integers(1, 65535)),
        draw(st.integers(1, 255)),
    )


@st.composite
def local_addresses(draw: st.DrawFn, family: Family) -> tuple[str, ...]:
    """Some addresses, in numeric order."""
    hosts = st.sampled_from(_NEAR_HOSTS[family]) | _FAR_HOSTS[family]
    found = draw(st.lists(hosts, min_size=1, max_size=3, unique=True))
    return tuple(sorted(found, key=packed_address))


@st.composite
def rules(draw: st.DrawFn, family: Family) -> dict[ServiceKey, tuple[str, ...]]:
    """Local addresses of some services of a family."""
    own = service_keys.filter(lambda key: key.family is family)
    keys = draw(st.lists(own, max_size=4, unique=True))
    return {key: draw(local_addresses(family)) for key in keys}


@st.composite
def states(draw: st.DrawFn, mixed: bool | None = None) -> State:
    """A whole table. With mixed families there are no sync daemons: the kernel takes one of them.

    None = either. IPVS tells netfilter of its connections: once it does, no plan changes that.
    """
    if mixed is None:
        mixed = draw(st.booleans())
    keys = draw(st.lists(service_keys, max_size=3, unique=True))
    roles = [] if mixed else [role for role in Role if draw(st.booleans())]
    return State(
        {key: draw(services(key, mixed)) for key in keys},
        draw(timeouts),
        {role: draw(sync_daemons(role)) for role in roles},
        full_nat=FullNat(
            True, {key: draw(local_addresses(key.family)) for key in draw(subsets(keys))}
        ),
    )


def subsets(items: list) -> st.SearchStrategy[frozenset]:
    """Sets of some of the items."""
    return st.frozensets(st.sampled_from(items)) if items else st.just(frozenset())


#: Nowhere else: what is named and is not there must do no harm.
ABSENT_SERVICE = Endpoint(Transport.TCP, "203.0.113.1", 1)
ABSENT_DESTINATION = DestinationKey("203.0.113.2", 2)


@st.composite
def scopes(draw: st.DrawFn, *tables: State) -> Scope:
    """A scope over things out of these tables, and over some that are in none."""
    keys = [*{key: None for table in tables for key in table.services}, ABSENT_SERVICE]
    owned = draw(st.just(ALL) | subsets(keys))
    destinations = ALL
    if draw(st.booleans()):
        destinations = {}
        for key in draw(subsets(keys)):
            pools = [table.services[key].destinations for table in tables if key in table.services]
            names = [*{name: None for pool in pools for name in pool}, ABSENT_DESTINATION]
            destinations[key] = draw(st.just(ALL) | subsets(names))
    translated = draw(st.just(ALL) | subsets(keys))
    return Scope(owned, destinations, draw(st.booleans()), draw(subsets(list(Role))), translated)


# -- what a kernel may hold beyond what a document may ask for

_names = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=15)
held_flags = st.sets(st.sampled_from(ServiceFlags)).map(union)


def held_service_settings(family: Family) -> st.SearchStrategy[ServiceSettings]:
    """Settings of a service as a kernel may report them."""
    netmask = st.integers(0, 128) if family is Family.INET6 else netmasks(family)
    persistence = st.just(0) | st.integers(0, U32)
    return st.builds(
        ServiceSettings, _names, held_flags, persistence, netmask, st.just("") | _names
    )


held_destination_settings = st.builds(
    DestinationSettings,
    st.integers(0, 2**31 - 1),
    st.sampled_from(Forwarding),
    st.integers(0, U32),
    st.integers(0, U32),
    st.builds(
        Tunnel, st.sampled_from(TunnelKind), st.integers(0, 65535), st.sampled_from(Checksum)
    ),
)

held_timeouts = st.builds(Timeouts, *[st.integers(0, U32)] * 3)

held_sync_daemons = st.builds(
    SyncDaemon,
    st.sampled_from(Role),
    _names,
    st.integers(0, U32),
    st.integers(0, 65535),
    families.flatmap(addresses),
    st.integers(0, 65535),
    st.integers(0, 255),
)
