"""A network with a client, two directors and real servers, for traffic through IPVS.

    client ---- clients' network ---- director, backup ---- servers' network ---- rs1, rs2, ...
    10.1.0.10   10.1.0.0/24           .1        .2          10.2.0.0/24           .11  .12
    fd01::10    fd01::/64             ::1       ::2         fd02::/64             ::11 ::12

The real servers are on the clients' network too (10.1.0.11, ...), which is how they answer the
client in direct routing and tunnelling.  The virtual address is 10.1.0.100 and fd01::100, and the
director has it.  Every host is a network namespace of that name, so `ip netns exec rs1 ...` works
as well.  Of IPVS it knows nothing: a director's table is empty.
"""

from __future__ import annotations

import os
import subprocess
import sys
from types import TracebackType
from typing import Literal

from node import Address, CommandFailed, InnerNode, Node, endpoint

__all__ = ["VIP", "Address", "CommandFailed", "InnerNode", "Node", "Topology", "endpoint"]

VIP = Address("10.1.0.100", "fd01::100")
GUE_PORT = 6080
WEBSERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "webserver.py")

Tunnel = Literal["ipip", "gue", "gre"]
TUNNELS = Address("tun4", "tun6")
# The kinds of link that take such packets, over IPv4 and over IPv6.  Decapsulated from UDP, a
# packet goes to the same receiver as one that came without it.
LINKS = {
    "ipip": Address("ipip", "ip6tnl mode ip6ip6"),
    "gue": Address("ipip", "ip6tnl mode ip6ip6"),
    "gre": Address("gre", "ip6gre"),
}


