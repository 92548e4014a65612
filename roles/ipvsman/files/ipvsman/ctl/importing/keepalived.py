# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A keepalived.conf: what it says of IPVS is carried over; VRRP and all else is said to be not.

Defaults are those of keepalived 2.2. How real servers are probed is in ``keepalived_checks``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ipvsman.ipvs.document import MAX_TIMEOUT
from ipvsman.ipvs.model import Role
from ipvsman.ipvs.text import parse_address, parse_integer

from .absent import MAIL
from .found import Found
from .keepalived_blocks import directives
from .keepalived_services import Services
from .ledger import Directive, Ledger
from .lookup import Lookup
from .source import Source

_VRRP = frozenset(
    {
        "vrrp_instance",
        "vrrp_sync_group",
        "vrrp_script",
        "vrrp_track_process",
        "vrrp_track_file",
        "garp_group",
        "static_ipaddress",
        "static_routes",
        "static_rules",
        "static_track_group",
        "virtual_ipaddress",
        "virtual_ipaddress_excluded",
        "virtual_routes",
        "virtual_rules",
        "linkbeat_interfaces",
        "interface_up_down_delays",
        "track_process",
    }
)
_NO_VRRP = "there is no VRRP here"
_KEEP = "let keepalived go on with it, without its virtual_server blocks"
#: Settings of keepalived the program, of which there is nothing here to be set.
_OWN = "is a setting of keepalived itself"
_SYNC_WORDS = {"id": "sync_id", "maxlen": "maxlen", "port": "port", "ttl": "ttl", "group": "group"}
_BOUNDS = {"sync_id": (0, 255), "maxlen": (1, 65507), "port": (1, 65535), "ttl": (1, 255)}


def read(source: Source, _lookup: Lookup, ledger: Ledger) -> tuple[Found, list[Directive]]:
    """What the configuration asks of IPVS, and all that it says. Raises Unreadable.

    keepalived takes neither names of hosts nor of ports.
    """
    said = directives(source, ledger)
    found = Found()
    services = Services(said, ledger)
    for directive in said:
        if ledger.is_lost(directive):
            continue
        if directive.name == "global_defs":
            _globals(directive, found, ledger)
        elif directive.name == "track_file":
            ledger.lose(directive, "no file is watched")
        elif directive.name == "bfd_instance":
            ledger.lose(directive, "there is no BFD here")
        elif directive.name in _VRRP:
            _no_vrrp(directive, ledger)
        elif directive.name == "virtual_server":
            service = services.read(directive)
            if service is not None:
                found.services.append(service)
        elif directive.name not in ("virtual_server_group", "SSL") and directive.block is None:
            ledger.lose(directive, _OWN)
    services.settle()
    return found, said


def _globals(block: Directive, found: Found, ledger: Ledger) -> None:
    ledger.carry(block)
    for directive in block.block or ():
        if directive.name == "lvs_timeouts":
            _timeouts(directive, found, ledger)
        elif directive.name == "lvs_sync_daemon":
            _sync_daemon(directive, found, ledger)
        elif directive.name in ("lvs_flush", "lvs_flush_on_stop"):
            ledger.lose(directive, "nothing here empties the table as a whole at start or end")
        elif directive.name.startswith("vrrp_"):
            ledger.lose(directive, _NO_VRRP, _KEEP)
        elif directive.name.startswith(("smtp_", "notification_email", "notify_")):
            ledger.lose(directive, *MAIL)
        else:
            ledger.lose(directive, _OWN)


def _timeouts(directive: Directive, found: Found, ledger: Ledger) -> None:
    names = {"tcp": "tcp", "tcpfin": "tcp_fin", "udp": "udp"}
    for name, text in _pairs(directive, names, ledger):
        seconds = ledger.parsed(directive, partial(parse_integer, text, 1, MAX_TIMEOUT))
        if seconds is not None:
            found.timeouts[name] = seconds
    ledger.carry(directive)


def _sync_daemon(directive: Directive, found: Found, ledger: Ledger) -> None:
    """Both roles at once; with a VRRP instance, the one that it happens to have."""
    if not directive.words:
        ledger.fault(directive.place, directive.name, "needs a network interface")
        return
    interface, *rest = directive.words
    options = {*_SYNC_WORDS, "inst"}
    instance = bool(rest) and (rest[0] == "inst" or rest[0] not in options)
    if instance:
        roles = "start master on the director that is active, and backup on the other"
        ledger.lose(directive, "its role follows a VRRP instance", roles)
        return
    daemon: dict[str, object] = {"interface": interface}
    pairs = Directive(directive.place, directive.name, tuple(rest))
    for name, text in _pairs(pairs, _SYNC_WORDS, ledger):
        if name == "group":
            daemon[name] = ledger.parsed(directive, partial(parse_address, text))
        else:
            low, high = _BOUNDS[name]
            daemon[name] = ledger.parsed(directive, partial(parse_integer, text, low, high))
    for role in Role:
        found.daemons[role.value] = dict(daemon)
    ledger.carry(directive)


def _no_vrrp(block: Directive, ledger: Ledger) -> None:
    ledger.lose(block, _NO_VRRP, _KEEP)
    for addresses in block.named("virtual_ipaddress", "virtual_ipaddress_excluded"):
        for address in addresses.block or ():
            ledger.note(address, "this address has to be on the director by other means")


def _pairs(
    directive: Directive, names: dict[str, str], ledger: Ledger
) -> Iterable[tuple[str, str]]:
    """``NAME VALUE NAME VALUE``, by our names."""
    words = directive.words
    for name, text in zip(words[::2], (*words[1::2], ""), strict=False):
        if name not in names or not text:
            reason = f"{name!r} is not one of {', '.join(names)}, each with a value"
            ledger.fault(directive.place, str(directive), reason)
            return
        yield names[name], text
