# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an IPVS table is: frozen values, canonical, complete.

Keys name a thing, settings describe it; two values are the same table exactly when they are equal.
Addresses are text in the one form ``inet_ntop`` prints, so that equal addresses are equal strings.
Numbers are what the kernel holds; whether a user may ask for them is decided at the edges
(``document``, ``wish``), so every table a kernel can report has a value here.

Names of things follow ipvsadm(8); kernel symbols are those of ``include/uapi/linux/ip_vs.h``.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, Flag
from typing import NamedTuple, Union


class _Word:
    """A closed word. Each member is there once, so its identity is its hash, and the fastest."""

    __hash__ = object.__hash__


class Family(_Word, Enum):
    """Address family of a service, a firewall mark or a destination."""

    INET = "inet"
    INET6 = "inet6"


class Transport(_Word, Enum):
    """Transport protocol of a virtual service."""

    TCP = "tcp"
    UDP = "udp"
    SCTP = "sctp"


class Forwarding(_Word, Enum):
    """Forwarding (packet forwarding method) of a destination: ``IP_VS_CONN_F_FWD_MASK``."""

    MASQUERADE = "masquerade"
    LOCAL = "local"
    TUNNEL = "tunnel"
    DIRECT = "direct"
    BYPASS = "bypass"


class TunnelKind(_Word, Enum):
    """Encapsulation of forwarding by tunnel: ``IP_VS_CONN_F_TUNNEL_TYPE_*``."""

    IPIP = "ipip"
    GUE = "gue"
    GRE = "gre"


class Checksum(_Word, Enum):
    """Checksumming of GUE and GRE: ``IP_VS_TUNNEL_ENCAP_FLAG_*``."""

    NONE = "none"
    CSUM = "csum"
    REMCSUM = "remcsum"


class Role(_Word, Enum):
    """Role of a connection synchronisation daemon: ``IP_VS_STATE_MASTER``, ``..._BACKUP``."""

    MASTER = "master"
    BACKUP = "backup"


class ServiceFlags(Flag):
    """Flags of a virtual service, with the kernel's bits (``IP_VS_SVC_F_*``).

    What FLAG_1..FLAG_3 mean is up to the scheduler: sh and mh read FLAG_1 as fallback, FLAG_2 as
    port.
    """

    NONE = 0
    ONE_PACKET = 0x0004
    FLAG_1 = 0x0008
    FLAG_2 = 0x0010
    FLAG_3 = 0x0020


def family_of(address: str) -> Family:
    """Family of a canonical address."""
    return Family.INET6 if ":" in address else Family.INET


def packed_address(address: str) -> bytes:
    """Network byte order: 4 bytes for IPv4, 16 for IPv6. ValueError when it is not an address."""
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except (OSError, ValueError):
        raise ValueError(f"{address!r} is not an IPv4 or IPv6 address") from None


def canonical_address(address: str) -> str:
    """The one text form of an address. ValueError when it is not an address."""
    packed = packed_address(address)
    return socket.inet_ntop(socket.AF_INET6 if len(packed) == 16 else socket.AF_INET, packed)


def is_multicast(address: str) -> bool:
    """Whether an address is one of 224.0.0.0/4 or ff00::/8."""
    first = packed_address(address)[0]
    return first == 0xFF if ":" in address else 224 <= first <= 239


