# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which facts a real server of direct routing and tunnelling needs, from what was asked for. Pure.

Internal to this collection. Every fault is named, all at once.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ..ipvs.errors import Fault, InvalidValue
from ..network.facts import Address, Fact, FouPort, Module, OwnLink, Sysctl, Up
from ..network.names import is_link_name

OWN_IP6TNL = "lvs-ip6tnl"
#: Who unpacks what: (outer, inner) -> (module, the link that it comes with). GUE leads to these.
RECEIVERS = {
    ("inet", "inet"): ("ipip", "tunl0"),
    ("inet", "inet6"): ("sit", "sit0"),
    # Not ip6tnl0, which takes IPv6 alone.
    ("inet6", "inet"): ("ip6_tunnel", OWN_IP6TNL),
    ("inet6", "inet6"): ("ip6_tunnel", "ip6tnl0"),
}
#: `external` takes all that no other link does.
IP6TNL_KIND = "ip6tnl external"
GRE = {"inet": ("ip_gre", "gre0"), "inet6": ("ip6_gre", "ip6gre0")}
GRE_KIND = {"inet": "gre", "inet6": "ip6gre"}
OWN_GRE = "lvs-gre"

LOOSE = "2"


def facts_of(params: Mapping[str, Any]) -> list[Fact]:
    """The facts, in the order in which they are made so. Raises InvalidValue."""
    faults: list[Fault] = []
    addresses = _addresses(params["addresses"] or [], "addresses", faults)
    if params["addresses"] == []:
        faults.append(Fault("addresses", "is empty; with state absent everything is taken back"))
    link = params["interface"]
    _link_name(link, "interface", faults)
    if link.startswith(("tunl", "gre", "sit", "ip6tnl", "ip6gre")):
        faults.append(Fault("interface", f"{link} unpacks tunnels; 'lo', or the name of a dummy"))
    loose = params["loose_interfaces"] or []
    for number, name in enumerate(loose):
        _link_name(name, f"loose_interfaces[{number}]", faults)
    tunnels = params["tunnels"] or []
    inner = _families(addresses)
    receivers = _receivers(tunnels, addresses, faults)
    if faults:
        raise InvalidValue(faults)

    sysctls: list[Fact] = []
    if "inet" in inner:
        # The larger of `all` and of the interface counts, so `all` is for those to come, too. 8
        # never answers, 2 does by yet stricter rules than 1.
        sysctls.append(Sysctl("net.ipv4.conf.all.arp_ignore", "1", ("2", "8")))
        sysctls.append(Sysctl("net.ipv4.conf.all.arp_announce", "2"))
    sysctls += [_loose(name) for name in loose]
    own: list[Fact] = []
    if link != "lo":
        own = [Module("dummy"), OwnLink(link, "dummy")]
    # Silence first, addresses last.
    return [*sysctls, *own, *receivers, *(_address(address, link) for address in addresses)]


def family(address: str) -> str:
    """inet or inet6."""
    return "inet6" if ":" in address else "inet"


def _families(addresses: Sequence[str]) -> list[str]:
    return sorted({family(address) for address in addresses})


def _addresses(given: Sequence[Any], path: str, faults: list[Fault]) -> list[str]:
    """In canonical form, each once."""
    found: list[str] = []
    for number, text in enumerate(given):
        address = _host_address(text, f"{path}[{number}]", faults)
        if address in found:
            faults.append(Fault(f"{path}[{number}]", f"{address} is there twice"))
        elif address:
            found.append(address)
    return found


def _host_address(text: Any, path: str, faults: list[Fault]) -> str | None:
    try:
        address = ipaddress.ip_address(str(text))
    except ValueError:
        hint = "; without a prefix length" if "/" in str(text) else ""
        faults.append(Fault(path, f"{text!r} is not an IPv4 or IPv6 address{hint}"))
        return None
    if "%" in str(text) or address.is_multicast or address.is_loopback or address.is_unspecified:
        faults.append(Fault(path, f"{text} is not an address that hosts on a network have"))
        return None
    return str(address)


def _link_name(name: str, path: str, faults: list[Fault]) -> None:
    if not is_link_name(name):
        faults.append(Fault(path, f"{name!r} is not the name of a network interface"))


