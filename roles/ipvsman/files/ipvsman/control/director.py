# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What signals, timers, probes and faces ask for, turned into the newest snapshot for the keeper.

It lives on the event loop, with the configuration, meanings of names, beliefs about health and the
operator's orders. On any event it computes what shall be from scratch and tells the keeper which
services that may touch. It never looks at the kernel and never writes to it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ipvsman.config.model import Config, ConfigError
from ipvsman.config.names import Name
from ipvsman.health.spec import Check, describe
from ipvsman.health.state import Condition

from .account import Snapshot
from .ages import Ages
from .beliefs import Beliefs
from .desired import Addresses, Desired, build, hostnames
from .journal import Journal, Kind
from .keeper import Keeper
from .meanings import Meanings
from .memory import Transition
from .notes import Notes
from .orders import Orders
from .overrides import Override, Subject
from .reloads import Reload, Reloads
from .store import Store
from .weights import Circumstances

log = logging.getLogger("ipvsman")


class Probing(Protocol):
    """What the director needs of the prober."""

    def assign(self, checks: Mapping[Check, float]) -> None:
        """Probe exactly these, new ones after so many seconds."""


class Resolving(Protocol):
    """What the director needs of the resolver."""

    def want(self, names: frozenset[Name]) -> None:
        """Watch exactly these names."""


@dataclass(frozen=True)
class Limits:
    """Seconds: how long after the start the unknown is trusted; how old a result may be."""

    cold_start: float = 30.0
    stale_grace: float = 30.0


class Director:
    """See above. Its parts are for those who have news of them, and for those who look."""

    def __init__(
        self,
        load: Callable[[], Config],
        keeper: Keeper,
        journal: Journal,
        store: Store,
        *,
        limits: Limits,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        """load: reads the drop-ins, raises ConfigError; clock: monotonic; wall: since the epoch."""
        self._load = load
        self._keeper = keeper
        self._journal = journal
        self._notes = Notes(store, journal)
        self._limits = limits
        self._clock = clock
        self._wall = wall
        self._prober: Probing | None = None
        self._resolver: Resolving | None = None
        self._cold = limits.cold_start > 0
        self.started = clock()
        self.config = Config()
        self.desired = Desired()
        self.reloads = Reloads(journal, wall)
        self.meanings = Meanings(journal, self._notes)
        self.beliefs = Beliefs(self._notes, self._turned, self._touch, clock, wall)
        self.ages = Ages(journal, limits.stale_grace, self.started)
        self.orders = Orders(journal, self._notes)

    @property
    def snapshot(self) -> Snapshot:
        """Everything that decides about the table, now."""
        circumstances = Circumstances(self.beliefs.healths, self.orders.overrides, self._cold)
        return Snapshot(self.desired, circumstances)

    # -- the configuration

    def begin(
        self,
        config: Config,
        prober: Probing,
        resolver: Resolving,
        refused: ConfigError | None = None,
    ) -> None:
        """Take up the first configuration. refused: why it is not that of the drop-ins."""
        self._prober, self._resolver = prober, resolver
        self._take_up(config, build(config, self.meanings.of(hostnames(config))))
        self.reloads.begun(config, refused)

    async def reload(self, *, asked: bool = True) -> Reload:
        """Read the drop-ins again; a fault leaves the last good configuration running.

        Files are read and pools are built beside the loop: probes go on meanwhile. asked: somebody
        waits for an answer; what is as it was is not worth a line of the log otherwise.
        """
        try:
            config = await asyncio.to_thread(self._load)
        except ConfigError as error:
            faults = [str(fault) for fault in error.faults]
            return self.reloads.refused(str(error), faults, asked=asked)
        except Exception as error:  # whatever a file does to the loader, the daemon goes on
            log.exception("the drop-ins could not be read by a fault of this program")
            reason = f"internal error: {type(error).__name__}: {error}"
            return self.reloads.refused(reason, [reason], asked=asked)
        before = self.config
        if config.digest == before.digest and self.reloads.generation:
            self.config = config
            return self.reloads.unchanged(asked=asked)
        self._take_up(config, await self._built(config))
        return self.reloads.taken_up(config, before)

    async def _built(self, config: Config) -> Desired:
        """The pools of a configuration, made beside the loop, with what names mean at the end."""
        names = await asyncio.to_thread(hostnames, config)
        while True:
            known = self.meanings.of(names)
            desired = await asyncio.to_thread(_build, config, known)
            if known == self.meanings.of(names):
                return desired

    def _take_up(self, config: Config, desired: Desired) -> None:
        self.config = config
        names = hostnames(config)
        self.meanings.keep(names)
        if self._resolver is not None:
            self._resolver.want(names)
        self._want(desired)

    def _want(self, desired: Desired) -> None:
        """What shall be, from now on."""
        self.desired = desired
        self.orders.compare(desired)
        checks = desired.users.keys()
        soon = self.beliefs.want(checks)
        self.ages.keep(checks)
        if self._prober is not None:
            self._prober.assign(soon)
        self._publish()

    # -- events

    def tick(self) -> None:
        """What time alone brings about: the end of the cold start, results that are too old."""
        now = self._clock()
        if self._cold and now - self.started >= self._limits.cold_start:
            self._cold = False
            self._publish()
        self.ages.look(self.beliefs.known, now)

    def resolved(self, addresses: Addresses) -> None:
        """What names mean now."""
        if self.meanings.learn(addresses):
            self._want(build(self.config, self.meanings.known))

    def override(self, subject: Subject, disabled: bool, reason: str = "") -> None:
        """The operator takes something out (disabled) or in."""
        self.orders.give(subject, Override(disabled, self._wall(), reason), self.desired)
        self._obey()

    def release(self, subject: Subject) -> bool:
        """The operator leaves it to the configuration again; whether there was an override."""
        found = self.orders.withdraw(subject, self.desired)
        if found:
            self._obey()
        return found

    async def remember(self) -> None:
        """Write to disk what has changed since it was written; what fails stays to be written."""
        await self._notes.write_due()

    def _turned(self, check: Check, turn: Transition) -> None:
        """What is believed of a check has become another."""
        services = self.desired.users.get(check, frozenset())
        frontends = (self.desired.pools[service].frontend for service in services)
        level = logging.WARNING if turn.after is Condition.DOWN else logging.INFO
        change = f"{turn.before.value} -> {turn.after.value}"
        self._journal.record(
            Kind.TRANSITION,
            describe(check),
            f"{describe(check)} {change}: {turn.message}",
            level,
            before=turn.before.value,
            after=turn.after.value,
            services=sorted(map(str, services)),
            frontends=sorted({f"{each.group}/{each.name}" for each in frontends}),
        )
        self._touch(check)

    def _touch(self, check: Check) -> None:
        """Only what hangs on this check is to be looked at."""
        self._keeper.publish(self.snapshot, self.desired.users.get(check, frozenset()))

    def _obey(self) -> None:
        # The kernel comes first: a disk may be slow.
        self._publish()
        self.orders.write()

    def _publish(self) -> None:
        self._keeper.publish(self.snapshot)


def _build(config: Config, addresses: Addresses) -> Desired:
    desired = build(config, addresses)
    _unused = desired.users  # in this thread rather than on the loop
    return desired
