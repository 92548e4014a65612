# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Metrics of services and destinations: weights, health, and what passes through the kernel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ipvsman.control.desk import Desk
from ipvsman.control.live import Reading
from ipvsman.control.reasons import uses_fallback
from ipvsman.health.state import Condition
from ipvsman.ipvs.model import Counters

from .series import Labels, Sums

_STATE = {Condition.UP: 1, Condition.DOWN: 0, Condition.UNKNOWN: -1}
#: In metrics -> in counters of the kernel.
_AMOUNTS = {
    "inpkts": "packets_in",
    "outpkts": "packets_out",
    "inbytes": "bytes_in",
    "outbytes": "bytes_out",
}


def about_weights(desk: Desk, labels: Labels) -> Iterator[Metric]:
    configured, effective = Sums(), Sums()
    weights = desk.account.weights
    for pool, member in desk.members():
        values = labels.real(pool.service, pool, member.key.address, member.key.port, member)
        configured.add(values, member.settings.weight)
        entry = weights.get(pool.service, {}).get(member.key)
        effective.add(values, (entry.weight or 0) if entry else 0)
    for name, text, sums in (
        ("configured", "Weight in the configuration.", configured),
        ("effective", "Weight that the kernel shall have.", effective),
    ):
        yield sums.into(
            GaugeMetricFamily(
                f"ipvsman_backend_{name}_weight{labels.suffix}", text, labels=labels.of_real
            )
        )


def about_fallback(desk: Desk, labels: Labels) -> Iterator[Metric]:
    used = Sums()
    weights = desk.account.weights
    for service, pool in desk.desired.pools.items():
        if pool.fallback:
            used.add(labels.service(service, pool), uses_fallback(weights.get(service, {})))
    yield used.into(
        GaugeMetricFamily(
            f"ipvsman_service_fallback_in_use{labels.suffix}",
            "Services whose new connections go to their fallback.",
            labels=labels.of_service,
        )
    )


def about_health(desk: Desk, labels: Labels) -> Iterator[Metric]:
    states, ready = Sums(), Sums()
    for pool, member in desk.members():
        known = desk.known(member)
        if known is None:
            continue
        values = labels.real(pool.service, pool, member.key.address, member.key.port, member)
        states.worst(values, _STATE[known.health.condition])
        ready.worst(values, known.health.checked is not None)
    for name, text, sums in (
        ("state", "1 up, 0 down, -1 unknown.", states),
        ("ready", "Whether there has been a result.", ready),
    ):
        yield sums.into(
            GaugeMetricFamily(
                f"ipvsman_healthcheck_{name}{labels.suffix}", text, labels=labels.of_real
            )
        )


def about_traffic(desk: Desk, reading: Reading, labels: Labels) -> Iterator[Metric]:
    services: dict[str, Sums] = defaultdict(Sums)
    reals: dict[str, Sums] = defaultdict(Sums)
    for key, counted in reading.counters.items():
        pool = desk.desired.pools.get(key)
        _count(services, labels.service(key, pool), counted.traffic)
        for name, destination in counted.destinations.items():
            member = pool.by_key.get(name) if pool else None
            values = labels.real(key, pool, name.address, name.port, member)
            _count(reals, values, destination.traffic)
            reals["active"].add(values, destination.active)
            reals["inactive"].add(values, destination.inactive)
    yield from _traffic("ipvsman_ipvs_service", labels.of_service, services, labels.suffix)
    yield from _traffic("ipvsman_ipvs_real", labels.of_real, reals, labels.suffix)
    for kind in ("active", "inactive"):
        yield reals[kind].into(
            GaugeMetricFamily(
                f"ipvsman_ipvs_real_{kind}_connections{labels.suffix}",
                f"Connections now {kind}.",
                labels=labels.of_real,
            )
        )


def _count(sums: Mapping[str, Sums], values: tuple[str, ...], traffic: Counters) -> None:
    sums["connections"].add(values, traffic.connections)
    for name, attribute in _AMOUNTS.items():
        sums[name].add(values, getattr(traffic, attribute))


def _traffic(
    prefix: str, names: tuple[str, ...], sums: Mapping[str, Sums], suffix: str
) -> Iterator[Metric]:
    yield sums["connections"].into(
        GaugeMetricFamily(
            f"{prefix}_connections{suffix}", "Connections scheduled so far.", labels=names
        )
    )
    for name in _AMOUNTS:
        # In mode both, the route set is named ..._total_route, as no counter may be: a gauge.
        family = (
            GaugeMetricFamily(f"{prefix}_{name}_total{suffix}", "Passed so far.", labels=names)
            if suffix
            else CounterMetricFamily(f"{prefix}_{name}", "Passed so far.", labels=names)
        )
        yield sums[name].into(family)
