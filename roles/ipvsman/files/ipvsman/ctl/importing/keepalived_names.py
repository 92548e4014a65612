# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of virtual servers of a keepalived.conf: an address, a firewall mark, a group of these."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import partial

from ipvsman.ipvs.model import (
    Endpoint,
    Family,
    Firewallmark,
    ServiceKey,
    Transport,
    canonical_address,
)
from ipvsman.ipvs.text import parse_integer, parse_word

from .found import family_if_address
from .hosts import MAX_RANGE, addresses
from .ledger import Directive, Ledger


class Names:
    """Knows the groups of a configuration."""

    def __init__(self, said: Iterable[Directive], ledger: Ledger) -> None:
        self._ledger = ledger
        self._groups: dict[str, Directive] = {}
        self._used: set[str] = set()
        for directive in said:
            if directive.name == "virtual_server_group" and len(directive.words) == 1:
                self._groups[directive.value] = directive
            elif directive.name == "virtual_server_group":
                ledger.fault(directive.place, str(directive), "needs one name")

    def settle(self) -> None:
        """Groups that nobody has used are lost."""
        for name, group in self._groups.items():
            if name not in self._used:
                self._ledger.lose(group, "no virtual_server is of this group")

    def of(
        self, block: Directive, family: Directive | None, transport: Transport
    ) -> tuple[list[ServiceKey], str]:
        """What a virtual server is called, and a word for it; why there is none has been told.

        family: of a firewall mark, where that is said.
        """
        words = block.words
        if block.block is None:
            self._ledger.fault(block.place, str(block), "has no block")
        if family is not None:
            self._ledger.carry(family)
        if words[:1] == ("group",) and len(words) == 2:
            return self._group(block, words[1], transport), words[1]
        if words[:1] == ("fwmark",) and len(words) == 2:
            mark = self._ledger.parsed(block, lambda: parse_integer(words[1], 1, 0xFFFFFFFF))
            of_mark = self._family(block, family)
            return ([Firewallmark(mark, of_mark)] if mark else []), f"fwmark-{words[1]}"
        if 1 <= len(words) <= 2:
            found = self._ledger.parsed(block, lambda: _endpoint(words, transport))
            return ([found] if found else []), "-".join([*words, transport.value])
        reason = "needs an address with a port, fwmark with a number, or group with a name"
        self._ledger.fault(block.place, str(block), reason)
        return [], ""

    def _family(self, block: Directive, said: Directive | None) -> Family:
        """As it is said, else that of the real servers."""
        if said is not None:
            found = self._ledger.parsed(said, lambda: parse_word(said.value, Family))
            return found or Family.INET
        families = {
            family_if_address(server.words[0])
            for server in block.named("real_server")
            if server.words
        }
        return Family.INET6 if families == {Family.INET6} else Family.INET

    def _group(self, block: Directive, name: str, transport: Transport) -> list[ServiceKey]:
        group = self._groups.get(name)
        if group is None:
            self._ledger.fault(block.place, str(block), f"there is no virtual_server_group {name}")
            return []
        if name not in self._used:
            self._ledger.carry(group)
        self._used.add(name)
        keys: list[ServiceKey] = []
        for entry in group.block or ():
            more = self._ledger.parsed(entry, partial(_entry, entry, transport))
            self._ledger.carry(entry)
            keys += more or ()
        return keys


def _endpoint(words: tuple[str, ...], transport: Transport) -> Endpoint:
    port = parse_integer(words[1], 0, 65535) if len(words) > 1 else 0
    return Endpoint(transport, canonical_address(words[0]), port)


def _entry(entry: Directive, transport: Transport) -> list[ServiceKey]:
    """What an entry of a group stands for."""
    if entry.name == "fwmark":
        mark, family, *more = (*entry.words, "", "")[: max(2, len(entry.words))]
        if more:
            raise ValueError("is a number, and inet or inet6")
        found = parse_word(family or "inet", Family)
        return [Firewallmark(parse_integer(mark, 1, 0xFFFFFFFF), found)]
    if len(entry.words) > 1:
        raise ValueError("is an address or a range of them, and a port")
    port = parse_integer(entry.words[0], 0, 65535) if entry.words else 0
    return [Endpoint(transport, address, port) for address in _range(entry.name)]


def _range(text: str) -> list[str]:
    """``ADDRESS``, ``192.0.2.1-10``, ``192.0.2.1-192.0.2.10``, ``192.0.2.8/29``."""
    if "/" in text:
        network = ipaddress.ip_network(text, strict=False)
        if network.num_addresses > MAX_RANGE:
            raise ValueError(f"{text} are more than {MAX_RANGE} addresses")
        return [canonical_address(str(address)) for address in network]
    first, dash, last = text.partition("-")
    if not dash:
        return [canonical_address(text)]
    if ":" in first and ":" not in last:
        last = f"{first.rpartition(':')[0]}:{last}"
    elif "." in first and "." not in last:
        last = f"{first.rpartition('.')[0]}.{last}"
    return addresses(first, last)
