# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may ask how much: rate, token, and how a refusal looks."""

from __future__ import annotations

import hmac
import json
import time
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

_WINDOW = 60.0
#: Clients remembered at once; more than that many in a minute, and the quietest are forgotten.
_CLIENTS = 10000


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """JSON as scripts expect it: indented, keys sorted, no newline at the end."""
    text = json.dumps(data, indent=2, sort_keys=True)
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)


def refuse(status: int, error: str, detail: str = "") -> web.Response:
    """``{"error": ...}``, with a detail where there is one to tell."""
    return answer({"error": error, **({"detail": detail} if detail else {})}, status)


class RateLimit:
    """At most so many requests of one client in any minute; refused ones do not count."""

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._seen: dict[str, deque[float]] = {}

    def allows(self, client: str) -> bool:
        """Whether this request may pass; it counts then."""
        if self._rate <= 0:
            return True
        now = self._clock()
        times = self._seen.setdefault(client, deque())
        while times and times[0] <= now - _WINDOW:
            times.popleft()
        if len(times) >= self._rate:
            return False
        times.append(now)
        if len(self._seen) > _CLIENTS:
            self._seen = {
                name: seen for name, seen in self._seen.items() if seen[-1] > now - _WINDOW
            }
        return True


def guard(token: str, rate: int, forbidden: Collection[tuple[str, str]]) -> Any:
    """The middleware of a listener: rate, then what exists, then what is allowed, then who asks.

    For GET the token comes before what exists: nobody without it learns which routes there are.
    forbidden: method and path of the routes that this listener does not serve.
    """
    limit = RateLimit(rate)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not limit.allows(request.remote or ""):
            return refuse(429, "rate limit")
        reading = request.method in ("GET", "HEAD")
        if reading and not _is_known(request, token):
            return refuse(401, "unauthorized")
        missing = request.match_info.http_exception
        if missing is not None:
            return refuse(405 if missing.status == 405 else 404, missing.reason.lower())
        resource = request.match_info.route.resource
        if resource is not None and (request.method, resource.canonical) in forbidden:
            return refuse(403, "write disabled")
        if not reading and not _is_known(request, token):
            return refuse(401, "unauthorized")
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return refuse(413, "payload too large")
        except web.HTTPException as error:
            return refuse(error.status, error.reason.lower())

    return middleware


def _is_known(request: web.Request, token: str) -> bool:
    if not token:
        return True
    said = request.headers.get("Authorization", "")
    return hmac.compare_digest(said.encode("utf-8", "surrogateescape"), f"Bearer {token}".encode())
