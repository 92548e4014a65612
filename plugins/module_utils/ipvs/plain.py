# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""States -> plain data for YAML, JSON and module results, every option said.

The form is the one that ``document`` reads, so that what was gathered from one table builds
another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    SetLocalAddresses,
    SetTimeouts,
    StartDaemon,
    TrackConnections,
)
from .model import (
    PLAIN_TUNNEL,
    DestinationKey,
    DestinationSettings,
    Forwarding,
    Role,
    Service,
    ServiceKey,
    ServiceSettings,
    State,
    SyncDaemon,
    Timeouts,
)
from .text import format_flags, format_netmask


def plain_destination(key: DestinationKey, settings: DestinationSettings) -> dict[str, Any]:
    """One destination, every option said."""
    plain: dict[str, Any] = {
        "address": key.address,
        "port": key.port,
        "weight": settings.weight,
        "forwarding": settings.forwarding.value,
        "upper_threshold": settings.upper,
        "lower_threshold": settings.lower,
    }
    if settings.forwarding is Forwarding.TUNNEL or settings.tunnel != PLAIN_TUNNEL:
        plain["tunnel"] = {
            "type": settings.tunnel.kind.value,
            "port": settings.tunnel.port,
            "checksum": settings.tunnel.checksum.value,
        }
    return plain


def plain_settings(key: ServiceKey, settings: ServiceSettings) -> dict[str, Any]:
    """A virtual service without its pool, every option said."""
    return {
        "service": str(key),
        "scheduler": settings.scheduler,
        "flags": format_flags(settings.flags, settings.scheduler),
        "persistence": settings.persistence,
        "netmask": format_netmask(settings.netmask, key.family),
        "engine": settings.engine,
    }


def plain_service(service: Service, local_addresses: Sequence[str] | None = None) -> dict[str, Any]:
    """One virtual service with its pool in numeric order, every option said.

    local_addresses: None = not known, and not said.
    """
    plain = plain_settings(service.key, service.settings)
    if local_addresses is not None:
        plain["local_addresses"] = list(local_addresses)
    plain["destinations"] = [
        plain_destination(key, service.destinations[key])
        for key in sorted(service.destinations, key=DestinationKey.order)
    ]
    return plain


def plain_timeouts(timeouts: Timeouts) -> dict[str, int]:
    """The time-outs in seconds."""
    return {"tcp": timeouts.tcp, "tcp_fin": timeouts.tcp_fin, "udp": timeouts.udp}


def plain_daemon(daemon: SyncDaemon) -> dict[str, Any]:
    """One sync daemon."""
    return {
        "role": daemon.role.value,
        "interface": daemon.interface,
        "sync_id": daemon.sync_id,
        "maxlen": daemon.maxlen,
        "group": daemon.group,
        "port": daemon.port,
        "ttl": daemon.ttl,
    }


def plain_services(state: State) -> list[dict[str, Any]]:
    """All services in numeric order."""
    return [
        plain_service(state.services[key], state.local_addresses(key))
        for key in sorted(state.services, key=lambda key: key.order())
    ]


def plain_table(state: State) -> dict[str, Any]:
    """A whole table as a document."""
    plain: dict[str, Any] = {"services": plain_services(state)}
    if state.timeouts is not None:
        plain["timeouts"] = plain_timeouts(state.timeouts)
    plain["sync_daemons"] = [
        plain_daemon(state.daemons[role]) for role in Role if role in state.daemons
    ]
    return plain


def plain_change(change: Change) -> dict[str, Any]:
    """A change for a program: action, what it is about, how that was and will be, and the line.

    before is None for what is new, after for what goes; service and destination are None where the
    change is about something else.
    """
    before, after = _before_after(change)
    return {
        "action": change.action,
        "service": str(change.service) if hasattr(change, "service") else None,
        "destination": str(change.destination) if hasattr(change, "destination") else None,
        "before": before,
        "after": after,
        "summary": str(change),
    }


def _before_after(change: Change) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    if isinstance(change, AddService):
        return None, plain_settings(change.service, change.after)
    if isinstance(change, EditService):
        return (
            plain_settings(change.service, change.before),
            plain_settings(change.service, change.after),
        )
    if isinstance(change, RemoveService):
        return plain_service(change.before), None
    if isinstance(change, (AddDestination, EditDestination, RemoveDestination)):
        before = None if isinstance(change, AddDestination) else change.before
        after = None if isinstance(change, RemoveDestination) else change.after
        return (
            plain_destination(change.destination, before) if before else None,
            plain_destination(change.destination, after) if after else None,
        )
    if isinstance(change, SetTimeouts):
        return dict(plain_timeouts(change.before)), dict(plain_timeouts(change.after))
    if isinstance(change, TrackConnections):
        return {"conntrack": False}, {"conntrack": True}
    if isinstance(change, SetLocalAddresses):
        return _addresses(change.before), _addresses(change.after)
    if isinstance(change, StartDaemon):
        return None, plain_daemon(change.after)
    return plain_daemon(change.before), None


def _addresses(addresses: Sequence[str]) -> dict[str, Any] | None:
    return {"local_addresses": list(addresses)} if addresses else None
