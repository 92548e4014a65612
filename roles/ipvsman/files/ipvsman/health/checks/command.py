# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A command ends with status 0.

It runs as it is, without a shell, in a session of its own, which is killed whole as soon as the
command has ended or its time is up: a script that leaves something running, ignores SIGTERM or
forks for ever does so until then. What leaves the session (setsid) gets away; confining that is the
service manager's work.

Its environment is PATH, HOME, LANG, TZ of the daemon, and the target as IPVSMAN_ADDRESS and
IPVSMAN_PORT. Not all of the daemon's: secrets may be in that.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from contextlib import suppress

from ..outcome import Failed, Stage, Unable, one_line
from ..spec import CommandProbe

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
# Of the output, the end: the last line is the message.
TAIL = 4096


# Commands whose time was up and that even SIGKILL does not end, as they hang in the kernel (a dead
# file server). They are not started again until they have ended.
UNDEAD: dict[CommandProbe, subprocess.Popen[bytes]] = {}
# Seconds that a killed process may take to end.
BURIAL = 1.0


async def check(probe: CommandProbe, stage: Stage) -> str:
    """Run it, wait for its end."""
    _bury()
    if probe in UNDEAD:
        raise Failed("the process of an earlier run hangs and cannot be killed")
    with Output() as output:
        process = _start(probe, output.write_end)
        stage.doing = "running the command"
        try:
            output.begin()
            await end_of(process.pid)
        finally:
            await _kill(probe, process)
        said = output.last_line()
    status = process.returncode
    if status == 0:
        return said or "status 0"
    ended = f"status {status}" if status > 0 else f"killed by {signal.Signals(-status).name}"
    raise Failed(f"{ended}: {said}" if said else ended)


def _start(probe: CommandProbe, write_end: int) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"IPVSMAN_ADDRESS": probe.address, "IPVSMAN_PORT": str(probe.port)}
    try:
        return subprocess.Popen(
            probe.argv,
            stdin=subprocess.DEVNULL,
            stdout=write_end,
            stderr=write_end,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Unable(f"cannot run {' '.join(probe.argv[:1])}: {reason}") from error


async def _kill(probe: CommandProbe, process: subprocess.Popen[bytes]) -> None:
    """End a session, and its leader's process."""
    # The leader has not been waited for: until then, no other session can have its number.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    UNDEAD[probe] = process
    with suppress(TimeoutError):
        async with asyncio.timeout(BURIAL):
            await end_of(process.pid)
    _bury()


def _bury() -> None:
    for probe, process in list(UNDEAD.items()):
        if process.poll() is not None:
            del UNDEAD[probe]


async def end_of(pid: int) -> None:
    """Wait until a child has ended. It stays to be waited for."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    descriptor = os.pidfd_open(pid)
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


class Output:
    """The end of what a command writes. All is read, so that it never waits for us."""

    def __init__(self) -> None:
        self._tail = b""
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        # Only our end must not block: its own flag, as the two are two open files.
        os.set_blocking(self.write_end, True)
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *_unused: object) -> None:
        self._loop.remove_reader(self._read_end)
        os.close(self._read_end)
        self._close_write_end()

    def begin(self) -> None:
        """Read, now that the command has the other end."""
        self._close_write_end()
        self._loop.add_reader(self._read_end, self._read)

    def _close_write_end(self) -> None:
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def _read(self) -> bool:
        try:
            more = os.read(self._read_end, 65536)
        except BlockingIOError:
            return False
        if not more:
            self._loop.remove_reader(self._read_end)
        self._tail = (self._tail + more)[-TAIL:]
        return bool(more)

    def last_line(self) -> str:
        """The last line with something in it."""
        # What came just before the end may not have been read; a pipe holds no more than this.
        for _unused in range(16):
            if not self._read():
                break
        lines = self._tail.decode(errors="replace").split("\n")
        return next((line for line in map(one_line, reversed(lines)) if line), "")
