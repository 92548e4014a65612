# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stage one: mappings of known keys, judged by voluptuous one by one.

A shape is data, so that what judges a drop-in and the JSON Schema of it are the same. A mapping
with faults keeps its sound keys and the names of the broken ones, so that stage two can go on and
not complain of what is only broken as if it were missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import voluptuous as vol

from ipvsman.ipvs.text import nearest

from .complaints import Complaints
from .model import Origin
from .values import Value, shown
from .yamlmarks import Document, Path, Step, path_text

#: How long a word gets that is worth repeating as it was written.
_WORD = 60


@dataclass(frozen=True)
class Place:
    """A value in a document."""

    document: Document
    path: Path
    data: Any

    def at(self, *steps: Step) -> Place:
        """A value inside of this one; what is not there has no data."""
        data = self.data
        for step in steps:
            try:
                data = data[step]
            except (LookupError, TypeError):
                data = None
        return Place(self.document, (*self.path, *steps), data)

    @property
    def origin(self) -> Origin:
        """Where it was written."""
        return self.document.origin(self.path)

    @property
    def text(self) -> str:
        """What leads to it, as a user writes it."""
        return path_text(self.path)


@dataclass(frozen=True)
class Many:
    """A list of values. alone: one value may stand for a list of one."""

    item: Value
    alone: bool = False


@dataclass(frozen=True)
class Part:
    """A mapping with a shape of its own."""

    shape: Shape


@dataclass(frozen=True)
class Parts:
    """A list of mappings with a shape of their own."""

    shape: Shape


Form = Value | Many | Part | Parts


@dataclass(frozen=True)
class Key:
    """What a mapping may say.

    null: an empty value counts as not said; blank: so does empty text.
    """

    name: str
    form: Form
    text: str
    required: bool = False
    null: bool = True
    blank: bool = False


@dataclass(frozen=True)
class Entry:
    """A mapping that was read: its sound values, and the names of the others."""

    place: Place
    values: Mapping[str, Any]
    broken: frozenset[str]

    def get(self, name: str, otherwise: Any = None) -> Any:
        """A value, if it was said and sound."""
        return self.values.get(name, otherwise)

    def has(self, name: str) -> bool:
        """Whether it was said, be it sound or broken."""
        return name in self.values or name in self.broken

    def at(self, name: str) -> Place:
        """Where a key's value is."""
        return self.place.at(name)


class Shape:
    """The keys that a mapping may have."""

    def __init__(self, name: str, text: str, *keys: Key) -> None:
        self.name = name
        self.text = text
        self.keys = {key.name: key for key in keys}
        self._each = {key.name: vol.Schema(_validator(key.form)) for key in keys}
        self._whole = vol.Schema(
            {
                (vol.Required if key.required else vol.Optional)(key.name): _validator(key.form)
                for key in keys
            }
        )

    def read(self, place: Place, complaints: Complaints) -> Entry | None:
        """Judge a mapping and all in it; None when it is not even one."""
        if not isinstance(place.data, dict):
            reason = f"{shown(place.data)} is not a mapping with {', '.join(self.keys)}"
            _fault(place, reason, complaints)
            return None
        values, broken = self._own(place, complaints)
        for name in list(values):
            form = self.keys[name].form
            if isinstance(form, Part):
                part = form.shape.read(place.at(name), complaints)
                if part is None:
                    del values[name]
                    broken.add(name)
                else:
                    values[name] = part
            elif isinstance(form, Parts):
                values[name] = read_items(form.shape, place.at(name), complaints)
        return Entry(place, values, frozenset(broken))

    def _own(self, place: Place, complaints: Complaints) -> tuple[dict[str, Any], set[str]]:
        said, broken = self._known(place, complaints)
        try:
            return dict(self._whole(said)), broken
        except vol.MultipleInvalid as invalid:
            for error in invalid.errors:
                name = str(error.path[0])
                if name in broken:
                    continue
                if isinstance(error, vol.RequiredFieldInvalid):
                    complaints.fault(
                        place.origin, place.at(name).text, f"is needed: {self.keys[name].text}"
                    )
                else:
                    _fault(place.at(name, *_steps(error.path[1:])), error.msg, complaints)
            broken |= {str(error.path[0]) for error in invalid.errors}
        return {
            name: self._each[name](value) for name, value in said.items() if name not in broken
        }, broken

    def _known(self, place: Place, complaints: Complaints) -> tuple[dict[str, Any], set[str]]:
        """What there is to judge, and the keys that say nothing where they have to."""
        said, empty = {}, set()
        for name, value in place.data.items():
            key = self.keys.get(name)
            if key is None:
                reason = f"is not known here, only {', '.join(self.keys)}{nearest(name, self.keys)}"
                origin = place.document.key_origin((*place.path, name))
                complaints.fault(origin, place.at(name).text, reason)
            elif value == "" and key.blank:
                blank = place.at(name)
                complaints.warn(blank.origin, blank.text, "is empty, and counts as not said")
            elif value is not None:
                said[name] = value
            elif not key.null:
                empty.add(name)
                _fault(place.at(name), f"is said and left empty: {key.text}", complaints)
        return said, empty


def read_items(
    shape: Shape, place: Place, complaints: Complaints, *, alone: bool = False
) -> tuple[Entry, ...]:
    """A list of mappings. alone: one mapping may stand for a list of one."""
    if alone and isinstance(place.data, dict):
        entries = [shape.read(place, complaints)]
    elif isinstance(place.data, list):
        places = [place.at(number) for number in range(len(place.data))]
        entries = [shape.read(each, complaints) for each in places]
    else:
        one = f", or one mapping with {', '.join(shape.keys)}" if alone else ""
        _fault(place, f"{shown(place.data)} is not a list{one}", complaints)
        entries = []
    return tuple(entry for entry in entries if entry is not None)


def _fault(place: Place, reason: str, complaints: Complaints) -> None:
    """Note a fault of a value; say how it was written where YAML made something else of it."""
    raw = place.document.raw(place.path)
    made = place.data
    if raw and isinstance(made, (bool, int, float, date)) and str(made) != raw and len(raw) < _WORD:
        reason += f"; YAML reads {raw} as {made} unless it is in quotes"
    complaints.fault(place.origin, place.text, reason)


def _steps(path: list[Any]) -> list[Step]:
    return [step if isinstance(step, int) else str(step) for step in path]


def _validator(form: Form) -> Callable[[Any], Any]:
    if isinstance(form, Value):
        return _single(form)
    if isinstance(form, Many):
        return _many(form)
    kind, what = (dict, "mapping") if isinstance(form, Part) else (list, "list")

    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            known = f" with {', '.join(form.shape.keys)}" if isinstance(form, Part) else ""
            raise vol.Invalid(f"{shown(value)} is not a {what}{known}")
        return value

    return check


def _single(form: Value) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        try:
            return form.parse(value)
        except ValueError as error:
            raise vol.Invalid(str(error)) from None

    return check


def _many(form: Many) -> Callable[[Any], Any]:
    single = _single(form.item)

    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            if form.alone:
                return (single(value),)
            raise vol.Invalid(f"{shown(value)} is not a list")
        found, errors = [], []
        for number, item in enumerate(value):
            try:
                found.append(single(item))
            except vol.Invalid as error:
                error.prepend([number])
                errors.append(error)
        if errors:
            raise vol.MultipleInvalid(errors)
        return tuple(found)

    return check
