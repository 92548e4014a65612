# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""connection: the connections that the table knows, picked out and counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TextIO

from ipvsman.ctl.frame import Context, Failed, Status
from ipvsman.ipvs.scope import ALL, Scope
from ipvsman.ipvs.table import Table
from ipvsman.ipvs.text import nearest

from .command import Command, add_commands, run_command
from .edits import there
from .entries import (
    COLUMNS,
    COUNTED_BY,
    LOCAL_COLUMNS,
    STATES,
    Entry,
    Wanted,
    counted,
    parse_entries,
    parse_network,
)
from .flags import Flag, Parser
from .listing import Listing
from .said import Said
from .show import Screen
from .vocabulary import MARK, PROTOCOL, SHOWN

PARSER = Parser
run = run_command


def parser(parser: Parser) -> None:
    """Its commands."""
    add_commands(parser, COMMANDS)


def _show(said: Said, context: Context) -> int:
    screen = Screen(said, context)
    mark, wanted, by = said.mark(), _wanted(said), said.value("count", _counted_by)
    said.finish()
    for state in sorted(wanted.states or ()):
        if state not in STATES:
            context.warn(f"no state is called {state}{nearest(state, STATES)}")
    path = said.text("path")

    def listing(entries: Iterable[Entry], table: Table | None) -> Listing:
        chosen = wanted
        if mark is not None and table is not None:
            pool = there(table.read(Scope(destinations={mark: ALL})), mark).destinations
            chosen = wanted.served_by(pool)
        meant = filter(chosen.has, entries)
        return _counts(meant, by) if by else _connections(meant)

    if path is not None and mark is None:
        return screen.show(lambda: listing(_file(path), None))
    with context.table() as table:
        return screen.show(
            lambda: listing(map(Entry, table.connections()) if path is None else _file(path), table)
        )


def _file(path: str) -> Iterator[Entry]:
    """Entries of a file, which is there already when this returns. Raises Failed."""
    try:
        stream = open(path, encoding="ascii", errors="backslashreplace")  # noqa: SIM115
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise Failed(Status.FAILED, f"open {path}: {reason}") from None
    return _entries(path, stream)


def _entries(path: str, stream: TextIO) -> Iterator[Entry]:
    with stream:
        try:
            yield from parse_entries(stream)
        except OSError as error:
            raise Failed(
                Status.FAILED, f"read {path}: {(error.strerror or str(error)).lower()}"
            ) from None


def _connections(entries: Iterable[Entry]) -> Listing:
    return Listing(
        lambda: _lines(iter(entries)),
        lambda: {"connections": [entry.plain() for entry in entries]},
    )


def _lines(entries: Iterator[Entry]) -> Iterator[str]:
    # One kernel writes all lines alike.
    first = list(islice(entries, 1))
    local = any(entry.local for entry in first)
    yield f"{COLUMNS} {LOCAL_COLUMNS}" if local else COLUMNS
    for entry in chain(first, entries):
        yield entry.line()


def _counts(entries: Iterable[Entry], by: str) -> Listing:
    def lines() -> Iterator[str]:
        if by == "all":
            yield str(sum(1 for _entry in entries))
            return
        yield f"Connections {by.capitalize()}"
        for name, count in counted(entries, by):
            yield f"{count} {name}"

    def data() -> dict[str, object]:
        if by == "all":
            return {"connections": sum(1 for _entry in entries)}
        return {"counts": [{by: name, "connections": n} for name, n in counted(entries, by)]}

    return Listing(lines, data)


def _wanted(said: Said) -> Wanted:
    transport = said.transport()
    states = said.text("state")
    return Wanted(
        transport=transport.value if transport else None,
        address=said.virtual_address(),
        port=said.number("vport", 0, 65535),
        destination=said.address("rip"),
        destination_port=said.number("rport", 0, 65535),
        client=said.value("client", parse_network),
        states=frozenset(states.upper().replace(",", " ").split()) if states else None,
    )


def _counted_by(text: str) -> str:
    if text not in COUNTED_BY:
        raise ValueError(f"{text!r} is not one of {', '.join(COUNTED_BY)}")
    return text


COMMANDS = (
    Command(
        "show",
        ("ls", "get"),
        "show the connections, or how many there are",
        (
            Flag(("vip",), "only those to this virtual address", "IP"),
            Flag(("vport",), "only those to this virtual port, 0 for any", "N", number=True),
            Flag(PROTOCOL.names, "only those of TCP, UDP or SCTP", "PROTOCOL", PROTOCOL.words),
            *MARK,
            Flag(("rip",), "only those to this real server", "IP"),
            Flag(("rport",), "only those to this port of a real server", "N", number=True),
            Flag(("client",), "only those from this address, or network like 192.0.2.0/24", "NET"),
            Flag(("state",), "only those in one of these states", "STATE,...", STATES),
            Flag(
                ("count",),
                "how many there are, in all (without WHAT) or of each service, destination, client"
                " or state",
                "WHAT",
                tuple(COUNTED_BY),
                bare="all",
            ),
            Flag(
                ("path", "p"),
                "read this file instead of the kernel's /proc/net/ip_vs_conn",
                "FILE",
            ),
            *SHOWN,
        ),
        _show,
    ),
)
