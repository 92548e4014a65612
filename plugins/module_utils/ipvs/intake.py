# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain data taken in: mappings, lists and values, with every fault noted where it was written.

What the data is about is not known here, but in ``document``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, TypeVar

from .errors import Fault, InvalidValue, under
from .text import nearest, parse_address, parse_integer

T = TypeVar("T")


class Fields(dict[str, Any]):
    """Fields of a mapping by their long names. written: those that the user wrote otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[str, str] = {}


class Intake:
    """One reading of plain data: what is wrong is collected here, and raised at the end."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def finish(self) -> None:
        """Raises InvalidValue when there was any fault."""
        if self.faults:
            raise InvalidValue(self.faults)

    def fault(self, path: str, reason: str) -> None:
        """Note one fault."""
        self.faults.append(Fault(path, reason))

    def stranger(self, path: str, name: str, allowed: Sequence[str]) -> None:
        """Note a key that is not among those allowed: a fault, where nobody wants it otherwise."""
        hint = nearest(name, allowed)
        self.fault(under(path, name), f"is not known here, only {', '.join(allowed)}{hint}")

    def integer(self, value: Any, path: str, low: int, high: int) -> int | None:
        """A whole number in low..high."""
        return self.value(value, path, lambda said: parse_integer(said, low, high))

    def address(self, value: Any, path: str) -> str | None:
        """An IPv4 or IPv6 address, canonical."""
        return self.value(value, path, parse_address)

    def mapping(
        self, data: Any, path: str, keys: Iterable[str], short: Mapping[str, str]
    ) -> Fields | None:
        """Fields by their long names; what is no mapping, unknown or said twice is a fault."""
        if not isinstance(data, Mapping):
            self.fault(path, f"{_shown(data)} is not a mapping with {', '.join(keys)}")
            return None
        fields = Fields()
        for name, value in data.items():
            long = short.get(name, name) if isinstance(name, str) else name
            if long not in keys:
                allowed = [*keys, *(word for word, means in short.items() if means in keys)]
                self.stranger(path, str(name), allowed)
            elif fields.get(long) is not None and value is not None:
                first = fields.written.get(long, long)
                self.fault(under(path, str(name)), f"says the same as {first!r}; say it once")
            elif value is not None or long not in fields:
                fields[long] = value
                if name != long:
                    fields.written[long] = name
        return fields

    def items(self, data: Any, path: str) -> Iterable[tuple[Any, str]]:
        if data is None:
            return []
        if not isinstance(data, (list, tuple)):
            self.fault(path, f"{_shown(data)} is not a list")
            return []
        return [(entry, f"{path}[{number}]") for number, entry in enumerate(data)]

    def unique(self, wishes: Iterable[Any], key: Callable[[Any], object], what: str) -> None:
        seen: dict[object, str] = {}
        for wish in wishes:
            name = key(wish)
            if name in seen:
                self.fault(wish.path, f"{what} {name} is there already, as {seen[name]}")
            else:
                seen[name] = wish.path

    def optional(self, fields: Fields, name: str, path: str, parse: Callable[[Any], T]) -> T | None:
        value = fields.get(name)
        if value is None:
            return None
        return self.value(value, under(path, fields.written.get(name, name)), parse)

    def value(self, value: Any, path: str, parse: Callable[[Any], T]) -> T | None:
        """One value; parse raises ValueError with the reason."""
        try:
            return parse(value)
        except ValueError as error:
            self.fault(path, str(error))
            return None


def _shown(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 60 else text[:57] + "..."