def host_port(address: str, port: int) -> str:
    """``192.0.2.1:80`` or ``[2001:db8::1]:80``."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


_TRANSPORT_ORDER = {transport: number for number, transport in enumerate(Transport)}


@dataclass(frozen=True)
class Endpoint:
    """A virtual service named by transport, virtual address and port (0 = every port)."""

    transport: Transport
    address: str
    port: int

    @property
    def family(self) -> Family:
        """Family of the virtual address."""
        return family_of(self.address)

    def order(self) -> tuple[int, int, bytes, int, int]:
        """Sorts by family, numeric address, port, transport; endpoints before firewall marks."""
        packed = packed_address(self.address)
        return (0, len(packed), packed, self.port, _TRANSPORT_ORDER[self.transport])

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        tail = f":{self.port}" if self.port else ""
        return f"{self.transport.value}://{host}{tail}"


@dataclass(frozen=True)
class Firewallmark:
    """A virtual service named by the firewall mark of its packets, one per address family."""

    mark: int
    family: Family

    def order(self) -> tuple[int, int, bytes, int, int]:
        """Sorts by family and mark, after all endpoints."""
        return (1, 4 if self.family is Family.INET else 16, b"", self.mark, 0)

    def __str__(self) -> str:
        return f"fwmark:{self.mark}" + ("/inet6" if self.family is Family.INET6 else "")


ServiceKey = Union[Endpoint, Firewallmark]

#: Granularity of a persistence that tells every client apart: the kernel wants one even without it.
HOST_NETMASK = {Family.INET: 0xFFFFFFFF, Family.INET6: 128}


@dataclass(frozen=True)
class ServiceSettings:
    """How a virtual service distributes connections.

    scheduler: the kernel's name (``wlc``, ``mh``, ...).
    flags: see ServiceFlags.
    persistence: seconds a client sticks to a destination; 0 = not persistent.
    netmask: granularity of persistence; IPv4: the mask as a 32-bit number, IPv6: a prefix length.
    engine: persistence engine (``sip``); empty = none.
    """

    scheduler: str
    flags: ServiceFlags
    persistence: int
    netmask: int
    engine: str


class DestinationKey(NamedTuple):
    """A real server: address and port (0 = the port the client asked for).

    There are many of them and every pool is keyed by them, hence a tuple: it takes less memory
    than a dataclass, and is made, hashed and compared in a fraction of the time.
    """

    address: str
    port: int

    @property
    def family(self) -> Family:
        """Family of the real server's address; may differ from its service's when tunnelled."""
        return family_of(self.address)

    def order(self) -> tuple[int, bytes, int]:
        """Sorts by family, numeric address, port."""
        packed = packed_address(self.address)
        return (len(packed), packed, self.port)

    def __str__(self) -> str:
        return host_port(self.address, self.port)


@dataclass(frozen=True)
class Tunnel:
    """Encapsulation towards one destination; port: UDP port of GUE, else 0."""

    kind: TunnelKind = TunnelKind.IPIP
    port: int = 0
    checksum: Checksum = Checksum.NONE


PLAIN_TUNNEL = Tunnel()


@dataclass(frozen=True)
class DestinationSettings:
    """How a destination takes part.

    weight: share of new connections; 0 = quiesced (existing connections go on).
    forwarding: see Forwarding.
    upper, lower: connection thresholds (``IPVS_DEST_ATTR_U_THRESH``, ``L_THRESH``); 0 = none.
    tunnel: encapsulation, looked at by the kernel for Forwarding.TUNNEL only.
    """

    weight: int
    forwarding: Forwarding
    upper: int = 0
    lower: int = 0
    tunnel: Tunnel = PLAIN_TUNNEL


@dataclass(frozen=True)
class Service:
    """A virtual service with its pool of destinations."""

    key: ServiceKey
    settings: ServiceSettings
    destinations: Mapping[DestinationKey, DestinationSettings] = field(default_factory=dict)


@dataclass(frozen=True)
class Timeouts:
    """Connection time-outs of the table in seconds (ipvsadm(8) ``--set``)."""

    tcp: int
    tcp_fin: int
    udp: int


#: What a fresh network namespace starts with (``ip_vs_proto_tcp.c``, ``ip_vs_proto_udp.c``).
DEFAULT_TIMEOUTS = Timeouts(tcp=900, tcp_fin=120, udp=300)


@dataclass(frozen=True)
class SyncDaemon:
    """A connection synchronisation daemon; the kernel runs at most one of each role.

    interface: of multicast traffic; sync_id: 0..255 (a backup with 0 listens to all).
    maxlen: bytes of a message; group: multicast group; port: UDP port; ttl: of multicast packets.
    """

    role: Role
    interface: str
    sync_id: int
    maxlen: int
    group: str
    port: int
    ttl: int


@dataclass(frozen=True)
class FullNat:
    """Source translation of masqueraded connections, so that replies come back by themselves.

    It is kept by netfilter, beside the services: rules can be there for a service that is not.
    conntrack: whether IPVS tells netfilter of its connections (``net.ipv4.vs.conntrack``). Where it
    does not, no rule has an effect, and no service has local addresses.
    local_addresses: of a service, what its connections to the destinations come from, in numeric
    order. A service that has none is not in it.
    """

    conntrack: bool = False
    local_addresses: Mapping[ServiceKey, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class LocalUse:
    """What a local address carries now.

    connections: as conntrack knows them: those that have ended are there until it forgets them.
    conflicts: those of them that had to take another port than the client's, which was in use.
    """

    connections: int = 0
    conflicts: int = 0


@dataclass(frozen=True)
class State:
    """An IPVS table, or the part of it that a scope covers.

    timeouts: None outside of the scope.
    unreadable: what a kernel holds beside that and no word exists for; told, never compared.
    """

    services: Mapping[ServiceKey, Service] = field(default_factory=dict)
    timeouts: Timeouts | None = None
    daemons: Mapping[Role, SyncDaemon] = field(default_factory=dict)
    unreadable: tuple[str, ...] = field(default=(), compare=False)
    full_nat: FullNat = field(default_factory=FullNat)

    def local_addresses(self, service: ServiceKey) -> tuple[str, ...]:
        """Local addresses of a service; none when it has none."""
        return self.full_nat.local_addresses.get(service, ())


@dataclass(frozen=True)
class Counters:
    """What passed through a service or destination since it was made or zeroed, and its rates.

    64-bit (``IPVS_*_ATTR_STATS64``) where the kernel has them, from Linux 4.1. Rates are the
    kernel's estimate per second over some seconds: connections, packets and bytes in and out.
    """

    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    connections_rate: int = 0
    packets_in_rate: int = 0
    packets_out_rate: int = 0
    bytes_in_rate: int = 0
    bytes_out_rate: int = 0


@dataclass(frozen=True)
class DestinationCounters:
    """Connections now at a destination, by kind, and its counters.

    active: in state ESTABLISHED; inactive: in any other; persistent: persistence templates.
    """

    active: int
    inactive: int
    persistent: int
    traffic: Counters


@dataclass(frozen=True)
class ServiceCounters:
    """Counters of a virtual service and of each of its destinations."""

    traffic: Counters
    destinations: Mapping[DestinationKey, DestinationCounters]


@dataclass(frozen=True)
class KernelInfo:
    """``IPVS_CMD_GET_INFO``: version of IPVS, number of hash buckets of the connection table."""

    version: str
    connection_table_size: int
