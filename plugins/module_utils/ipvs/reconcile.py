# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The life of every change: read, plan, review, apply, read back."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Callable, Union

from .changes import Change, StartDaemon, StopDaemon, subject
from .errors import IpvsError, KernelRefused, NotConverged, PartlyApplied
from .model import State
from .plan import Phases, Plan, plan
from .refusals import is_stale
from .scope import Scope
from .table import Outcome, Table

#: What the caller wants: a complete state, or how to complete it from what the kernel has.
Desired = Union[State, Callable[[State], State]]

#: How often a plan is made anew because the table changed between its read and its writes.
_ATTEMPTS = 5


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cyclic garbage, which other threads only miss for as long.

    Reading and planning a large table makes values by the ten thousand. None of them is garbage,
    but their number makes the collector go through all that the process holds, again and again.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


@_uncollected()
def reconcile(
    table: Table,
    desired: Desired,
    scope: Scope,
    *,
    dry_run: bool = False,
    review: Callable[[Plan], None] | None = None,
) -> Plan:
    """Bring the table, as far as scope reaches, to the desired state; returns what was done.

    dry_run: everything but the writing; the plan is the one that a real run would follow.
    review: called with every plan before anything of it is done; it refuses by raising.

    When another writer was faster (an add meets its like, an edit finds its subject gone) the table
    is read and planned anew, a few times. Raises InvalidValue (from desired), Refused (from
    review), KernelRefused when nothing was done, PartlyApplied when something was, NotConverged
    when the kernel says otherwise after all was accepted, Unavailable. Each says what was done.
    """
    done: list[Change] = []
    try:
        return _converge(table, desired, scope, dry_run, review, done)
    except IpvsError as error:
        error.done = tuple(done)
        raise


def _converge(
    table: Table,
    desired: Desired,
    scope: Scope,
    dry_run: bool,
    review: Callable[[Plan], None] | None,
    done: list[Change],
) -> Plan:
    """See reconcile. done: what is in the kernel so far, kept up to date."""
    current = before = table.read(scope)
    rest = Plan(before, before, ())
    for attempt in range(_ATTEMPTS):
        target = desired(current) if callable(desired) else desired
        step = plan(current, target, scope)
        whole = Plan(before, step.target, _after(done, step.phases))
        if review:
            review(whole)
        if dry_run or not step:
            return whole
        outcome = _apply(table, step, done)
        if outcome.refused and (
            attempt == _ATTEMPTS - 1 or not all(map(is_stale, outcome.refused))
        ):
            raise _failure(
                Plan(before, step.target, _after(done, _left(step, done))), done, outcome
            )
        current = table.read(scope)
        rest = plan(current, step.target, scope)
        left = {subject(change) for change in rest.changes}
        done += [change for change in outcome.unknown if subject(change) not in left]
        if not outcome.refused and not outcome.unknown and rest:
            # A dump goes on by number of entries (ip_vs_genl_dump_dests): while another writer
            # removes some it can pass over others, unmarked. Only what is missing twice is missing.
            rest = plan(table.read(scope), step.target, scope)
            if rest:
                break
        if not rest and not outcome.refused:
            return Plan(before, step.target, (tuple(done),))
    raise NotConverged(rest, done)


def _apply(table: Table, step: Plan, done: list[Change]) -> Outcome:
    """Phase by phase, no further than the first phase that was not accepted whole."""
    for phase in step.phases:
        outcome = table.apply(phase)
        done += outcome.done
        for change in _restarted(table, outcome):
            done.remove(change)
        if outcome.refused or outcome.unknown:
            return outcome
    return Outcome(())


def _restarted(table: Table, outcome: Outcome) -> list[StopDaemon]:
    """Stops that were undone: a sync daemon goes on as it was when its successor will not start."""
    undone = []
    for refused in outcome.refused:
        if isinstance(refused.change, StartDaemon) and refused.change.replaces:
            old = refused.change.replaces
            if table.apply([StartDaemon(old)]).done:
                undone.append(StopDaemon(old, restarts=True))
    return undone


def _failure(
    whole: Plan, done: Sequence[Change], outcome: Outcome
) -> KernelRefused | PartlyApplied:
    if not done and len(outcome.refused) == 1:
        return outcome.refused[0]
    return PartlyApplied(whole, done, outcome.refused)


def _left(step: Plan, done: Iterable[Change]) -> Phases:
    gone = {id(change) for change in done}
    return tuple(
        tuple(change for change in phase if id(change) not in gone) for phase in step.phases
    )


def _after(done: Iterable[Change], phases: Phases) -> Phases:
    return tuple(phase for phase in (tuple(done), *phases) if phase)
