# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each route answers. Every handler translates between HTTP and the desk; none decides."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from ipvsman.config.loader import load
from ipvsman.config.model import ConfigError
from ipvsman.control.desk import Desk
from ipvsman.control.overrides import Level, Subject
from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.plain import plain_change

from . import report
from .access import answer, refuse
from .config_put import NAME, Groups
from .settings import Faces

#: How long an answer waits for the kernel when it is asked to, in seconds.
_WAIT = 30.0
#: Probes that POST /v1/healthchecks/run has under way at once.
_AT_ONCE = 64


class Routes:
    """The handlers, by name of the operation."""

    def __init__(self, desk: Desk, faces: Faces) -> None:
        self._desk = desk
        self._faces = faces
        self._groups = Groups(faces.directory)

    # -- looking

    async def services(self, _request: web.Request) -> web.Response:
        """Virtual services as configured."""
        return answer({"services": report.services(self._desk.desired)})

    async def frontends(self, _request: web.Request) -> web.Response:
        """Frontends as configured."""
        return answer({"frontends": report.frontends(self._desk.desired)})

    async def backends(self, _request: web.Request) -> web.Response:
        """Destinations as configured."""
        return answer({"backends": report.backends(self._desk.desired)})

    async def healthchecks(self, _request: web.Request) -> web.Response:
        """Health checks as configured."""
        return answer({"healthchecks": report.healthchecks(self._desk.config)})

    async def status(self, _request: web.Request) -> web.Response:
        """Everything as it shall be and as it is, with reasons."""
        desk = self._desk
        try:
            reading = await desk.reading(age=1.0)
        except IpvsError as error:
            return refuse(503, "kernel unreadable", str(error))
        account = desk.account
        rows = report.detailed(desk.desired, account.weights, reading.state, reading.counters)
        last = desk.last_reload
        return answer(
            {
                "services": rows,
                "state": report.summary(rows),
                "foreign": report.foreign(reading.state, account.foreign),
                "desired_generation": desk.generation,
                "config_version_mtime_seconds": desk.config.mtime,
                "config_digest": desk.config.digest,
                "last_reload": {"time": last.time, "ok": not last.error, "error": last.error},
                "last_apply": {
                    "ok": not account.error,
                    "error": account.error,
                    "seconds_ago": None
                    if account.passed is None
                    else round(desk.age(account.passed), 3),
                },
                "drift_found": account.drift,
                "overrides": desk.overrides.to_plain(),
                "warnings": [str(warning) for warning in desk.config.warnings],
            }
        )

    async def health(self, _request: web.Request) -> web.Response:
        """What is known of each destination, with its last transitions."""
        desk = self._desk
        return answer(
            {
                "targets": [
                    {
                        "group": pool.frontend.group,
                        "frontend": pool.frontend.name,
                        "service": str(pool.service),
                        "address": member.backend.address,
                        "ip": member.key.address,
                        "port": member.key.port,
                        "check": report.check_target(member),
                        **report.health(desk.known(member), desk.age, desk.is_stale(member)),
                    }
                    for pool, member in desk.members()
                ]
            }
        )

    async def drift(self, _request: web.Request) -> web.Response:
        """What would be changed in the kernel now."""
        try:
            plan = await self._desk.difference()
        except IpvsError as error:
            return refuse(503, "kernel unreadable", str(error))
        return answer(
            {
                "changes": [plain_change(change) for change in plan.changes],
                "drift_found": self._desk.account.drift,
            }
        )

    async def journal(self, request: web.Request) -> web.Response:
        """What happened, from a sequence number on."""
        since = request.query.get("since", "0")
        if not since.isdigit():
            return refuse(400, "bad request", f"since: {since!r} is not a sequence number")
        return answer(
            {
                "entries": [
                    {
                        "sequence": entry.sequence,
                        "time": entry.time,
                        "kind": entry.kind.value,
                        "subject": entry.subject,
                        "message": entry.message,
                        "data": dict(entry.data),
                    }
                    for entry in self._desk.journal.since(int(since))
                ]
            }
        )

    async def overrides(self, _request: web.Request) -> web.Response:
        """What the operator has said."""
        return answer({"overrides": self._desk.overrides.to_plain()})

    async def groups(self, _request: web.Request) -> web.Response:
        """The groups that were put over the API; the ETag goes with them."""
        groups = await asyncio.to_thread(self._groups.read)
        return answer({"groups": groups}, headers={"ETag": self._groups.tag()})

    async def alive(self, _request: web.Request) -> web.Response:
        """The daemon answers."""
        return answer({"ok": True})

    async def ready(self, _request: web.Request) -> web.Response:
        """The kernel is as it shall be."""
        ready = self._desk.is_ready()
        return answer({"ok": ready}, 200 if ready else 503)

    # -- asking

    async def run_checks(self, _request: web.Request) -> web.Response:
        """Probe everything once, beside the schedule."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(pool: Any, member: Any) -> dict[str, Any] | None:
            async with slots:
                verdict = await self._desk.probe(member)
            if verdict is None:
                return None
            return {
                "group": pool.frontend.group,
                "frontend": pool.frontend.name,
                "backend_ip": member.key.address,
                "ok": verdict.ok,
                "message": verdict.message,
            }

        found = await asyncio.gather(*(one(pool, member) for pool, member in self._desk.members()))
        results = [result for result in found if result is not None]
        failed = sum(not result["ok"] for result in results)
        return answer(
            {
                "total": len(results),
                "ok": len(results) - failed,
                "failed": failed,
                "results": results,
            }
        )

    async def reload(self, request: web.Request) -> web.Response:
        """Read the drop-ins again."""
        outcome = await self._desk.reload()
        if outcome.error:
            return refuse(422, "load failed", outcome.error)
        settled = await self._waited(request)
        return answer({"ok": True, "generation": outcome.generation, **settled})

    async def put_override(self, request: web.Request) -> web.Response:
        """The operator takes something out, or in."""
        body = await _json(request)
        fault = _override_fault(body)
        if fault:
            return refuse(422, "validation failed", fault)
        subject = Subject(Level(body["level"]), body["name"])
        self._desk.override(subject, body.get("disabled", True), body.get("reason", ""))
        return answer({"ok": True, **await self._waited(request)})

    async def drop_override(self, request: web.Request) -> web.Response:
        """The operator leaves it to the configuration again."""
        words = [level.value for level in Level]
        level, name = request.match_info["level"], request.match_info["name"]
        if level not in words or not self._desk.release(Subject(Level(level), name)):
            return refuse(404, "not found")
        return answer({"ok": True, **await self._waited(request)})

    async def put_groups(self, request: web.Request) -> web.Response:
        """Replace the groups of the API: judged in memory, then written, then taken up."""
        if request.content_length is None and not request.body_exists:
            return refuse(422, "validation failed", "the body is empty")
        body = await _json(request)
        groups = body.get("groups") if isinstance(body, dict) and len(body) == 1 else None
        if not isinstance(groups, list):
            return refuse(422, "validation failed", 'the body has to be {"groups": [...]}')
        expected = request.headers.get("If-Match")
        if expected is not None and expected not in ("*", self._groups.tag()):
            return refuse(412, "precondition failed", "the groups have been changed meanwhile")
        text = self._groups.text(groups)
        try:
            await asyncio.to_thread(load, self._faces.directory, instead={NAME: text})
            outcome = await self._desk.replace_config(lambda: self._groups.write(text))
        except ConfigError as error:
            return refuse(422, "load failed", str(error))
        except OSError as error:
            return refuse(507, "cannot be written", f"{NAME}: {error.strerror}")
        if outcome.error:
            return refuse(422, "load failed", outcome.error)
        settled = await self._waited(request)
        return answer({"ok": True, **settled}, headers={"ETag": self._groups.tag()})

    async def _waited(self, request: web.Request) -> dict[str, bool]:
        """With ``?wait=1``: whether the kernel has it."""
        if request.query.get("wait") not in ("1", "true"):
            return {}
        return {"applied": await self._desk.settled(_WAIT)}


async def _json(request: web.Request) -> Any:
    """The body as JSON; what is none reads as None, which no route takes."""
    content = await request.read()
    try:
        return json.loads(content)
    except ValueError:
        return None


def _override_fault(body: Any) -> str:
    levels = [level.value for level in Level]
    if not isinstance(body, dict):
        return "the body has to be a JSON object"
    if body.get("level") not in levels:
        return f"level: {body.get('level')!r} is not one of {', '.join(levels)}"
    if not isinstance(body.get("name"), str) or not body["name"]:
        return "name: is needed, the name of a group, GROUP/FRONTEND or GROUP/ADDRESS"
    if not isinstance(body.get("disabled", True), bool):
        return "disabled: has to be true or false"
    if not isinstance(body.get("reason", ""), str):
        return "reason: has to be a text"
    unknown = sorted(set(body) - {"level", "name", "disabled", "reason"})
    return f"{unknown[0]}: is not known here" if unknown else ""
