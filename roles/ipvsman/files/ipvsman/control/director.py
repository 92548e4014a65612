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
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from ipvsman.config.model import Complaint, Config, ConfigError
from ipvsman.health.spec import Check, Verdict, describe
from ipvsman.health.state import Condition, Health
from ipvsman.ipvs.model import Family, canonical_address

from . import memory
from .account import Snapshot
from .ages import Ages
from .desired import Desired, build, hostnames
from .journal import Journal, Kind
from .keeper import Keeper
from .memory import Known, Transition
from .notes import Form, Notes
from .overrides import Override, Overrides, Subject
from .store import Store
from .subjects import astray, tell_astray
from .weights import Circumstances, told

log = logging.getLogger("ipvsman")

_HEALTH, _OVERRIDES, _NAMES = "health", "overrides", "names"

#: Faults of a refused configuration, and warnings of one that is taken up, that are logged one by
#: one.
_COMPLAINTS = 50


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


#: What is new is probed within so many seconds; of many, so many a second.
_SOON, _FIRST_A_SECOND = 1.0, 1000

_Addresses = dict[tuple[str, Family], tuple[str, ...]]


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
        self._notes = Notes(store, journal)
        self._limits = limits
        self._clock = clock
        self._wall = wall
        self._prober: Probing | None = None
        self._resolver: Resolving | None = None
        self._addresses = self._remembered_names()
        self._cold = limits.cold_start > 0
        self.started = clock()
        self._ages = Ages(journal, limits.stale_grace, self.started)
        self.config = Config()
        self.desired = Desired()
        self.known: dict[Check, Known] = {}
        self.overrides = self._remembered_overrides()
        #: Overrides of what is not configured, each in words.
        self.astray: dict[Subject, str] = {}
        self.generation = 0
        self.last_reload = Reload(wall(), 0)
        self.reloads = 0
        self.failed_reloads = 0

    # -- life

    def begin(
        self,
        config: Config,
        prober: Probing,
        resolver: Resolving,
        refused: ConfigError | None = None,
    ) -> None:
        """Take up the first configuration. refused: why it is not that of the drop-ins."""
        self._prober, self._resolver = prober, resolver
        self._take_up(config, build(config, self._known_of(hostnames(config))))
        self._tell_warnings(config.warnings)
        if refused is not None:
            self.failed_reloads += 1
            self.last_reload = replace(self.last_reload, error=str(refused))

    async def reload(self, *, asked: bool = True) -> Reload:
        """Read the drop-ins again; a fault leaves the last good configuration running.

        Files are read and pools are built beside the loop: probes go on meanwhile. asked: somebody
        waits for an answer; what is as it was is not worth a line of the log otherwise.
        """
        try:
            config = await asyncio.to_thread(self._load)
        except ConfigError as error:
            return self._refuse(str(error), [str(fault) for fault in error.faults], asked)
        except Exception as error:  # whatever a file does to the loader, the daemon goes on
            log.exception("the drop-ins could not be read by a fault of this program")
            reason = f"internal error: {type(error).__name__}: {error}"
            return self._refuse(reason, [reason], asked)
        return await self.adopt(config, asked=asked)

    async def adopt(self, config: Config, *, asked: bool = True) -> Reload:
        """Take up a configuration that has been read and found good."""
        self.reloads += 1
        if config.digest == self.config.digest and self.generation:
            was_refused = bool(self.last_reload.error)
            self.config = config
            self.last_reload = Reload(self._wall(), self.generation)
            if asked or was_refused:
                what = "are good again" if was_refused else "have not changed"
                message = f"the drop-ins {what}: configuration {self.generation} goes on"
                self._journal.record(Kind.RELOAD, "config", message, generation=self.generation)
            return self.last_reload
        before = self.config.warnings
        self._take_up(config, await self._built(config))
        message = f"configuration {self.generation} loaded: {len(config.frontends)} frontends"
        self._journal.record(Kind.RELOAD, "config", message, generation=self.generation)
        self._tell_warnings([warning for warning in config.warnings if warning not in before])
        return self.last_reload

    def tick(self) -> None:
        """What time alone brings about: the end of the cold start, results that are too old."""
        now = self._clock()
        if self._cold and now - self.started >= self._limits.cold_start:
            self._cold = False
            self._publish()
        self._ages.look(self.known, now)

    async def remember(self) -> None:
        """Write to disk what has changed since it was written; what fails stays to be written."""
        await self._notes.write_due(self._form_of)

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

    def unable(self, check: Check, reason: str) -> float:
        """Note why a probe could not be made: no result, and so nobody's health is another."""
        entry = self.known.get(check)
        if entry is not None:
            entry.health = replace(entry.health, message=f"cannot be probed: {reason}")
        return check.timing.fast_interval

    def resolved(self, addresses: Mapping[tuple[str, Family], tuple[str, ...]]) -> None:
        """What names mean now."""
        changed = {name for name, found in addresses.items() if self._addresses.get(name) != found}
        if not changed:
            return
        self._addresses.update(addresses)
        self._notes.changed(_NAMES)
        for name, _family in sorted(changed, key=lambda item: (item[0], item[1].value)):
            found = ", ".join(self._addresses[name, _family]) or "nothing"
            self._journal.record(Kind.RESOLVE, name, f"{name} ({_family.value}) is {found}")
        self._want(build(self.config, self._addresses))

    def unresolved(self, name: tuple[str, Family], reason: str) -> None:
        """Why a name cannot be resolved; empty = it can be again."""
        host, family = name
        message, level = f"{host} ({family.value}) can be resolved again", logging.INFO
        if reason:
            kept = ", ".join(self._addresses.get(name, ()))
            until = f"it stays {kept}" if kept else "it has no address"
            message = f"{host} ({family.value}) cannot be resolved, {until}: {reason}"
            level = logging.WARNING
        self._journal.record(Kind.RESOLVE, host, message, level)

    def override(self, subject: Subject, disabled: bool, reason: str = "") -> None:
        """The operator takes something out (disabled) or in."""
        override = Override(disabled, self._wall(), reason)
        self._set_overrides(told(self.overrides, subject, override, self.desired))
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

    @property
    def forgets(self) -> str:
        """Why a restart would forget what the operator has said; empty when it would not."""
        return self._notes.fault(_OVERRIDES)

    # -- inside

    @property
    def snapshot(self) -> Snapshot:
        """Everything that decides about the table, now."""
        beliefs = _Beliefs(self.known)
        return Snapshot(self.desired, Circumstances(beliefs, self.overrides, self._cold))

    @property
    def stale(self) -> frozenset[Check]:
        """Checks whose last result is too old."""
        return self._ages.stale

    def _take_up(self, config: Config, desired: Desired) -> None:
        self.generation += 1
        self.config = config
        self.last_reload = Reload(self._wall(), self.generation)
        names = hostnames(config)
        known = self._known_of(names)
        if known != self._addresses:
            self._addresses = known
            self._notes.changed(_NAMES)
        if self._resolver is not None:
            self._resolver.want(names)
        self._want(desired)

    def _want(self, desired: Desired) -> None:
        """What shall be, from now on; health of checks that are still wanted goes on."""
        self.desired = desired
        self._look_for_strays()
        wanted = self.desired.users.keys()
        new = wanted - self.known.keys()
        remembered = self._remembered_health(new) if new else {}
        now = self._clock()
        self.known = {
            check: self.known.get(check)
            or remembered.get(check)
            or Known(Health.unknown(check.timing, now), deque(maxlen=memory.HISTORY))
            for check in wanted
        }
        self._ages.keep(wanted)
        if self._prober is not None:
            soon = max(_SOON, len(new) / _FIRST_A_SECOND)
            self._prober.assign(
                {check: _first_within(check, entry, soon) for check, entry in self.known.items()}
            )
        self._publish()

    def _turned(self, check: Check, entry: Known, before: Condition) -> None:
        health = entry.health
        entry.history.append(Transition(self._wall(), before, health.condition, health.message))
        self._notes.changed(_HEALTH)
        level = logging.WARNING if health.condition is Condition.DOWN else logging.INFO
        services = self.desired.users.get(check, frozenset())
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

    def _refuse(self, error: str, faults: list[str], asked: bool) -> Reload:
        """Go on with the last good configuration, and say so; the same again only to who asks."""
        self.failed_reloads += 1
        known = error == self.last_reload.error
        self.last_reload = Reload(self._wall(), self.generation, error)
        if asked or not known:
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            message = f"reload refused, configuration {self.generation} goes on: {faults[0]}{more}"
            self._journal.record(Kind.RELOAD, "config", message, logging.ERROR)
            for fault in faults[1:_COMPLAINTS]:
                log.error("reload refused: %s", fault)
        return self.last_reload

    async def _built(self, config: Config) -> Desired:
        """The pools of a configuration, made beside the loop, with what names mean at the end."""
        names = await asyncio.to_thread(hostnames, config)
        while True:
            known = self._known_of(names)
            desired = await asyncio.to_thread(_build, config, known)
            if known == self._known_of(names):
                return desired

    def _known_of(self, names: AbstractSet[tuple[str, Family]]) -> _Addresses:
        return {name: found for name, found in self._addresses.items() if name in names}

    def _tell_warnings(self, warnings: Sequence[Complaint]) -> None:
        for warning in warnings[:_COMPLAINTS]:
            log.warning("%s", warning)
        if len(warnings) > _COMPLAINTS:
            more = len(warnings) - _COMPLAINTS
            log.warning("%d more warnings about the drop-ins; ipvsman --test tells all", more)

    def _set_overrides(self, overrides: Overrides) -> None:
        self.overrides = overrides
        self._look_for_strays()
        self._publish()
        # At once, since the operator takes the answer for a promise.
        self._notes.write_now(_OVERRIDES, overrides.to_plain)

    def _look_for_strays(self) -> None:
        """Overrides that a new configuration leaves behind are told once, and kept."""
        before = self.astray
        self.astray = {
            subject: tell_astray(subject, self.overrides.entries[subject])
            for subject in astray(self.overrides, self.desired)
        }
        for subject, message in self.astray.items():
            if subject not in before:
                self._journal.record(Kind.OVERRIDE, subject.name, message, logging.WARNING)

    def _publish(self) -> None:
        self._keeper.publish(self.snapshot)

    # -- memory

    def _remembered_overrides(self) -> Overrides:
        return self._notes.recall(_OVERRIDES, Overrides.from_plain) or Overrides()

    def _remembered_names(self) -> _Addresses:
        def parse(rows: list[tuple[str, str, list[str]]]) -> _Addresses:
            return {
                (str(name), Family(family)): tuple(canonical_address(each) for each in found)
                for name, family, found in rows
            }

        return self._notes.recall(_NAMES, parse) or {}

    def _remembered_health(self, checks: AbstractSet[Check]) -> dict[Check, Known]:
        now, wall = self._clock(), self._wall()
        parse = partial(memory.from_plain, checks=checks, now=now, wall=wall)
        return self._notes.recall(_HEALTH, parse) or {}

    def _form_of(self, name: str) -> Form:
        """What is to be written under a name: taken now, put into form wherever that is called."""
        if name == _OVERRIDES:
            return self.overrides.to_plain
        if name == _NAMES:
            rows = [
                [host, family.value, found] for (host, family), found in self._addresses.items()
            ]
            return lambda: sorted(rows)
        known = memory.proven(self.known)
        return partial(memory.to_plain, known, self._clock(), self._wall())


def _build(config: Config, addresses: _Addresses) -> Desired:
    desired = build(config, addresses)
    _unused = desired.users  # in this thread rather than on the loop
    return desired


def _first_within(check: Check, entry: Known, soon: float) -> float:
    """Seconds within which a check that is new to the prober is to be made: soon, if unproven."""
    if entry.health.checked is None:
        return min(check.timing.fast_interval, soon)
    return entry.health.delay(check.timing)
