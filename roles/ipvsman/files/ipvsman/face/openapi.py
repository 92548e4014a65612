# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API described for machines: OpenAPI 3.0, made of the operations and the drop-ins' schema."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ipvsman import __version__
from ipvsman.config.jsonschema import schemas
from ipvsman.control.overrides import Level

Json = dict[str, Any]

_ERROR: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "detail": {"type": "string"}},
}
_OVERRIDE: Json = {
    "type": "object",
    "required": ["level", "name"],
    "additionalProperties": False,
    "properties": {
        "level": {"type": "string", "enum": [level.value for level in Level]},
        "name": {"type": "string", "minLength": 1},
        "disabled": {"type": "boolean", "default": True},
        "reason": {"type": "string", "default": ""},
    },
}
_REFUSALS = {
    400: "The request is malformed.",
    401: "The token is missing or wrong.",
    403: "This listener does not serve what changes something.",
    404: "There is no such thing.",
    412: "It has been changed meanwhile.",
    413: "The body is too large.",
    422: "The body cannot be taken, and why.",
    429: "Too many requests of this client.",
    503: "The kernel cannot be read, or is not ready.",
    507: "It cannot be written.",
}


@dataclass(frozen=True)
class Operation:
    """One method of one path. name: of the handler. writes: whether it changes something.

    refusals: statuses beside those that every operation may answer with. query: names of query
    parameters with what they mean.
    """

    method: str
    path: str
    name: str
    summary: str
    writes: bool = False
    body: str = ""
    refusals: tuple[int, ...] = ()
    query: dict[str, str] = field(default_factory=dict)
    content: str = "application/json"


_WAIT = {"wait": "1: answer once the kernel has it"}

OPERATIONS = (
    Operation("GET", "/v1/services", "services", "Virtual services as configured"),
    Operation("GET", "/v1/frontends", "frontends", "Frontends as configured"),
    Operation("GET", "/v1/backends", "backends", "Destinations as configured"),
    Operation("GET", "/v1/healthchecks", "healthchecks", "Health checks as configured"),
    Operation(
        "GET",
        "/v1/status/detailed",
        "status",
        "Everything as it shall be and as it is, with reasons",
        refusals=(503,),
    ),
    Operation("GET", "/v1/health", "health", "What is known of each destination"),
    Operation(
        "GET", "/v1/drift", "drift", "What would be changed in the kernel now", refusals=(503,)
    ),
    Operation(
        "GET",
        "/v1/journal",
        "journal",
        "What happened",
        query={"since": "sequence number after which to begin"},
        refusals=(400,),
    ),
    Operation("GET", "/v1/overrides", "overrides", "What the operator has said"),
    Operation("GET", "/v1/config", "groups", "The groups that were put over the API"),
    Operation("POST", "/v1/healthchecks/run", "run_checks", "Probe everything once"),
    Operation(
        "POST",
        "/v1/reload",
        "reload",
        "Read the drop-ins again",
        writes=True,
        refusals=(422,),
        query=_WAIT,
    ),
    Operation(
        "POST",
        "/v1/overrides",
        "put_override",
        "Take something out, or in",
        writes=True,
        body="Override",
        refusals=(413, 422),
        query=_WAIT,
    ),
    Operation(
        "DELETE",
        "/v1/overrides/{level}/{name:.+}",
        "drop_override",
        "Leave something to the configuration again",
        writes=True,
        query=_WAIT,
    ),
    Operation(
        "PUT",
        "/v1/config",
        "put_groups",
        "Replace the groups of the API",
        writes=True,
        body="Groups",
        refusals=(412, 413, 422, 507),
        query=_WAIT,
    ),
    Operation("GET", "/healthz", "alive", "Whether the daemon answers"),
    Operation("GET", "/readyz", "ready", "Whether the kernel is as it shall be", refusals=(503,)),
)


def document(operations: Iterable[Operation], *, secured: bool) -> Json:
    """The OpenAPI document of these operations."""
    paths: Json = {}
    for operation in operations:
        path = operation.path.replace(":.+}", "}")
        paths.setdefault(path, {})[operation.method.lower()] = _described(operation)
    components: Json = {
        "schemas": {"Error": _ERROR, "Override": _OVERRIDE, **_group_schemas()},
    }
    described: Json = {
        "openapi": "3.0.3",
        "info": {"title": "ipvsman API", "version": __version__},
        "paths": paths,
        "components": components,
    }
    if secured:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"token": []}]
    return described


def _described(operation: Operation) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": {
            "200": {
                "description": "Done.",
                "content": {operation.content: {"schema": {"type": "object"}}},
            },
            **{str(status): _refused(status) for status in _statuses(operation)},
        },
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("level", "name")
        if f"{{{name}" in operation.path
    ]
    parameters += [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in operation.query.items()
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        reference = {"$ref": f"#/components/schemas/{operation.body}"}
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": reference}},
        }
    return described


def _statuses(operation: Operation) -> list[int]:
    always = {401, 429} | ({403, 404} if operation.writes else set())
    return sorted(always | set(operation.refusals))


def _refused(status: int) -> Json:
    return {
        "description": _REFUSALS[status],
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }


def _group_schemas() -> Json:
    """The schema of groups, with its references turned to where components are."""
    definitions = schemas()["groups"]["definitions"]
    moved = {name: _moved(schema) for name, schema in definitions.items()}
    groups = {
        "type": "object",
        "required": ["groups"],
        "additionalProperties": False,
        "properties": {"groups": {"type": "array", "items": {"type": "object"}}},
    }
    if "group" in moved:
        groups["properties"] = {
            "groups": {"type": "array", "items": {"$ref": "#/components/schemas/group"}}
        }
    return {**moved, "Groups": groups}


def _moved(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: value.replace("#/definitions/", "#/components/schemas/")
            if key == "$ref"
            else _moved(value)
            for key, value in schema.items()
        }
    return [_moved(item) for item in schema] if isinstance(schema, list) else schema
