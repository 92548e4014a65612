# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel accepts and then does otherwise than one would think: told, never refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .model import Endpoint, Firewallmark, Forwarding, Service, ServiceFlags

#: Schedulers that choose by hashing, and keep quiesced destinations among their choices.
_HASHING = ("sh", "mh")


def surprises(service: Service, local_addresses: Sequence[str] = ()) -> Iterator[str]:
    """One sentence for each thing about a service that will not work as it reads."""
    key, settings = service.key, service.settings
    yield from _untranslated(service, local_addresses)
    if isinstance(key, Endpoint) and not key.port and not settings.persistence:
        # ip_vs_schedule(): "port zero only supported in persistent services"
        yield f"{key} has every port and no persistence: the kernel schedules no connection to it"
    if settings.scheduler == "none":
        # ip_vs_bind_scheduler() is left out for this name, and ip_vs_schedule() finds nothing.
        yield f"{key} has scheduler none: the kernel schedules no connection to it"
    quiesced = [name for name, entry in service.destinations.items() if not entry.weight]
    if settings.scheduler in _HASHING and ServiceFlags.FLAG_1 not in settings.flags and quiesced:
        yield (
            f"{key} has destinations of weight 0, which scheduler {settings.scheduler} goes on"
            f" choosing: their clients are refused. The flag {settings.scheduler}-fallback sends"
            " them elsewhere"
        )
    for name, entry in service.destinations.items():
        if not isinstance(key, Endpoint) or not key.port or name.port in (0, key.port):
            continue
        if entry.forwarding in (Forwarding.DIRECT, Forwarding.TUNNEL):
            yield (
                f"{name} of {key} is forwarded by {entry.forwarding.value}, which leaves ports as"
                f" they are: its packets arrive at port {key.port}"
            )


def _untranslated(service: Service, local_addresses: Sequence[str]) -> Iterator[str]:
    """Local addresses that have an effect where none is meant, or none where one is."""
    if not local_addresses:
        return
    if ServiceFlags.ONE_PACKET in service.settings.flags:
        # Of a one-packet connection nothing is kept that could translate a reply.
        yield (
            f"{service.key} has the flag one-packet and local addresses: IPVS forgets a connection"
            " at once, and its replies do not reach the client"
        )
    ways = {entry.forwarding for entry in service.destinations.values()}
    if isinstance(service.key, Firewallmark) and Forwarding.DIRECT in ways:
        # A rule sees the mark, and not how IPVS forwards what has it.
        yield (
            f"{service.key} has local addresses and destinations by direct routing, whose"
            " connections come from them, too: their answers do not reach the clients"
        )
    elif ways and Forwarding.MASQUERADE not in ways:
        yield (
            f"{service.key} has local addresses and no destination by masquerade: only of those do"
            " connections come from them"
        )
