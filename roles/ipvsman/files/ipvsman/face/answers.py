# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What answers look like, as JSON Schemas of OpenAPI 3.0: every field is named, and is there."""

from __future__ import annotations

from typing import Any

from ipvsman.config.model import CheckKind
from ipvsman.control.journal import Kind
from ipvsman.control.reasons import Why

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_WHOLE: Json = {"type": "integer"}
_NUMBER: Json = {"type": "number"}
_YES_NO: Json = {"type": "boolean"}
_ANY_OBJECT: Json = {"type": "object"}


def _null(schema: Json) -> Json:
    return {**schema, "nullable": True}


def _list(item: Json) -> Json:
    return {"type": "array", "items": item}


def _word(*words: str) -> Json:
    return {"type": "string", "enum": list(words)}


def _object(fields: Json, *optional: str) -> Json:
    return {
        "type": "object",
        "required": [name for name in fields if name not in optional],
        "properties": fields,
        "additionalProperties": False,
    }


_SERVICE: Json = {"proto": _TEXT, "vip": _TEXT, "port": _WHOLE}
_KIND = _word(*(kind.value for kind in CheckKind))
_ASKED: Json = {
    "path": _null(_TEXT),
    "host": _null(_TEXT),
    "query_name": _null(_TEXT),
    "query_type": _null(_TEXT),
}
_HEALTHCHECK = _object(
    {
        "type": _KIND,
        "interval": _NUMBER,
        "fast_interval": _NUMBER,
        "down_interval": _NUMBER,
        "timeout": _NUMBER,
        "rise": _WHOLE,
        "fall": _WHOLE,
        **_ASKED,
        "expected_status": _null(_WHOLE),
        "expected_statuses": _null(_list(_list(_WHOLE))),
        "disable": _YES_NO,
    }
)
_REAL: Json = {
    "address": _TEXT,
    "ip": _TEXT,
    "port": _WHOLE,
    "configured_weight": _WHOLE,
    "weight": _WHOLE,
    "disabled": _YES_NO,
    "method": _TEXT,
    "check_target": _object(
        {"ip": _TEXT, "port": _WHOLE, "type": _KIND, **_ASKED, "timeout": _NUMBER}
    ),
}
_AMOUNTS: Json = dict.fromkeys(("conns", "inpkts", "outpkts", "inbytes", "outbytes"), _WHOLE)
_STANDING = _list(
    _object(
        {
            "address": _TEXT,
            "ip": _TEXT,
            "port": _WHOLE,
            "weight": _WHOLE,
            "desired_weight": _null(_WHOLE),
            "live_weight": _null(_WHOLE),
            "why": _null(_word(*(why.value for why in Why))),
            "reason": _null(_TEXT),
            "stale": _YES_NO,
            "method": _TEXT,
            "active_conn": _WHOLE,
            "inactive_conn": _WHOLE,
            **_AMOUNTS,
        }
    )
)
_DETAILED = _object(
    {
        "group": _TEXT,
        "frontend_name": _TEXT,
        **_SERVICE,
        "service": _TEXT,
        "scheduler": _TEXT,
        "live_present": _YES_NO,
        **_AMOUNTS,
        "unresolved": _list(_TEXT),
        "backends": _STANDING,
        "fallback": _STANDING,
        "fallback_in_use": _YES_NO,
    }
)
_OVERRIDES = _list(
    _object(
        {
            "level": _TEXT,
            "name": _TEXT,
            "disabled": _YES_NO,
            "since": _NUMBER,
            "reason": _TEXT,
            "configured": _YES_NO,
        }
    )
)
_LAST_RELOAD = _object({"time": _NUMBER, "ok": _YES_NO, "error": _TEXT})
_TRANSITION = _object({"time": _NUMBER, "from": _TEXT, "to": _TEXT, "message": _TEXT})
_DONE: Json = {"ok": _YES_NO, "applied": _YES_NO}

