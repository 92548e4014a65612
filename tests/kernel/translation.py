"""Services with local addresses, real servers that have no way to the client, and the client."""

from __future__ import annotations

import socket
import struct
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    DestinationSettings,
    Family,
    FullNat,
    Service,
    ServiceKey,
    State,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plan import Plan
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import ALL, SERVICES
from samples import masquerade, service, settings, settings6

from topology import Address, Topology

#: Tells who asks where it sees them come from.
PEERSERVER = str(Path(__file__).with_name("peerserver.py"))
#: Never a real server's, and routed the way that everything goes.
LOCALS = [Address("10.2.0.101", "fd02::101"), Address("10.2.0.105", "fd02::105")]
EVERYTHING_HERE = replace(SERVICES, local_addresses=ALL)
PORT = 7000
TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM, "sctp": socket.SOCK_STREAM}


@contextmanager
def without_a_way_back(protocols: Iterable[str] = tuple(TYPES)) -> Iterator[Topology]:
    """A network whose real servers throw away what goes to the client."""
    with Topology(real_servers=2) as network:
        for server in network.real_servers:
            server.ip(
                f"route add blackhole {network.client.front.v4}/32",
                f"route add blackhole {network.client.front.v6}/128",
            )
            for protocol in protocols:
                process = server.start([sys.executable, PEERSERVER, protocol, str(PORT)], stdout=-1)
                assert process.stdout
                assert process.stdout.readline() == "ready\n"
        for one in LOCALS:
            network.director.ip(
                f"addr add {one.v4}/24 dev back", f"addr add {one.v6}/64 dev back nodad"
            )
        yield network


def forget(net: Topology) -> None:
    """Have the director's conntrack forget all connections, as `conntrack -F` does.

    Those of other tests would go in the middle of this one, and be missed when it counts.
    """
    with net.director.inside(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as sock:
        # IPCTNL_MSG_CT_DELETE of NFNL_SUBSYS_CTNETLINK, for every family; with an answer.
        sock.send(struct.pack("=IHHIIBBH", 20, 1 << 8 | 2, 0x5, 1, 0, 0, 0, 0))
        (number,) = struct.unpack_from("=i", sock.recv(100), 16)
        assert number == 0


def addresses(field: str, count: int = 2) -> tuple[str, ...]:
    return tuple(getattr(one, field) for one in LOCALS[:count])


def pool(
    net: Topology, field: str, how: DestinationSettings | None = None
) -> dict[DestinationKey, DestinationSettings]:
    return {
        DestinationKey(getattr(one.back, field), PORT): how or masquerade()
        for one in net.real_servers
    }


def have(table: KernelTable, whole: Service, local_addresses: tuple[str, ...]) -> Plan:
    known = {whole.key: local_addresses} if local_addresses else {}
    return reconcile(
        table, State({whole.key: whole}, full_nat=FullNat(True, known)), EVERYTHING_HERE
    )


def rr(key: ServiceKey, servers: dict, persistence: int = 0) -> Service:
    make = settings if key.family is Family.INET else settings6
    return service(key, servers, make("rr", persistence=persistence))


def asks(net: Topology, protocol: str, vip: str) -> socket.socket:
    """A connection of the client's, which has had no answer yet."""
    number = socket.IPPROTO_SCTP if protocol == "sctp" else 0
    family = socket.AF_INET6 if ":" in vip else socket.AF_INET
    with net.client.inside():
        sock = socket.socket(family, TYPES[protocol], number)
    sock.settimeout(10)
    return sock


def seen(net: Topology, protocol: str, vip: str, count: int = 1, port: int = PORT) -> Counter[str]:
    """Where so many connections come from, as the real servers see them."""
    found: Counter[str] = Counter()
    for _unused in range(count):
        with asks(net, protocol, vip) as sock:
            sock.connect((vip, port))
            if protocol == "udp":
                sock.send(b"?")
            found[sock.recv(100).decode()] += 1
    return found


def counted(table: KernelTable, key: ServiceKey) -> dict[str, int]:
    """How many connections each local address carries."""
    return {one: use.connections for one, use in table.local_connections()[key].items()}


def saved(net: Topology, field: str) -> str:
    program = "iptables-legacy-save" if field == "v4" else "ip6tables-legacy-save"
    return net.director.run(f"{program} -t nat")
