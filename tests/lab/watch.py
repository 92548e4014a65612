"""Watches a running lab until its last word: the exit status of the command.

The lab sends the status, a decimal number and a newline, on a descriptor of its own; output that it
cannot write itself is copied for it, byte for byte.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Mapping
from types import FrameType, TracebackType

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(Exception):
    """We were told to stop by a signal, or nobody reads our output any more (SIGPIPE)."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class TimedOut(Exception):
    """The time limit has passed."""


class Watch:
    """Inside the `with`, a signal that would end us and the time limit raise instead.

    They raise wherever we are, so also while we wait for a slow reader of our own output.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)

    def __enter__(self) -> Watch:
        # Python runs a handler between two of its own steps: a signal that comes right before the
        # select would wait for the select to end, and this descriptor ends it.
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        for number in STOPPING:
            # Started by nohup, say: what was ignored stays ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _stop)
        signal.signal(signal.SIGALRM, _time_out)
        signal.setitimer(signal.ITIMER_REAL, self._timeout)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The lab is about to be taken down: a second signal must not stop that half-way.
        for number in (*STOPPING, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)

    def until_status(self, status_reader: int, copies: Mapping[int, int]) -> int | None:
        """Copy output until the status arrives; None when the lab died without a last word."""
        word = b""
        readers = {status_reader, *copies}
        while not word.endswith(b"\n"):
            for reader in select.select([*readers, self._wake_reader], [], [])[0]:
                if reader == status_reader:
                    piece = os.read(reader, 64)
                    if not piece:
                        return None
                    word += piece
                elif reader in readers and not _copy(reader, copies[reader]):
                    readers.discard(reader)
        # The lab sends the status after all its output: what is left is in the pipes by now.
        readers.discard(status_reader)
        while readers:
            ready = select.select(list(readers), [], [], 0)[0]
            if not ready:
                break
            readers -= {reader for reader in ready if not _copy(reader, copies[reader])}
        return int(word)


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)


def _time_out(_number: int, _frame: FrameType | None) -> None:
    raise TimedOut


def _copy(reader: int, writer: int) -> bool:
    """Copy what is there; False at its end."""
    data = memoryview(os.read(reader, 65536))
    if not data:
        return False
    try:
        while data:
            data = data[os.write(writer, data) :]
    except BrokenPipeError:
        raise Stopped(signal.SIGPIPE) from None
    return True
