# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When each check is made, and that it ends in time: timers, deadlines, jitter.

It knows nothing of what a verdict means: it hands each to its owner, who answers with the seconds
until the next one. A probe that could not be made for want of something on this host (see
``outcome``) is no verdict: it is counted, logged, and tried again.

The period runs from start to start. A probe that takes longer than that is followed by the next at
once; there is never more than one of a check under way.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Mapping
from random import Random

from .checks import tcp
from .kinds import KINDS, kind_of, maker
from .outcome import Failed, Stage, Unable, in_words, of_errno, one_line, timed_out
from .spec import Check, CommandProbe, Probe, TcpProbe, Verdict, describe
from .tally import LATENESS, Histogram, Tally
from .wheel import Wheel

log = logging.getLogger(__name__)

# What falls into one tick is done together. Coarser would save a few per cent of the CPU, and hold
# up whatever else the loop has to do for longer.
TICK = 0.01
# How many timers run before the loop gets its turn again.
BATCH = 64
JITTER = 0.1
# Of the same trouble of this host, one line a minute.
QUIET = 60.0
# What close() waits for at most.
PATIENCE = 2.0


class Target:
    """A check that is wanted, and where it stands.

    slot: of the wheel, None = not in it. due: when the next probe shall start. started: since when
    one is under way, None = none is. descriptor, task: by what it is made. is_gone: nobody wants to
    hear of it any more.
    """

    __slots__ = (
        "address",
        "check",
        "descriptor",
        "due",
        "family",
        "is_gone",
        "is_plain",
        "slot",
        "started",
        "tally",
        "task",
    )

    def __init__(self, check: Check, tallies: Mapping[str, Tally]) -> None:
        probe = check.probe
        self.check = check
        self.tally = tallies[kind_of(probe)]
        self.is_plain = isinstance(probe, TcpProbe) and tcp.is_plain(probe)
        if isinstance(probe, TcpProbe):
            self.family = socket.AF_INET6 if ":" in probe.address else socket.AF_INET
            self.address = probe.address, probe.port
        self.slot: int | None = None
        self.due = 0.0
        self.started: float | None = None
        self.descriptor: int | None = None
        self.task: asyncio.Task[None] | None = None
        self.is_gone = False


