# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Metrics of the daemon itself: configuration, names, the keeper, probes, the process."""

from __future__ import annotations

import resource
from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from ipvsman import __version__
from ipvsman.control.desk import Desk
from ipvsman.control.journal import Kind
from ipvsman.ipvs.changes import ACTIONS

from .report import service_name
from .series import ROUTE_SERVICE, counter, gauge


def about_config(desk: Desk) -> Iterator[Metric]:
    build = GaugeMetricFamily("ipvsman_build_info", "Version of the daemon.", labels=["version"])
    build.add_metric([__version__], 1)
    yield build
    config = desk.config
    yield gauge(
        "ipvsman_config_version_mtime_seconds", "Newest change of a loaded drop-in.", config.mtime
    )
    # The name, which dashboards know, says counter; it starts anew when drop-ins are removed.
    yield counter("ipvsman_config_files_loaded", "Drop-ins loaded.", len(config.files))
    yield gauge("ipvsman_config_warnings", "Warnings about drop-ins.", len(config.warnings))
    yield gauge("ipvsman_desired_generation", "Number of the configuration.", desk.generation)
    last = desk.last_reload
    yield gauge("ipvsman_last_reload_successful", "Whether the last reload was.", not last.error)
    yield gauge("ipvsman_last_reload_timestamp_seconds", "When it was.", last.time)
    reloads = CounterMetricFamily("ipvsman_reloads", "Reloads, by outcome.", labels=["outcome"])
    done, failed = desk.reloads
    reloads.add_metric(["ok"], done)
    reloads.add_metric(["refused"], failed)
    yield reloads


def about_names(desk: Desk) -> Iterator[Metric]:
    names = desk.names
    labels = ["group", "frontend", "proto", "vip", "port"]
    for total, each, text, count, when in (
        ("ip_change_events", "ip_change", "Changes of what names mean", "changes", "changed_at"),
        ("resolve_error_events", "resolve_errors", "Failed resolutions", "errors", "failed_at"),
    ):
        sum_of_all = sum(getattr(watched, count) for watched in names.values())
        yield counter(f"ipvsman_backend_{total}", f"{text}.", sum_of_all)
        counts = CounterMetricFamily(
            f"ipvsman_backend_{each}", f"{text}, by service.", labels=labels
        )
        last = GaugeMetricFamily(
            f"ipvsman_backend_{each}_last_timestamp_seconds", "When that was last.", labels=labels
        )
        for pool in desk.desired.pools.values():
            hosts = {
                backend.address for backend in (*pool.frontend.backends, *pool.frontend.fallback)
            }
            family = pool.service.family
            found = [names[host, family] for host in hosts if (host, family) in names]
            if not found:
                continue
            values = [pool.frontend.group, pool.frontend.name]
            values += [str(service_name(pool.service)[label]) for label in ROUTE_SERVICE]
            counts.add_metric(values, sum(getattr(watched, count) for watched in found))
            last.add_metric(values, max(getattr(watched, when) for watched in found))
        yield counts
        yield last


def about_keeper(desk: Desk) -> Iterator[Metric]:
    account = desk.account
    yield gauge("ipvsman_apply_queue_depth", "Whether work waits for the keeper.", desk.waiting)
    yield counter(
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
    yield counter("ipvsman_applies", "Passes over the kernel's table.", account.passes)
    yield counter("ipvsman_apply_failures", "Passes that failed.", account.failures)
    yield gauge("ipvsman_apply_duration_seconds", "How long the last pass took.", account.seconds)
    yield counter("ipvsman_drift", "Changes by others that were found.", account.drift)
    yield gauge("ipvsman_owned_services", "Services that are ours.", len(account.owned))
    yield gauge("ipvsman_foreign_services", "Services that are not.", len(account.foreign))
    yield gauge("ipvsman_overrides", "Overrides in force.", len(desk.overrides.entries))
    yield gauge(
        "ipvsman_overrides_astray", "Overrides of what is not configured.", len(desk.astray)
    )


def about_process(desk: Desk, lag: float) -> Iterator[Metric]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    yield gauge("ipvsman_uptime_seconds", "Since the start.", desk.uptime)
    yield counter(
        "ipvsman_cpu_seconds", "User and system time used.", usage.ru_utime + usage.ru_stime
    )
    yield gauge("ipvsman_max_resident_bytes", "Most memory used.", usage.ru_maxrss * 1024)
    yield gauge("ipvsman_event_loop_lag_seconds", "How late the loop was last.", lag)
    yield counter("ipvsman_transitions", "Changes of health.", desk.journal.count(Kind.TRANSITION))


def about_probes(desk: Desk) -> Iterator[Metric]:
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
