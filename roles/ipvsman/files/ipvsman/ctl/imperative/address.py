# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""address: the local addresses of a virtual service, which its connections to real servers come
from (full NAT).
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence

from ipvsman.ctl.frame import Context
from ipvsman.ipvs.document import Reader
from ipvsman.ipvs.model import LocalUse, ServiceKey
from ipvsman.ipvs.remarks import leftover_line
from ipvsman.ipvs.scope import ALL, Scope

from .command import Command, add_commands, run_command
from .edits import Edits, answer, there
from .flags import Flag, Parser
from .listing import Listing
from .naming import service_name
from .said import Said
from .show import Screen, read
from .vocabulary import SERVICE, SHOWN

PARSER = Parser
run = run_command

_HEADER = "Addr Conflict Connection"
_FLAGS = {"lip": "lip"}


def parser(parser: Parser) -> None:
    """Its commands."""
    add_commands(parser, COMMANDS)


def _list(said: Said, context: Context) -> int:
    key = said.service()
    screen = Screen(said, context)
    said.finish()
    scope = Scope(destinations={key: frozenset()}, local_addresses=ALL)
    with context.table() as table:

        def look() -> Listing:
            state = read(table, scope, context)
            present = table.services()
            for left, these in state.full_nat.local_addresses.items():
                if left not in present:
                    context.warn(leftover_line(left, these))
            there(state, key)
            addresses = state.local_addresses(key)
            used = table.local_connections().get(key, {}) if addresses else {}
            return _listing(key, {one: used.get(one, LocalUse()) for one in addresses})

        return screen.show(look)


def _listing(key: ServiceKey, used: Mapping[str, LocalUse]) -> Listing:
    lines = [f"{one} {use.conflicts} {use.connections}" for one, use in used.items()]
    return Listing(
        lambda: [_HEADER, *lines],
        lambda: {
            "service": str(key),
            "local_addresses": [
                {"address": one, "conflicts": use.conflicts, "connections": use.connections}
                for one, use in used.items()
            ],
        },
    )


def _add(said: Said, context: Context) -> int:
    key = said.service()
    new = _addresses(said, key)
    said.finish()

    def wanted(have: Sequence[str]) -> Sequence[str]:
        _refuse(errno.EEXIST, [one for one in new if one in have], key)
        return [*have, *new]

    with context.table() as table:
        Edits(table, context, said, _FLAGS).set_local_addresses(key, wanted)
    return 0


def _delete(said: Said, context: Context) -> int:
    key = said.service()
    old = _addresses(said, key)
    said.finish()

    def wanted(have: Sequence[str]) -> Sequence[str]:
        _refuse(errno.ENOENT, [one for one in old if one not in have], key)
        return [one for one in have if one not in old]

    with context.table() as table:
        Edits(table, context, said, _FLAGS).set_local_addresses(key, wanted)
    return 0


def _flush(said: Said, context: Context) -> int:
    key = said.service()
    said.finish()
    with context.table() as table:
        Edits(table, context, said, _FLAGS).take_local_addresses(key)
    return 0


def _addresses(said: Said, key: ServiceKey) -> tuple[str, ...]:
    """Those that the flags name; what is wrong with them is noted."""
    words = said.texts("lip")
    if said.on("lip") and not words:
        said.fault("--lip: no address")
    reader = Reader()
    found = reader.local_addresses(words, "lip", key.family)
    # Without the service's name its family is not known, and that is a fault of its own.
    if said.text("vip") is not None or said.text("fwmark") is not None:
        said.faults(reader.faults, _FLAGS)
    return found


def _refuse(number: int, addresses: Sequence[str], key: ServiceKey) -> None:
    """Raises Failed when there are such addresses: the kernel's answer to each of them."""
    if addresses:
        answer(number, f"{', '.join(addresses)} of {service_name(key)}")


_LIP = Flag(
    ("lip",),
    "addresses of this host, of the service's family; with commas between, or said several times",
    "IP",
    repeated=True,
    required=True,
)

COMMANDS = (
    Command(
        "list",
        ("l", "ls"),
        "list the local addresses of a virtual service, with their connections",
        (*SERVICE, *SHOWN),
        _list,
    ),
    Command(
        "add",
        ("a", "new", "n", "set"),
        "have connections to real servers come from more addresses",
        (*SERVICE, _LIP),
        _add,
    ),
    Command("del", ("d", "delete"), "take local addresses away", (*SERVICE, _LIP), _delete),
    Command("flush", ("f", "clear", "purge"), "take all local addresses away", SERVICE, _flush),
)
