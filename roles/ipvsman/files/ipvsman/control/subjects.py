# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an operator names, against what is configured: is it there, and whom does it hit? Pure.

Nothing that an operator has said is forgotten because a drop-in no longer has what it was about: it
is told as astray, and stays until it is taken back.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipvsman.ipvs.model import Service

from .account import Account, Snapshot
from .desired import Desired, Pool
from .overrides import Level, Override, Overrides, Subject
from .weights import effective, names_of, target


def exists(subject: Subject, desired: Desired) -> bool:
    """Whether something configured is called so; a name that has no address yet is, too."""
    return any(_is_of(subject, pool) for pool in desired.pools.values())


def _is_of(subject: Subject, pool: Pool) -> bool:
    group, frontend = pool.frontend.group, pool.frontend.name
    if subject.level is Level.GROUP:
        return subject.name == group
    if subject.level is Level.FRONTEND:
        return subject.name == f"{group}/{frontend}"
    name = subject.name.removeprefix(f"{group}/")
    if name == subject.name:
        return False
    return name in pool.unresolved or any(name in names_of(member) for member in pool.everybody)


def unknown(subject: Subject) -> str:
    """What to say when there is none."""
    return f"no such {subject.level.value}: {subject.name}"


def may_be_said(subject: Subject, disabled: bool, desired: Desired, overrides: Overrides) -> bool:
    """Whether an operator may say this: of what there is, and to take back what he said before."""
    return exists(subject, desired) or (not disabled and subject in overrides.entries)


def astray(overrides: Overrides, desired: Desired) -> tuple[Subject, ...]:
    """What overrides are about that is not configured; not what a name may turn out to mean."""
    open_groups = [pool.frontend.group for pool in desired.pools.values() if pool.unresolved]
    return tuple(
        subject
        for subject in overrides.entries
        if not exists(subject, desired)
        and not (
            subject.level is Level.BACKEND
            and any(subject.name.startswith(f"{group}/") for group in open_groups)
        )
    )


def tell_astray(subject: Subject, override: Override) -> str:
    """An override that is about nothing, in words."""
    word = "disabled" if override.disabled else "enabled"
    because = f" ({override.reason})" if override.reason else ""
    level = subject.level.value
    return (
        f"{level} {subject.name}, {word} by operator{because}, is not configured; this stays said"
        f" until --enable-{level} {subject.name} takes it back"
    )


def left_alone(subject: Subject, before: Snapshot, after: Snapshot, account: Account) -> list[str]:
    """Services of what is named that somebody served before, and nobody serves after; in words."""
    return [
        tell_left_alone(pool)
        for pool in _around(subject, after.desired)
        if _serves(pool, before, account) and not _serves(pool, after, account)
    ]


def tell_left_alone(pool: Pool) -> str:
    """A service that nobody serves any more, in words."""
    where = f"{pool.frontend.group}/{pool.frontend.name}"
    return f"{pool.service} ({where}) has no backend left that gets connections"


def _around(subject: Subject, desired: Desired) -> Iterator[Pool]:
    for pool in desired.pools.values():
        group = pool.frontend.group
        if subject.name == group or subject.name.startswith(f"{group}/"):
            yield pool


def _serves(pool: Pool, snapshot: Snapshot, account: Account) -> bool:
    current: Service | None = None
    if pool.service in account.weights:
        current = target(pool, account.weights[pool.service], None)
    found = effective(pool, snapshot.circumstances, current)
    return any(entry.weight for entry in found.values())
