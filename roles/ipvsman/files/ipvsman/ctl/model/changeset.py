# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""changeset: what apply would change, as a document or as a diff. Nothing is changed."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ipvsman.ctl.emit import json_text, yaml_lines
from ipvsman.ctl.frame import Context, Parser, Status
from ipvsman.ctl.written import destination, service
from ipvsman.ipvs.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    subject,
)
from ipvsman.ipvs.model import host_port
from ipvsman.ipvs.plain import plain_change
from ipvsman.ipvs.plan import Plan

from . import asking, document
from .document import Document, Words

#: What the declarative tool calls them. The rest are named as in the core.
_TYPES = {
    "add_service": "add-service",
    "edit_service": "update-service",
    "remove_service": "delete-service",
    "add_destination": "add-destination",
    "edit_destination": "update-destination",
    "remove_destination": "delete-destination",
}
_RED, _GREEN, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"


def parser(parser: Parser) -> None:
    """Its flags."""
    document.add_flags(parser)
    asking.add_flags(parser)
    form = parser.add_mutually_exclusive_group()
    asking.add_output(form)
    form.add_argument("--diff", action="store_true", help="lines that go and lines that come")


def run(options: Namespace, context: Context) -> int:
    """Print it. Raises Failed, Unavailable."""
    plan = asking.compare(Document(options, context, Words()), options, context, dry_run=True)
    if options.diff:
        context.say_lines(diff_lines(plan, colored=context.colored))
        return Status.DONE
    found = items(plan)
    written = {"items": found} if found else {}
    context.say_lines([json_text(written)] if options.output == "json" else yaml_lines(written))
    return Status.DONE


def items(plan: Plan) -> list[dict[str, Any]]:
    """One for each change; the destinations of a service that is new are part of its own."""
    new = {change.service for change in plan.changes if isinstance(change, AddService)}
    return [
        _item(change, plan)
        for change in plan.changes
        if not (isinstance(change, AddDestination) and change.service in new)
    ]


def _item(change: Change, plan: Plan) -> dict[str, Any]:
    item: dict[str, Any] = {
        "type": _TYPES.get(change.action) or change.action.replace("_", "-"),
        "description": str(change),
    }
    if isinstance(change, (AddService, EditService)):
        item["service"] = service(
            plan.target.services[change.service], plan.target.local_addresses(change.service)
        )
    elif isinstance(change, RemoveService):
        item["service"] = {"address": str(change.service)}
    elif isinstance(change, (AddDestination, EditDestination)):
        item["service"] = {"address": str(change.service)}
        item["destination"] = destination(change.destination, change.after)
    elif isinstance(change, RemoveDestination):
        item["service"] = {"address": str(change.service)}
        item["destination"] = {"address": host_port(*change.destination)}
    else:
        plain = plain_change(change)
        if plain["service"]:
            item["service"] = {"address": plain["service"]}
        item.update((name, plain[name]) for name in ("before", "after") if plain[name])
    return item


def diff_lines(plan: Plan, *, colored: bool) -> Iterator[str]:
    """Everything that the changes touch, as it is and as it would be."""
    before, after = plan.before(), plan.after()
    red, green, plain = (_RED, _GREEN, _PLAIN) if colored else ("", "", "")
    for name in _names(plan, before):
        if name in before:
            yield f"{red}- {name}: {before[name]}{plain}"
        if name in after:
            yield f"{green}+ {name}: {after[name]}{plain}"


def _names(plan: Plan, before: Mapping[str, str]) -> Iterable[str]:
    """What the changes are about, in their order; what goes along with a service comes after it."""
    names: dict[str, None] = {}
    for change in plan.changes:
        names[subject(change)] = None
        if isinstance(change, RemoveService):
            pool = f"{change.service} -> "
            names.update((name, None) for name in before if name.startswith(pool))
    return names
