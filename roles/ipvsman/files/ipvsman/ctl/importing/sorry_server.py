# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sorry server, quorum and hysteresis of a keepalived virtual server -> a fallback."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from ipvsman.ipvs.model import Endpoint, Firewallmark, Forwarding, Tunnel, canonical_address
from ipvsman.ipvs.text import parse_integer

from .found import FoundServer, FoundService
from .ledger import Directive, Ledger

#: What is read here; keepalived counts in weights, as drop-ins do.
OF_QUORUM: Final = ("quorum", "hysteresis")
NAMES: Final = ("sorry_server", "sorry_server_inhibit", "sorry_server_lvs_method", *OF_QUORUM)
_USUAL = {"quorum": 1, "hysteresis": 0}
_MOST = 2**31 - 1

Method = tuple[Forwarding, Tunnel]


def read(
    service: FoundService,
    said: dict[str, Directive],
    method: Method,
    own_method: Callable[[Directive], Method],
    ledger: Ledger,
) -> None:
    """The fallback of a service whose real servers have been read. method: of these."""
    sorry = said.get("sorry_server")
    if sorry is None:
        _without(said, ledger)
        return
    ledger.fall_back(*(said[name] for name in NAMES if name in said))
    own = said.get("sorry_server_lvs_method")
    forwarding, tunnel = own_method(own) if own else method
    place = ledger.parsed(sorry, lambda: _place(sorry, service))
    if place is not None:
        service.fallback = [FoundServer(sorry, *place, forwarding, tunnel=tunnel)]
    if "sorry_server_inhibit" in said and service.on_down == "remove":
        reason = "who is set aside is out of the table, as who is down"
        ledger.lose(said["sorry_server_inhibit"], reason, "on_down: zero is for both")
    _quorum(service, said, ledger)


def _without(said: dict[str, Directive], ledger: Ledger) -> None:
    for name in NAMES:
        directive = said.get(name)
        if directive is None:
            continue
        if name in _USUAL and directive.value == str(_USUAL[name]):
            ledger.carry(directive)
        else:
            ledger.lose(directive, "without a sorry_server it decides nothing but scripts")


def _place(sorry: Directive, service: FoundService) -> tuple[str, int]:
    if not 1 <= len(sorry.words) <= 2:
        raise ValueError("needs an address and a port")
    key = service.keys[0] if service.keys else None
    port = key.port if isinstance(key, Endpoint) else 0
    if len(sorry.words) == 2:
        port = parse_integer(sorry.words[1], 0, 65535)
    if all(isinstance(each, Firewallmark) for each in service.keys):
        port = 0
    return canonical_address(sorry.words[0]), port


def _quorum(service: FoundService, said: dict[str, Directive], ledger: Ledger) -> None:
    """As far as the real servers' weights go: what they cannot reach would never be regained."""
    numbers = dict(_USUAL)
    for name in OF_QUORUM:
        directive = said.get(name)
        if directive is not None:
            low = _USUAL[name]
            found = ledger.parsed(directive, partial(parse_integer, directive.value, low, _MOST))
            numbers[name] = low if found is None else found
    most = _weight(service)
    quorum = min(numbers["quorum"], max(most, 1))
    hysteresis = min(numbers["hysteresis"], quorum - 1, max(most - quorum, 0))
    for name, number in (("quorum", quorum), ("hysteresis", hysteresis)):
        if number != numbers[name]:
            ledger.note(said[name], f"{number}, since the real servers weigh {most} together")
    service.quorum, service.hysteresis = quorum, hysteresis


def _weight(service: FoundService) -> int:
    """What the real servers weigh together, in the address family that has least."""
    families = {key.family for key in service.keys}
    return min(
        (
            sum(
                server.weight
                for server in service.servers
                if server.family is family or server.forwarding is Forwarding.TUNNEL
            )
            for family in families
        ),
        default=0,
    )
