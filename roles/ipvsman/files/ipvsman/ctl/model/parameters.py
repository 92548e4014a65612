# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``${name}`` in the addresses of a document: pure. Where values come from is in ``sources``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ipvsman.ipvs.errors import Fault, under

OPENS, CLOSES = "${", "}"


def expand(text: str, values: Mapping[str, str]) -> str:
    """The text with each ``${name}`` replaced, inner ones first; values are taken as they are.

    Raises ValueError.
    """
    parts = [""]
    while text:
        opens, closes = text.find(OPENS), text.find(CLOSES)
        if opens >= 0 and (len(parts) == 1 or closes < 0 or opens < closes):
            parts[-1] += text[:opens]
            parts.append("")
            text = text[opens + len(OPENS) :]
        elif closes >= 0 and len(parts) > 1:
            name = parts.pop() + text[:closes]
            parts[-1] += _value(name, values)
            text = text[closes + len(CLOSES) :]
        else:
            parts[-1] += text
            text = ""
    if len(parts) > 1:
        raise ValueError(f"{OPENS} without its {CLOSES}")
    return parts[0]


def expand_document(data: Any, values: Mapping[str, str]) -> tuple[Any, list[Fault]]:
    """A document with the addresses of services and destinations expanded, and what cannot be."""
    faults: list[Fault] = []

    def expand_in(entry: dict[str, Any], key: str, path: str) -> None:
        text = entry.get(key)
        if isinstance(text, str) and OPENS in text:
            try:
                entry[key] = expand(text, values)
            except ValueError as error:
                faults.append(Fault(under(path, key), f"{text!r}: {error}"))

    if not isinstance(data, dict):
        return data, []
    data = dict(data)
    for service_path, service in _entries(data, "services", ""):
        expand_in(service, "address", service_path)
        expand_in(service, "service", service_path)
        for path, destination in _entries(service, "destinations", service_path):
            expand_in(destination, "address", path)
    return data, faults


def _entries(around: dict[str, Any], key: str, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Mappings of a list, each a copy of its own: an alias can have put one in several places."""
    if not isinstance(around.get(key), list):
        return
    around[key] = [dict(entry) if isinstance(entry, dict) else entry for entry in around[key]]
    for number, entry in enumerate(around[key]):
        if isinstance(entry, dict):
            yield f"{under(path, key)}[{number}]", entry


def flat(data: Mapping[str, Any]) -> dict[str, str]:
    """``a.b.c`` and ``a.0`` for what is nested; numbers and booleans as text; nothing for null."""
    found: dict[str, str] = {}
    pending: list[tuple[str, Any]] = [(str(name), value) for name, value in data.items()]
    while pending:
        name, value = pending.pop()
        if isinstance(value, dict):
            pending += [(f"{name}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list):
            pending += [(f"{name}.{number}", inner) for number, inner in enumerate(value)]
        elif isinstance(value, bool):
            found[name] = str(value).lower()
        elif value is not None:
            found[name] = str(value)
    return found


def _value(name: str, values: Mapping[str, str]) -> str:
    if not name:
        raise ValueError(f"{OPENS}{CLOSES} names no parameter")
    if name not in values:
        raise ValueError(f"there is no parameter {name!r}")
    return values[name]
