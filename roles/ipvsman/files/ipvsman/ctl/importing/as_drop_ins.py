# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was found -> drop-ins of the daemon: one group a pool, with how it is probed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ipvsman.ipvs.model import (
    PLAIN_TUNNEL,
    Checksum,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    ServiceKey,
    Transport,
    Tunnel,
)

from .as_table import judge
from .found import Found, FoundServer, FoundService
from .ledger import Ledger

#: A file's path below the directory of drop-ins -> what is in it.
Files = dict[str, dict[str, Any]]

_METHODS = {
    Forwarding.MASQUERADE: "nat",
    Forwarding.DIRECT: "routing",
    Forwarding.TUNNEL: "tunnel",
}
_NOT_PROBED = {"disable": True}
_USUAL = {"quorum": 1, "hysteresis": 0}


def drop_ins(found: Found, ledger: Ledger) -> Files:
    """The files; what they have no words for is lost. Raises Unreadable for what is impossible."""
    judge(found, ledger)
    files: Files = {}
    names: set[str] = set()
    for service in found.services:
        name = _unique(service.label, names)
        files[f"groups/{_file_name(name, files)}.yaml"] = _group(name, service, ledger)
    whole: dict[str, Any] = {}
    if found.timeouts:
        whole["timeouts"] = dict(found.timeouts)
    if found.daemons:
        whole["sync_daemons"] = [
            {"role": role, **said} for role, said in sorted(found.daemons.items(), reverse=True)
        ]
    if whole:
        files["globals/imported.yaml"] = whole
    return files


def _group(name: str, service: FoundService, ledger: Ledger) -> dict[str, Any]:
    group = {"group": name, "scheduler": service.scheduler, **service.settings()}
    if service.on_down:
        group["on_down"] = service.on_down
    if service.off:
        group["disabled"] = True
    servers = _servers(service.servers, service, ledger)
    fallback = _servers(service.fallback, service, ledger)
    group["frontends"] = _frontends(service, servers)
    common = _common([server.check or _NOT_PROBED for server in servers])
    if common:
        group["healthcheck"] = common
    group["backends"] = [_backend(server, service, common, ledger) for server in servers]
    if fallback:
        group["fallback"] = [_backend(server, service, common, ledger) for server in fallback]
        numbers = {"quorum": service.quorum, "hysteresis": service.hysteresis}
        group.update((name, number) for name, number in numbers.items() if number != _USUAL[name])
    return group


def _servers(
    servers: Iterable[FoundServer], service: FoundService, ledger: Ledger
) -> list[FoundServer]:
    """Those that can be backends: each address once, forwarded in a way that there is."""
    kept: dict[str, FoundServer] = {}
    families = {key.family for key in service.keys}
    for server in servers:
        tunnel = server.forwarding is Forwarding.TUNNEL
        if server.forwarding not in _METHODS:
            reason = f"the daemon does not forward by {server.forwarding.value}"
            ledger.lose(server.said, reason, "--to table can say it")
        elif server.address in kept:
            reason = f"{server.address} is in this pool already, and a backend has one port"
            ledger.lose(server.said, reason, "give it a second address, or a table")
        elif server.family is not None and server.family not in families and not tunnel:
            reason = f"its address is of another family than {service.label}, which takes a tunnel"
            ledger.lose(server.said, reason)
        else:
            if not server.port and any(_ported(key) for key in service.keys):
                ledger.note(server.said, "its port is written as that of the service, and not as 0")
            kept[server.address] = server
    return list(kept.values())


def _ported(key: ServiceKey) -> bool:
    return isinstance(key, Endpoint) and bool(key.port)


def _frontends(service: FoundService, servers: list[FoundServer]) -> list[dict[str, Any]]:
    """One for each transport and port, with all its addresses; one for each firewall mark."""
    named: dict[tuple[Transport, int], list[str]] = {}
    marks: list[Firewallmark] = []
    for key in service.keys:
        if isinstance(key, Endpoint):
            named.setdefault((key.transport, key.port), []).append(key.address)
        else:
            marks.append(key)
    frontends: list[dict[str, Any]] = []
    for (transport, port), vips in named.items():
        frontends.append(
            {
                "name": f"{transport.value}-{port or 'all'}",
                "proto": transport.value,
                "port": port,
                "vip": vips if len(vips) > 1 else vips[0],
            }
        )
    for mark in marks:
        frontend: dict[str, Any] = {"name": f"fwmark-{mark.mark}", "fwmark": mark.mark}
        if mark.family is Family.INET6:
            frontend = {"name": f"fwmark-{mark.mark}-inet6", "fwmark": mark.mark, "family": "inet6"}
        ports = {service.port(mark, server) for server in servers}
        if len(ports) == 1 and ports != {0}:
            frontend["port"] = ports.pop()
        frontends.append(frontend)
    return frontends


def _backend(
    server: FoundServer, service: FoundService, common: dict[str, Any], ledger: Ledger
) -> dict[str, Any]:
    """common: what is said of its probe around it."""
    backend: dict[str, Any] = {"address": server.address, "weight": server.weight}
    ports = _port_map(server, service)
    if ports:
        backend["port_map"] = ports
    backend["method"] = _METHODS[server.forwarding]
    if server.forwarding is Forwarding.TUNNEL and server.tunnel != PLAIN_TUNNEL:
        backend["tunnel"] = _tunnel(server.tunnel)
    if server.upper:
        backend["upper_threshold"] = server.upper
    if server.lower:
        if server.upper and server.lower <= server.upper:
            backend["lower_threshold"] = server.lower
        else:
            ledger.lose(server.said, f"the lower threshold {server.lower} is above the upper one")
    check = server.check or _NOT_PROBED
    own = {name: value for name, value in check.items() if common.get(name) != value}
    if own:
        backend["healthcheck"] = own
    if server.target and server.check:
        backend["check_target"] = server.target
    return backend


def _port_map(server: FoundServer, service: FoundService) -> dict[str, int]:
    """From the ports of the frontends to that of the server, where they differ."""
    own = {key.port for key in service.keys if isinstance(key, Endpoint)}
    marks = [key for key in service.keys if isinstance(key, Firewallmark)]
    if own:
        return {str(port): server.port for port in sorted(own) if server.port not in (0, port)}
    # By firewall mark alone: a port that all servers share is that of the frontend.
    ports = {service.port(mark, one) for mark in marks for one in service.servers}
    return {"*": server.port} if len(ports) > 1 and server.port else {}


def _common(checks: list[dict[str, Any]]) -> dict[str, Any]:
    """What all backends say of their probes alike; another kind of probe begins anew."""
    if not checks:
        return dict(_NOT_PROBED)
    first = checks[0]
    if any(check.get("type") != first.get("type") for check in checks):
        return {}
    return {
        name: value
        for name, value in first.items()
        if all(check.get(name) == value for check in checks)
    }


def _tunnel(tunnel: Tunnel) -> dict[str, Any]:
    said: dict[str, Any] = {"type": tunnel.kind.value}
    if tunnel.port:
        said["port"] = tunnel.port
    if tunnel.checksum is not Checksum.NONE:
        said["checksum"] = tunnel.checksum.value
    return said


def _unique(label: str, names: set[str]) -> str:
    name = next(name for name in _numbered(label) if name not in names)
    names.add(name)
    return name


def _file_name(name: str, files: Files) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80] or "service"
    return next(one for one in _numbered(plain) if f"groups/{one}.yaml" not in files)


def _numbered(name: str) -> Iterable[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1
