# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What signals, timers, probes and faces ask for, turned into the newest snapshot for the keeper.

It lives on the event loop and holds what is believed: configuration, addresses of names, health,
overrides. On any event it computes what shall be from scratch and tells the keeper which services
that may touch. It never looks at the kernel and never writes to it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from ipvsman.config.model import Config, ConfigError
from ipvsman.health.spec import Check, Verdict
from ipvsman.health.state import Condition, Health
from ipvsman.ipvs.model import Family, ServiceKey

from . import memory
from .desired import Desired, build, hostnames
from .journal import Journal, Kind
from .keeper import Keeper, Snapshot
from .memory import Known, Transition
from .overrides import Override, Overrides, Subject
from .store import Store, StoreError
from .weights import Circumstances

_HEALTH, _OVERRIDES = "health", "overrides"


class Probing(Protocol):
    """What the director needs of the prober."""

    def assign(self, checks: Mapping[Check, float]) -> None:
        """Probe exactly these, new ones after so many seconds."""


class Resolving(Protocol):
    """What the director needs of the resolver."""

    def want(self, names: frozenset[tuple[str, Family]]) -> None:
        """Watch exactly these names."""


@dataclass(frozen=True)
class Reload:
    """The outcome of one reload. time: seconds since the epoch; error: empty when it went well."""

    time: float
    generation: int
    error: str = ""


@dataclass(frozen=True)
class Limits:
    """Seconds: how long after the start the unknown is trusted; how old a result may be."""

    cold_start: float = 30.0
    stale_grace: float = 30.0


