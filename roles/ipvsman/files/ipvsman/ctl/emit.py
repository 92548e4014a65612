# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain data as YAML or JSON text, in the form that scripts grep. No list is the item of another.

Block style, lists not indented under their key, an empty mapping is ``{}``. A tenth of the time of
PyYAML, which takes seconds for a large table; what it reads back is what was written.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

#: Text that means itself without quotes, whatever version of YAML reads it; but not these words.
PLAIN = (
    r"(?:tcp|udp|sctp)://[0-9a-f.:\[\]]*[0-9a-f\]]"
    r"|fwmark:[0-9]+(?:/inet6)?"
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]+)?"
    r"|[A-Za-z]{2,}[0-9](?![eE])[A-Za-z0-9_.-]*"
    r"|[a-z]+(?:[-_ ][a-z0-9]+)*"
)
WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_PLAIN = re.compile(PLAIN)


def yaml_lines(data: Any) -> Iterator[str]:
    """A mapping, line by line."""
    if not data:
        yield "{}"
        return
    yield from _mapping(data, "")


def json_text(data: Any) -> str:
    """The same data as JSON."""
    # Late: who prints YAML is done before this is loaded.
    return str(importlib.import_module("json").dumps(data, indent=2))


def _mapping(data: dict[str, Any], indent: str) -> Iterator[str]:
    for name, value in data.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{name}:"
            yield from _mapping(value, indent + "  ")
        elif isinstance(value, (list, tuple)) and value:
            yield f"{indent}{name}:"
            yield from _list(value, indent)
        else:
            yield f"{indent}{name}: {_scalar(value)}"


def _list(items: Any, indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, dict) and item:
            first, *others = _mapping(item, indent + "  ")
            yield f"{indent}- {first.lstrip()}"
            yield from others
        else:
            yield f"{indent}- {_scalar(item)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value not in WORDS else _quoted(value)
    if value is None:
        return "null"
    if isinstance(value, (list, dict)):
        return "{}" if isinstance(value, dict) else "[]"
    return str(value).lower()


def _quoted(text: str) -> str:
    letters = []
    for letter in text:
        number = ord(letter)
        if letter in '"\\':
            letters.append(f"\\{letter}")
        elif " " <= letter <= "~":
            letters.append(letter)
        else:
            letters.append(f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}")
    return f'"{"".join(letters)}"'
