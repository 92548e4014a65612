# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may ask how much: rate, token, and how a refusal looks."""

from __future__ import annotations

import hmac
import json
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from .parameters import BadParameter

log = logging.getLogger("ipvsman")

_WINDOW = 60.0
#: Clients remembered at once; of more than that many in a minute the quietest are forgotten.
_CLIENTS = 10000


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Little data, as JSON."""
    return json_answer(as_json(data), status, headers)


def as_json(data: Any) -> bytes:
    """JSON as scripts expect it: indented, keys sorted, no newline at the end."""
    return json.dumps(data, indent=2, sort_keys=True).encode()


def json_answer(
    body: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """An answer of JSON that has been made before."""
    # Without a charset, which JSON has none of: scripts compare the whole header.
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def refuse(
    status: int, error: str, detail: str = "", headers: dict[str, str] | None = None
) -> web.Response:
    """``{"error": ...}``, with a detail where there is one to tell."""
    return answer({"error": error, **({"detail": detail} if detail else {})}, status, headers)


class RateLimit:
    """At most so many requests of one client in any minute; refused ones do not count. 0 = any."""

    def __init__(
        self, rate: int, clock: Callable[[], float] = time.monotonic, clients: int = _CLIENTS
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._clients = clients
        # The client that was heard last is the last.
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def allows(self, client: str) -> bool:
        """Whether this request may pass; it counts then."""
        if self._rate <= 0:
            return True
        now = self._clock()
        times = self._seen.setdefault(client, deque())
        self._seen.move_to_end(client)
        while times and times[0] <= now - _WINDOW:
            times.popleft()
        if len(times) >= self._rate:
            return False
        times.append(now)
        if len(self._seen) > self._clients:
            self._seen.popitem(last=False)
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
            return _unauthorized()
        missing = request.match_info.http_exception
        if missing is not None:
            return _missing(missing)
        resource = request.match_info.route.resource
        if resource is not None and (request.method, resource.canonical) in forbidden:
            return refuse(403, "write disabled")
        if not reading and not _is_known(request, token):
            return _unauthorized()
        return await _answered(request, handler)

    return middleware


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except BadParameter as error:
        return refuse(400, "bad request", str(error))
    except web.HTTPRequestEntityTooLarge:
        return refuse(413, "payload too large")
    except web.HTTPException as error:
        return refuse(error.status, error.reason.lower())
    except ConnectionError:
        raise  # nobody is there any more
    except Exception:  # one bad answer ends no listener
        log.exception("internal error: %s %s", request.method, request.path)
        return refuse(500, "internal error")


def _unauthorized() -> web.Response:
    return refuse(401, "unauthorized", headers={"WWW-Authenticate": "Bearer"})


def _missing(why: web.HTTPException) -> web.Response:
    if isinstance(why, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(why.allowed_methods))
        return refuse(405, "method not allowed", headers={"Allow": allowed})
    return refuse(404, "not found")


def _is_known(request: web.Request, token: str) -> bool:
    if not token:
        return True
    said = request.headers.get("Authorization", "")
    wanted = f"Bearer {token}"
    # What is no ASCII came as bytes that need not be UTF-8 either.
    return hmac.compare_digest(
        said.encode("utf-8", "surrogateescape"), wanted.encode("utf-8", "surrogateescape")
    )
