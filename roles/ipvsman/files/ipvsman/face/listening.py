# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""aiohttp's listener, with our answer to what is no HTTP: JSON, and no traceback in the log.

And with an end to how many connections there are: whoever leaves them open, or says nothing in
them, must not take the descriptors that probes need. The oldest goes, so that who comes is served.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from .access import refuse

log = logging.getLogger("ipvsman")

#: Connections that a listener keeps open.
MOST = 128
#: Seconds that an answer under way has to end when the listener does.
MOMENT = 2.0
#: Seconds in which it is told once that there are more.
_QUIET = 60.0


class _Protocol(RequestHandler):
    """One connection."""

    # The layout of its base: that is what lets an object of the one become one of the other.
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what cannot be parsed, and what went wrong in aiohttp itself."""
        log.debug("bad request of %s: %s", request.remote, message or exc)
        if status >= 500:
            response = refuse(status, "internal error")
        elif "content-length" in (message or str(exc)).lower():
            response = refuse(status, "invalid content-length")
        else:
            response = refuse(status, "bad request")
        # Where the next request would begin, nobody knows.
        response.force_close()
        return response


class _Server(web.Server):
    """What makes them, and lets go of the oldest when there are too many."""

    _quiet_until = float("-inf")

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """One more."""
        super().connection_made(handler, transport)
        if len(self._connections) <= MOST:
            return
        # Those that were told to close are in there until their handlers have ended.
        open_ones = [each for each in self._connections.values() if not each.is_closing()]
        for oldest in open_ones[:-MOST]:
            oldest.abort()
            self._tell()

    async def shutdown(self, timeout: float | None = None) -> None:
        """Close them; who is being answered gets a moment, and who says nothing holds up no end."""
        await super().shutdown(MOMENT if timeout is None else min(timeout, MOMENT))

    def _tell(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until:
            self._quiet_until = now + _QUIET
            log.warning("API: more than %d connections are open; the oldest are closed", MOST)

    def __call__(self) -> Any:
        protocol = super().__call__()
        protocol.__class__ = _Protocol
        return protocol


class Runner(web.AppRunner):
    """An application that can be listened for."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.__class__ = _Server
        return server
