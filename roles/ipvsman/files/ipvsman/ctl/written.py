# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""States -> documents as `get` prints them: the declarative tool's keys first, zeros left out.

What is left out is what the document's reader takes for it, so that a table that is printed and
applied again is the same table. Order is by number, not that of the kernel's hash table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ipvsman.ipvs.model import (
    DEFAULT_TIMEOUTS,
    HOST_NETMASK,
    PLAIN_TUNNEL,
    DestinationKey,
    DestinationSettings,
    Forwarding,
    Role,
    Service,
    ServiceKey,
    ServiceSettings,
    State,
    Tunnel,
    host_port,
)
from ipvsman.ipvs.plain import plain_daemon, plain_timeouts
from ipvsman.ipvs.text import format_flags, format_netmask

_FORWARD = {method: method.value for method in Forwarding} | {Forwarding.MASQUERADE: "nat"}


def document(state: State) -> dict[str, Any]:
    """A whole table; nothing in it: {}."""
    written: dict[str, Any] = {}
    if state.services:
        written["services"] = [
            service(state.services[key], state.local_addresses(key))
            for key in sorted(state.services, key=lambda key: key.order())
        ]
    if state.timeouts not in (None, DEFAULT_TIMEOUTS):
        written["timeouts"] = plain_timeouts(state.timeouts)
    if state.daemons:
        written["sync_daemons"] = [
            plain_daemon(state.daemons[role]) for role in Role if role in state.daemons
        ]
    # Without it, a document about other things leaves services alone.
    return {"services": [], **written} if written else {}


def service(whole: Service, local_addresses: Sequence[str]) -> dict[str, Any]:
    """One service with its destinations."""
    written = {"address": str(whole.key), **settings(whole.key, whole.settings)}
    if local_addresses:
        written["local_addresses"] = list(local_addresses)
    if whole.destinations:
        written["destinations"] = [
            destination(key, whole.destinations[key])
            for key in sorted(whole.destinations, key=DestinationKey.order)
        ]
    return written


def settings(key: ServiceKey, said: ServiceSettings) -> dict[str, Any]:
    """How a service distributes connections."""
    written: dict[str, Any] = {"sched": said.scheduler}
    if said.flags:
        written["flags"] = format_flags(said.flags, said.scheduler)
    if said.persistence:
        written["persistence"] = said.persistence
    if said.netmask != HOST_NETMASK[key.family]:
        written["netmask"] = format_netmask(said.netmask, key.family)
    if said.engine:
        written["engine"] = said.engine
    return written


def destination(key: DestinationKey, said: DestinationSettings) -> dict[str, Any]:
    """One destination."""
    written: dict[str, Any] = {"address": host_port(key.address, key.port)}
    if said.weight:
        written["weight"] = said.weight
    written["forward"] = _FORWARD[said.forwarding]
    if said.upper:
        written["upper_threshold"] = said.upper
    if said.lower:
        written["lower_threshold"] = said.lower
    if said.tunnel != PLAIN_TUNNEL:
        written["tunnel"] = _tunnel(said.tunnel)
    return written


def _tunnel(tunnel: Tunnel) -> dict[str, Any]:
    written: dict[str, Any] = {"type": tunnel.kind.value}
    if tunnel.port:
        written["port"] = tunnel.port
    written["checksum"] = tunnel.checksum.value
    return written
