# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which facts a list of virtual addresses comes to, on a host with these links. Pure.

Internal to this collection. Every fault is named, all at once.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..ipvs.errors import Fault, InvalidValue
from ..network.facts import Address, Fact, OwnLink, Seen, Up
from ..network.names import is_link_name
from ..systemd import is_unit_name

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
DUMMY = "dummy"


def facts_of(params: Mapping[str, Any], ours: Collection[Address], seen: Seen) -> list[Fact]:
    """The facts, in the order in which they are made so; none = all is taken back.

    ours: what earlier runs have put there. What is there and not ours, somebody else has put there,
    and will again; it is no fact of ours. Raises InvalidValue.
    """
    faults: list[Fault] = []
    if not _NAME.fullmatch(params["name"]):
        reason = f"{params['name']!r} is no name of a unit without suffix; letters, digits, _ and -"
        faults.append(Fault("name", reason))
    before = params["before"]
    if before and not is_unit_name(before):
        reason = f"{before!r} is no name of a unit with its suffix, such as ipvsman.service"
        faults.append(Fault("before", reason))
    if params["state"] == "absent":
        _finish(faults)
        return []
    link = params["interface"] or ""
    if not is_link_name(link):
        faults.append(Fault("interface", f"{link!r} is not the name of a network interface"))
    addresses = _canonical(params["addresses"], faults)
    if addresses and is_link_name(link) and link not in seen.links and not params["dummy"]:
        known = ", ".join(sorted(seen.links))
        faults.append(Fault("interface", f"there is no {link}, only {known}; dummy=true makes one"))
    _finish(faults)

    there = seen.links.get(link)
    held = {each.partition("/")[0] for each in there.addresses} if there else set()
    facts = [_fact(address, link) for address in addresses]
    keys = {each.key for each in ours}
    facts = [
        fact for fact in facts if fact.key in keys or fact.address.partition("/")[0] not in held
    ]
    missing = [fact for fact in facts if not fact.is_so(fact.now(seen))]
    if params["dummy"] and facts and (there is None or there.kind == DUMMY):
        return [OwnLink(link, DUMMY), *facts]
    # An interface of somebody else is left down, as long as it has what it shall have.
    return [Up(link), *facts] if missing else [*facts]


def _finish(faults: Sequence[Fault]) -> None:
    if faults:
        raise InvalidValue(list(faults))


def _canonical(texts: Sequence[str], faults: list[Fault]) -> list[str]:
    """The addresses in one form, each once, in order."""
    found = set()
    for number, text in enumerate(texts):
        try:
            found.add(ipaddress.ip_address(text))
        except ValueError:
            hint = "; without a prefix length" if "/" in text else ""
            reason = f"{text!r} is not an IPv4 or IPv6 address{hint}"
            faults.append(Fault(f"addresses[{number}]", reason))
    return [str(each) for each in sorted(found, key=lambda each: (each.version, int(each)))]


def _fact(address: str, link: str) -> Address:
    if ":" in address:
        # An address that is looked for on the net first cannot be bound to in the meantime; and one
        # that is preferred may be where the host's own connections come from.
        return Address(f"{address}/128", link, "nodad preferred_lft 0")
    return Address(f"{address}/32", link)
