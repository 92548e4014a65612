# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What verbs that compare a document with the table share: their flags, and reconciling."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ipvsman.ctl.frame import Context, Failed, Status
from ipvsman.ipvs.errors import Cause, InvalidValue, Unavailable
from ipvsman.ipvs.model import State
from ipvsman.ipvs.plan import Plan
from ipvsman.ipvs.reconcile import reconcile
from ipvsman.ipvs.remarks import emptied, remarks
from ipvsman.ipvs.table import Table
from ipvsman.ipvs.wish import resolve

from .document import Document


def add_flags(parser: argparse.ArgumentParser) -> None:
    """What counts as a difference."""
    parser.add_argument(
        "--keep-weights", action="store_true", help="leave weights of destinations that exist"
    )
    parser.add_argument(
        "--purge",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="remove what the document does not name; default: --purge",
    )


def add_output(parser: argparse._ActionsContainer) -> None:
    """In which form."""
    parser.add_argument(
        "-o", "--output", choices=("yaml", "json"), default="yaml", help="default: %(default)s"
    )


@contextmanager
def reading() -> Iterator[None]:
    """While the table is read: what goes wrong then is told as such."""
    try:
        yield
    except Unavailable as error:
        if error.cause in (Cause.NO_ANSWER, Cause.NO_PRIVILEGE):
            reason = f"Unable to get current ipvs config: {error}"
            raise Failed(Status.NO_ANSWER, reason) from None
        raise


def compare(
    document: Document,
    options: argparse.Namespace,
    context: Context,
    *,
    dry_run: bool,
    review: Callable[[Plan], None] | None = None,
) -> Plan:
    """Bring the table to what the document says, or see what that would take.

    Raises Failed when the document does not fit the table, IpvsError.
    """
    wish = document.wish
    purge = options.purge and document.names_services
    scope = wish.scope(purge_services=purge, purge_destinations=purge)
    with context.table() as table, reading():

        def desired(current: State) -> State:
            return resolve(wish, current, table.mtu, keep_weights=options.keep_weights)

        try:
            plan = reconcile(table, desired, scope, dry_run=dry_run, review=review)
        except InvalidValue as invalid:
            raise document.invalid(invalid) from None
        _warn(plan, document, table, context)
        if dry_run:
            for reason in table.foresee(plan.changes):
                context.warn(f"this would fail: {reason}")
    return plan


def _warn(plan: Plan, document: Document, table: Table, context: Context) -> None:
    for unreadable in plan.current.unreadable:
        context.warn(f"left alone, not understood: {unreadable}")
    for warning in emptied(document.data, document.file, document.wish, plan.changes):
        context.warn(warning)
    for remark in remarks(plan, table, table.elsewhere):
        context.warn(remark)
