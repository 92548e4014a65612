# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands behind the question mark; what is not known there is no fault."""

from __future__ import annotations

from aiohttp import web

#: Words for no and yes.
FLAG = {"0": False, "false": False, "1": True, "true": True}


class BadParameter(Exception):
    """A parameter that is not what it has to be."""

    def __init__(self, name: str, said: str, form: str) -> None:
        super().__init__(f"{name}: {said[:60]!r} is not {form}")


def parameter(request: web.Request, name: str, default: str) -> str:
    """The one value of a parameter. Raises BadParameter when there are several."""
    said = request.query.getall(name, [default])
    if len(said) != 1:
        raise BadParameter(name, "&".join(said), "one value")
    return said[0]


def flag(request: web.Request, name: str) -> bool:
    """Whether a parameter says yes. Raises BadParameter."""
    said = parameter(request, name, "0")
    if said not in FLAG:
        raise BadParameter(name, said, f"one of {', '.join(FLAG)}")
    return FLAG[said]
