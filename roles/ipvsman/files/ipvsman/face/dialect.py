# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""JSON Schema of draft 7, as drop-ins have it, said in the dialect of OpenAPI 3.0: pure."""

from __future__ import annotations

from typing import Any

#: What is null and nothing else: OpenAPI 3.0 has no such type.
_NULL = {"type": "string", "nullable": True, "enum": [None]}


def translated(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema. References to definitions are turned to where components are."""
    if schema == {"type": "null"}:
        return dict(_NULL)
    said: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$ref":
            said[key] = value.replace("#/definitions/", "#/components/schemas/")
        elif key == "properties":
            said[key] = {name: translated(each) for name, each in value.items()}
        elif key in ("anyOf", "allOf"):
            said[key] = [translated(each) for each in value]
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            said[key] = translated(value)
        elif key in ("exclusiveMinimum", "exclusiveMaximum"):
            said[key] = True
            said["minimum" if key == "exclusiveMinimum" else "maximum"] = value
        elif key == "type" and isinstance(value, list):
            said["anyOf"] = [translated({"type": each}) for each in value]
        elif key == "examples":
            said["example"] = value[0]
        else:
            said[key] = value
    return said
