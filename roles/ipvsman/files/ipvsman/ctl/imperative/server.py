# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""server: look at the destinations of a virtual service, and change one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ipvsman.ctl.frame import Context
from ipvsman.ipvs.document import Reader
from ipvsman.ipvs.model import PLAIN_TUNNEL, Checksum, DestinationKey, Tunnel, TunnelKind
from ipvsman.ipvs.scope import ALL, Scope
from ipvsman.ipvs.text import parse_word
from ipvsman.ipvs.wish import DestinationWish

from .command import Command, add_commands, run_command
from .edits import Edits, Have, there
from .flags import Parser
from .listing import Columns, Listing, destinations_listing
from .naming import parse_method
from .said import Said
from .show import Screen, read
from .traffic import Meter
from .vocabulary import DESTINATION, RATE, SERVICE, SHOWN, STATS, destination_settings

PARSER = Parser
run = run_command

#: Which flag says which key of a document.
_FLAGS = {
    "address": "rip",
    "port": "rport",
    "weight": "weight",
    "forwarding": "forward",
    "upper_threshold": "upper_threshold",
    "lower_threshold": "lower_threshold",
    "tunnel": "tun_type",
    "tunnel.type": "tun_type",
    "tunnel.port": "tun_port",
    "tunnel.checksum": "tun_checksum",
}
_NUMBERS = ("weight", "upper_threshold", "lower_threshold")


def parser(parser: Parser) -> None:
    """Its commands."""
    add_commands(parser, COMMANDS)


def _list(said: Said, context: Context) -> int:
    key = said.service()
    screen = Screen(said, context)
    amounts, seconds = said.on("stats"), said.seconds("rate")
    said.finish()
    with context.table() as table:
        meter = Meter(table, [key], seconds) if amounts or seconds else None

        def look() -> Listing:
            columns = Columns(meter.read() if meter else None, amounts, meter is not None)
            scope = Scope(destinations={key: ALL}, local_addresses=frozenset([key]))
            state = read(table, scope, context)
            service = there(state, key)
            return destinations_listing(service, state.local_addresses(key), columns)

        return screen.show(look)


def _add(said: Said, context: Context) -> int:
    key, name, wish = said.service(), said.destination(), _Wish(said)
    said.finish()
    with context.table() as table:
        edits = Edits(table, context, said, _FLAGS)
        edits.add_destination(key, name, lambda have: wish.of(name, have))
    return 0


def _update(said: Said, context: Context) -> int:
    key, name, wish = said.service(), said.destination(), _Wish(said)
    said.finish()
    with context.table() as table:
        edits = Edits(table, context, said, _FLAGS)
        edits.edit_destination(key, name, lambda have: wish.of(name, have))
    return 0


def _delete(said: Said, context: Context) -> int:
    key, name = said.service(), said.destination()
    said.finish()
    with context.table() as table:
        Edits(table, context, said, _FLAGS).remove_destination(key, name)
    return 0


def _flush(said: Said, context: Context) -> int:
    key = said.service()
    said.finish()
    with context.table() as table:
        Edits(table, context, said, _FLAGS).remove_destinations(key)
    return 0


class _Wish:
    """What the flags want of a destination; what is wrong with them alone is noted."""

    def __init__(self, said: Said) -> None:
        reader = Reader()
        entry: dict[str, Any] = {
            name: said.text(_FLAGS[name])
            for name in _NUMBERS
            if not said.is_malformed(_FLAGS[name])
        }
        self._base = reader.destination({**entry, "address": "192.0.2.1"}, "", None)
        said.faults(reader.faults, _FLAGS)
        self._forwarding = said.value("forward", parse_method, "invalid forward")
        self._kind = said.value("tun_type", lambda text: parse_word(text, TunnelKind))
        self._port = said.number("tun_port", 0, 65535)
        self._checksum = said.value("tun_checksum", lambda text: parse_word(text, Checksum))

    def of(self, name: DestinationKey, have: Have) -> DestinationWish:
        """The whole wish, given what there is. Raises InvalidValue."""
        base = self._base or DestinationWish(name)
        wish = replace(base, key=name, forwarding=self._forwarding)
        if self._kind is None and self._port is None and self._checksum is None:
            return wish
        return replace(wish, tunnel=self._tunnel(have.tunnel if have else PLAIN_TUNNEL))

    def _tunnel(self, have: Tunnel) -> Tunnel | None:
        """What is not said stays, as long as the kind of the tunnel does."""
        kind = self._kind or have.kind
        base = have if kind is have.kind else Tunnel(kind)
        reader = Reader()
        tunnel = {
            "type": kind.value,
            "port": base.port if self._port is None else self._port,
            "checksum": (self._checksum or base.checksum).value,
        }
        read = reader.destination({"address": "192.0.2.1", "tunnel": tunnel}, "", None)
        reader.finish()
        return read.tunnel if read else None


COMMANDS = (
    Command(
        "list",
        ("l", "ls"),
        "list the real servers of a virtual service",
        (*SERVICE, STATS, RATE, *SHOWN),
        _list,
    ),
    Command(
        "add",
        ("a", "new", "n", "set"),
        "add a real server",
        (*SERVICE, *DESTINATION, *destination_settings(required=True)),
        _add,
    ),
    Command(
        "update",
        ("u", "up"),
        "change a real server; what is not said stays as it is",
        (*SERVICE, *DESTINATION, *destination_settings(required=False)),
        _update,
    ),
    Command("del", ("d", "delete"), "remove a real server", (*SERVICE, *DESTINATION), _delete),
    Command(
        "flush",
        ("f", "clear", "purge"),
        "remove all real servers of a virtual service",
        SERVICE,
        _flush,
    ),
)
