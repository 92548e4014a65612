# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a host answers ARP for addresses that it has to keep quiet about, by its settings. Pure.

Internal to this collection. It goes by the rules of the kernel (arp_ignore() in net/ipv4/arp.c),
not by a packet; an ARP request from another host is the proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..network.facts import Link, Seen

ALL = "net.ipv4.conf.all.arp_ignore"
#: Values of arp_ignore by which an address of another interface is not answered for.
SILENT = (1, 2, 8)
#: By this one, it is not where its scope is `host`.
BUT_HOST = 3


def exposed(
    addresses: Sequence[str], seen: Seen, foreseen: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """Where ARP for these IPv4 addresses is answered: address, interface and reason of each.

    foreseen: sysctls that are about to be set.
    """
    found = []
    for name in sorted(seen.links):
        link = seen.links[name]
        if not link.answers_arp:
            continue
        ignore = _effective(name, seen, foreseen or {})
        for address in addresses:
            reason = _reason(address, name, link, ignore, seen)
            if reason:
                found.append({"address": address, "interface": name, "reason": reason})
    return found


def _effective(name: str, seen: Seen, foreseen: Mapping[str, str]) -> int:
    keys = (ALL, f"net.ipv4.conf.{name}.arp_ignore")
    values = [foreseen.get(key, seen.sysctl(key)) for key in keys]
    return max(int(value or 0) for value in values)


def _reason(address: str, name: str, link: Link, ignore: int, seen: Seen) -> str | None:
    if any(entry.partition("/")[0] == address for entry in link.addresses):
        return None if ignore == 8 else f"the address is on {name} itself"
    if ignore in SILENT or (ignore == BUT_HOST and _is_of_scope_host(address, seen)):
        return None
    return f"arp_ignore is {ignore} there (the larger of all and {name})"


def _is_of_scope_host(address: str, seen: Seen) -> bool:
    scopes = [
        scope
        for link in seen.links.values()
        for entry, scope in link.addresses.items()
        if entry.partition("/")[0] == address
    ]
    return all(scope == "host" for scope in scopes)
