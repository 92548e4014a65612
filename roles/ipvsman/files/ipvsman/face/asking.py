# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is answered to those who ask for something. Every handler translates; the desk decides."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from aiohttp import web

from ipvsman.config.model import ConfigError
from ipvsman.control.desired import Member, Pool
from ipvsman.control.desk import Desk
from ipvsman.control.overrides import Level, Subject
from ipvsman.control.reloads import Reload
from ipvsman.control.subjects import may_be_said, unknown

from . import report
from .access import answer, refuse
from .parameters import flag
from .put_groups import NAME, Changed, Malformed, PutGroups, tag

log = logging.getLogger("ipvsman")

#: How long an answer waits for the kernel when it is asked to, in seconds.
WAIT = 30.0
#: Probes that POST /v1/healthchecks/run has under way at once.
_AT_ONCE = 64

_INVALID = "validation failed"
_NOT_LOADED = "load failed"


class Asking:
    """The handlers, by name of the operation. max_body: bytes that a body may have."""

    def __init__(self, desk: Desk, groups: PutGroups, max_body: int) -> None:
        self._desk = desk
        self._groups = groups
        self._max_body = max_body

    async def run_checks(self, _request: web.Request) -> web.Response:
        """Probe everything once, beside the schedule."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(pool: Pool, member: Member) -> dict[str, Any] | None:
            async with slots:
                verdict = await self._desk.probe(member)
            return None if verdict is None else report.checked(pool, member, verdict)

        chosen = [
            (pool, member)
            for pool in report.pools(self._desk.desired)
            if not (pool.frontend.disabled or pool.frontend.group_disabled)
            for member in pool.everybody
        ]
        found = await asyncio.gather(*(one(*each) for each in chosen))
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
        wait = flag(request, "wait")
        outcome = await self._desk.reload()
        if outcome.error:
            return refuse(422, _NOT_LOADED, outcome.error)
        settled = await self._settled(wait)
        return answer({"ok": True, "generation": outcome.generation, **settled})

    async def put_override(self, request: web.Request) -> web.Response:
        """The operator takes something out, or in."""
        wait = flag(request, "wait")
        body = await self._json(request)
        fault = _override_fault(body)
        if fault:
            return refuse(422, _INVALID, fault)
        subject = Subject(Level(body["level"]), body["name"])
        disabled = body.get("disabled", True)
        if not may_be_said(subject, disabled, self._desk.desired, self._desk.overrides):
            return refuse(404, "not found", unknown(subject))
        warnings = self._desk.override(subject, disabled, body.get("reason", ""))
        return answer({"ok": True, "warnings": warnings, **await self._settled(wait)})

    async def drop_override(self, request: web.Request) -> web.Response:
        """The operator leaves it to the configuration again."""
        wait = flag(request, "wait")
        words = [level.value for level in Level]
        level, name = request.match_info["level"], request.match_info["name"]
        if level not in words:
            return refuse(404, "not found")
        warnings = self._desk.release(Subject(Level(level), name))
        if warnings is None:
            return refuse(404, "not found")
        return answer({"ok": True, "warnings": warnings, **await self._settled(wait)})

    async def put_groups(self, request: web.Request) -> web.Response:
        """Replace the groups of the API: judged in memory, then written, then taken up."""
        wait = flag(request, "wait")
        body = await self._json(request)
        if not isinstance(body, dict) or body.keys() != {"groups"}:
            return refuse(422, _INVALID, 'the body has to be {"groups": [...]}')
        if not isinstance(body["groups"], list):
            return refuse(422, _INVALID, "groups: has to be a list")
        try:
            text = await asyncio.to_thread(self._groups.judged, body["groups"])
            outcome = await self._replace(text, request.headers.get("If-Match"))
        except Malformed as error:
            return refuse(422, _INVALID, str(error))
        except Changed:
            return refuse(412, "precondition failed", "the groups have been changed meanwhile")
        except ConfigError as error:
            return refuse(422, _NOT_LOADED, str(error))
        except OSError as error:
            return refuse(507, "cannot be written", f"{NAME}: {error.strerror}")
        if outcome.error:
            return refuse(422, _NOT_LOADED, outcome.error)
        settled = await self._settled(wait)
        return answer({"ok": True, **settled}, headers={"ETag": tag(text)})

    async def _replace(self, text: bytes, expected: str | None) -> Reload:
        before: bytes | None = None

        def write() -> None:
            nonlocal before
            before = self._groups.replace(text, expected)

        outcome = await self._desk.replace_config(write)
        if outcome.error:
            # Somebody broke another file between our judging and the reload: back to what was.
            log.warning("%s: what was put cannot be taken up, and is taken back", NAME)
            await self._desk.replace_config(lambda: self._groups.write(before))
        return outcome

    async def _settled(self, wait: bool) -> dict[str, bool]:
        """With ``?wait=1``: whether the kernel has it."""
        return {"applied": await self._desk.settled(WAIT)} if wait else {}

    async def _json(self, request: web.Request) -> Any:
        """The body as JSON; what is none reads as None, which no route takes."""
        # What says that it is too large is not read first.
        if (request.content_length or 0) > self._max_body:
            raise web.HTTPRequestEntityTooLarge(self._max_body, request.content_length or 0)
        content = await request.read()
        if len(content) > self._max_body:
            raise web.HTTPRequestEntityTooLarge(self._max_body, len(content))
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
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
    unknown_keys = sorted(body.keys() - {"level", "name", "disabled", "reason"})
    return f"{unknown_keys[0]}: is not known here" if unknown_keys else ""
