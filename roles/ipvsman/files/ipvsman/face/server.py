# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The listeners: the API on a unix socket and on TCP, and metrics where there is no API."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from pathlib import Path

import yaml
from aiohttp import web

from ipvsman.control.desk import Desk
from ipvsman.ipvs.errors import IpvsError

from .access import answer, guard
from .metrics import Exporter, Look
from .openapi import OPERATIONS, document
from .routes import Routes
from .settings import Faces, is_local

log = logging.getLogger("ipvsman")

#: Group and others may not talk to the socket: its permissions are the authentication.
_SOCKET_MODE = 0o660


class Server:
    """All faces of a daemon. lag: how late the event loop was last, in seconds."""

    def __init__(self, desk: Desk, faces: Faces, lag: Callable[[], float]) -> None:
        self._desk = desk
        self._faces = faces
        self._lag = lag
        self._runners: list[web.AppRunner] = []

    async def start(self) -> None:
        """Listen. Raises OSError, ssl.SSLError."""
        faces = self._faces
        if faces.socket is not None:
            await self._listen_unix(faces.socket)
        if faces.api is not None:
            if not is_local(faces.api.host) and not faces.api.token:
                log.critical(
                    "ALERT: API exposed on non-localhost without token (%s)", faces.api.host
                )
            runner = await self._runner(
                self._app(faces.api.token, faces.api.rate, faces.api.write, faces.api.max_body)
            )
            context = _tls(faces.api.certificate, faces.api.key)
            await web.TCPSite(
                runner, faces.api.host, faces.api.port, ssl_context=context, reuse_address=True
            ).start()
        elif faces.metrics is not None:
            app = web.Application(middlewares=[guard("", 0, ())])
            app.router.add_get("/metrics", self._metrics)
            runner = await self._runner(app)
            await web.TCPSite(runner, faces.metrics.host, faces.metrics.port).start()

    async def close(self) -> None:
        """Stop listening; answers under way get a moment to end."""
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
        if self._faces.socket is not None:
            self._faces.socket.unlink(missing_ok=True)

    async def _listen_unix(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Ours alone: the lock says that no other daemon runs.
        path.unlink(missing_ok=True)
        runner = await self._runner(self._app("", 0, write=True, max_body=64 << 20))
        mask = os.umask(0o117)
        try:
            await web.UnixSite(runner, str(path)).start()
        finally:
            os.umask(mask)
        path.chmod(_SOCKET_MODE)

    async def _runner(self, app: web.Application) -> web.AppRunner:
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        self._runners.append(runner)
        return runner

    def _app(self, token: str, rate: int, write: bool, max_body: int) -> web.Application:
        writing = {(o.method, _canonical(o.path)) for o in OPERATIONS if o.writes}
        forbidden = set() if write else writing
        app = web.Application(middlewares=[guard(token, rate, forbidden)], client_max_size=max_body)
        routes = Routes(self._desk, self._faces)
        for operation in OPERATIONS:
            app.router.add_route(operation.method, operation.path, getattr(routes, operation.name))
        described = document(OPERATIONS, secured=bool(token))

        async def openapi_json(_request: web.Request) -> web.Response:
            return answer(described)

        async def openapi_yaml(_request: web.Request) -> web.Response:
            text = yaml.safe_dump(described, sort_keys=False)
            return web.Response(text=text, content_type="application/yaml")

        app.router.add_get("/openapi.json", openapi_json)
        app.router.add_get("/openapi.yaml", openapi_yaml)
        if self._faces.metrics is not None:
            app.router.add_get("/metrics", self._metrics)
        return app

    async def _metrics(self, request: web.Request) -> web.Response:
        settings = self._faces.metrics
        if settings is None:
            raise web.HTTPNotFound
        reading = None
        if settings.stats:
            try:
                reading = await self._desk.reading(age=1.0)
            except IpvsError as error:
                log.debug("no counters for metrics: %s", error)
        look = Look(self._desk, reading, self._lag())
        body, content_type = Exporter(settings).text(look, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})


def _canonical(path: str) -> str:
    return path.replace(":.+}", "}")


def _tls(certificate: str, key: str) -> ssl.SSLContext | None:
    if not certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key or None)
    return context
