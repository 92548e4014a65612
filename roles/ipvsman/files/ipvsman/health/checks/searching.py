# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A regular expression is searched for, and nothing else waits for it long.

There are expressions that take seconds, or years, with a body that provokes it: ``(a+)+$`` with
many an a. What one server sends must not stop the probes of all others. So a search gets a moment
here, which is enough for nearly all, and then starts over in a process of its own, which ends with
its share of CPU time.

`re` looks for signals while it searches: a timer ends it. Another thread would not do, since `re`
keeps the interpreter's lock.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from types import FrameType
from weakref import WeakKeyDictionary

from ..outcome import Failed, Stage, Unable, one_line
from .command import end_of

#: Seconds that a search may take where everything waits for it; and one for an expression that took
#: longer before, with whatever body.
MOMENT, GLANCE = 0.02, 0.001
#: Seconds of CPU time that it has in a process of its own.
SHARE = 1.0
#: So many of these processes at once.
PROCESSES = 2

_FOUND, _NOT_FOUND = 0, 3
_PROGRAM = f"""\
import json, re, signal, sys
pattern, text = json.load(sys.stdin.buffer)
signal.setitimer(signal.ITIMER_VIRTUAL, {SHARE})
sys.exit({_FOUND} if re.search(pattern, text) else {_NOT_FOUND})
"""

# Expressions that have taken longer than a moment. There are no more than the drop-ins say.
_slow: set[str] = set()
_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class _TimeIsUp(Exception):
    pass


async def found(pattern: str, text: str, stage: Stage) -> bool:
    """Whether an expression matches somewhere. Raises Failed when that takes too long, Unable."""
    try:
        if threading.current_thread() is threading.main_thread():
            return _here(pattern, text, GLANCE if pattern in _slow else MOMENT)
    except _TimeIsUp:
        _slow.add(pattern)
    except re.error as error:
        raise Unable(f"{pattern!r} is no regular expression: {error}") from error
    stage.doing = "searching the body"
    slots = _slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(PROCESSES))
    try:
        # That there are many of these at the moment is nothing that this target can be blamed for.
        async with asyncio.timeout(stage.timeout / 2):
            await slots.acquire()
    except TimeoutError:
        raise Unable("too many slow regular expressions are being searched for") from None
    try:
        return await _apart(pattern, text)
    finally:
        slots.release()


def _here(pattern: str, text: str, seconds: float) -> bool:
    """In this process, in the main thread. Raises _TimeIsUp."""
    armed = True

    def ring(_number: int, _frame: FrameType | None) -> None:
        if armed:
            raise _TimeIsUp

    expression = re.compile(pattern)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        return expression.search(text) is not None
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def _apart(pattern: str, text: str) -> bool:
    """In a process of its own."""
    process = _start(json.dumps([pattern, text]).encode())
    try:
        await end_of(process.pid)
    finally:
        # It computes and does nothing else: it is gone at once.
        process.kill()
        status = process.wait()
    if status in (_FOUND, _NOT_FOUND):
        return status == _FOUND
    if status == -signal.SIGVTALRM:
        what = f"searching the body for {one_line(pattern, 60)!r}"
        raise Failed(f"{what} takes more than {SHARE:g} s: the expression backtracks too much")
    raise Unable(f"a process to search the body in ended with status {status}")


def _start(job: bytes) -> subprocess.Popen[bytes]:
    descriptor = os.memfd_create("body")
    try:
        with open(descriptor, "wb", closefd=False) as stream:
            stream.write(job)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            stdin=descriptor,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        raise Unable(f"cannot start a process to search the body in: {error.strerror}") from error
    finally:
        os.close(descriptor)