class Topology:
    """The network, for as long as the `with` lasts."""

    def __init__(self, real_servers: int = 3) -> None:
        if "IPVS_LAB" not in os.environ:
            raise RuntimeError("this changes the network it runs in: start it by tests/lab/run")
        self.client = Node("client", 10)
        self.director = InnerNode("director", 1)
        self.backup = InnerNode("backup", 2)
        self.real_servers = [InnerNode(f"rs{n}", 10 + n) for n in range(1, real_servers + 1)]
        # The bridges have a namespace of their own: no link appears where we came from.
        self._wires = Node("wires", 0)
        self.inner: list[InnerNode] = [self.director, self.backup, *self.real_servers]
        self.nodes: list[Node] = [self.client, *self.inner]
        self._tunnel: Tunnel | None = None

    def __enter__(self) -> Topology:
        _ip(*(f"netns add {node.name}" for node in (self._wires, *self.nodes)))
        try:
            for node in self.nodes:
                _prepare(node)
            self._connect()
            for director in (self.director, self.backup):
                director.sysctl("net.ipv4.ip_forward", 1)
                director.sysctl("net.ipv6.conf.all.forwarding", 1)
            self.give_vip_to(self.director)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what runs in the network, and the network."""
        for node in self.nodes:
            node.stop()
        _ip(*(f"netns del {node.name}" for node in (self._wires, *self.nodes)))

    def give_vip_to(self, director: InnerNode) -> None:
        """Put the virtual address on this director, and the client's route to it."""
        addresses = _host_addresses(VIP)
        for other in (self.director, self.backup):
            other.ip(*(f"addr flush dev lo to {address}" for address in addresses))
        director.ip(*(f"addr add {address} dev lo" for address in addresses))
        self.client.ip(*_routes(VIP, director.front))

    def route_replies(self, via: Literal["director", "backup"] | None = "director") -> None:
        """Send the real servers' answers back through a director, as NAT needs; None: directly."""
        for server in self.real_servers:
            if via is None:
                v4, v6 = _host_addresses(self.client.front)
                server.run(f"ip route flush {v4}")
                server.run(f"ip -6 route flush {v6}")
            else:
                server.ip(*_routes(self.client.front, getattr(self, via).back))

    def accept_direct(self) -> None:
        """Have the real servers take packets for the virtual address, without telling anyone."""
        for server in self.real_servers:
            # arp_ignore 1: answer only for addresses of the interface that is asked.  IPv6 does
            # that anyway.
            server.sysctl("net.ipv4.conf.all.arp_ignore", 1)
            server.sysctl("net.ipv4.conf.all.arp_announce", 2)
            server.ip(*(f"addr replace {address} dev lo" for address in _host_addresses(VIP)))

    def accept_tunnels(self, kind: Tunnel = "ipip") -> None:
        """Have the real servers unpack tunnels of this kind alone, and take what is inside."""
        self.accept_direct()
        self.refuse_tunnels()
        self._tunnel = kind
        if kind == "gue":
            # Nothing loads this on demand: its netlink family has no alias.
            subprocess.run(["modprobe", "fou"], check=True)
        for server in self.real_servers:
            for name, link, local in zip(TUNNELS, LINKS[kind], server.back):
                server.ip(f"link add {name} type {link} local {local}", f"link set {name} up")
            if kind == "gue":
                server.ip(f"fou add port {GUE_PORT} gue", f"fou add port {GUE_PORT} gue -6")

    def refuse_tunnels(self) -> None:
        """Have the real servers take no tunnel's packets any more."""
        for server in self.real_servers:
            if self._tunnel:
                server.ip(*(f"link del {name}" for name in TUNNELS))
            if self._tunnel == "gue":
                server.ip(f"fou del port {GUE_PORT}", f"fou del port {GUE_PORT} -6")
        self._tunnel = None

    def serve(self, *ports: int, keep_open: bool = False) -> None:
        """Start a web server on each real server, and return when all of them listen."""
        options = ["--keep-open"] if keep_open else []
        words = [*options, *map(str, ports or (80,))]
        servers = [
            server.start([sys.executable, WEBSERVER, server.name, *words], stdout=subprocess.PIPE)
            for server in self.real_servers
        ]
        for server in servers:
            assert server.stdout
            if server.stdout.readline() != "ready\n":
                raise RuntimeError(f"a web server did not start: {server.args!r}")

    def _connect(self) -> None:
        attached = [(node, "front", node.front) for node in self.nodes]
        attached += [(node, "back", node.back) for node in self.inner]
        self._wires.ip(
            # Snooping would hold back the neighbour solicitations of hosts not yet heard of.
            "link add front type bridge mcast_snooping 0",
            "link add back type bridge mcast_snooping 0",
            "link set front up",
            "link set back up",
            *(
                f"link add {node.name}-{network} master {network} up type veth "
                f"peer name {network} netns {node.name}"
                for node, network, _address in attached
            ),
        )
        for node in self.nodes:
            commands = ["link set lo up"]
            for owner, network, (v4, v6) in attached:
                if owner is node:
                    commands += [
                        f"link set {network} up",
                        f"addr add {v4}/24 dev {network}",
                        f"addr add {v6}/64 dev {network} nodad",
                    ]
            node.ip(*commands)


def _prepare(node: Node) -> None:
    for which in ("all", "default"):
        # An address that is being checked for duplicates cannot be used, for a second or two.
        node.sysctl(f"net.ipv6.conf.{which}.accept_dad", 0)
        # Packets may come from where their answers do not go, as in direct routing.
        node.sysctl(f"net.ipv4.conf.{which}.rp_filter", 0)
        node.sysctl(f"net.ipv4.conf.{which}.send_redirects", 0)


def _host_addresses(address: Address) -> tuple[str, str]:
    return f"{address.v4}/32", f"{address.v6}/128"


def _routes(to: Address, via: Address) -> list[str]:
    pairs = zip(_host_addresses(to), via)
    return [f"route replace {destination} via {gateway}" for destination, gateway in pairs]


def _ip(*commands: str) -> None:
    subprocess.run(
        ["ip", "-batch", "-"],
        input="".join(f"{line}\n" for line in commands),
        text=True,
        check=True,
    )
