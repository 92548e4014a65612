# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What systemd wants to hear: sd_notify(3), over the socket it names in the environment."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """Tells the service manager how we are; without one, it tells nobody."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        # An abstract socket is written with @ (sd_notify(3)).
        self._address = "\0" + path[1:] if path.startswith("@") else path
        microseconds = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        #: Seconds between two signs of life that the watchdog is content with; None = no watchdog.
        self.watchdog = int(microseconds) / 2e6 if microseconds.isdigit() and meant else None
        self._said = ""

    def ready(self, status: str) -> None:
        """Start-up or reload is over."""
        self._tell(f"READY=1\nSTATUS={status}")
        self._said = status

    def reloading(self) -> None:
        """A reload begins (Type=notify-reload wants the time, too)."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def status(self, status: str) -> None:
        """One line for ``systemctl status``, if it is another than before."""
        if status != self._said:
            self._tell(f"STATUS={status}")
            self._said = status

    def stopping(self) -> None:
        """The end begins."""
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._tell("WATCHDOG=1")

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock,
        ):
            sock.sendto(message.encode(), self._address)
