# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Single values of drop-ins: how each is read, and how JSON Schema says the same.

A parser raises ValueError with what is allowed. Numbers may be written as text, as they always
could; words may be written in any case.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ipvsman.ipvs.model import Family
from ipvsman.ipvs.text import (
    FLAG_NAMES,
    MappedAddress,
    nearest,
    parse_address,
    parse_forwarding,
    parse_integer,
    parse_word,
)

Parser = Callable[[Any], Any]
Json = Mapping[str, Any]

_DIGITS = {"type": "string", "pattern": "^[0-9]+$"}
_BOOLEANS = {
    "true": True, "yes": True, "on": True, "y": True, "1": True,
    "false": False, "no": False, "off": False, "n": False, "0": False,
}  # fmt: skip
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
#: The longest time that a check may wait: a day.
MAX_SECONDS = 86400.0
#: The shortest time between two probes.
MIN_INTERVAL = 0.01


@dataclass(frozen=True)
class Value:
    """One value: parse reads it, json is its JSON Schema."""

    parse: Parser
    json: Json = field(default_factory=dict)


def shown(value: object) -> str:
    """A value in a sentence: not longer than a line bears."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def integer(low: int, high: int) -> Value:
    """A whole number."""

    def parse(value: Any) -> int:
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        return parse_integer(whole, low, high)

    return Value(parse, {"anyOf": [{"type": "integer", "minimum": low, "maximum": high}, _DIGITS]})


def word(words: type[Enum], aliases: Mapping[str, Any] | None = None) -> Value:
    """One of a few words."""
    allowed = [str(member.value) for member in words]
    return Value(
        lambda value: parse_word(value, words, dict(aliases or {})),
        {"enum": [*allowed, *(aliases or {})]},
    )


def one_of(allowed: list[str], also: str = "") -> Value:
    """One of many words in capitals. also: a pattern of further ones."""

    def parse(value: Any) -> str:
        text = value.upper() if isinstance(value, str) else ""
        if text not in allowed and not (also and re.fullmatch(also, text)):
            hint = nearest(text, allowed)
            raise ValueError(f"{shown(value)} is not one of {', '.join(allowed)}{hint}")
        return text

    return Value(parse, {"type": "string", "examples": allowed})


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = _BOOLEANS.get(str(value).lower()) if isinstance(value, (str, int)) else None
    if known is None:
        raise ValueError(f"{shown(value)} is neither true nor false")
    return known


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not text")
    if not value.strip():
        raise ValueError("is empty")
    if _CONTROL.search(value):
        raise ValueError(f"{shown(value)} has a control character in it")
    return value


def _seconds(low: float) -> Value:
    def parse(value: Any) -> float:
        number = math.nan
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            try:
                number = float(value)
            except (ValueError, OverflowError):
                number = math.nan
        if not (low <= number <= MAX_SECONDS and number > 0):
            bound = f"from {low:g}" if low else "above 0,"
            raise ValueError(f"{shown(value)} is not seconds: {bound} to {MAX_SECONDS:g}")
        return number

    limits = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_SECONDS}
    return Value(parse, {"anyOf": [limits, {"type": "string", "pattern": "^[0-9.]+$"}]})


def is_hostname(text: str) -> bool:
    """Whether this can be the name of a host: labels, the last of which is not a number."""
    labels = text.removesuffix(".").split(".")
    return (
        text.isascii()
        and len(text) <= 254
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )


def _host(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else value
    try:
        return parse_address(text)
    except MappedAddress:
        raise
    except ValueError:
        if isinstance(text, str) and is_hostname(text):
            return text
    raise ValueError(f"{shown(value)} is neither an IPv4 or IPv6 address nor a host name")


def _virtual(value: Any) -> str:
    try:
        return parse_address(value)
    except MappedAddress:
        raise
    except ValueError:
        reason = f"{shown(value)} is not an IPv4 or IPv6 address"
        if isinstance(value, str) and is_hostname(value):
            reason += "; names are resolved for backends only"
        raise ValueError(reason) from None


def _port(value: Any) -> int | str:
    if isinstance(value, str) and value.strip() and not value.strip().isdigit():
        return _text(value).strip()
    if isinstance(value, str) and not value.strip():
        raise ValueError("is empty: a number in 0..65535 or the name of a service")
    return parse_integer(value, 0, 65535)


def _port_map(value: Any) -> tuple[tuple[str, int], ...]:
    items = value if isinstance(value, list) else [value]
    pairs = []
    for item in items:
        if not isinstance(item, dict):
            what = "port_map list items must be mappings" if item is not value else "a mapping"
            raise ValueError(f'{shown(item)}: {what}, like "443": 8443')
        for key, port in item.items():
            if not key.strip():
                raise ValueError("port_map key cannot be empty")
            try:
                pairs.append((key.strip(), integer(1, 65535).parse(port)))
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from None
    return tuple(pairs)


def matching(pattern: str, wanted: str, json: Json | None = None) -> Value:
    """Text that is like a pattern, which JSON Schema has to understand unless it is told else."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"{shown(value)} is not {wanted}")
        return value

    return Value(parse, json or {"type": "string", "pattern": f"^{pattern}$"})


def _flag(value: Any) -> str:
    if not isinstance(value, str) or value not in FLAG_NAMES:
        hint = nearest(str(value), FLAG_NAMES)
        raise ValueError(f"{shown(value)} is not one of {', '.join(FLAG_NAMES)}{hint}")
    return value


def _netmask(value: Any) -> dict[Family, Any]:
    """For each family what was said; whether that fits it shows with the family."""
    if not isinstance(value, dict):
        return dict.fromkeys(Family, value)
    found = {}
    for family, mask in value.items():
        try:
            found[parse_word(family, Family)] = mask
        except ValueError as error:
            raise ValueError(f"{error}; like inet: 255.255.255.0") from None
    return found


STRING: Json = {"type": "string"}
WORDS: Json = {"type": "string", "minLength": 1}
BOOLEAN = Value(_boolean, {"type": "boolean"})
TEXT = Value(_text, WORDS)
SECONDS = _seconds(0)
INTERVAL = _seconds(MIN_INTERVAL)
HOST = Value(_host, WORDS)
VIRTUAL_ADDRESS = Value(_virtual, WORDS)
PORT = Value(
    _port,
    {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 65535}, WORDS]},
)
_TARGETS = {"type": "object", "additionalProperties": integer(1, 65535).json}
PORT_MAP = Value(_port_map, {"anyOf": [_TARGETS, {"type": "array", "items": _TARGETS}]})
KERNEL_WORD = matching(r"[A-Za-z0-9_-]{0,15}", "a name of letters, digits, _ and -, at most 15")
_MASK = {"type": ["integer", "string"]}
NETMASK = Value(
    _netmask,
    {
        "anyOf": [
            _MASK,
            {
                "type": "object",
                "properties": {family.value: _MASK for family in Family},
                "additionalProperties": False,
            },
        ]
    },
)
FLAG = Value(_flag, {"enum": list(FLAG_NAMES)})
FORWARDINGS = ["nat", "masquerade", "masq", "routing", "direct", "route", "dr", "tunnel", "tun"]


def _method(value: Any) -> Any:
    if isinstance(value, str) and value.lower() in FORWARDINGS:
        return parse_forwarding(value)
    allowed = "nat (masquerade), routing (direct), tunnel"
    raise ValueError(f"{shown(value)} is not one of {allowed}{nearest(str(value), FORWARDINGS)}")


FORWARDING = Value(_method, {"enum": FORWARDINGS})
