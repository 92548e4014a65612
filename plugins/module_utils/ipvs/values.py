# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Single values of a document that are more than a number or a word out of a list.

Each is checked and put into the form that the model has; what is wrong is a ValueError that says
what is allowed.
"""

from __future__ import annotations

from typing import Any

from .model import Family, family_of, is_multicast, packed_address
from .text import parse_address, parse_host_port

#: IFNAMSIZ and IP_VS_SCHEDNAME_MAXLEN without the final zero.
MAX_NAME = 15


def host_port(value: Any) -> tuple[str, int | None]:
    """The address of a real server, with its port where one is said. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not an IPv4 or IPv6 address")
    return parse_host_port(value)


def local_address(value: Any, family: Family) -> str:
    """An address that a service may have as its own, of this family. Raises ValueError."""
    address = parse_address(value)
    if family_of(address) is not family:
        raise ValueError(f"{address} is of the other address family than its service")
    packed = packed_address(address)
    if not any(packed) or is_multicast(address) or packed == b"\xff" * 4:
        raise ValueError(f"{address} is not the address of a host")
    return address


def name(value: Any, what: str) -> str:
    """A name; which there are is up to the kernel. Raises ValueError."""
    if not isinstance(value, str) or not value or len(value) > MAX_NAME or not _is_word(value):
        raise ValueError(
            f"{value!r} is not the name of a {what}: letters, digits, _ and -, at most {MAX_NAME}"
        )
    return value


def _is_word(text: str) -> bool:
    return text.isascii() and all(letter.isalnum() or letter in "_-" for letter in text)


def engine(value: Any) -> str:
    """The name of a persistence engine; empty = none. Raises ValueError."""
    return "" if value in ("", "none") else name(value, "persistence engine")


def interface(value: Any) -> str:
    """The name of a network interface. Raises ValueError."""
    if (
        not isinstance(value, str)
        or not value
        or len(value.encode()) > MAX_NAME
        or any(letter in "/:" or letter.isspace() or not letter.isprintable() for letter in value)
    ):
        raise ValueError(
            f"{value!r} is not the name of a network interface: at most {MAX_NAME} bytes,"
            " no blank, / or :"
        )
    return value


def multicast(value: Any) -> str:
    """The address of a multicast group. Raises ValueError."""
    address = parse_address(value)
    if not is_multicast(address):
        raise ValueError(f"{value!r} is not a multicast group (224.0.0.0/4 or ff00::/8)")
    return address