class Prober:
    """Makes the probes of all assigned checks, on one event loop.

    judge: takes each verdict, returns the seconds from the start of this probe to the next.
    unable: the same for a probe that could not be made, with the reason; by default it is tried
    again after the check's fast_interval.
    """

    def __init__(
        self,
        judge: Callable[[Check, Verdict], float],
        *,
        random: Random,
        unable: Callable[[Check, str], float] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        command_slots: int = 16,
    ) -> None:
        self._judge = judge
        self._unable = unable or (lambda check, _unused: check.timing.fast_interval)
        self._random = random.random
        self._loop = loop or asyncio.get_running_loop()
        self._now = self._loop.time
        self._command_slots = asyncio.Semaphore(command_slots)
        self._targets: dict[Check, Target] = {}
        self._wheel: Wheel[Target] = Wheel(TICK)
        self._timer: asyncio.TimerHandle | None = None
        self._wakes = float("inf")
        # Plain connects begun in the last turn: most are over before the next, and only the others
        # get a deadline in the wheel.
        self._fresh: list[Target] = []
        self._turned = 0.0
        self._connects: tcp.Connects[Target] = tcp.Connects(self._loop, self._connected)
        self._tasks: set[asyncio.Task[None]] = set()
        self._logged: dict[str, float] = {}
        self._closed = False
        self.tallies = {kind: Tally() for kind in KINDS}
        self.lateness = Histogram(LATENESS)

    # What is wanted.

    def assign(self, checks: Mapping[Check, float]) -> None:
        """Make these checks from now on, and no others.

        The value says within how many seconds a check that is new is probed for the first time; 0 =
        its fast_interval. It is somewhere within, so that many new ones are spread evenly. What is
        under way goes on undisturbed if it is still wanted, and else is stopped: nothing is
        reported of it any more.
        """
        if self._closed:
            raise RuntimeError("the prober is closed")
        for check in [check for check in self._targets if check not in checks]:
            self._drop(self._targets.pop(check))
        now = self._now()
        for check, delay in checks.items():
            if check not in self._targets:
                maker(check.probe)  # import it now, not when its first probe is due
                target = self._targets[check] = Target(check, self.tallies)
                within = delay or check.timing.fast_interval
                target.due = now + self._random() * within
                target.slot = self._wheel.put(target, target.due)
        self._arm()

    async def probe_once(self, probe: Probe, timeout: float) -> Verdict:
        """Make one probe now, for somebody who asks. Nothing is counted."""
        try:
            if not isinstance(probe, CommandProbe):
                return await self._once(probe, timeout)
            async with self._command_slots:
                return await self._once(probe, timeout)
        except Unable as error:
            return Verdict(False, f"cannot be probed: {error}", 0.0)

    async def close(self) -> None:
        """Stop all. Afterwards there is no timer, task, descriptor or process left."""
        self._closed = True
        for target in self._targets.values():
            self._drop(target)
        self._targets.clear()
        if self._timer:
            self._timer.cancel()
        self._connects.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=PATIENCE)
        # An aborted transport closes its socket in the loop's next turn.
        await asyncio.sleep(0)

    @property
    def running(self) -> int:
        """How many probes are under way."""
        return sum(tally.running for tally in self.tallies.values())

    # Timers.

    def _arm(self) -> None:
        """See to it that the loop wakes us for what is due next."""
        when = self._wheel.next()
        if self._fresh:
            soon = self._turned + TICK
            when = soon if when is None else min(when, soon)
        if when is not None and when < self._wakes and not self._closed:
            if self._timer:
                self._timer.cancel()
            self._wakes = when
            self._timer = self._loop.call_at(when, self._turn)

    def _turn(self) -> None:
        """Start what is due, stop what takes too long."""
        self._wakes = float("inf")
        self._turned = now = self._now()
        fresh, self._fresh = self._fresh, []
        for target in fresh:
            if target.descriptor is not None and target.slot is None:
                deadline = (target.started or now) + target.check.timing.timeout
                target.slot = self._wheel.put(target, deadline)
        for target in self._wheel.take(now, BATCH):
            if target.slot is None:
                continue  # dropped by the owner of one of those before
            target.slot = None
            if target.started is None:
                self._start(target, now)
            else:
                self._expire(target)
        self._arm()

    # The life of a probe.

    def _start(self, target: Target, now: float) -> None:
        if not target.is_plain:
            target.task = self._loop.create_task(self._converse(target))
            self._tasks.add(target.task)
            target.task.add_done_callback(self._tasks.discard)
            return
        target.started = now
        target.tally.started += 1
        self.lateness.observe(max(0.0, now - target.due))
        try:
            descriptor = self._connects.start(target, target.family, target.address)
        except (OSError, ValueError, OverflowError) as error:
            number = error.errno if isinstance(error, OSError) else None
            self._connected(target, number or errno.EINVAL)
            return
        if descriptor is not None:
            target.descriptor = descriptor
            self._fresh.append(target)

    def _connected(self, target: Target, number: int) -> None:
        """A plain connect has come to an end: 0 = accepted."""
        target.descriptor = None
        if target.slot is not None:
            self._wheel.take_back(target, target.slot)
            target.slot = None
        if number == 0:
            self._report(target, True, "connected")
        elif isinstance(of_errno(number), Unable):
            self._give_up(target, in_words(number))
        else:
            self._report(target, False, in_words(number))

    def _expire(self, target: Target) -> None:
        """A plain connect has taken too long."""
        if target.descriptor is not None:
            self._connects.stop(target.descriptor)
            target.descriptor = None
        self._report(target, False, timed_out(target.check.timing.timeout, "connecting"))

    async def _converse(self, target: Target) -> None:
        """A probe that takes more than a connect."""
        if isinstance(target.check.probe, CommandProbe):
            # Waiting for a slot is not the command's fault: it makes the probe late, not slow.
            async with self._command_slots:
                await self._run(target)
        else:
            await self._run(target)

    async def _run(self, target: Target) -> None:
        target.started = self._now()
        target.tally.started += 1
        self.lateness.observe(max(0.0, target.started - target.due))
        try:
            verdict = await self._once(target.check.probe, target.check.timing.timeout)
        except Unable as error:
            if not target.is_gone:
                target.task = None
                self._give_up(target, str(error))
        else:
            if not target.is_gone:
                target.task = None
                self._report(target, verdict.ok, verdict.message)

    async def _once(self, probe: Probe, timeout: float) -> Verdict:
        stage = Stage(timeout)
        start = self._now()
        limit = asyncio.timeout(timeout)
        ok = False
        try:
            async with limit:
                message = await maker(probe)(probe, stage)
                ok = True
        except Failed as error:
            message = str(error)
        except OSError as error:
            if not limit.expired():
                meant = of_errno(error.errno or 0, f"while {stage.doing}")
                if isinstance(meant, Unable):
                    raise meant from error
                message = str(meant)
            else:
                message = timed_out(timeout, stage.doing)
        except Unable:
            raise
        except Exception as error:
            # A fault of ours must not take a healthy target out of the pool.
            log.exception("a probe failed by a fault of this program: %s", probe)
            raise Unable(f"fault of this program: {one_line(repr(error))}") from error
        return Verdict(ok, message, self._now() - start)

    def _report(self, target: Target, ok: bool, message: str) -> None:
        """Hand over a verdict."""
        now = self._now()
        duration = self._end(target, "ok" if ok else "failed", now)
        target.tally.durations.observe(duration)
        try:
            delay = self._judge(target.check, Verdict(ok, message, duration))
        except Exception:  # whatever is wrong with one, the others are probed
            log.exception("the verdict on %s could not be taken", target.check.probe)
            delay = target.check.timing.fast_interval
        self._again(target, delay, now)

    def _give_up(self, target: Target, reason: str) -> None:
        """Note a probe that could not be made."""
        now = self._now()
        self._end(target, "unable", now)
        if self._logged.get(reason, -QUIET) <= now - QUIET:
            if len(self._logged) > BATCH:
                self._logged.clear()
            self._logged[reason] = now
            log.warning("cannot probe %s: %s", describe(target.check), reason)
        try:
            delay = self._unable(target.check, reason)
        except Exception:  # as above
            log.exception("that %s cannot be probed could not be told", target.check.probe)
            delay = target.check.timing.fast_interval
        self._again(target, delay, now)

    def _end(self, target: Target, result: str, now: float) -> float:
        """Note that a probe is over. Returns how long it took."""
        started = now if target.started is None else target.started
        target.due = started  # what the next one's time is counted from
        target.started = None
        target.tally.finished[result] += 1
        return now - started

    def _again(self, target: Target, delay: float, now: float) -> None:
        """Have the next probe begin so long after the last one began, but not before now."""
        # The owner may have dropped it just now.
        if not target.is_gone:
            jittered = delay * (1.0 - JITTER + 2.0 * JITTER * self._random())
            target.due = when = max(target.due + jittered, now)
            target.slot = self._wheel.put(target, when)
            if when < self._wakes:
                self._arm()

    def _drop(self, target: Target) -> None:
        """Forget a target at once, whatever it is at."""
        target.is_gone = True
        if target.slot is not None:
            self._wheel.take_back(target, target.slot)
            target.slot = None
        if target.descriptor is not None:
            self._connects.stop(target.descriptor)
            target.descriptor = None
        if target.task is not None:
            target.task.cancel()
            target.task = None
        if target.started is not None:
            target.started = None
            target.tally.stopped += 1
