# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""aiohttp's listener, with our answer to what is no HTTP: JSON, and no traceback in the log."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from .access import refuse

log = logging.getLogger("ipvsman")


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
    """What makes them."""

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
