# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""JSON Schema of drop-ins, made of the same shapes that judge them: for editors.

What only shows with other keys, entries or files is not in it.
"""

from __future__ import annotations

from typing import Any

from .files import BACKENDS, GLOBALS, GROUPS, MAPS, REFS
from .schema import GLOBALS as GLOBALS_SHAPE
from .schema import GROUP, ROW, TARGET
from .shapes import Form, Key, Many, Part, Parts, Shape

Json = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"
_EMPTY: Json = {"type": "null"}


def schemas() -> dict[str, Json]:
    """A schema for the files of each folder."""
    group, row, target = _reference(GROUP), _reference(ROW), _reference(TARGET)
    rows = _one_or_list(row)
    files = {
        GROUPS: ("Groups of frontends and backends", _one_or_list(group), GROUP),
        BACKENDS: ("Backends", rows, ROW),
        MAPS: ("Backends by name", _mapping(rows), ROW),
        REFS: ("Check targets by name", _mapping(target), TARGET),
        GLOBALS: ("What belongs to the whole table", _reference(GLOBALS_SHAPE), GLOBALS_SHAPE),
    }
    return {
        folder: {
            "$schema": _DRAFT,
            "title": title,
            "anyOf": [form, _EMPTY],
            "definitions": _definitions(shape),
        }
        for folder, (title, form, shape) in files.items()
    }


def schema() -> Json:
    """One schema that any drop-in meets. Its definition ``FOLDER-file`` is that of a folder."""
    whole = schemas()
    definitions: Json = {}
    for each in whole.values():
        definitions.update(each.pop("definitions"))
        del each["$schema"]
    files = {f"{folder}-file": each for folder, each in whole.items()}
    definitions.update(files)
    return {
        "$schema": _DRAFT,
        "title": "Drop-ins of ipvsman",
        "anyOf": [{"$ref": f"#/definitions/{name}"} for name in files],
        "definitions": definitions,
    }


def _definitions(shape: Shape) -> Json:
    """A shape and all that it is made of, by name."""
    found = {shape.name: _object(shape)}
    for key in shape.keys.values():
        if isinstance(key.form, (Part, Parts)):
            found.update(_definitions(key.form.shape))
    return found


def _object(shape: Shape) -> Json:
    described: Json = {
        "type": "object",
        "description": shape.text,
        "properties": {key.name: _property(key) for key in shape.keys.values()},
        "additionalProperties": False,
    }
    required = [key.name for key in shape.keys.values() if key.required]
    return {**described, "required": required} if required else described


def _property(key: Key) -> Json:
    form = _form(key.form)
    if key.null:
        form = {"anyOf": [form, _EMPTY]}
    # Draft 7 reads nothing beside a $ref.
    return {"description": key.text, **({"allOf": [form]} if "$ref" in form else form)}


def _form(form: Form) -> Json:
    if isinstance(form, Part):
        return _reference(form.shape)
    if isinstance(form, Parts):
        return {"type": "array", "items": _reference(form.shape)}
    if isinstance(form, Many):
        item = dict(form.item.json)
        return _one_or_list(item) if form.alone else {"type": "array", "items": item}
    return dict(form.json)


def _reference(shape: Shape) -> Json:
    return {"$ref": f"#/definitions/{shape.name}"}


def _one_or_list(item: Json) -> Json:
    return {"anyOf": [{"type": "array", "items": item}, item]}


def _mapping(values: Json) -> Json:
    return {"type": "object", "additionalProperties": values}
