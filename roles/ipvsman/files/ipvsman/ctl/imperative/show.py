# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a listing is shown: as text, JSON or YAML, once or again and again."""

from __future__ import annotations

import json
from collections.abc import Callable

from ipvsman.ctl.emit import json_text, yaml_lines
from ipvsman.ctl.frame import Context
from ipvsman.ipvs.model import State
from ipvsman.ipvs.scope import Scope
from ipvsman.ipvs.table import Table

from . import pace
from .align import aligned
from .listing import Listing
from .said import Said

FORMS = ("text", "json", "yaml")
_CLEAR = "\033[H\033[2J"


class Screen:
    """Where listings go, in the form and as often as was said."""

    def __init__(self, said: Said, context: Context) -> None:
        self._context = context
        self._form = said.value("output", _form) or "text"
        self._pause = said.seconds("watch")

    @property
    def is_text(self) -> bool:
        """Whether it is for people and scripts, and not for programs."""
        return self._form == "text"

    def show(self, look: Callable[[], Listing]) -> int:
        """Look, and show what was seen. Returns the exit status."""
        seen = 0
        while True:
            listing = look()
            self._begin(seen)
            self._write(listing)
            self._context.stdout.flush()
            if self._pause is None:
                return 0
            seen += 1
            pace.wait(self._pause)

    def _begin(self, seen: int) -> None:
        """What tells one look from the one before."""
        if self._pause is None:
            return
        if self._form == "yaml":
            self._context.say("---")
        elif self._form == "text" and self._context.on_screen:
            self._context.stdout.write(_CLEAR)
        elif self._form == "text" and seen:
            self._context.say()

    def _write(self, listing: Listing) -> None:
        if self._form == "yaml":
            self._context.say_lines(yaml_lines(dict(listing.data())))
        elif self._form == "text":
            lines = listing.lines()
            self._context.say_lines(aligned(lines) if self._context.stdout.isatty() else lines)
        elif self._pause is None:
            self._context.say(json_text(dict(listing.data())))
        else:
            # One look, one line: what reads it knows where each ends.
            self._context.say(json.dumps(dict(listing.data())))


def _form(text: str) -> str:
    if text not in FORMS:
        raise ValueError(f"{text!r} is not one of {', '.join(FORMS)}")
    return text


def read(table: Table, scope: Scope, context: Context) -> State:
    """What lies in scope; of what is there and has no words, at least that it is."""
    state = table.read(scope)
    for unreadable in state.unreadable:
        context.warn(f"left out, not understood: {unreadable}")
    return state
