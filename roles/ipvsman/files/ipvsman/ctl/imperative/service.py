# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""service: look at virtual services, and change one at a time."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any

from ipvsman.ctl.exporting import Export
from ipvsman.ctl.frame import Context, Status
from ipvsman.ipvs.document import Reader
from ipvsman.ipvs.model import HOST_NETMASK, Service, ServiceKey
from ipvsman.ipvs.scope import ALL, SERVICES, Scope
from ipvsman.ipvs.text import format_netmask
from ipvsman.ipvs.wish import ServiceWish

from .command import Command, add_commands, run_command
from .edits import Edits, answer, there
from .flags import Flag, Parser
from .listing import Columns, Listing, services_listing
from .naming import service_name, service_text
from .overview import overview
from .said import Said
from .show import Screen, read
from .traffic import Meter
from .vocabulary import RATE, SERVICE, SERVICE_SETTINGS, SHOWN, STATS, YES
from .wholetable import flush

PARSER = Parser
run = run_command

#: Which flag says which key of a document.
_FLAGS = {
    "scheduler": "scheduler",
    "persistence": "timeout",
    "netmask": "netmask",
    "engine": "persistent",
    "flags": "flags",
}
#: What an engine without a time has: ipvsadm's -p.
_ENGINE_TIMEOUT = 300


def parser(parser: Parser) -> None:
    """Its commands."""
    add_commands(parser, COMMANDS)


def _list(said: Said, context: Context) -> int:
    return _look(said, context, None)


def _get(said: Said, context: Context) -> int:
    return _look(said, context, said.service())


def _look(said: Said, context: Context, key: ServiceKey | None) -> int:
    screen = Screen(said, context)
    amounts, seconds, servers = said.on("stats"), said.seconds("rate"), said.on("servers")
    said.finish()
    keys = None if key is None else frozenset([key])
    scope = SERVICES if keys is None else Scope(destinations=dict.fromkeys(keys, ALL))
    if servers or not screen.is_text:
        # Not for nothing: netfilter may have to be asked by a program of its own.
        scope = replace(scope, local_addresses=ALL if keys is None else keys)
    with context.table() as table:
        meter = Meter(table, keys, seconds) if amounts or seconds or servers else None

        def look() -> Listing:
            rates = amounts or bool(seconds)
            columns = Columns(meter.read() if meter else None, amounts, rates)
            state = read(table, scope, context)
            if key is not None:
                there(state, key)
            listing = services_listing(state, columns)
            if servers:
                return replace(listing, lines=lambda: overview(state, columns))
            return listing

        return screen.show(look)


def _string(said: Said, context: Context) -> int:
    key = said.service()
    said.finish()
    if not said.on("ipvsadm"):
        context.say(f"vs:{service_text(key)}")
        return 0
    scope = Scope(destinations={key: ALL}, local_addresses=frozenset([key]))
    with context.table() as table:
        state = read(table, scope, context)
        there(state, key)
    export = Export()
    context.say_lines(export.services(state))
    for loss in export.losses:
        context.warn(f"not told: {loss}")
    return 0


def _check(said: Said, context: Context) -> int:
    key = said.service()
    said.finish()
    with context.table() as table:
        found = key in table.read(Scope(destinations={key: frozenset()})).services
    context.say(f"vs:{service_text(key)} {'' if found else 'not '}found")
    return Status.FAILED if said.on("exit_code") and not found else 0


def _add(said: Said, context: Context) -> int:
    key = said.service()
    wish = _wish(said, key)
    said.finish()
    with context.table() as table:
        Edits(table, context, said, _FLAGS).add_service(_sticky(wish, 0))
    return 0


def _update(said: Said, context: Context) -> int:
    key = said.service()
    wish = _wish(said, key)
    said.finish()

    def wanted(have: Service) -> ServiceWish:
        return _sticky(wish, have.settings.persistence)

    with context.table() as table:
        Edits(table, context, said, _FLAGS).edit_service(key, wanted)
    return 0


def _delete(said: Said, context: Context) -> int:
    key = said.service()
    said.finish()
    with context.table() as table:
        Edits(table, context, said, _FLAGS).remove_service(key)
    return 0


def _zero(said: Said, context: Context) -> int:
    key = said.service()
    said.finish()
    with context.table() as table:
        try:
            table.zero(key)
        except KeyError:
            answer(errno.ESRCH, service_name(key))
    return 0


def _wish(said: Said, key: ServiceKey) -> ServiceWish:
    """What the flags want of a service; what is wrong with them is noted."""
    entry: dict[str, Any] = {name: said.text(flag) for name, flag in _FLAGS.items()}
    if entry["netmask"] == "0":
        entry["netmask"] = format_netmask(HOST_NETMASK[key.family], key.family)
    if said.text("fwmark") is None and said.text("vip") is None:
        # What a netmask may be is up to the family, which is not known.
        entry["netmask"] = None
    entry = {name: value for name, value in entry.items() if not said.is_malformed(_FLAGS[name])}
    reader = Reader()
    wish = reader.service({**entry, "service": str(key)}, "")
    said.faults(reader.faults, _FLAGS)
    return wish or ServiceWish(key)


def _sticky(wish: ServiceWish, persistence: int) -> ServiceWish:
    """An engine works on persistence, so that it brings some where there is none."""
    if wish.engine and wish.persistence is None and not persistence:
        return ServiceWish(
            wish.key, wish.scheduler, wish.flags, _ENGINE_TIMEOUT, wish.netmask, wish.engine
        )
    return wish


_IPVSADM = Flag(
    ("ipvsadm",),
    "the service and its destinations as the kernel has them, in lines that ipvsadm -R takes; what"
    " it would not take is told",
)
_SERVERS = Flag(("servers",), "with the real servers of each, their connections, and all settings")
_EXIT_CODE = Flag(("exit-code",), "exit status 1 when it is not there")

COMMANDS = (
    Command(
        "list", ("l", "ls"), "list the virtual services", (_SERVERS, STATS, RATE, *SHOWN), _list
    ),
    Command(
        "string", ("s", "str"), "print a virtual service as text", (*SERVICE, _IPVSADM), _string
    ),
    Command(
        "check",
        ("c", "chk", "exist", "find"),
        "say whether a virtual service is there",
        (*SERVICE, _EXIT_CODE),
        _check,
    ),
    Command(
        "get",
        ("g", "fetch", "one"),
        "show one virtual service",
        (*SERVICE, _SERVERS, STATS, RATE, *SHOWN),
        _get,
    ),
    Command(
        "add",
        ("a", "new", "n", "set"),
        "add a virtual service",
        (*SERVICE, *SERVICE_SETTINGS),
        _add,
    ),
    Command(
        "update",
        ("u", "up"),
        "change a virtual service; what is not said stays as it is",
        (*SERVICE, *SERVICE_SETTINGS),
        _update,
    ),
    Command("del", ("d", "delete"), "remove a virtual service", SERVICE, _delete),
    Command("zero", ("z",), "zero the counters of a virtual service", SERVICE, _zero),
    Command("flush", ("f", "clear"), "remove all virtual services", (YES,), flush),
)
