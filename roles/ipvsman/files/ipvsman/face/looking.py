# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is answered to those who look. Every handler translates between HTTP and the desk."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from aiohttp import web

from ipvsman import __version__
from ipvsman.control.desk import Desk
from ipvsman.control.live import Reading
from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.plain import plain_change

from . import report, standing
from .access import answer, refuse
from .parameters import BadParameter, flag, parameter
from .put_groups import NAME, PutGroups
from .rendering import rendered

#: Seconds that a reading of the kernel serves.
_AGE = 1.0
#: Where the package lies that we are, by its own name: links have been followed.
_PROGRAM = Path(__file__).resolve().parents[2]


class Looking:
    """The handlers, by name of the operation."""

    def __init__(self, desk: Desk, groups: PutGroups) -> None:
        self._desk = desk
        self._groups = groups

    async def services(self, _request: web.Request) -> web.Response:
        """Virtual services as configured."""
        return await rendered(lambda: {"services": report.services(self._desk.desired)})

    async def frontends(self, _request: web.Request) -> web.Response:
        """Frontends as configured."""
        return await rendered(lambda: {"frontends": report.frontends(self._desk.desired)})

    async def backends(self, _request: web.Request) -> web.Response:
        """Destinations as configured."""
        return await rendered(lambda: {"backends": report.backends(self._desk.desired)})

    async def healthchecks(self, _request: web.Request) -> web.Response:
        """Health checks as configured."""
        return await rendered(
            lambda: {"healthchecks": report.healthchecks(self._desk.config.frontends)}
        )

    async def status(self, request: web.Request) -> web.Response:
        """Everything as it shall be and as it is, with reasons."""
        desk = self._desk
        try:
            reading = await desk.reading(age=0.0 if flag(request, "fresh") else _AGE)
        except IpvsError as error:
            return refuse(503, "kernel unreadable", str(error))
        return await rendered(lambda: self._status(reading))

    def _status(self, reading: Reading) -> report.Row:
        desk = self._desk
        account = desk.account
        last_apply = {
            "ok": not account.error,
            "error": account.error,
            "seconds_ago": None if account.passed is None else round(desk.age(account.passed), 3),
        }
        rows = standing.detailed(
            desk.desired, account.weights, reading.state, reading.counters, desk.is_stale
        )
        return {
            "services": rows,
            "state": standing.summary(rows, last_apply),
            "foreign": standing.foreign(reading.state, account.foreign),
            "desired_generation": desk.generation,
            "config_version_mtime_seconds": desk.config.mtime,
            "config_digest": desk.config.digest,
            "last_reload": self._last_reload(),
            "last_apply": last_apply,
            "drift_found": account.drift,
            "overrides": self._overrides(),
            "warnings": [*map(str, desk.config.warnings), *desk.astray.values()],
        }

    async def health(self, _request: web.Request) -> web.Response:
        """What is known of each destination, with its last transitions."""
        return await rendered(self._health)

    def _health(self) -> report.Row:
        desk = self._desk
        return {
            "targets": [
                {
                    "group": pool.frontend.group,
                    "frontend": pool.frontend.name,
                    "service": str(pool.service),
                    "address": member.backend.address,
                    "ip": member.key.address,
                    "port": member.key.port,
                    "check": report.check_target(member),
                    **standing.health(desk.known(member), desk.age, desk.is_stale(member)),
                }
                for pool in report.pools(desk.desired)
                for member in pool.everybody
            ]
        }

    async def drift(self, _request: web.Request) -> web.Response:
        """What would be changed in the kernel now."""
        try:
            plan = await self._desk.difference()
        except IpvsError as error:
            return refuse(503, "kernel unreadable", str(error))
        return await rendered(
            lambda: {
                "changes": [plain_change(change) for change in plan.changes],
                "drift_found": self._desk.account.drift,
            }
        )

    async def journal(self, request: web.Request) -> web.Response:
        """What happened, from a sequence number on."""
        since = parameter(request, "since", "0")
        if not re.fullmatch("[0-9]{1,18}", since):
            raise BadParameter("since", since, "a sequence number")
        return await rendered(
            lambda: {
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
        return answer({"overrides": self._overrides()})

    async def groups(self, _request: web.Request) -> web.Response:
        """The groups that were put over the API; the ETag goes with them."""
        try:
            groups, tag = await asyncio.to_thread(self._groups.read)
        except OSError as error:
            return refuse(507, "cannot be read", f"{NAME}: {error.strerror}")
        return answer({"groups": groups}, headers={"ETag": tag})

    async def about(self, _request: web.Request) -> web.Response:
        """Which program runs, with which drop-ins: without a look at the kernel."""
        desk = self._desk
        return answer(
            {
                "version": __version__,
                "program": str(_PROGRAM),
                "pid": os.getpid(),
                "uptime_seconds": round(desk.uptime, 3),
                "desired_generation": desk.generation,
                "config_digest": desk.config.digest,
                "last_reload": self._last_reload(),
            }
        )

    async def alive(self, _request: web.Request) -> web.Response:
        """The daemon answers."""
        return answer({"ok": True})

    async def ready(self, _request: web.Request) -> web.Response:
        """The kernel is as it shall be."""
        ready = self._desk.is_ready()
        return answer({"ok": ready}, 200 if ready else 503)

    def _overrides(self) -> list[report.Row]:
        return standing.overrides(self._desk.overrides, self._desk.astray)

    def _last_reload(self) -> report.Row:
        last = self._desk.last_reload
        return {"time": last.time, "ok": not last.error, "error": last.error}
