# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""apply: make the table what a document says, and nothing else."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from ipvsman.ctl.frame import Context, Failed, Parser, Status
from ipvsman.ipvs.changes import Change
from ipvsman.ipvs.errors import (
    InvalidValue,
    IpvsError,
    KernelRefused,
    NotConverged,
    PartlyApplied,
    Refused,
    Unavailable,
)
from ipvsman.ipvs.limits import Limits, parse_limits
from ipvsman.ipvs.plan import Plan

from . import asking, document
from .allowed import ALL, TOKENS, parse_allowed, review_allowed
from .document import Document, Words

_MAX_REMOVALS = "--max-removals"
#: How many changes are named when the kernel has refused one.
_NAMED = 20


def parser(parser: Parser) -> None:
    """Its flags."""
    document.add_flags(parser)
    asking.add_flags(parser)
    tokens = ", ".join(f"{token}: {words}" for token, (words, _actions) in TOKENS.items())
    parser.add_argument(
        "--allowed-actions",
        metavar="LIST",
        default=ALL,
        help=f"do it only if it takes nothing else; with commas between: {tokens}",
    )
    parser.add_argument(
        _MAX_REMOVALS,
        metavar="N",
        help="do it only if no more services and destinations go, a number or a share like 10%%",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")


def run(options: Namespace, context: Context) -> int:
    """Do it. Raises Failed, Unavailable."""
    wanted = Document(options, context, Words())
    wanted.check_meant()
    allowed, limits = parse_allowed(options.allowed_actions), _limits(options.max_removals)

    def review(plan: Plan) -> None:
        review_allowed(plan, allowed)
        limits.review(plan)

    try:
        plan = asking.compare(wanted, options, context, dry_run=options.dry_run, review=review)
    except Unavailable:
        raise
    except IpvsError as error:
        raise Failed(Status.NOT_APPLIED, *_lines(error)) from None
    except KeyboardInterrupt:
        left = "perhaps midway: `ipvsctl changeset` prints what is left to do"
        told = "nothing was changed" if options.dry_run else left
        raise Failed(Status.INTERRUPTED, f"interrupted, {told}") from None
    if options.dry_run:
        context.say_lines(map(str, plan.changes))
        context.confirm(f"Nothing was changed; changes that {wanted.file} needs: {_count(plan)}")
        return Status.DONE
    for change in plan.changes:
        context.note(str(change))
    context.confirm(f"Applied configuration from {wanted.file}")
    return Status.DONE


def _limits(said: str | None) -> Limits:
    try:
        return parse_limits(None, said, _MAX_REMOVALS)
    except InvalidValue as invalid:
        raise Failed(Status.BAD_VALUE, str(invalid)) from None


def _count(plan: Plan) -> int:
    return len(plan.changes)


def _lines(error: IpvsError) -> list[str]:
    """What went wrong, what was done before it, and what was not."""
    lines = [f"Error applying updates: {error}"]
    if isinstance(error, KernelRefused) and not error.done:
        lines.append("nothing was changed")
    if isinstance(error, (PartlyApplied, NotConverged, Refused)) and error.done:
        lines += _named("done", error.done)
    if isinstance(error, PartlyApplied):
        left = [*error.done, *(refused.change for refused in error.failed)]
        names = {id(change) for change in left}
        lines += _named("not done", [each for each in error.plan.changes if id(each) not in names])
    return lines


def _named(head: str, changes: Sequence[Change]) -> list[str]:
    if not changes:
        return []
    lines = [f"{head}:", *(f"- {change}" for change in changes[:_NAMED])]
    if len(changes) > _NAMED:
        lines.append(f"- and {len(changes) - _NAMED} more")
    return lines
