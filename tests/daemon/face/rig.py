"""A daemon without a kernel, a prober and a name server: real faces before a table in memory."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import ssl
import textwrap
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipvsman.config.loader import load
from ipvsman.config.names import Watched
from ipvsman.control.desk import Desk
from ipvsman.control.director import Director, Limits
from ipvsman.control.journal import Journal
from ipvsman.control.keeper import Keeper
from ipvsman.control.live import Live
from ipvsman.control.store import Store
from ipvsman.face.server import Server
from ipvsman.face.settings import Api, Faces, Metrics
from ipvsman.health.kinds import KINDS
from ipvsman.health.spec import Verdict
from ipvsman.health.tally import Tally
from ipvsman.ipvs.changes import AddDestination, AddService, Change
from ipvsman.ipvs.memory import MemoryTable
from ipvsman.ipvs.model import (
    HOST_NETMASK,
    PLAIN_TUNNEL,
    DestinationKey,
    DestinationSettings,
    Forwarding,
    ServiceFlags,
    ServiceSettings,
)
from ipvsman.ipvs.scope import SERVICES
from ipvsman.ipvs.table import Table
from ipvsman.ipvs.text import parse_service_key

# Nothing takes that long, unless it hangs or the host is very busy.
PATIENCE = 60.0

WEB = """\
- group: web
  vip: [192.0.2.1, 192.0.2.2]
  frontends:
    - {name: http, proto: tcp, port: 80}
  backends:
    - {address: 10.0.0.1, weight: 5}
    - {address: 10.0.0.2, weight: 3}
  healthcheck: {type: http, path: /up, host: www.example, interval: 7, timeout: 2, rise: 1, fall: 1}
"""
DNS = """\
- group: dns
  vip: 192.0.2.53
  scheduler: rr
  frontends:
    - {name: udp, proto: udp, port: 53}
  backends:
    - {address: 10.0.0.53, weight: 1, disabled: true, method: routing}
    - {address: 10.0.0.54, port_map: {"*": 5353}}
  healthcheck: {type: dns, query_name: a.example, query_type: A}
"""


def eventually(condition: Callable[[], Any], what: str = "") -> Any:
    """Wait until something is so, and return it."""
    end = time.monotonic() + PATIENCE
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, what or "what was waited for does not happen"
        time.sleep(0.01)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which has to say that it is JSON."""
        assert self.headers["Content-Type"].startswith("application/json")
        return json.loads(self.body)


def foreign(table: Table, service: str, *destinations: str) -> None:
    """What another program makes: a service, with destinations of weight 7 at port 25."""
    key = parse_service_key(service)
    netmask = HOST_NETMASK[key.family]
    changes: list[Change] = [
        AddService(key, ServiceSettings("rr", ServiceFlags(0), 0, netmask, ""))
    ]
    for address in destinations:
        settings = DestinationSettings(7, Forwarding.MASQUERADE, 0, 0, PLAIN_TUNNEL)
        changes.append(AddDestination(key, DestinationKey(address, 25), settings))
    for change in changes:
        assert not table.apply([change]).refused


class FakeProber:
    """Probes nobody. verdicts: by address; what is not in it is up."""

    def __init__(self) -> None:
        self.tallies = {kind: Tally() for kind in KINDS}
        self.verdicts: dict[str, Verdict] = {}
        self.assigned: dict[Any, float] = {}

    def assign(self, checks: Mapping[Any, float]) -> None:
        """See Prober.assign."""
        self.assigned = dict(checks)

    async def probe_once(self, probe: Any, timeout: float) -> Verdict:
        """See Prober.probe_once."""
        assert timeout > 0
        return self.verdicts.get(probe.address, Verdict(True, "fine", 0.01))


class FakeResolver:
    """Resolves nothing by itself."""

    def __init__(self) -> None:
        self.watched: dict[Any, Watched] = {}

    def want(self, names: frozenset[Any]) -> None:
        """See Resolver.want."""
        self.watched = {name: self.watched.get(name, Watched()) for name in names}


