"""Tables that misbehave, around a real one."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Sequence

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import Change
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import State
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import Scope
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.table import Outcome


class Mortal(KernelTable):
    """Dies the hardest way after so many changes, within a batch."""

    lives = 0

    def apply(self, changes: Sequence[Change]) -> Outcome:
        """Those changes that there is life for."""
        outcome = super().apply(changes[: self.lives])
        self.lives -= len(changes)
        if self.lives < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return outcome


class Disturbed(KernelTable):
    """Something happens to the table each time that it has been read."""

    disturbance: Callable[[], None] = staticmethod(lambda: None)

    def read(self, scope: Scope) -> State:
        """What was there before the disturbance."""
        found = super().read(scope)
        self.disturbance()
        return found


class CountingSocket:
    """Counts what is sent over a netlink socket; a send may hold many messages."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self.messages = 0

    def send(self, data: bytes) -> int:
        """Count the messages by their lengths, and send them."""
        offset = 0
        while offset < len(data):
            offset += (int.from_bytes(data[offset : offset + 4], "little") + 3) & ~3
            self.messages += 1
        return self._inner.send(data)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What comes."""
        return self._inner.recv(size, flags)

    def close(self) -> None:
        """Close what is counted."""
        self._inner.close()
