# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Prometheus scrapes: families of samples, made of one look at the daemon.

Names and labels are those that dashboards of the existing tool know; what is new stands beside.
Three label modes: configured (group, frontend, ...), route (proto, vip, port, ...), or both, the
latter under names that end in ``_route``.
"""

from __future__ import annotations

import resource
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder

from ipvsman import __version__
from ipvsman.control.desired import Member, Pool
from ipvsman.control.desk import Desk
from ipvsman.control.journal import Kind
from ipvsman.control.live import Reading
from ipvsman.health.state import Condition
from ipvsman.ipvs.changes import ACTIONS
from ipvsman.ipvs.model import Counters, ServiceKey

from .report import service_name
from .settings import Metrics

_STATE = {Condition.UP: 1, Condition.DOWN: 0, Condition.UNKNOWN: -1}
_AMOUNTS = {
    "inpkts": "packets_in",
    "outpkts": "packets_out",
    "inbytes": "bytes_in",
    "outbytes": "bytes_out",
}
_CONFIGURED_SERVICE = ("group", "frontend")
_CONFIGURED_REAL = ("group", "frontend", "address", "backend_port")
_ROUTE_SERVICE = ("proto", "vip", "port")
_ROUTE_REAL = ("proto", "vip", "port", "backend_ip", "backend_port")


@dataclass(frozen=True)
class Look:
    """One look at the daemon. reading None: the kernel could not be read. lag: of the loop, s."""

    desk: Desk
    reading: Reading | None
    lag: float


class Exporter:
    """The text that a scrape gets."""

    def __init__(self, settings: Metrics) -> None:
        self._settings = settings

    def text(self, look: Look, accept: str) -> tuple[bytes, str]:
        """Body and content type, in the format that the scraper accepts."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collected(list(self._families(look))))
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type

    def _families(self, look: Look) -> Iterator[Metric]:
        yield from _about_config(look.desk)
        yield from _about_names(look.desk)
        yield from _about_keeper(look.desk)
        yield from _about_process(look)
        yield from _about_probes(look.desk)
        modes = (
            ("configured", "route") if self._settings.labels == "both" else (self._settings.labels,)
        )
        for mode in modes:
            labels = _Labels(mode, "_route" if len(modes) > 1 and mode == "route" else "")
            yield from _about_weights(look.desk, labels)
            if self._settings.health:
                yield from _about_health(look.desk, labels)
            if self._settings.stats and look.reading is not None:
                yield from _about_traffic(look.desk, look.reading, labels)
        if self._settings.stats:
            yield _counter(
                "ipvsman_ipvs_stats_scrape_failures",
                "Readings of the kernel's table that failed.",
                look.desk.reading_failures,
            )


class _Collected:
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """What has been gathered before: a scrape waits for nothing."""
        return self._families


class _Labels:
    """Names and values of labels in one mode. suffix: of the families' names."""

    def __init__(self, mode: str, suffix: str) -> None:
        self.route = mode == "route"
        self.suffix = suffix
        self.of_service = _ROUTE_SERVICE if self.route else _CONFIGURED_SERVICE
        self.of_real = _ROUTE_REAL if self.route else _CONFIGURED_REAL

    def service(self, key: ServiceKey, pool: Pool | None) -> tuple[str, ...]:
        """Values for a service, configured or not."""
        if self.route:
            name = service_name(key)
            return tuple(str(name[label]) for label in _ROUTE_SERVICE)
        if pool is None:
            return ("unknown", "unknown")
        return (pool.frontend.group, pool.frontend.name)

    def real(
        self, key: ServiceKey, pool: Pool | None, ip: str, port: int, member: Member | None
    ) -> tuple[str, ...]:
        """Values for a destination, configured or not."""
        address = ip if self.route or member is None else member.backend.address
        return (*self.service(key, pool), address, str(port))


class _Sums:
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


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _about_config(desk: Desk) -> Iterator[Metric]:
    build = GaugeMetricFamily("ipvsman_build_info", "Version of the daemon.", labels=["version"])
    build.add_metric([__version__], 1)
    yield build
    config = desk.config
    yield _gauge(
        "ipvsman_config_version_mtime_seconds", "Newest change of a loaded drop-in.", config.mtime
    )
    yield _gauge("ipvsman_config_files_loaded_total", "Drop-ins loaded.", len(config.files))
    yield _gauge("ipvsman_config_warnings", "Warnings about drop-ins.", len(config.warnings))
    yield _gauge("ipvsman_desired_generation", "Number of the configuration.", desk.generation)
    last = desk.last_reload
    yield _gauge("ipvsman_last_reload_successful", "Whether the last reload was.", not last.error)
    yield _gauge("ipvsman_last_reload_timestamp_seconds", "When it was.", last.time)
    reloads = CounterMetricFamily("ipvsman_reloads", "Reloads, by outcome.", labels=["outcome"])
    done, failed = desk.reloads
    reloads.add_metric(["ok"], done)
    reloads.add_metric(["refused"], failed)
    yield reloads


