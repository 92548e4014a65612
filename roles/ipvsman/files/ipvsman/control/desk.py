# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What faces may look at and ask for: the daemon as a whole, for those who translate it.

Looking is at values that nobody changes under the reader; asking goes to the one who decides. One
command at a time: a reload and a change of the drop-ins never cross.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from ipvsman.config.model import Config
from ipvsman.config.names import Name, Resolver, Watched
from ipvsman.health.spec import Probe, Verdict
from ipvsman.health.tally import Tally
from ipvsman.ipvs.plan import Plan

from .account import Account, Snapshot
from .desired import Desired, Member, Pool
from .difference import difference
from .director import Director
from .journal import Journal, Kind
from .keeper import Keeper
from .live import Live, Reading
from .memory import Known
from .overrides import Overrides, Subject
from .reloads import Reload
from .subjects import left_alone

#: Seconds between two looks at what is waited for.
_GLANCE = 0.02


class Probing(Protocol):
    """What the desk needs of the prober."""

    @property
    def tallies(self) -> Mapping[str, Tally]:
        """Counters of the probes, by kind."""

    async def probe_once(self, probe: Probe, timeout: float) -> Verdict:
        """One probe, now."""


class Desk:
    """See above."""

    def __init__(
        self,
        director: Director,
        keeper: Keeper,
        live: Live,
        journal: Journal,
        prober: Probing,
        resolver: Resolver,
        clock: Callable[[], float],
    ) -> None:
        self._director = director
        self._keeper = keeper
        self._live = live
        self._prober = prober
        self._resolver = resolver
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self.journal = journal

    # -- looking

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._director.config

    @property
    def desired(self) -> Desired:
        """The pools as configured."""
        return self._director.desired

    @property
    def overrides(self) -> Overrides:
        """What the operator has said."""
        return self._director.orders.overrides

    @property
    def astray(self) -> Mapping[Subject, str]:
        """What of that is about nothing that is configured, each in words."""
        return self._director.orders.astray

    @property
    def account(self) -> Account:
        """What the keeper has done and knows: effective weights with reasons, foreign services."""
        return self._keeper.account

    @property
    def generation(self) -> int:
        """Number of the configuration in force, from 1."""
        return self._director.reloads.generation

    @property
    def last_reload(self) -> Reload:
        """The outcome of the last reload."""
        return self._director.reloads.last

    @property
    def reloads(self) -> tuple[int, int]:
        """Reloads that went well, and that were refused."""
        return self._director.reloads.done, self._director.reloads.failed

    @property
    def names(self) -> Mapping[Name, Watched]:
        """What is known of the host names in the configuration."""
        return self._resolver.watched

    @property
    def tallies(self) -> Mapping[str, Tally]:
        """Counters of the probes, by kind."""
        return self._prober.tallies

    @property
    def waiting(self) -> bool:
        """Whether there is work that the keeper has not begun."""
        return self._keeper.waiting

    @property
    def coalesced(self) -> int:
        """Snapshots that a newer one overtook."""
        return self._keeper.coalesced

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._director.started

    def known(self, member: Member) -> Known | None:
        """Health and history of a destination's check; None = it has none."""
        return None if member.check is None else self._director.beliefs.known.get(member.check)

    def is_stale(self, member: Member) -> bool:
        """Whether the last result of its check is too old."""
        return self._director.ages.is_stale(member.check)

    def age(self, moment: float) -> float:
        """Seconds since a moment of the daemon's clock (Health.since, Health.checked)."""
        return self._clock() - moment

    def members(self) -> Iterable[tuple[Pool, Member]]:
        """Every destination, also of fallbacks, with its pool, in numeric order."""
        pools = self.desired.pools
        for service in sorted(pools, key=lambda key: key.order()):
            pool = pools[service]
            members = pool.by_key
            for key in sorted(members, key=lambda key: key.order()):
                yield pool, members[key]

    async def reading(self, age: float | None = None) -> Reading:
        """The kernel's table and counters, at most so many seconds old. Raises IpvsError."""
        return await self._live.read(age)

    @property
    def reading_failures(self) -> int:
        """Readings of the kernel that failed since the start."""
        return self._live.failures

    def is_ready(self) -> bool:
        """Whether the kernel has been made what it shall be at least once, and the keeper lives."""
        return self._keeper.alive and self.account.passed is not None and not self.account.error

    async def difference(self) -> Plan:
        """What would have to change in the kernel now. Raises IpvsError."""
        reading = await self.reading(age=0.0)
        return difference(self._director.snapshot, self.account.owned, reading.state)

    # -- asking

    async def reload(self, *, asked: bool = True) -> Reload:
        """Read the drop-ins again. asked: somebody waits for an answer."""
        async with self._one_at_a_time:
            return await self._director.reload(asked=asked)

    async def replace_config(self, write: Callable[[], None]) -> Reload:
        """Write drop-ins and read them, with no other reload between. write runs in a thread."""
        async with self._one_at_a_time:
            await asyncio.to_thread(write)
            return await self._director.reload()

    async def settled(self, timeout: float) -> bool:
        """Whether, within so many seconds, the kernel is seen to be as it is to be now."""
        number = self._keeper.published
        # No thread waits for it: there are few of them, and reloads need one.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not self._keeper.is_settled(number):
                    await asyncio.sleep(_GLANCE)
        return self._keeper.is_settled(number)

    def override(self, subject: Subject, disabled: bool, reason: str = "") -> list[str]:
        """The operator takes something out (disabled) or in; what he should know of that."""
        # Taken now: the keeper may be done with it before the disk is.
        before, account = self._director.snapshot, self.account
        self._director.override(subject, disabled, reason)
        return self._warnings(subject, before, account)

    def release(self, subject: Subject) -> list[str] | None:
        """The operator leaves it to the configuration again; what he should know of that.

        None = there was no override.
        """
        before, account = self._director.snapshot, self.account
        if not self._director.release(subject):
            return None
        return self._warnings(subject, before, account)

    def _warnings(self, subject: Subject, before: Snapshot, account: Account) -> list[str]:
        """Of what was just said: services that nobody serves any more, and that it is forgotten."""
        found = left_alone(subject, before, self._director.snapshot, account)
        for message in found:
            self.journal.record(Kind.OVERRIDE, subject.name, message, logging.WARNING)
        fault = self._director.orders.forgotten
        if fault:
            found.append(f"it is in force, and a restart forgets it: {fault}")
        return found

    def resync(self) -> None:
        """Compare everything with the kernel now."""
        self._keeper.resync()

    async def probe(self, member: Member) -> Verdict | None:
        """Probe one destination now, beside its schedule; None when it has no check."""
        if member.check is None:
            return None
        return await self._prober.probe_once(member.check.probe, member.check.timing.timeout)
