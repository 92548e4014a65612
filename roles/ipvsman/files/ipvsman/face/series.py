# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names, labels and values of samples: what the families of metrics are made of.

Three label modes: configured (group, frontend, ...), route (proto, vip, port, ...), or both, the
latter under names that end in ``_route``.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ipvsman.control.desired import Member, Pool
from ipvsman.ipvs.model import ServiceKey

from .report import service_name

CONFIGURED_SERVICE = ("group", "frontend")
CONFIGURED_REAL = ("group", "frontend", "address", "backend_port")
ROUTE_SERVICE = ("proto", "vip", "port")
ROUTE_REAL = ("proto", "vip", "port", "backend_ip", "backend_port")


class Labels:
    """Names and values of labels in one mode. suffix: of the families' names."""

    def __init__(self, mode: str, suffix: str) -> None:
        self.route = mode == "route"
        self.suffix = suffix
        self.of_service = ROUTE_SERVICE if self.route else CONFIGURED_SERVICE
        self.of_real = ROUTE_REAL if self.route else CONFIGURED_REAL

    def service(self, key: ServiceKey, pool: Pool | None) -> tuple[str, ...]:
        """Values for a service, configured or not."""
        if self.route:
            name = service_name(key)
            return tuple(str(name[label]) for label in ROUTE_SERVICE)
        if pool is None:
            return ("unknown", "unknown")
        return (pool.frontend.group, pool.frontend.name)

    def real(
        self, key: ServiceKey, pool: Pool | None, ip: str, port: int, member: Member | None
    ) -> tuple[str, ...]:
        """Values for a destination, configured or not."""
        address = ip if self.route or member is None else member.backend.address
        return (*self.service(key, pool), address, str(port))


class Sums:
    """Values by labels; several of the same labels add up (one name, several addresses or VIPs)."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, ...], float] = defaultdict(float)

    def add(self, labels: tuple[str, ...], value: float) -> None:
        """One value more."""
        self._values[labels] += value

    def worst(self, labels: tuple[str, ...], value: float) -> None:
        """The lowest value counts: what is down for one is told."""
        self._values[labels] = min(self._values.get(labels, value), value)

    def into(self, family: Any) -> Any:
        """A family with a sample for each."""
        for labels, value in self._values.items():
            family.add_metric(labels, value)
        return family


def gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)