def _about_names(desk: Desk) -> Iterator[Metric]:
    names = desk.names
    labels = ["group", "frontend", "proto", "vip", "port"]
    for total, each, text, count, when in (
        ("ip_change_events", "ip_change", "Changes of what names mean", "changes", "changed_at"),
        ("resolve_error_events", "resolve_errors", "Failed resolutions", "errors", "failed_at"),
    ):
        sum_of_all = sum(getattr(watched, count) for watched in names.values())
        yield _counter(f"ipvsman_backend_{total}", f"{text}.", sum_of_all)
        counts = CounterMetricFamily(
            f"ipvsman_backend_{each}", f"{text}, by service.", labels=labels
        )
        last = GaugeMetricFamily(
            f"ipvsman_backend_{each}_last_timestamp_seconds", "When that was last.", labels=labels
        )
        for pool in desk.desired.pools.values():
            hosts = {backend.address for backend in pool.frontend.backends}
            family = pool.service.family
            found = [names[host, family] for host in hosts if (host, family) in names]
            if not found:
                continue
            values = [pool.frontend.group, pool.frontend.name]
            values += [str(service_name(pool.service)[label]) for label in _ROUTE_SERVICE]
            counts.add_metric(values, sum(getattr(watched, count) for watched in found))
            last.add_metric(values, max(getattr(watched, when) for watched in found))
        yield counts
        yield last


def _about_keeper(desk: Desk) -> Iterator[Metric]:
    account = desk.account
    yield _gauge("ipvsman_apply_queue_depth", "Whether work waits for the keeper.", desk.waiting)
    yield _counter(
        "ipvsman_apply_coalesced_drops", "Snapshots that a newer one overtook.", desk.coalesced
    )
    for name, text, counts in (
        ("ipvsman_changes_applied", "Changes made in the kernel.", account.applied),
        ("ipvsman_changes_refused", "Changes that the kernel refused.", account.refused),
    ):
        family = CounterMetricFamily(name, text, labels=["action"])
        for action in ACTIONS:
            family.add_metric([action], counts.get(action, 0))
        yield family
    yield _counter("ipvsman_applies", "Passes over the kernel's table.", account.passes)
    yield _counter("ipvsman_apply_failures", "Passes that failed.", account.failures)
    yield _gauge("ipvsman_apply_duration_seconds", "How long the last pass took.", account.seconds)
    yield _counter("ipvsman_drift", "Changes by others that were found.", account.drift)
    yield _gauge("ipvsman_owned_services", "Services that are ours.", len(account.owned))
    yield _gauge("ipvsman_foreign_services", "Services that are not.", len(account.foreign))
    yield _gauge("ipvsman_overrides", "Overrides in force.", len(desk.overrides.entries))


def _about_process(look: Look) -> Iterator[Metric]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    yield _gauge("ipvsman_uptime_seconds", "Since the start.", look.desk.uptime)
    yield _counter(
        "ipvsman_cpu_seconds", "User and system time used.", usage.ru_utime + usage.ru_stime
    )
    yield _gauge("ipvsman_max_resident_bytes", "Most memory used.", usage.ru_maxrss * 1024)
    yield _gauge("ipvsman_event_loop_lag_seconds", "How late the loop was last.", look.lag)
    yield _counter(
        "ipvsman_transitions", "Changes of health.", look.desk.journal.count(Kind.TRANSITION)
    )


def _about_probes(desk: Desk) -> Iterator[Metric]:
    probes = CounterMetricFamily("ipvsman_probes", "Probes done.", labels=["type", "result"])
    seconds = HistogramMetricFamily("ipvsman_probe_duration_seconds", "How long.", labels=["type"])
    for kind, tally in desk.tallies.items():
        for result, count in tally.finished.items():
            probes.add_metric([kind, result], count)
        buckets = [
            ("+Inf" if bound == float("inf") else repr(bound), count)
            for bound, count in tally.durations.cumulative()
        ]
        seconds.add_metric([kind], buckets, sum_value=tally.durations.total)
    yield probes
    yield seconds


def _about_weights(desk: Desk, labels: _Labels) -> Iterator[Metric]:
    configured, effective = _Sums(), _Sums()
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


def _about_health(desk: Desk, labels: _Labels) -> Iterator[Metric]:
    states, ready = _Sums(), _Sums()
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


def _about_traffic(desk: Desk, reading: Reading, labels: _Labels) -> Iterator[Metric]:
    services: dict[str, _Sums] = defaultdict(_Sums)
    reals: dict[str, _Sums] = defaultdict(_Sums)
    for key, counted in reading.counters.items():
        pool = desk.desired.pools.get(key)
        _count(services, labels.service(key, pool), counted.traffic)
        for name, destination in counted.destinations.items():
            member = pool.members.get(name) if pool else None
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


def _count(sums: Mapping[str, _Sums], values: tuple[str, ...], traffic: Counters) -> None:
    sums["connections"].add(values, traffic.connections)
    for name, attribute in _AMOUNTS.items():
        sums[name].add(values, getattr(traffic, attribute))


def _traffic(
    prefix: str, names: tuple[str, ...], sums: Mapping[str, _Sums], suffix: str
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
