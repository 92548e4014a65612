# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What came of reading the drop-ins: counted, and told to the journal and the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ipvsman.config.model import Complaint, Config, ConfigError

from .journal import Journal, Kind

log = logging.getLogger("ipvsman")

#: Faults of a refused configuration, and warnings of one that is taken up, that are logged one by
#: one.
_COMPLAINTS = 50


@dataclass(frozen=True)
class Reload:
    """The outcome of one reload. time: seconds since the epoch; error: empty when it went well."""

    time: float
    generation: int
    error: str = ""


class Reloads:
    """generation: number of the configuration in force, from 1; 0 = there is none yet.

    last: the outcome of the last reading. done, failed: reloads since the start that went well, and
    that did not.
    """

    def __init__(self, journal: Journal, wall: Callable[[], float]) -> None:
        self._journal = journal
        self._wall = wall
        self.generation = 0
        self.last = Reload(wall(), 0)
        self.done = 0
        self.failed = 0

    def begun(self, config: Config, refused: ConfigError | None) -> None:
        """The daemon has its first configuration. refused: why it is not that of the drop-ins."""
        self._taken_up(str(refused) if refused else "")
        self.failed += refused is not None
        _tell_warnings(config.warnings)

    def taken_up(self, config: Config, before: Config) -> Reload:
        """Another configuration is in force than before."""
        self.done += 1
        self._taken_up()
        message = f"configuration {self.generation} loaded: {len(config.frontends)} frontends"
        self._record(message)
        _tell_warnings([each for each in config.warnings if each not in before.warnings])
        return self.last

    def unchanged(self, *, asked: bool) -> Reload:
        """The configuration in force is what the drop-ins say. asked: see Director.reload."""
        self.done += 1
        was_refused = bool(self.last.error)
        self.last = Reload(self._wall(), self.generation)
        if asked or was_refused:
            what = "are good again" if was_refused else "have not changed"
            self._record(f"the drop-ins {what}: configuration {self.generation} goes on")
        return self.last

    def refused(self, error: str, faults: Sequence[str], *, asked: bool) -> Reload:
        """The last good configuration goes on; the same fault again is told only to who asks."""
        self.failed += 1
        known = error == self.last.error
        self.last = Reload(self._wall(), self.generation, error)
        if asked or not known:
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            message = f"reload refused, configuration {self.generation} goes on: {faults[0]}{more}"
            self._journal.record(Kind.RELOAD, "config", message, logging.ERROR)
            for fault in faults[1:_COMPLAINTS]:
                log.error("reload refused: %s", fault)
        return self.last

    def _taken_up(self, error: str = "") -> None:
        self.generation += 1
        self.last = Reload(self._wall(), self.generation, error)

    def _record(self, message: str) -> None:
        self._journal.record(Kind.RELOAD, "config", message, generation=self.generation)


def _tell_warnings(warnings: Sequence[Complaint]) -> None:
    for warning in warnings[:_COMPLAINTS]:
        # Of a notice there is nothing to be mended.
        log.log(logging.INFO if warning.notice else logging.WARNING, "%s", warning)
    if len(warnings) > _COMPLAINTS:
        more = len(warnings) - _COMPLAINTS
        log.warning("%d more warnings about the drop-ins; ipvsman --test tells all", more)
