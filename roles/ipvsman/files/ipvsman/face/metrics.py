# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Prometheus scrapes: families of samples, made of one look at the daemon.

Names and labels are those that dashboards of the existing tool know; what is new stands beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder

from ipvsman.control.desk import Desk
from ipvsman.control.live import Reading

from . import daemon_families as daemon
from . import pool_families as pools
from .series import Labels, counter
from .settings import Metrics


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
        yield from daemon.about_config(look.desk)
        yield from daemon.about_names(look.desk)
        yield from daemon.about_keeper(look.desk)
        yield from daemon.about_process(look.desk, look.lag)
        yield from daemon.about_probes(look.desk)
        modes = (
            ("configured", "route") if self._settings.labels == "both" else (self._settings.labels,)
        )
        for mode in modes:
            labels = Labels(mode, "_route" if len(modes) > 1 and mode == "route" else "")
            yield from pools.about_weights(look.desk, labels)
            yield from pools.about_fallback(look.desk, labels)
            if self._settings.health:
                yield from pools.about_health(look.desk, labels)
            if self._settings.stats and look.reading is not None:
                yield from pools.about_traffic(look.desk, look.reading, labels)
        if self._settings.stats:
            yield counter(
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