def _receivers(
    tunnels: Sequence[Mapping[str, Any]], addresses: Sequence[str], faults: list[Fault]
) -> list[Fact]:
    """What unpacks these tunnels: modules, links, ports; each once."""
    facts: dict[str, Fact] = {}
    for number, tunnel in enumerate(tunnels):
        path = f"tunnels[{number}]"
        _tunnel_faults(tunnel, path, faults)
        local = tunnel.get("local")
        if local is not None:
            local = _host_address(local, f"{path}.local", faults)
            if local is None:
                continue
        # Without a word about it, what carries is of the family of what is carried.
        over = tunnel.get("over") or ([family(local)] if local else None)
        pairs = [(out, into) for into in _families(addresses) for out in (over or [into])]
        for out, into in pairs:
            carried = [address for address in addresses if family(address) == into]
            for fact in _unpackers(tunnel, local, out, carried):
                there = facts.setdefault(fact.key, fact)
                if isinstance(there, OwnLink) and there != fact:
                    local_there = there.kind.partition(" local ")[2].split(" ")[0]
                    reason = f"another tunnel has {there.name} already, with local {local_there}"
                    faults.append(Fault(f"{path}.local", reason))
    return list(facts.values())


def _tunnel_faults(tunnel: Mapping[str, Any], path: str, faults: list[Fault]) -> None:
    kind, port, local = tunnel["type"], tunnel.get("port"), tunnel.get("local")
    checksum = tunnel.get("checksum") or "none"
    if kind == "gue" and port is None:
        faults.append(Fault(f"{path}.port", "is missing; gue needs a UDP port"))
    if kind != "gue" and port is not None:
        faults.append(Fault(f"{path}.port", f"is for gue, not for {kind}"))
    if port is not None and not 1 <= port <= 65535:
        faults.append(Fault(f"{path}.port", f"{port} is not in 1..65535"))
    if local is not None and kind != "gre":
        faults.append(Fault(f"{path}.local", f"is for gre, not for {kind}"))
    if checksum != "none" and kind == "ipip":
        faults.append(Fault(f"{path}.checksum", "is for gue and gre, ipip has none"))
    if kind == "gre" and checksum == "remcsum":
        faults.append(Fault(f"{path}.checksum", "remcsum is for gue, not for gre"))
    if kind == "gre" and checksum == "csum" and local is None:
        reason = "is missing; gre0 takes no checksums, and a link of its own needs an address"
        faults.append(Fault(f"{path}.local", reason))
    over = tunnel.get("over")
    if over == []:
        faults.append(Fault(f"{path}.over", "is empty; inet, inet6, or leave it out"))
    if local is not None and over and over != [family(str(local))]:
        faults.append(Fault(f"{path}.over", f"{over} and local {local} contradict each other"))


def _unpackers(
    tunnel: Mapping[str, Any], local: str | None, out: str, carried: Sequence[str]
) -> list[Fact]:
    """What takes packets for these addresses, of one family, out of packets of another."""
    into = family(carried[0])
    facts: list[Fact] = []
    if tunnel["type"] == "gre":
        module, link = GRE[out]
        if local:
            link = OWN_GRE + ("6" if out == "inet6" else "")
            checksum = " icsum" if tunnel.get("checksum") == "csum" else ""
            facts = [Module(module), OwnLink(link, f"{GRE_KIND[out]} local {local}{checksum}")]
        else:
            facts = [Module(module), Up(link)]
    else:
        module, link = RECEIVERS[out, into]
        is_own = link == OWN_IP6TNL
        facts = [Module(module), OwnLink(link, IP6TNL_KIND) if is_own else Up(link)]
    if into == "inet":
        # A client is not where the tunnel comes from. Loose (2) is the largest value, so it counts
        # whatever `all` says, and a host that answers a client has a route to it.
        facts.append(_loose(link))
        # A link without an address is refused by the kernel even what loose lets pass.
        facts += [_address(address, link) for address in carried]
    if tunnel["type"] == "gue":
        facts += [Module("fou"), FouPort(tunnel.get("port") or 0, out)]
    return facts


def _loose(link: str) -> Sysctl:
    return Sysctl(f"net.ipv4.conf.{link}.rp_filter", LOOSE)


def _address(address: str, link: str) -> Address:
    if family(address) == "inet6":
        # Deprecated from the start: the host's own connections do not come from it.
        return Address(f"{address}/128", link, "nodad preferred_lft 0")
    # Scope host serves the same purpose.
    return Address(f"{address}/32", link, "scope host")
