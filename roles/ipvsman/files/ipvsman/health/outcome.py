# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a probe under way can say: where it is, that the target failed, that it cannot be made.

A check returns a message when all is as wanted, and raises ``Failed`` or ``Unable`` otherwise. The
latter is for what lies with this host and not with the target (no descriptors or ports left, a file
or library missing): it is no verdict. Were it one, a director that runs out of descriptors would
declare every healthy server dead.
"""

from __future__ import annotations

import errno
import os


class Failed(Exception):
    """The target is not as wanted. The message is one line for an operator."""


class Unable(Exception):
    """The probe could not be made, which says nothing about the target."""


class Stage:
    """What a probe is doing at the moment, for the message when its time is up.

    timeout: how long it has in all.
    """

    __slots__ = ("doing", "timeout")

    def __init__(self, timeout: float) -> None:
        self.doing = "starting"
        self.timeout = timeout


# This host has run out of something, or has no address of the family.
OURS = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
    }
)

WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EPIPE: "connection reset",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "network unreachable",
    errno.ETIMEDOUT: "no answer from the host",
    errno.EADDRNOTAVAIL: "no local address or port left to connect from",
    errno.EAFNOSUPPORT: "this host lacks the address family",
    errno.EMFILE: "this process has no file descriptors left",
    errno.ENFILE: "this host has no file descriptors left",
    errno.EPERM: "not permitted (by a firewall of this host?)",
    errno.EACCES: "not permitted (by a firewall of this host?)",
}


def in_words(number: int) -> str:
    """An error number in words."""
    if number in WORDS:
        return WORDS[number]
    said = os.strerror(number)
    return said[:1].lower() + said[1:]


def of_errno(number: int, doing: str = "") -> Failed | Unable:
    """What an error number of a socket means for the probe."""
    if number in OURS:
        return Unable(in_words(number))
    return Failed(f"{in_words(number)} {doing}" if doing else in_words(number))


def one_line(text: str, limit: int = 200) -> str:
    """Foreign text for a message: one line, printable, not endless."""
    line = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def timed_out(timeout: float, doing: str) -> str:
    """The message of a probe whose time is up."""
    return f"timed out after {timeout:g} s while {doing}"
