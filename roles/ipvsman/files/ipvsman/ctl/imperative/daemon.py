# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""daemon: the sync daemons, which tell a second director of connections, or listen to it."""

from __future__ import annotations

from collections.abc import Mapping

from ipvsman.ctl.frame import Context
from ipvsman.ipvs.document import Reader
from ipvsman.ipvs.model import Role, SyncDaemon
from ipvsman.ipvs.plain import plain_daemon
from ipvsman.ipvs.scope import Scope
from ipvsman.ipvs.wish import DaemonWish

from .command import Command, add_commands, run_command
from .edits import Edits
from .flags import Flag, Parser
from .listing import Listing
from .said import Said
from .show import Screen, read
from .vocabulary import SHOWN

PARSER = Parser
run = run_command

_HEADER = "State SyncId McastIfn"
#: Which flag says which key of a document.
_FLAGS = {
    "interface": "mcast_ifn",
    "sync_id": "sync_id",
    "maxlen": "maxlen",
    "group": "group",
    "port": "port",
    "ttl": "ttl",
}


def parser(parser: Parser) -> None:
    """Its commands."""
    add_commands(parser, COMMANDS)


def _show(said: Said, context: Context) -> int:
    screen = Screen(said, context)
    said.finish()
    with context.table() as table:

        def look() -> Listing:
            return _listing(read(table, Scope(daemons=frozenset(Role)), context).daemons)

        return screen.show(look)


def _listing(running: Mapping[Role, SyncDaemon]) -> Listing:
    daemons = [running[role] for role in Role if role in running]
    lines = [f"{daemon.role.value} {daemon.sync_id} {daemon.interface}" for daemon in daemons]
    return Listing(
        lambda: [_HEADER, *lines],
        lambda: {"sync_daemons": [plain_daemon(each) for each in daemons]},
    )


def _add(said: Said, context: Context) -> int:
    wish = _wish(said)
    said.finish()
    with context.table() as table:
        Edits(table, context, said, _FLAGS).start_daemon(wish)
    return 0


def _delete(said: Said, context: Context) -> int:
    role = said.value("state", _role, "illegal state") or Role.MASTER
    said.finish()
    with context.table() as table:
        Edits(table, context, said, _FLAGS).stop_daemon(role)
    return 0


def _wish(said: Said) -> DaemonWish:
    role = said.value("state", _role, "illegal state") or Role.MASTER
    entry = {name: said.text(flag) for name, flag in _FLAGS.items() if not said.is_malformed(flag)}
    reader = Reader()
    wish = reader.daemon({**entry, "role": role.value}, "")
    said.faults(reader.faults, _FLAGS)
    return wish or DaemonWish(role)


def _role(text: str) -> Role:
    try:
        return Role(text.lower())
    except ValueError:
        raise ValueError("not master or backup") from None


_STATE = Flag(
    ("state",),
    "master (tells) or backup (listens)",
    "STATE",
    words=tuple(role.value for role in Role),
    required=True,
)

COMMANDS = (
    Command("show", ("ls", "get"), "show the sync daemons that run", SHOWN, _show),
    Command(
        "add",
        ("a", "new", "n", "set"),
        "start a sync daemon",
        (
            _STATE,
            Flag(
                ("sync-id",),
                "0..255, the same for those that belong together; a backup with 0 takes all",
                "N",
                number=True,
                required=True,
            ),
            Flag(("mcast-ifn",), "network interface to use", "INTERFACE", required=True),
            Flag(("maxlen",), "bytes of a message; without this flag what fits", "N", number=True),
            Flag(("group",), "multicast group; without this flag 224.0.0.81", "IP"),
            Flag(("port",), "UDP port; without this flag 8848", "N", number=True),
            Flag(("ttl",), "of multicast packets; without this flag 1", "N", number=True),
        ),
        _add,
    ),
    Command("del", ("d",), "stop a sync daemon", (_STATE,), _delete),
)
