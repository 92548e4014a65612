# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts with ports as other tools write them, names included, and ranges of addresses."""

from __future__ import annotations

import ipaddress
import re

from ipvsman.ipvs.model import canonical_address

_HOST = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<name>[^\[\]:]*))(?::(?P<port>[^:]*))?")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?")
#: More addresses than this in one range is a mistake.
MAX_RANGE = 4096


def host_and_port(text: str) -> tuple[str, str | None]:
    """``HOST``, ``HOST:PORT``, ``[IPV6]:PORT`` or a bare IPv6 address. ValueError for others."""
    if text.count(":") > 1 and not text.startswith("["):
        return _address(text, text), None
    match = _HOST.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not ADDRESS, ADDRESS:PORT or [IPV6-ADDRESS]:PORT")
    six, name, port = match.group("six", "name", "port")
    if six is not None:
        return _address(six, text), port
    if re.fullmatch(r"[0-9.]+", name):
        return _address(name, text), port
    if not _NAME.fullmatch(name):
        raise ValueError(f"{text!r} has neither an address nor the name of a host")
    return name, port


def addresses(first: str, last: str) -> list[str]:
    """All from one address to another. ValueError when there are none, or far too many."""
    low, high = (ipaddress.ip_address(_address(text, text)) for text in (first, last))
    if low.version != high.version or int(low) > int(high):
        raise ValueError(f"{first} to {last} is no range of addresses")
    if int(high) - int(low) >= MAX_RANGE:
        raise ValueError(f"{first} to {last} are more than {MAX_RANGE} addresses")
    return [canonical_address(str(type(low)(number))) for number in range(int(low), int(high) + 1)]


def _address(text: str, whole: str) -> str:
    try:
        return canonical_address(text)
    except ValueError:
        raise ValueError(f"{whole!r} has no IPv4 or IPv6 address") from None
