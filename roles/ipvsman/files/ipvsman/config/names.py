# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Host names -> addresses, each name on a timer of its own. What a lookup is, is handed in.

A name that cannot be resolved any more keeps what it last meant: servers do not go away because a
name server does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from ipvsman.ipvs.model import Family, packed_address

#: A host name with the family that its addresses are wanted in.
Name = tuple[str, Family]

#: Seconds that an answer is believed at least and at most, whatever its TTL.
LEAST, MOST = 5.0, 300.0
#: Seconds between attempts at a name that fails, at most; the first comes after LEAST.
PATIENCE = 60.0
#: Failures in a row that are told, of a name that has addresses; of one that has none, the first.
TROUBLE = 3
#: Lookups at a time.
AT_ONCE = 32
#: Seconds in which news are collected before they are reported.
GATHER = 0.02


@dataclass(frozen=True)
class Answer:
    """What a name means, and for how many seconds."""

    addresses: tuple[str, ...]
    ttl: float


class LookupFailed(Exception):
    """A name has no answer; the message says why."""


Lookup = Callable[[str, Family], Awaitable[Answer]]
Report = Callable[[dict[Name, tuple[str, ...]]], None]
# Takes why a name cannot be resolved; an empty text when it can be again.
Trouble = Callable[[Name, str], None]


@dataclass(frozen=True)
class Watched:
    """What is known of a name. Times are those of the clock on the wall, 0.0 = never.

    error: why the last attempt failed; empty = it did not. changes: how often the answer became
    another one.
    """

    addresses: tuple[str, ...] = ()
    error: str = ""
    errors: int = 0
    changes: int = 0
    failed_at: float = 0.0
    changed_at: float = 0.0


class Resolver:
    """Watches names and reports all that is known, whenever some of it changes.

    To be used inside of one running loop.
    """

    def __init__(
        self,
        report: Report,
        lookup: Lookup,
        *,
        trouble: Trouble = lambda _name, _reason: None,
        least: float = LEAST,
        most: float = MOST,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._report = report
        self._lookup = lookup
        self._trouble = trouble
        self._least = least
        self._most = most
        self._clock = clock
        self._watched: dict[Name, Watched] = {}
        self._tasks: dict[Name, asyncio.Task[None]] = {}
        self._tried: dict[Name, asyncio.Event] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._flush: asyncio.TimerHandle | None = None

    @property
    def watched(self) -> dict[Name, Watched]:
        """Every wanted name."""
        return dict(self._watched)

    @property
    def known(self) -> dict[Name, tuple[str, ...]]:
        """Wanted names that have, or had, addresses; sorted ones."""
        return {name: each.addresses for name, each in self._watched.items() if each.addresses}

    def want(self, names: frozenset[Name]) -> None:
        """Watch these names and no others. What is known of those that stay is kept."""
        for name in self._tasks.keys() - names:
            self._tasks.pop(name).cancel()
            del self._watched[name], self._tried[name]
        for name in sorted(names - self._tasks.keys(), key=lambda name: (name[0], name[1].value)):
            self._watched[name] = Watched()
            self._tried[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._watch(name), name=f"resolve {name[0]}")

    async def settled(self) -> None:
        """Wait until every name has been tried once, and news of it reported."""
        for event in list(self._tried.values()):
            await event.wait()
        if self._flush is not None:
            self._tell()

    async def close(self) -> None:
        """Stop. Nothing is reported after this."""
        tasks = list(self._tasks.values())
        self.want(frozenset())
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, name: Name) -> None:
        failures, told = 0, False
        while True:
            async with self._slots:
                pause = await self._try(name)
            self._tried[name].set()
            known = self._watched[name]
            if pause is None:
                failures += 1
                if failures == (TROUBLE if known.addresses else 1):
                    told = True
                    self._trouble(name, known.error)
            else:
                failures = 0
                if told:
                    told = False
                    self._trouble(name, "")
            if pause is None:
                pause = min(self._least * 2 ** min(failures - 1, 10), PATIENCE)
            await asyncio.sleep(min(max(pause, self._least), self._most))

    async def _try(self, name: Name) -> float | None:
        """How long the answer holds; None when there was none."""
        try:
            answer = await self._lookup(*name)
        except Exception as error:  # noqa: BLE001 - whatever it is, the name is tried again
            self._note_failure(name, str(error) or type(error).__name__)
            return None
        addresses = tuple(sorted(set(answer.addresses), key=packed_address))
        if not addresses:
            self._note_failure(name, "the answer has no addresses")
            return None
        self._note_answer(name, addresses)
        return answer.ttl

    def _note_failure(self, name: Name, reason: str) -> None:
        now, before = self._clock(), self._watched[name]
        self._watched[name] = replace(before, error=reason, errors=before.errors + 1, failed_at=now)

    def _note_answer(self, name: Name, addresses: tuple[str, ...]) -> None:
        now, before = self._clock(), self._watched[name]
        after = replace(before, addresses=addresses, error="")
        if addresses != before.addresses:
            if before.addresses:
                after = replace(after, changes=before.changes + 1, changed_at=now)
            if self._flush is None:
                self._flush = asyncio.get_running_loop().call_later(GATHER, self._tell)
        self._watched[name] = after

    def _tell(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        self._report(self.known)
