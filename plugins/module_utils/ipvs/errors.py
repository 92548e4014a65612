# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that can go wrong with an IPVS table, as one tree of exceptions.

    IpvsError
    ├── InvalidValue         the caller's input is wrong: every fault of it, with its path
    ├── Unavailable          there is no table to talk to (no ip_vs, no privilege, no namespace), or
    │                        no program to write netfilter's
    ├── Refused              the plan exceeds what the caller allowed; nothing was done
    ├── KernelRefused        the kernel said no to one change
    │   ├── AlreadyThere       EEXIST: somebody else was first
    │   └── NotThere           ESRCH / ENOENT / ENODEV: what the change builds on is gone
    ├── PartlyApplied        the kernel said no after other changes had been done
    └── NotConverged         the kernel took everything and still reads back differently

Messages are whole sentences for the operator who has to act; a traceback never is.
This file knows the tree and the wording, and nothing of tables, plans or sockets.
"""

from __future__ import annotations

import errno as errnos
import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class IpvsError(Exception):
    """Root of the tree: catch this to catch all that this package raises on purpose.

    done: changes that are in the kernel although the error came, in the order of their doing.
    """

    done: tuple[Any, ...] = ()

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}\nchanges made before that: {len(self.done)}" if self.done else text


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the input.

    path: where, as the user wrote it: ``services[3].destinations[0].weight``; empty = the whole.
    reason: what is wrong and what is allowed: ``70000 is not in 0..65535``.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


def under(path: str, name: str) -> str:
    """The path of what has this name below a path."""
    return f"{path}.{name}" if path else name


class InvalidValue(IpvsError):
    """The input is wrong, by itself or for the table that there is. Nothing was done for it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def plain(self) -> list[dict[str, str]]:
        """The faults as plain data, for a program that reads them."""
        return [{"path": fault.path, "reason": fault.reason} for fault in self.faults]


class Cause(Enum):
    """Why there is no table to talk to: each wants another remedy."""

    NO_IPVS = "no_ipvs"
    NO_PRIVILEGE = "no_privilege"
    NO_NAMESPACE = "no_namespace"
    NO_PROGRAM = "no_program"
    NO_ANSWER = "no_answer"


class Unavailable(IpvsError):
    """The kernel's IPVS table cannot be reached."""

    def __init__(self, cause: Cause, message: str) -> None:
        self.cause = cause
        super().__init__(message)


class Refused(IpvsError):
    """A plan goes beyond what the caller allowed, and was refused whole.

    plan: what would have been done; reason: what was exceeded. Something can have been done before
    only when the table changed under our hands, so that what was allowed had to be planned anew.
    """

    def __init__(self, plan: Any, reason: str) -> None:
        self.plan = plan
        super().__init__(reason)

    def __str__(self) -> str:
        return super().__str__() if self.done else f"{super().__str__()}; nothing was changed"


class KernelRefused(IpvsError):
    """The kernel refused one change.

    change: the change (``changes.Change``); errno: the kernel's answer, positive (``errno.h``).
    """

    def __init__(self, change: Any, errno: int, explanation: str = "") -> None:
        self.change = change
        self.errno = errno
        self.explanation = explanation
        name = errnos.errorcode.get(errno, str(errno))
        text = f"the kernel refused to {change}: {name} ({os.strerror(errno)})"
        super().__init__(f"{text}; {explanation}" if explanation else text)


class AlreadyThere(KernelRefused):
    """EEXIST: an add met its like, so the table changed since it was read."""


class NotThere(KernelRefused):
    """ESRCH, ENOENT, ENODEV: a service, destination, scheduler, engine or interface is missing."""


class PartlyApplied(IpvsError):
    """Some changes were done before the kernel refused others.

    plan: the whole plan; failed: one KernelRefused each. What is neither done nor failed was not
    attempted.
    """

    __str__ = Exception.__str__

    def __init__(self, plan: Any, done: Sequence[Any], failed: Sequence[KernelRefused]) -> None:
        self.plan = plan
        self.done = tuple(done)
        self.failed = tuple(failed)
        total = len(plan.changes)
        waiting = total - len(self.done) - len(self.failed)
        lines = [
            f"changes planned: {total}, applied: {len(self.done)}, refused: {len(self.failed)},"
            f" not attempted: {waiting}; the kernel refused"
        ]
        lines += [f"- {refusal}" for refusal in self.failed[:10]]
        if len(self.failed) > 10:
            lines.append(f"- and {len(self.failed) - 10} more")
        super().__init__("\n".join(lines))


class NotConverged(IpvsError):
    """Every change was accepted, yet the table does not read back as planned.

    plan: what would still have to change.
    """

    __str__ = Exception.__str__

    def __init__(self, plan: Any, done: Sequence[Any]) -> None:
        self.plan = plan
        self.done = tuple(done)
        lines = [
            f"changes accepted by the kernel: {len(self.done)}, and yet to be made:"
            f" {len(plan.changes)} (another program is writing to this table, or the kernel ignored"
            " a setting)"
        ]
        lines += [f"- {change}" for change in plan.changes[:10]]
        if len(plan.changes) > 10:
            lines.append(f"- and {len(plan.changes) - 10} more")
        super().__init__("\n".join(lines))