class _Beliefs(Mapping[Check, Health]):
    """Health by check, as it is when it is looked at.

    Not copied: with thousands of checks a copy at each of thousands of turns would be the dearest
    part of them, and what the keeper reads later than it was told is newer, and so better.
    """

    def __init__(self, known: Mapping[Check, Known]) -> None:
        self._known = known

    def __getitem__(self, check: Check) -> Health:
        return self._known[check].health

    def __iter__(self) -> Iterator[Check]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class Director:
    """See above."""

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
        self._store = store
        self._limits = limits
        self._clock = clock
        self._wall = wall
        self._prober: Probing | None = None
        self._resolver: Resolving | None = None
        self._addresses: dict[tuple[str, Family], tuple[str, ...]] = {}
        self._users: dict[Check, frozenset[ServiceKey]] = {}
        self._stale: set[Check] = set()
        self._cold = True
        self._health_changed = False
        self.started = clock()
        self.config = Config()
        self.desired = Desired()
        self.known: dict[Check, Known] = {}
        self.overrides = self._remembered_overrides()
        self.generation = 0
        self.last_reload = Reload(wall(), 0)
        self.reloads = 0
        self.failed_reloads = 0

    # -- life

    def begin(self, config: Config, prober: Probing, resolver: Resolving) -> None:
        """Take up the first configuration."""
        self._prober, self._resolver = prober, resolver
        self._take_up(config, build(config, self._addresses))

    async def reload(self) -> Reload:
        """Read the drop-ins again; a fault leaves the last good configuration running.

        Files are read and pools are built beside the loop: probes go on meanwhile.
        """
        try:
            config = await asyncio.to_thread(self._load)
        except ConfigError as error:
            self.failed_reloads += 1
            self.last_reload = Reload(self._wall(), self.generation, str(error))
            message = f"reload refused, the configuration before it goes on: {error}"
            self._journal.record(Kind.RELOAD, "config", message, logging.ERROR)
            return self.last_reload
        return await self.adopt(config)

    async def adopt(self, config: Config) -> Reload:
        """Take up a configuration that has been read and found good."""
        self.reloads += 1
        if config.digest == self.config.digest and self.generation:
            self.config = config
            self.last_reload = Reload(self._wall(), self.generation)
            return self.last_reload
        self._take_up(config, await asyncio.to_thread(build, config, dict(self._addresses)))
        message = f"configuration {self.generation} loaded: {len(config.frontends)} frontends"
        self._journal.record(Kind.RELOAD, "config", message, generation=self.generation)
        return self.last_reload

    def tick(self) -> None:
        """What time alone brings about: the end of the cold start, stale results, the memory."""
        now = self._clock()
        if self._cold and now - self.started >= self._limits.cold_start:
            self._cold = False
            self._publish()
        for check, entry in self.known.items():
            stale = entry.health.is_stale(check.timing, self._limits.stale_grace, now)
            if stale and check not in self._stale:
                self._stale.add(check)
                message = f"no result of {describe(check)} for too long; its last state stays"
                self._journal.record(Kind.STALE, describe(check), message, logging.WARNING)
            elif not stale:
                self._stale.discard(check)
        if self._health_changed:
            self.remember()

    def remember(self) -> None:
        """Write what is known to disk."""
        self._health_changed = False
        self._write(_HEALTH, memory.to_plain(self.known, self._clock(), self._wall()))

    # -- events

    def judge(self, check: Check, verdict: Verdict) -> float:
        """Count a probe's result in; returns the seconds until the next probe."""
        entry = self.known.get(check)
        if entry is None:
            return check.timing.interval
        before = entry.health
        entry.health = before.after(verdict, check.timing, self._clock())
        if entry.health.condition is not before.condition:
            self._turned(check, entry, before.condition)
        return entry.health.delay(check.timing)

    def resolved(self, addresses: Mapping[tuple[str, Family], tuple[str, ...]]) -> None:
        """What names mean now."""
        changed = {name for name, found in addresses.items() if self._addresses.get(name) != found}
        if not changed:
            return
        self._addresses.update(addresses)
        for name, _family in sorted(changed, key=lambda item: (item[0], item[1].value)):
            found = ", ".join(self._addresses[name, _family]) or "nothing"
            self._journal.record(Kind.RESOLVE, name, f"{name} ({_family.value}) is {found}")
        self._want(build(self.config, self._addresses))

    def override(self, subject: Subject, disabled: bool, reason: str = "") -> None:
        """The operator takes something out (disabled) or in."""
        override = Override(disabled, self._wall(), reason)
        self._set_overrides(self.overrides.put(subject, override))
        verb = "disabled" if disabled else "enabled"
        self._journal.record(
            Kind.OVERRIDE, subject.name, f"{subject.level.value} {subject.name} {verb} by operator"
        )

    def release(self, subject: Subject) -> bool:
        """The operator leaves it to the configuration again; whether there was an override."""
        if subject not in self.overrides.entries:
            return False
        self._set_overrides(self.overrides.drop(subject))
        message = f"{subject.level.value} {subject.name} follows the configuration again"
        self._journal.record(Kind.OVERRIDE, subject.name, message)
        return True

    # -- inside

    @property
    def snapshot(self) -> Snapshot:
        """Everything that decides about the table, now."""
        beliefs = _Beliefs(self.known)
        return Snapshot(self.desired, Circumstances(beliefs, self.overrides, self._cold))

    @property
    def stale(self) -> frozenset[Check]:
        """Checks whose last result is too old."""
        return frozenset(self._stale)

    def _take_up(self, config: Config, desired: Desired) -> None:
        self.generation += 1
        self.config = config
        self.last_reload = Reload(self._wall(), self.generation)
        names = hostnames(config)
        self._addresses = {name: found for name, found in self._addresses.items() if name in names}
        if self._resolver is not None:
            self._resolver.want(names)
        self._want(desired)

    def _want(self, desired: Desired) -> None:
        """What shall be, from now on; health of checks that are still wanted goes on."""
        self.desired = desired
        self._users = self.desired.services_by_check()
        wanted = self.desired.checks()
        new = wanted - self.known.keys()
        remembered = self._remembered_health(new) if new else {}
        now = self._clock()
        self.known = {
            check: self.known.get(check)
            or remembered.get(check)
            or Known(Health.unknown(check.timing, now), deque(maxlen=memory.HISTORY))
            for check in wanted
        }
        self._stale &= wanted
        if self._prober is not None:
            self._prober.assign(
                {check: entry.health.delay(check.timing) for check, entry in self.known.items()}
            )
        self._publish()

    def _turned(self, check: Check, entry: Known, before: Condition) -> None:
        health = entry.health
        entry.history.append(Transition(self._wall(), before, health.condition, health.message))
        self._health_changed = True
        level = logging.WARNING if health.condition is Condition.DOWN else logging.INFO
        services = self._users.get(check, frozenset())
        message = f"{describe(check)} {before.value} -> {health.condition.value}: {health.message}"
        self._journal.record(
            Kind.TRANSITION,
            describe(check),
            message,
            level,
            before=before.value,
            after=health.condition.value,
            services=sorted(map(str, services)),
        )
        self._keeper.publish(self.snapshot, services)

    def _set_overrides(self, overrides: Overrides) -> None:
        self.overrides = overrides
        self._write(_OVERRIDES, overrides.to_plain())
        self._publish()

    def _publish(self) -> None:
        self._keeper.publish(self.snapshot)

    # -- memory

    def _remembered_overrides(self) -> Overrides:
        plain = self._store.read(_OVERRIDES)
        if plain is None:
            return Overrides()
        try:
            return Overrides.from_plain(plain)
        except (KeyError, TypeError, ValueError) as error:
            self._store.set_aside(_OVERRIDES, f"{type(error).__name__}: {error}")
            return Overrides()

    def _remembered_health(self, checks: frozenset[Check]) -> dict[Check, Known]:
        plain = self._store.read(_HEALTH)
        if plain is None:
            return {}
        try:
            return memory.from_plain(plain, checks, self._clock(), self._wall())
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self._store.set_aside(_HEALTH, f"{type(error).__name__}: {error}")
            return {}

    def _write(self, name: str, data: object) -> None:
        try:
            self._store.write(name, data)
        except StoreError as error:
            self._journal.record(Kind.ERROR, "store", str(error), logging.ERROR)


def describe(check: Check) -> str:
    """A check in a few words: its kind and target."""
    probe = check.probe
    kind = type(probe).__name__.removesuffix("Probe").lower()
    address, port = getattr(probe, "address", ""), getattr(probe, "port", 0)
    host = f"[{address}]" if ":" in address else address
    return f"{kind} {host}:{port}" if port else f"{kind} {host}".rstrip()
