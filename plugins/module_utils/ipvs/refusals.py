# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel's bare error number means for one change, in words an operator can act on.

Source: ``net/netfilter/ipvs/ip_vs_ctl.c`` and ``ip_vs_sync.c``, and tries on real kernels.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

from .changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    StartDaemon,
    StopDaemon,
)
from .errors import AlreadyThere, KernelRefused, NotThere
from .model import Firewallmark, Forwarding, TunnelKind
from .schedulers import MAINLINE
from .text import nearest


def refusal(change: Change, number: int) -> KernelRefused:
    """The error for this change and errno (positive), explained."""
    kind = KernelRefused
    if number == errno.EEXIST:
        kind = AlreadyThere
    elif number in (errno.ESRCH, errno.ENOENT, errno.ENODEV):
        kind = NotThere
    return kind(change, number, _explain(change, number))


def is_stale(refused: KernelRefused) -> bool:
    """Whether the refusal says that the table changed after it was read, so that a new plan may do.

    A missing scheduler, engine or interface (also ENOENT, ENODEV) will be missing next time, too.
    """
    if isinstance(refused, AlreadyThere):
        return True
    if not isinstance(refused, NotThere):
        return False
    return not isinstance(refused.change, (AddService, StartDaemon)) and not (
        isinstance(refused.change, EditService) and refused.errno == errno.ENOENT
    )


@dataclass(frozen=True)
class Part:
    """A scheduler (it schedules) or a persistence engine. module: what the kernel loads for it."""

    name: str
    module: str
    schedules: bool


def asked_anew(change: AddService | EditService) -> list[Part]:
    """What the kernel has to have for this change and did not need to have before."""
    before = change.before if isinstance(change, EditService) else None
    settings = change.after
    parts = []
    if before is None or before.scheduler != settings.scheduler:
        parts.append(Part(settings.scheduler, f"ip_vs_{settings.scheduler}", True))
    if settings.engine and (before is None or before.engine != settings.engine):
        parts.append(Part(settings.engine, f"ip_vs_pe_{settings.engine}", False))
    return parts


def lack(*parts: Part) -> str:
    """That the kernel does not have one of them, and what to do."""
    if len(parts) > 1:
        scheduler, engine = parts
        return (
            f"this kernel has no scheduler {scheduler.name!r} or no persistence engine"
            f" {engine.name!r} (try: modprobe -a {scheduler.module} {engine.module})"
        )
    (part,) = parts
    way = f"(module {part.module}; try: modprobe {part.module})"
    if not part.schedules:
        return f"this kernel has no persistence engine {part.name!r} {way}"
    hint = "" if part.name in MAINLINE else nearest(part.name, MAINLINE)
    return f"this kernel has no scheduler {part.name!r} {way}{hint}"


def _explain(change: Change, number: int) -> str:
    if number == errno.EPERM:
        return "this needs root, or CAP_NET_ADMIN in the initial user namespace"
    if number == errno.ENOMEM:
        return "the kernel is out of memory"
    if isinstance(change, (AddService, EditService)):
        return _explain_service(change, number)
    if isinstance(change, (AddDestination, EditDestination)):
        return _explain_destination(change, number)
    if isinstance(change, RemoveDestination) and number == errno.ENOENT:
        return "the destination is gone already"
    if isinstance(change, StartDaemon):
        return _explain_daemon(change, number)
    if isinstance(change, StopDaemon) and number == errno.ESRCH:
        return "no such daemon is running"
    if number == errno.ESRCH:
        return "the virtual service is gone"
    return ""


def _explain_service(change: AddService | EditService, number: int) -> str:
    settings = change.after
    if number == errno.ENOENT:
        return lack(*(asked_anew(change) or asked_anew(AddService(change.service, settings))))
    if number == errno.ESRCH:
        return "the virtual service is gone"
    if number == errno.EEXIST:
        return "another program has created this virtual service meanwhile"
    if number == errno.EINVAL and isinstance(change.service, Firewallmark):
        return "the kernel takes no service with this mark, family and netmask"
    if number == errno.EINVAL:
        return f"scheduler {settings.scheduler!r} or the netmask does not fit this virtual service"
    if number == errno.EAFNOSUPPORT:
        return "this kernel's IPVS is built without support for this address family"
    if number == errno.EPROTONOSUPPORT:
        return "this kernel's IPVS is built without support for this transport protocol"
    return ""


def _explain_destination(change: AddDestination | EditDestination, number: int) -> str:
    settings = change.after
    if number == errno.ENOENT:
        return "the destination is gone"
    if number == errno.ESRCH:
        return "the virtual service is gone"
    if number == errno.EEXIST:
        return "another program has created this destination meanwhile"
    if number == errno.ERANGE:
        return "the weight is negative, or the lower threshold is above the upper one"
    if number == errno.EINVAL:
        if change.destination.family is not change.service.family:
            if settings.forwarding is not Forwarding.TUNNEL:
                return "a destination of the other address family has to be forwarded by tunnel"
            return (
                "a destination of the other address family and a sync daemon exclude each other"
                f" (is one running? if not, {change.destination.address} is no unicast address)"
            )
        if settings.tunnel.kind is TunnelKind.GUE and not settings.tunnel.port:
            return "a gue tunnel needs a port"
        return (
            f"{change.destination.address} is neither a unicast nor a local address for this host"
            " (is there a route to it, and is the interface lo up in this network namespace?)"
        )
    return ""


def _explain_daemon(change: StartDaemon, number: int) -> str:
    daemon = change.after
    if number == errno.ENODEV:
        return f"there is no network interface {daemon.interface!r} in this network namespace"
    if number == errno.EEXIST:
        return f"a {daemon.role.value} sync daemon is running already"
    if number == errno.EADDRNOTAVAIL:
        return f"interface {daemon.interface!r} has no address of the multicast group's family"
    if number == errno.ENETUNREACH:
        return (
            f"interface {daemon.interface!r} has no route to the multicast group {daemon.group!r}"
        )
    if number == errno.EINVAL:
        return (
            f"{daemon.group!r} is no usable multicast group, or the table has destinations of the"
            " other address family than their service"
        )
    return ""
