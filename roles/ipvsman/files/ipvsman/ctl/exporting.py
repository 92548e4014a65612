# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A table as the lines that ``ipvsadm -R`` makes it of, and what ipvsadm cannot be told of it.

ipvsadm stops at the first line that it does not take, so none is written that it would refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ipvsman.ipvs.ipvsadm import rules
from ipvsman.ipvs.model import (
    HOST_NETMASK,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Forwarding,
    Service,
    ServiceKey,
    State,
    SyncDaemon,
    Timeouts,
)
from ipvsman.ipvs.wish import DaemonWish, TimeoutsWish

#: Forwarding that ipvsadm shows, and has no option for.
_UNTOLD = frozenset({Forwarding.LOCAL, Forwarding.BYPASS})


class Export:
    """Lines for ipvsadm. losses: what of the table they do not make."""

    def __init__(self) -> None:
        self.losses: list[str] = []

    def services(self, state: State) -> list[str]:
        """One line a service, one a destination."""
        kept = {}
        for key in sorted(state.services, key=lambda key: key.order()):
            service = self._service(state.services[key])
            if state.local_addresses(key):
                self.losses.append(f"{key}: its local addresses; ipvsadm has no full NAT")
            if service is not None:
                kept[key] = service
        return list(rules(State(kept)))

    def timeouts(self, said: Timeouts | TimeoutsWish | None) -> Iterator[str]:
        """0 is what ipvsadm leaves as it is."""
        if said is not None:
            yield f"--set {said.tcp or 0} {said.tcp_fin or 0} {said.udp or 0}"

    def daemon(self, said: SyncDaemon | DaemonWish) -> str:
        """One sync daemon; what is not said is left to ipvsadm."""
        options = (
            ("--mcast-interface", said.interface),
            ("--syncid", said.sync_id),
            ("--sync-maxlen", said.maxlen),
            ("--mcast-group", said.group),
            ("--mcast-port", said.port),
            ("--mcast-ttl", said.ttl),
        )
        words = [f"{name} {value}" for name, value in options if value is not None]
        return " ".join([f"--start-daemon {said.role.value}", *words])

    def _service(self, service: Service) -> Service | None:
        key, settings = service.key, service.settings
        if isinstance(key, Endpoint) and not key.port and not settings.persistence:
            self.losses.append(f"{key}: ipvsadm takes port 0 with persistence only")
            return None
        if settings.netmask != HOST_NETMASK[key.family] and not settings.persistence:
            self.losses.append(f"{key}: its netmask; without persistence it does nothing")
        pool: dict[DestinationKey, DestinationSettings] = {}
        for name in sorted(service.destinations, key=DestinationKey.order):
            how = service.destinations[name]
            if how.forwarding in _UNTOLD:
                word = how.forwarding.value
                self.losses.append(f"{key} -> {name}: ipvsadm has no option for forwarding {word}")
                continue
            told = _told(key, name, how)
            if told != name:
                text = "only masquerading goes to another port, says ipvsadm"
                self.losses.append(f"{key} -> {name}: becomes {told}; {text}")
            if told in pool:
                self.losses.append(f"{key} -> {name}: {told} is there already")
                continue
            pool[told] = how
        return replace(service, destinations=pool)


def _told(key: ServiceKey, name: DestinationKey, how: DestinationSettings) -> DestinationKey:
    """What ipvsadm makes of a destination: it knows the port better, where the service has one."""
    if how.forwarding is Forwarding.MASQUERADE or not isinstance(key, Endpoint):
        return name
    return DestinationKey(name.address, key.port)
