# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""timeout: how long the table keeps a connection that nothing passes through."""

from __future__ import annotations

from ipvsman.ctl.frame import Context
from ipvsman.ipvs.document import MAX_TIMEOUT
from ipvsman.ipvs.model import Timeouts
from ipvsman.ipvs.plain import plain_timeouts
from ipvsman.ipvs.scope import Scope
from ipvsman.ipvs.wish import TimeoutsWish

from .command import Command, add_commands, run_command
from .edits import Edits
from .flags import Flag, Parser
from .listing import Listing
from .said import Said
from .show import Screen
from .vocabulary import SHOWN

PARSER = Parser
run = run_command

_HEADER = "Timeout of tcp tcpfin udp"


def parser(parser: Parser) -> None:
    """Its commands."""
    add_commands(parser, COMMANDS)


def _show(said: Said, context: Context) -> int:
    screen = Screen(said, context)
    said.finish()
    with context.table() as table:
        return screen.show(lambda: _listing(table.read(Scope(timeouts=True)).timeouts))


def _listing(timeouts: Timeouts | None) -> Listing:
    times = timeouts or Timeouts(0, 0, 0)
    line = f"{times.tcp}    {times.tcp_fin}    {times.udp}"
    return Listing(lambda: [_HEADER, line], lambda: {"timeouts": plain_timeouts(times)})


def _set(said: Said, context: Context) -> int:
    # 0 is as good as nothing said.
    times = [said.number(name, 0, MAX_TIMEOUT) or None for name in ("tcp", "tcpfin", "udp")]
    said.finish()
    with context.table() as table:
        Edits(table, context, said, {}).set_timeouts(TimeoutsWish(*times))
    return 0


_STAYS = "in seconds, 0 for as it is"

COMMANDS = (
    Command("show", ("ls", "get"), "show the timeouts", SHOWN, _show),
    Command(
        "set",
        ("s",),
        "change the timeouts; those not said stay as they are",
        (
            Flag(("tcp", "t"), f"of TCP connections, {_STAYS}", "SECONDS", number=True),
            Flag(
                ("tcpfin", "f", "fin"),
                f"of TCP connections after a FIN, {_STAYS}",
                "SECONDS",
                number=True,
            ),
            Flag(("udp", "u"), f"of UDP, {_STAYS}", "SECONDS", number=True),
        ),
        _set,
    ),
)
