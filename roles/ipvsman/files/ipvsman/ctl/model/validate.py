# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""validate: whether a document is good. Needs neither the kernel nor any privilege."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from ipvsman.ctl.frame import Context, Parser, Status
from ipvsman.ipvs.errors import Fault, InvalidValue
from ipvsman.ipvs.model import State
from ipvsman.ipvs.surprises import surprises
from ipvsman.ipvs.wish import resolve

from . import document
from .document import Document, Words

_WORDS = Words("Unable to resolve params", "Validation error")
_MTU = 1500


def parser(parser: Parser) -> None:
    """No more than the file."""
    document.add_flags(parser)


def run(options: Namespace, context: Context) -> int:
    """Say it. Raises Failed."""
    said = Document(options, context, _WORDS)
    _warn_of_weights(said, context)
    try:
        state = resolve(said.wish, State(), lambda _interface: _MTU)
    except InvalidValue as invalid:
        # Perhaps good for a table that has the rest, as one with persistence for an engine.
        for fault in invalid.faults:
            context.warn(f"{said.line(fault)}; so it is in an empty table")
    else:
        for service in state.services.values():
            for surprise in surprises(service):
                context.warn(surprise)
    context.confirm("Configuration valid.")
    return Status.DONE


def _warn_of_weights(said: Document, context: Context) -> None:
    silent = list(_without_weight(said.data))
    if silent:
        more = f" (and {len(silent) - 1} more)" if len(silent) > 1 else ""
        reason = (
            f"has no weight, nor is there defaults.weight{more}: that is 0 here, no new"
            " connections; in a task of lvs.ipvs.ipvs_config it is 1"
        )
        context.warn(said.line(Fault(silent[0], reason)))


def _without_weight(data: Any) -> Iterator[str]:
    """Paths of destinations that say no weight, where there is no default."""
    if not data or (data.get("defaults") or {}).get("weight") is not None:
        return
    for number, service in enumerate(data.get("services") or []):
        for place, destination in enumerate(service.get("destinations") or []):
            if destination.get("weight") is None:
                yield f"services[{number}].destinations[{place}]"
