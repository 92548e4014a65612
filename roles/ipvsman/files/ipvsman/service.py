# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The daemon, put together: the parts are built here and handed to each other; signals and timers.

What the parts do is in them. This file knows the order of their birth and death: the kernel's table
is left as it is whenever we end, unless it was asked for otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import random
import resource
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ipvsman.ipvs.errors import Cause, IpvsError, Unavailable
from ipvsman.ipvs.genetlink import namespace
from ipvsman.ipvs.kernel import KernelTable

from .config.kept import Kept
from .config.loader import load
from .config.lookup import SystemLookup
from .config.model import Config, ConfigError
from .config.names import Resolver
from .config.surprises import kernel_warnings, read_sysctls
from .control.desk import Desk
from .control.director import Director, Limits
from .control.journal import Journal, Kind
from .control.keeper import Keeper
from .control.live import Live
from .control.store import Store
from .face.server import Server
from .face.settings import Faces
from .health.prober import Prober
from .lock import Lock, Locked
from .systemd import Notifier

log = logging.getLogger("ipvsman")

#: Exit statuses. The unit does not restart on 2 and 3: another start would end the same.
OK, INTERNAL, BAD_CONFIG, LOCKED, NO_KERNEL, CANNOT_LISTEN = 0, 1, 2, 2, 3, 4

_TICK = 1.0
# Enough for a probe of each of some ten thousand servers that do not answer.
_DESCRIPTORS = 65536
# Writing to disk what is known may take this part of the time: one in so many.
_WRITING = 20


@dataclass(frozen=True)
class Settings:
    """What the command line and the environment say about the daemon; times in seconds."""

    config_dir: Path
    state_dir: Path | None
    lock_file: str
    netns: str | None = None
    resync_interval: float = 5.0
    reload_interval: float = 30.0
    counters_age: float = 15.0
    shutdown_timeout: float = 10.0
    cold_start: float = 30.0
    stale_grace: float = 30.0
    command_slots: int = 16
    strict: bool = False
    observe: bool = False
    clear_on_exit: bool = False
    startup_full_replace: bool = False
    faces: Faces = field(default_factory=Faces)


def run(settings: Settings) -> int:
    """Run the daemon until it is told to end; the exit status."""
    # Until there is somebody to take it, a signal to reload must not end us: what it asks for is
    # what we are about to do.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _allow_descriptors()
    lock = Lock(settings.lock_file)
    try:
        lock.acquire()
    except Locked as error:
        log.error("another daemon is running: %s", error)
        return LOCKED
    except OSError as error:
        log.error("cannot lock %s: %s", settings.lock_file, error.strerror)
        return LOCKED
    try:
        return _run(settings, lock)
    finally:
        lock.release()


