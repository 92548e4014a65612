# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The listeners: the API on a unix socket and on TCP, and metrics where there is no API."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from ipvsman.control.desk import Desk
from ipvsman.ipvs.errors import IpvsError

from .access import answer, guard
from .asking import Asking
from .listening import Runner
from .looking import Looking
from .metrics import Exporter, Look
from .openapi import OPERATIONS, canonical, document
from .put_groups import PutGroups
from .rendering import beside
from .settings import Faces, is_local

log = logging.getLogger("ipvsman")

#: Root and its group may talk to the socket: its permissions are the authentication.
_SOCKET_MODE = 0o660
#: This system has no such address.
_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
#: Bytes that a body may have on the socket.
_MOST = 64 << 20


class Server:
    """All faces of a daemon. lag: how late the event loop was last, in seconds."""

    def __init__(self, desk: Desk, faces: Faces, lag: Callable[[], float]) -> None:
        self._desk = desk
        self._faces = faces
        self._lag = lag
        self._runners: list[web.AppRunner] = []
        self._on_socket: web.AppRunner | None = None
        self._is_bound = False
        self._is_missed = False
        #: Where the API and where metrics listen on TCP; nowhere before the start.
        self.api: list[tuple[str, int]] = []
        self.metrics: list[tuple[str, int]] = []

    async def start(self) -> None:
        """Listen. Raises OSError."""
        faces = self._faces
        if faces.socket is not None:
            await self._listen_unix(faces.socket)
        if faces.api is not None:
            api = faces.api
            if not is_local(api.host) and not api.token:
                log.critical("ALERT: API exposed on non-localhost without token (%s)", api.host)
            app = self._app(api.token, api.rate, write=api.write, max_body=api.max_body)
            context = _tls(api.certificate, api.key)
            self.api = await self._listen_tcp("API", app, api.host, api.port, context)
        elif faces.metrics is not None:
            app = web.Application(middlewares=[guard("", 0, ())])
            app.router.add_get("/metrics", self._metrics)
            metrics = faces.metrics
            self.metrics = await self._listen_tcp("metrics", app, metrics.host, metrics.port, None)

    async def tend(self) -> None:
        """Listen on the socket anew where somebody has removed it (`rm -r /run/ipvsman`)."""
        path = self._faces.socket
        if path is None or self._on_socket is None or _is_there(path):
            return
        if not self._is_missed:
            log.warning("%s is gone: listening there again", path)
        self._is_missed = True
        if self._on_socket in self._runners:
            self._runners.remove(self._on_socket)
            await self._on_socket.cleanup()
        try:
            await self._listen_unix(path)
            self._is_missed = False
        except OSError as error:
            log.debug("%s: %s", path, error)

    async def close(self) -> None:
        """Stop listening; answers under way get a moment to end."""
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
        if self._faces.socket is not None and self._is_bound:
            self._faces.socket.unlink(missing_ok=True)

    async def _listen_tcp(
        self, name: str, app: web.Application, host: str, port: int, tls: ssl.SSLContext | None
    ) -> list[tuple[str, int]]:
        runner = await self._runner(app)
        missing: OSError | None = None
        for place in await _addresses(host):
            try:
                await web.TCPSite(runner, place, port, ssl_context=tls, reuse_address=True).start()
            except OSError as error:
                # /etc/hosts has ::1 as localhost also where IPv6 is switched off.
                if error.errno not in _NOT_HERE:
                    raise
                missing = error
        if missing is not None and not runner.addresses:
            raise missing
        addresses = [(str(address[0]), int(address[1])) for address in runner.addresses]
        scheme = "https" if tls else "http"
        for place, number in addresses:
            shown = f"[{place}]" if ":" in place else place
            log.info("%s on %s://%s:%s", name, scheme, shown, number)
        return addresses

    async def _listen_unix(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Of a daemon that was killed: the lock says that no other runs. What is no socket stays.
        if path.is_socket():
            path.unlink()
        runner = await self._runner(self._app("", 0, write=True, max_body=_MOST))
        self._on_socket, self._is_bound = runner, False
        mask = os.umask(0o117)
        try:
            await web.UnixSite(runner, str(path)).start()
        finally:
            os.umask(mask)
        self._is_bound = True
        path.chmod(_SOCKET_MODE)

    async def _runner(self, app: web.Application) -> web.AppRunner:
        runner = Runner(app, access_log=None, handle_signals=False)
        await runner.setup()
        self._runners.append(runner)
        return runner

    def _app(self, token: str, rate: int, *, write: bool, max_body: int) -> web.Application:
        writing = {(o.method, canonical(o.path)) for o in OPERATIONS if o.writes}
        # aiohttp's own limit is there for bodies that do not say how long they are; in some of its
        # releases it is one byte less.
        app = web.Application(
            middlewares=[guard(token, rate, () if write else writing)],
            client_max_size=max_body + 1,
        )
        groups = PutGroups(self._faces.directory, strict=self._faces.strict)
        looking = Looking(self._desk, groups)
        asking = Asking(self._desk, groups, max_body)
        for operation in OPERATIONS:
            handler: Any = getattr(looking if operation.method == "GET" else asking, operation.name)
            if operation.method == "GET":
                app.router.add_get(operation.path, handler)
            else:
                app.router.add_route(operation.method, operation.path, handler)
        described = document(
            OPERATIONS,
            secured=bool(token),
            limited=rate > 0,
            write=write,
            metrics=self._faces.metrics is not None,
        )
        as_yaml = yaml.safe_dump(described, sort_keys=False).encode()

        async def openapi_json(_request: web.Request) -> web.Response:
            return answer(described)

        async def openapi_yaml(_request: web.Request) -> web.Response:
            return web.Response(body=as_yaml, content_type="application/yaml")

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
        accept = request.headers.get("Accept", "")
        body, content_type = await beside(lambda: Exporter(settings).text(look, accept))
        return web.Response(body=body, headers={"Content-Type": content_type})


async def _addresses(host: str) -> list[str]:
    """What a host means; an empty one is every address. Raises OSError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:  # the latter of what is no name at all
        raise OSError(f"{host}: {getattr(error, 'strerror', None) or 'is no host'}") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_there(path: Path) -> bool:
    try:
        return path.is_socket()
    except OSError:
        return False  # a directory that we may not enter any more


def _tls(certificate: str, key: str) -> ssl.SSLContext | None:
    if not certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key or None)
    except OSError as error:
        files = f"{certificate} and {key}" if key else certificate
        reason = error.strerror
        if isinstance(error, ssl.SSLError):
            reason = error.reason.replace("_", " ").lower() if error.reason else "not PEM"
        raise OSError(f"no certificate with its key in {files}: {reason}") from None
    return context
