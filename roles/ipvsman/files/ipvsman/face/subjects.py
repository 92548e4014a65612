# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether there is what an operator names: a group, a frontend, a backend. Pure."""

from __future__ import annotations

from ipvsman.control.desired import Desired
from ipvsman.control.overrides import Level, Subject
from ipvsman.control.weights import names_of


def exists(subject: Subject, desired: Desired) -> bool:
    """Whether something configured is called so; a name that has no address yet is, too."""
    for pool in desired.pools.values():
        group, frontend = pool.frontend.group, pool.frontend.name
        if subject.level is Level.GROUP and subject.name == group:
            return True
        if subject.level is Level.FRONTEND and subject.name == f"{group}/{frontend}":
            return True
        if subject.level is Level.BACKEND and subject.name.startswith(f"{group}/"):
            name = subject.name.removeprefix(f"{group}/")
            if name in pool.unresolved:
                return True
            if any(name in names_of(member) for member in pool.members.values()):
                return True
    return False


def unknown(subject: Subject) -> str:
    """What to say when there is none."""
    return f"no such {subject.level.value}: {subject.name}"
