# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A table as the lines that ``ipvsadm -S -n`` prints and ``ipvsadm -R`` takes: pure."""

from __future__ import annotations

from collections.abc import Iterator

from .model import (
    HOST_NETMASK,
    Checksum,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Forwarding,
    Service,
    ServiceFlags,
    ServiceKey,
    State,
    Transport,
    TunnelKind,
    host_port,
)
from .text import format_flags, format_netmask

_TRANSPORT = {Transport.TCP: "-t", Transport.UDP: "-u", Transport.SCTP: "--sctp-service"}
_FORWARDING = {
    Forwarding.MASQUERADE: "-m",
    Forwarding.LOCAL: "-l",
    Forwarding.TUNNEL: "-i",
    Forwarding.DIRECT: "-g",
    Forwarding.BYPASS: "-b",
}
_CHECKSUM = {
    Checksum.NONE: "--tun-nocsum",
    Checksum.CSUM: "--tun-csum",
    Checksum.REMCSUM: "--tun-remcsum",
}


def rules(state: State) -> Iterator[str]:
    """One line for each service and destination, in numeric order.

    Time-outs and sync daemons are no rules; ipvsadm has options of their own for them.
    """
    for key in sorted(state.services, key=lambda key: key.order()):
        service = state.services[key]
        yield _service(service)
        for destination in sorted(service.destinations, key=DestinationKey.order):
            yield _destination(key, destination, service.destinations[destination])


def _service(service: Service) -> str:
    settings, family = service.settings, service.key.family
    words = ["-A", *_name(service.key), "-s", settings.scheduler]
    if settings.persistence:
        words += ["-p", str(settings.persistence)]
        if settings.netmask != HOST_NETMASK[family]:
            words += ["-M", format_netmask(settings.netmask, family)]
    if settings.engine:
        words += ["--pe", settings.engine]
    if ServiceFlags.ONE_PACKET in settings.flags:
        words.append("-o")
    flags = settings.flags & ~ServiceFlags.ONE_PACKET
    if flags:
        words += ["-b", ",".join(format_flags(flags, settings.scheduler))]
    return " ".join(words)


def _destination(
    service: ServiceKey, destination: DestinationKey, settings: DestinationSettings
) -> str:
    words = ["-a", *_name(service), "-r", host_port(destination.address, destination.port)]
    words += [_FORWARDING[settings.forwarding], "-w", str(settings.weight)]
    if settings.upper:
        words += ["-x", str(settings.upper)]
    if settings.lower:
        words += ["-y", str(settings.lower)]
    tunnel = settings.tunnel
    if settings.forwarding is Forwarding.TUNNEL:
        words += ["--tun-type", tunnel.kind.value]
        if tunnel.port:
            words += ["--tun-port", str(tunnel.port)]
        if tunnel.kind is not TunnelKind.IPIP:
            words.append(_CHECKSUM[tunnel.checksum])
    return " ".join(words)


def _name(key: ServiceKey) -> list[str]:
    if isinstance(key, Endpoint):
        return [_TRANSPORT[key.transport], host_port(key.address, key.port)]
    return ["-f", str(key.mark), *(["-6"] if key.family is Family.INET6 else [])]
