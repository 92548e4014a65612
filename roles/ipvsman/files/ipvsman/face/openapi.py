# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API described for machines: OpenAPI 3.0, made of the operations and the drop-ins' schema."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ipvsman import __version__
from ipvsman.config.jsonschema import schemas
from ipvsman.control.overrides import Level

from .answers import ANSWERS, Json
from .dialect import translated
from .parameters import FLAG

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
_PATH: Json = {
    "level": {"type": "string", "enum": [level.value for level in Level]},
    "name": {"type": "string", "minLength": 1},
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
    parameters with their schemas. not_ready: it answers in the same form, with 503.
    """

    method: str
    path: str
    name: str
    summary: str
    writes: bool = False
    body: str = ""
    refusals: tuple[int, ...] = ()
    query: dict[str, Json] = field(default_factory=dict)
    not_ready: bool = False


def _flag(text: str) -> Json:
    return {"type": "string", "enum": list(FLAG), "description": text}


_WAIT = {"wait": _flag("1: answer once the kernel has it")}

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
        query={"fresh": _flag("1: read the kernel for this answer")},
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
        query={
            "since": {
                "type": "string",
                "pattern": "^[0-9]{1,18}$",
                "description": "sequence number after which to begin",
            }
        },
    ),
    Operation("GET", "/v1/overrides", "overrides", "What the operator has said"),
    Operation("GET", "/v1/about", "about", "Which program runs, with which drop-ins"),
    Operation(
        "GET", "/v1/config", "groups", "The groups that were put over the API", refusals=(507,)
    ),
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
        refusals=(404, 413, 422),
        query=_WAIT,
    ),
    Operation(
        "DELETE",
        "/v1/overrides/{level}/{name:.+}",
        "drop_override",
        "Leave something to the configuration again",
        writes=True,
        refusals=(404,),
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
    Operation("GET", "/readyz", "ready", "Whether the kernel is as it shall be", not_ready=True),
)


def canonical(path: str) -> str:
    """A path as it is described, and as aiohttp names the resource."""
    return path.replace(":.+}", "}")


def document(
    operations: Iterable[Operation], *, secured: bool, limited: bool, write: bool, metrics: bool
) -> Json:
    """The OpenAPI document of these operations, as a listener serves them.

    secured: with a token. limited: so many requests a minute. write: also what changes something.
    metrics: and /metrics.
    """
    paths: Json = {}
    for operation in operations:
        path = canonical(operation.path)
        described = _described(operation, secured=secured, limited=limited, write=write)
        paths.setdefault(path, {})[operation.method.lower()] = described
    own = {"/openapi.json": "application/json", "/openapi.yaml": "application/yaml"}
    texts = {path: ("This document", content) for path, content in own.items()}
    if metrics:
        texts["/metrics"] = ("What Prometheus scrapes", "text/plain")
    for path, (summary, content) in texts.items():
        operation = Operation("GET", path, path.strip("/").replace(".", "_"), summary)
        described = _described(operation, secured=secured, limited=limited, write=write)
        described["responses"]["200"]["content"] = {
            content: {"schema": {"type": "object" if "openapi" in path else "string"}}
        }
        paths[path] = {"get": described}
    components: Json = {"schemas": {"Error": _ERROR, "Override": _OVERRIDE, **_group_schemas()}}
    whole: Json = {
        "openapi": "3.0.3",
        "info": {"title": "ipvsman API", "version": __version__},
        "paths": paths,
        "components": components,
    }
    if secured:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        whole["security"] = [{"token": []}]
    return whole


def _described(operation: Operation, *, secured: bool, limited: bool, write: bool) -> Json:
    statuses = set(operation.refusals) | ({400} if operation.query else set())
    statuses |= {401} if secured else set()
    statuses |= {429} if limited else set()
    if operation.writes and not write:
        statuses.add(403)
    done = _answer("Done.", ANSWERS.get(operation.name, {}))
    responses: Json = {"200": done}
    if operation.not_ready:
        responses["503"] = _answer("Not so.", ANSWERS[operation.name])
    reference = {"$ref": "#/components/schemas/Error"}
    for status in sorted(statuses):
        responses[str(status)] = _answer(_REFUSALS[status], reference)
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": responses,
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in _PATH.items()
        if f"{{{name}" in operation.path
    ]
    parameters += [
        {"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()
    ]
    if 412 in operation.refusals:
        parameters.append({"name": "If-Match", "in": "header", "schema": {"type": "string"}})
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        schema = {"$ref": f"#/components/schemas/{operation.body}"}
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return described


def _answer(text: str, schema: Json) -> Json:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _group_schemas() -> Json:
    """What may be put: a list of groups, and what they are made of."""
    definitions = schemas()["groups"]["definitions"]
    parts = {name: translated(schema) for name, schema in definitions.items()}
    groups = {
        "type": "object",
        "required": ["groups"],
        "additionalProperties": False,
        "properties": {
            "groups": {"type": "array", "items": {"$ref": "#/components/schemas/group"}}
        },
    }
    return {**parts, "Groups": groups}