def _allow_descriptors() -> None:
    """As many as we may have: the soft limit is made for programs that use select(2)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _run(settings: Settings, lock: Lock) -> int:
    def open_table() -> KernelTable:
        return KernelTable(settings.netns)

    kept = Kept(settings.state_dir)
    refused: ConfigError | None = None
    try:
        config = _read_config(settings)
    except ConfigError as error:
        for fault in error.faults:
            log.error("load failed: %s", fault)
        last_good = kept.load()
        if last_good is None:
            log.error("not started: faults in the drop-ins; the kernel's table stays as it is")
            return BAD_CONFIG
        log.critical(
            "ALERT: faults in the drop-ins: starting with the last good ones, kept in %s."
            " Mend the drop-ins and reload",
            kept.place,
        )
        config, refused = last_good, error
    try:
        table = open_table()
        try:
            table.info()
        finally:
            table.close()
    except Unavailable as error:
        log.error("not started: %s", _explained(error))
        return NO_KERNEL
    return asyncio.run(_Daemon(settings, open_table, kept, lock).live(config, refused))


def _read_config(settings: Settings, previous: Config | None = None) -> Config:
    """The drop-ins, with what the kernel will do otherwise than they say. Raises ConfigError."""
    config = load(settings.config_dir, strict=settings.strict, previous=previous)
    if previous is not None and config.frontends is previous.frontends:
        return config  # it is the one before, and has its warnings already
    sysctls: dict[str, int | None] = {}
    with contextlib.suppress(IpvsError), namespace(settings.netns):
        sysctls = read_sysctls()
    return replace(config, warnings=config.warnings + kernel_warnings(config, sysctls))


def _explained(error: Unavailable) -> str:
    if error.cause is Cause.NO_PRIVILEGE:
        return f"{error}; the unit gives CAP_NET_ADMIN, a shell needs root"
    return str(error)


class _Daemon:
    """The parts of a running daemon."""

    def __init__(
        self,
        settings: Settings,
        open_table: Callable[[], KernelTable],
        kept: Kept,
        lock: Lock,
    ) -> None:
        self._settings = settings
        self._kept = kept
        self._not_kept = ""
        self._lock = lock
        self._not_locked = ""
        self._journal = Journal(time.time)
        self._store = Store(settings.state_dir, time.time, self._complain)
        self._store.tidy()
        self._keeper = Keeper(open_table, self._journal, self._store, observe=settings.observe)
        self._director = Director(
            self._read_config,
            self._keeper,
            self._journal,
            self._store,
            limits=Limits(settings.cold_start, settings.stale_grace),
            clock=time.monotonic,
            wall=time.time,
        )
        self._live = Live(open_table, time.monotonic, settings.counters_age)
        self._notifier = Notifier(os.environ)
        self._ending = asyncio.Event()
        self._status_at_end = OK
        self._reloads_wanted = 0
        self._lag = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    async def live(self, config: Config, refused: ConfigError | None = None) -> int:
        """From the first configuration to the end. refused: why it is not that of the drop-ins."""
        prober = Prober(
            self._director.beliefs.judge,
            random=random.Random(),
            unable=self._director.beliefs.unable,
            command_slots=self._settings.command_slots,
        )
        resolver = Resolver(
            self._director.resolved, SystemLookup(), trouble=self._director.meanings.doubt
        )
        desk = Desk(
            self._director,
            self._keeper,
            self._live,
            self._journal,
            prober,
            resolver,
            time.monotonic,
        )
        server = Server(desk, self._settings.faces, lambda: self._lag)
        try:
            await server.start()
        except OSError as error:
            log.error("cannot listen: %s", error.strerror or error)
            await asyncio.gather(prober.close(), resolver.close(), server.close())
            return CANNOT_LISTEN
        self._keeper.start(clear_first=self._settings.startup_full_replace)
        self._director.begin(config, prober, resolver, refused)
        # What stays for good need not be looked through for garbage, which would hold up probes.
        gc.freeze()
        self._listen(desk)
        self._go(self._tend(server))
        self._go(self._say_ready(desk))
        try:
            await self._ending.wait()
        finally:
            self._notifier.stopping()
            await self._end(prober, resolver, server)
        return self._status_at_end

    async def _say_ready(self, desk: Desk) -> None:
        """When the kernel has it, or after a while: what is wrong then is said in the status."""
        settled = await desk.settled(self._settings.shutdown_timeout)
        self._notifier.ready(self._status())
        how = "" if settled else "; the kernel's table is not as it shall be yet"
        self._journal.record(Kind.LIFE, "ipvsman", f"running, pid {os.getpid()}{how}")

    async def _end(self, prober: Prober, resolver: Resolver, server: Server) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            async with asyncio.timeout(self._settings.shutdown_timeout):
                await asyncio.gather(prober.close(), resolver.close(), server.close())
        except TimeoutError:
            self._journal.record(
                Kind.ERROR, "ipvsman", "an answer or a probe did not end in time", logging.WARNING
            )
        await self._write_down()
        stopped = await asyncio.to_thread(
            self._keeper.stop, self._settings.shutdown_timeout, clear=self._settings.clear_on_exit
        )
        if not stopped:
            self._journal.record(Kind.ERROR, "keeper", "did not end in time", logging.ERROR)
        await self._live.close()
        self._journal.tell_rest(at_once=True)
        left = "the kernel's table stays as it is"
        if self._settings.clear_on_exit:
            left = f"services of ours left in the kernel: {len(self._keeper.account.owned)}"
        self._journal.record(Kind.LIFE, "ipvsman", f"ended; {left}")

    def _listen(self, desk: Desk) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        loop.add_signal_handler(signal.SIGHUP, self._ask_for_reload, desk)
        tick = min(_TICK, self._notifier.watchdog or _TICK)
        self._go(self._every(tick, self._tick))
        self._go(self._remember())
        self._go(self._every(max(self._settings.resync_interval, 0.1), desk.resync))
        if self._settings.reload_interval > 0:
            self._go(self._look_for_new_config(desk))

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # A timer that died would be missed too late: better to end, and be started anew.
            log.critical("ending: internal error", exc_info=task.exception())
            self._give_up()

    def _give_up(self) -> None:
        """End, with a status that has us started anew."""
        self._status_at_end = INTERNAL
        self._ending.set()

    async def _every(self, seconds: float, work: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + seconds
            await asyncio.sleep(seconds)
            self._lag = max(0.0, loop.time() - due)
            work()

    def _tick(self) -> None:
        self._director.tick()
        self._journal.tell_rest()
        self._notifier.status(self._status())
        if not self._keeper.alive:
            log.critical("ending: the thread that keeps the kernel's table has ended")
            self._give_up()
        elif not self._keeper.is_stuck:
            self._notifier.alive()

    async def _remember(self) -> None:
        """What changed, on disk within a second; less often where that takes long."""
        while True:
            began = time.monotonic()
            await self._write_down()
            await asyncio.sleep(max(_TICK, _WRITING * (time.monotonic() - began)))

    async def _tend(self, server: Server) -> None:
        """What somebody may remove while we run: by what we are found."""
        while True:
            await asyncio.sleep(_TICK)
            await server.tend()
            fault = ""
            try:
                # In a thread: another one may have it, and is given a moment to end.
                if not await asyncio.to_thread(self._lock.keep):
                    path = self._settings.lock_file
                    log.warning("%s is gone, or is another file: taken again", path)
            except Locked as error:
                fault = f"another daemon has been started beside this one: {error}"
            except OSError as error:
                fault = f"cannot lock {self._settings.lock_file}: {error.strerror}"
            if fault and fault != self._not_locked:
                self._journal.record(Kind.ERROR, "ipvsman", fault, logging.ERROR)
            self._not_locked = fault

    async def _write_down(self) -> None:
        await self._director.remember()
        if self._kept.holds(self._director.config):
            return  # every second; a thread only for what is new
        fault = ""
        try:
            await asyncio.to_thread(self._kept.keep, self._director.config)
        except OSError as error:
            fault = f"the last good drop-ins cannot be kept in {self._kept.place}: {error.strerror}"
        if fault and fault != self._not_kept:
            self._journal.record(Kind.ERROR, "store", fault, logging.ERROR)
        self._not_kept = fault

    def _read_config(self) -> Config:
        # With the one before, files that have not changed are not read anew.
        previous = self._director.config if self._director.reloads.generation else None
        return _read_config(self._settings, previous)

    def _ask_for_reload(self, desk: Desk) -> None:
        # However often we are asked during a reload: one more sees all there is.
        self._reloads_wanted = min(self._reloads_wanted + 1, 2)
        if self._reloads_wanted == 1:
            self._go(self._reload(desk))

    async def _reload(self, desk: Desk) -> None:
        while self._reloads_wanted:
            self._notifier.reloading()
            await desk.reload()
            self._notifier.ready(self._status())
            self._reloads_wanted -= 1

    async def _look_for_new_config(self, desk: Desk) -> None:
        while True:
            await asyncio.sleep(max(self._settings.reload_interval, 0.5))
            await desk.reload(asked=False)

    def _status(self) -> str:
        account = self._keeper.account
        state = f"configuration {self._director.reloads.generation}, {len(account.owned)} services"
        if self._director.reloads.last.error:
            state += ", last reload refused"
        if account.error:
            state += f", kernel: {account.error.splitlines()[0]}"
        return state

    def _complain(self, message: str) -> None:
        self._journal.record(Kind.ERROR, "store", message, logging.WARNING)