class Rig:
    """The daemon. Its event loop runs in a thread, so that tests read as clients do."""

    def __init__(
        self,
        directory: Path,
        state: Path,
        socket_path: Path | None,
        api: Api | None = None,
        metrics: Metrics | None = None,
        table: MemoryTable | None = None,
        strict: bool = False,
    ) -> None:
        self.directory = directory
        self.state = state
        self.table = table or MemoryTable()
        self.faces = Faces(directory, strict, socket_path, api, metrics)
        self.prober = FakeProber()
        self.resolver = FakeResolver()
        self.journal = Journal(time.time)
        self._strict = strict
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rig")
        self._store = Store(state, time.time, lambda _message: None)

    # -- life

    def start(self) -> Rig:
        """Make the parts, listen, take up the drop-ins, and wait until they are in the table."""
        self._thread.start()
        self.call(self._start())
        eventually(lambda: self.keeper.account.passed is not None)
        return self

    async def _start(self) -> None:
        self.keeper = Keeper(lambda: self.table, self.journal, self._store, pauses=(0.05,))
        self.director = Director(
            lambda: load(self.directory, strict=self._strict),
            self.keeper,
            self.journal,
            self._store,
            limits=Limits(),
            clock=time.monotonic,
            wall=time.time,
        )
        self.live = Live(lambda: self.table, time.monotonic)
        self.desk = Desk(
            self.director,
            self.keeper,
            self.live,
            self.journal,
            self.prober,
            self.resolver,  # type: ignore[arg-type]
            time.monotonic,
        )
        self.server = Server(self.desk, self.faces, lambda: 0.001)
        await self.server.start()
        self.keeper.start()
        config = load(self.directory, strict=self._strict)
        self.director.begin(config, self.prober, self.resolver)

    def stop(self) -> None:
        """End, leaving nothing behind."""
        self.call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self._loop.close()

    async def _stop(self) -> None:
        await self.server.close()
        await self.director.remember()
        assert await asyncio.to_thread(self.keeper.stop, PATIENCE)
        await self.live.close()
        await self._loop.shutdown_default_executor()

    # -- what happens to it

    def call(self, work: Any) -> Any:
        """Do something on the daemon's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def run(self, function: Callable[[], Any]) -> Any:
        """The same for what is no coroutine."""

        async def once() -> Any:
            return function()

        return self.call(once())

    def write(self, name: str, text: str) -> Path:
        """Write a drop-in."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def probed(self, address: str, ok: bool, message: str = "") -> None:
        """A probe of this address has come back."""

        def judge() -> None:
            for check in list(self.director.beliefs.known):
                if getattr(check.probe, "address", "") == address:
                    self.director.beliefs.judge(check, Verdict(ok, message, 0.001))

        self.run(judge)
        self.settle()

    def resolved(self, name: Any, *addresses: str) -> None:
        """A name server has said what a name means."""

        def tell() -> None:
            self.resolver.watched[name] = Watched(addresses, changes=1, changed_at=1.7e9)
            self.director.resolved({name: addresses})

        self.run(tell)
        self.settle()

    def settle(self) -> None:
        """Wait until the table is as it shall be."""
        assert self.call(self.desk.settled(PATIENCE))

    def foreign(self, service: str, *destinations: str) -> None:
        """Another program makes a service."""
        foreign(self.table, service, *destinations)

    def weights(self, vip: str) -> dict[str, int]:
        """Weights in the table, of the service with this address."""
        (service,) = (
            service
            for key, service in self.table.read(SERVICES).services.items()
            if getattr(key, "address", "") == vip
        )
        return {
            name.address: service.destinations[name].weight
            for name in sorted(service.destinations, key=DestinationKey.order)
        }

    # -- asking

    def http(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Over TCP, in a connection of its own."""
        host, port = (self.server.api or self.server.metrics)[0]
        return ask(host, port, method, path, body, headers)

    def get(self, path: str, **headers: str) -> Answer:
        """A GET."""
        return self.http("GET", path, None, {k.replace("_", "-"): v for k, v in headers.items()})

    def raw(self, text: bytes) -> bytes:
        """Bytes to the listener, and what it says until it hangs up."""
        host, port = self.server.api[0]
        with socket.create_connection((host, port), PATIENCE) as connection:
            connection.sendall(text)
            said = b""
            while more := connection.recv(65536):
                said += more
        return said


def ask(
    host: str,
    port: int,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """One request. body: bytes, or what is sent as JSON."""
    connection = (
        http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=tls)
        if tls
        else http.client.HTTPConnection(host, port, timeout=PATIENCE)
    )
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    try:
        connection.request(method, path, content, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())  # type: ignore[arg-type]
    finally:
        connection.close()
