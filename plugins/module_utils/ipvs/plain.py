# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""States -> plain data for YAML, JSON and module results, every option said.

The form is the one that ``document`` reads, so that what was gathered from one table builds
another.
"""

from __future__ import annotations

from typing import Any

from .model import (
    PLAIN_TUNNEL,
    DestinationKey,
    DestinationSettings,
    Forwarding,
    Role,
    Service,
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


def plain_service(service: Service) -> dict[str, Any]:
    """One virtual service with its pool in numeric order, every option said."""
    settings, family = service.settings, service.key.family
    return {
        "service": str(service.key),
        "scheduler": settings.scheduler,
        "flags": format_flags(settings.flags, settings.scheduler),
        "persistence": settings.persistence,
        "netmask": format_netmask(settings.netmask, family),
        "engine": settings.engine,
        "destinations": [
            plain_destination(key, service.destinations[key])
            for key in sorted(service.destinations, key=DestinationKey.order)
        ],
    }


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
        plain_service(state.services[key])
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
