# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the kernel will not do what a configuration seems to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ipvsman.ipvs.model import Endpoint, ServiceFlags, Transport

from .model import Complaint, Config, Frontend, OnDown

#: What is looked at of the kernel's settings (``net.ipv4.vs.*``).
SYSCTLS = ("expire_nodest_conn", "expire_quiescent_template")

_HASHING = ("sh", "mh")


def read_sysctls(directory: str = "/proc/sys/net/ipv4/vs") -> dict[str, int | None]:
    """The kernel's settings; None for what it does not have, or has not yet."""
    found: dict[str, int | None] = {}
    for name in SYSCTLS:
        try:
            found[name] = int((Path(directory) / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            found[name] = None
    return found


def kernel_warnings(config: Config, sysctls: Mapping[str, int | None]) -> tuple[Complaint, ...]:
    """What will surprise, once for each frontend. A setting that is not known is not judged."""
    found = {
        (frontend.origin, reason): Complaint(frontend.origin, _path(frontend), reason)
        for frontend in config.frontends
        for reason in _surprises(frontend, sysctls)
    }
    return tuple(found.values())


def _surprises(frontend: Frontend, sysctls: Mapping[str, int | None]) -> Iterator[str]:
    settings = frontend.settings
    idle = _may_idle(frontend)
    fallback = ServiceFlags.FLAG_1 in settings.flags
    if settings.scheduler in _HASHING and idle and not fallback:
        yield (
            f"scheduler {settings.scheduler} goes on choosing a backend of weight 0, and refuses"
            f" the clients it chose it for; flags: [{settings.scheduler}-fallback] or"
            " on_down: remove helps"
        )
    if settings.persistence and idle and sysctls.get("expire_quiescent_template") == 0:
        yield (
            "clients that persist stay with a backend of weight 0 while"
            " net.ipv4.vs.expire_quiescent_template is 0; 1 sends them to another"
        )
    is_udp = any(
        isinstance(key, Endpoint) and key.transport is Transport.UDP for key in frontend.services
    )
    if is_udp and sysctls.get("expire_nodest_conn") == 0:
        yield (
            "datagrams of a flow whose backend was removed are dropped, for as long as they keep"
            " coming, while net.ipv4.vs.expire_nodest_conn is 0; 1 sends them to another"
        )


def _may_idle(frontend: Frontend) -> bool:
    """Whether a destination can have weight 0."""
    if frontend.disabled or frontend.group_disabled:
        return True
    return any(
        backend.disabled
        or backend.weight == 0
        or (frontend.on_down is OnDown.ZERO and not backend.check.disable)
        for backend in (*frontend.backends, *frontend.fallback)
    )


def _path(frontend: Frontend) -> str:
    return f"group={frontend.group} frontend={frontend.name}"