#: By the name of the operation.
ANSWERS: dict[str, Json] = {
    "services": _object(
        {
            "services": _list(
                _object(
                    {
                        "group": _TEXT,
                        "frontend_name": _TEXT,
                        **_SERVICE,
                        "scheduler": _TEXT,
                        "disabled": _YES_NO,
                        "healthcheck": _HEALTHCHECK,
                        "reals": _list(_object(_REAL)),
                        "fallback": _list(_object(_REAL)),
                        "quorum": _WHOLE,
                        "hysteresis": _WHOLE,
                    }
                )
            )
        }
    ),
    "frontends": _object(
        {"frontends": _list(_object({"group": _TEXT, "name": _TEXT, **_SERVICE}))}
    ),
    "backends": _object(
        {
            "backends": _list(
                _object(
                    {
                        "group": _TEXT,
                        "frontend": _TEXT,
                        "proto": _TEXT,
                        "vip": _TEXT,
                        "frontend_port": _WHOLE,
                        "fallback": _YES_NO,
                        **_REAL,
                    }
                )
            )
        }
    ),
    "healthchecks": _object(
        {
            "healthchecks": _list(
                _object({"group": _TEXT, "frontend": _TEXT, "healthcheck": _HEALTHCHECK})
            )
        }
    ),
    "status": _object(
        {
            "services": _list(_DETAILED),
            "state": _word("OK", "DEGRADED"),
            "foreign": _list(_ANY_OBJECT),
            "desired_generation": _WHOLE,
            "config_version_mtime_seconds": _NUMBER,
            "config_digest": _TEXT,
            "last_reload": _LAST_RELOAD,
            "last_apply": _object({"ok": _YES_NO, "error": _TEXT, "seconds_ago": _null(_NUMBER)}),
            "drift_found": _WHOLE,
            "overrides": _OVERRIDES,
            "warnings": _list(_TEXT),
        }
    ),
    "health": _object(
        {
            "targets": _list(
                _object(
                    {
                        "group": _TEXT,
                        "frontend": _TEXT,
                        "service": _TEXT,
                        "address": _TEXT,
                        "ip": _TEXT,
                        "port": _WHOLE,
                        "check": _REAL["check_target"],
                        "state": _word("up", "down", "unknown", "not_probed"),
                        "counter": _null(_WHOLE),
                        "since_seconds": _null(_NUMBER),
                        "checked_seconds": _null(_NUMBER),
                        "message": _TEXT,
                        "stale": _YES_NO,
                        "history": _list(_TRANSITION),
                    }
                )
            )
        }
    ),
    "drift": _object(
        {
            "changes": _list(
                _object(
                    {
                        "action": _TEXT,
                        "service": _null(_TEXT),
                        "destination": _null(_TEXT),
                        "before": _null(_ANY_OBJECT),
                        "after": _null(_ANY_OBJECT),
                        "summary": _TEXT,
                    }
                )
            ),
            "drift_found": _WHOLE,
        }
    ),
    "journal": _object(
        {
            "entries": _list(
                _object(
                    {
                        "sequence": _WHOLE,
                        "time": _NUMBER,
                        "kind": _word(*(kind.value for kind in Kind)),
                        "subject": _TEXT,
                        "message": _TEXT,
                        "data": _ANY_OBJECT,
                    }
                )
            )
        }
    ),
    "overrides": _object({"overrides": _OVERRIDES}),
    "about": _object(
        {
            "version": _TEXT,
            "program": _TEXT,
            "pid": _WHOLE,
            "uptime_seconds": _NUMBER,
            "desired_generation": _WHOLE,
            "config_digest": _TEXT,
            "last_reload": _LAST_RELOAD,
        }
    ),
    "groups": _object({"groups": _list({})}),
    "run_checks": _object(
        {
            "total": _WHOLE,
            "ok": _WHOLE,
            "failed": _WHOLE,
            "results": _list(
                _object(
                    {
                        "group": _TEXT,
                        "frontend": _TEXT,
                        "backend_ip": _TEXT,
                        "ok": _YES_NO,
                        "message": _TEXT,
                    }
                )
            ),
        }
    ),
    "reload": _object({**_DONE, "generation": _WHOLE}, "applied"),
    "put_override": _object({**_DONE, "warnings": _list(_TEXT)}, "applied"),
    "drop_override": _object({**_DONE, "warnings": _list(_TEXT)}, "applied"),
    "put_groups": _object(_DONE, "applied"),
    "alive": _object({"ok": _YES_NO}),
    "ready": _object({"ok": _YES_NO}),
}
