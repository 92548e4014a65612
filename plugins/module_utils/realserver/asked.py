# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whom to ask by ARP, from a module's options; and what came of it, as plain data. Pure.

Internal to this collection.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ..ipvs.errors import Fault, InvalidValue
from .arp import Answers, Asked


def asked_of(params: Mapping[str, Any]) -> list[Asked]:
    """The hosts with something to keep quiet about. Raises InvalidValue."""
    faults: list[Fault] = []
    hosts = []
    if params["wait"] <= 0:
        faults.append(Fault("wait", f"{params['wait']:g} is not above 0"))
    for number, row in enumerate(params["hosts"]):
        path = f"hosts[{number}]"
        addresses = []
        for place, text in enumerate(row["addresses"]):
            own = _address(text, f"{path}.addresses[{place}]", faults)
            if own is not None and own.version == 4:
                addresses.append(str(own))
        quiet = []
        for place, text in enumerate(row["quiet"]):
            virtual = _address(text, f"{path}.quiet[{place}]", faults)
            if str(virtual) in addresses:
                faults.append(Fault(f"{path}.quiet[{place}]", f"{text} is the host's own address"))
            elif virtual is not None and virtual.version == 4:
                quiet.append(str(virtual))
        if quiet:
            name = row.get("name") or next(iter(addresses), path)
            hosts.append(Asked(name, addresses, quiet))
    if faults:
        raise InvalidValue(faults)
    return hosts


def _address(text: Any, path: str, faults: list[Fault]) -> Any | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        faults.append(Fault(path, f"{text!r} is not an IPv4 or IPv6 address"))
        return None


def told(answers: Answers) -> dict[str, Any]:
    """What came of asking a host."""
    return {
        "name": answers.asked.name,
        "address": answers.address,
        "interface": answers.interface,
        "mac": answers.mac.hex(":") if answers.mac else "",
        "answered": answers.answered,
        "proven": not answers.reason,
        "reason": answers.reason,
    }
