# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services, destinations and forwarding methods as this dialect writes them."""

from __future__ import annotations

from collections.abc import Sequence

from ipvsman.ipvs.model import (
    DestinationKey,
    Endpoint,
    Family,
    Forwarding,
    ServiceKey,
    host_port,
)
from ipvsman.ipvs.text import FULL_NAT, parse_forwarding

FORWARDING_WORDS = {
    Forwarding.MASQUERADE: "masq",
    Forwarding.LOCAL: "local",
    Forwarding.TUNNEL: "tun",
    Forwarding.DIRECT: "dr",
    Forwarding.BYPASS: "bypass",
}
#: What can be said: full NAT is masquerade, of a service that has local addresses.
METHODS = (*FORWARDING_WORDS.values(), FULL_NAT)


def service_name(key: ServiceKey) -> str:
    """``TCP 192.0.2.1:80``, ``TCP [2001:db8::1]:80``, ``FWM 7``, ``FWM 7/inet6``."""
    if isinstance(key, Endpoint):
        return f"{key.transport.value.upper()} {host_port(key.address, key.port)}"
    return f"FWM {key.mark}" + ("/inet6" if key.family is Family.INET6 else "")


def service_text(key: ServiceKey, scheduler: str = "") -> str:
    """A service with its scheduler, where that is known: ``TCP 192.0.2.1:80 (rr)``."""
    return f"{service_name(key)} ({scheduler})"


def parse_method(text: str) -> Forwarding:
    """A forwarding method by this dialect's words, or by any other; empty = direct routing."""
    if is_full_nat(text):
        return Forwarding.MASQUERADE
    try:
        return parse_forwarding(text) if text else Forwarding.DIRECT
    except ValueError:
        raise ValueError(f"not one of {', '.join(METHODS)}") from None


def is_full_nat(text: str | None) -> bool:
    """Whether a forwarding method wants local addresses."""
    return text is not None and text.lower() == FULL_NAT


def method_word(forwarding: Forwarding, local_addresses: Sequence[str]) -> str:
    """How a destination is forwarded to, in a service with these local addresses."""
    if forwarding is Forwarding.MASQUERADE and local_addresses:
        return FULL_NAT
    return FORWARDING_WORDS[forwarding]


def destination_name(key: ServiceKey, name: DestinationKey) -> str:
    """``10.0.0.1:80 of TCP 192.0.2.1:80``."""
    return f"{name} of {service_name(key)}"
