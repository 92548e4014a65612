# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Taking a real server out of everything that a director forwards to it, and back in.

Internal to this collection. Where the daemon has a destination, it is told, and remembers it; the
others get weight 0, and what they had is noted on the director. So a run that was broken off can be
made good by a later one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Callable
from urllib.parse import quote

from ..ipvs.model import DestinationKey, Service, ServiceKey, State, host_port
from ..ipvs.plan import Plan
from ..ipvs.reconcile import reconcile
from ..ipvs.scope import SERVICES, Scope
from ..ipvs.table import Table
from .daemon import Daemon, DaemonError, NoDaemon

NOTES = "/var/lib/lvs-maintenance"
#: How often the kernel or the daemon is asked whether it is done, in seconds.
_POLL = 0.5

#: What the daemon says of those that would not serve, whoever else is gone.
_NOT_SERVING = ("down", "all_down", "operator", "disabled")

Places = Mapping[ServiceKey, frozenset[DestinationKey]]


class LastOne(Exception):
    """Nobody else serves; a whole sentence."""


@dataclass
class Notes:
    """What was done to a server on this director, for whoever undoes it.

    overrides: names of backends that we took out, with what the operator had said of each before
    (None = nothing); weights: by service and destination.
    """

    overrides: dict[str, bool | None] = field(default_factory=dict)
    weights: dict[str, dict[str, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.overrides or self.weights)


class NotesFile:
    """The notes about a server. Raises DaemonError, with what is wrong with the file."""

    def __init__(self, name: str, directory: str = NOTES) -> None:
        self.path = os.path.join(directory, quote(name, safe="") + ".json")

    def read(self) -> Notes:
        """Nothing where there is none."""
        try:
            with open(self.path, encoding="utf-8") as file:
                data = json.load(file)
            return Notes(dict(data["overrides"]), dict(data["weights"]))
        except FileNotFoundError:
            return Notes()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DaemonError(f"{self.path} cannot be read: {error}") from None

    def write(self, notes: Notes) -> None:
        """Without notes, without a file."""
        try:
            if not notes:
                if os.path.exists(self.path):
                    os.unlink(self.path)
                return
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            with open(self.path + ".new", "w", encoding="utf-8") as file:
                json.dump({"overrides": notes.overrides, "weights": notes.weights}, file)
            os.replace(self.path + ".new", self.path)
        except OSError as error:
            raise DaemonError(f"{self.path}: {error.strerror}") from None


def places(state: State, addresses: Collection[str]) -> dict[ServiceKey, frozenset[DestinationKey]]:
    """In which services the server is, under which names."""
    found = {}
    for key, service in state.services.items():
        mine = frozenset(name for name in service.destinations if name.address in addresses)
        if mine:
            found[key] = mine
    return found


def backends_of(rows: Sequence[Mapping[str, Any]], addresses: Collection[str]) -> dict[str, str]:
    """What the daemon calls the server (group/address), with the service; rows of its status."""
    return {
        f"{row['group']}/{host_port(entry['ip'], entry['port'])}": row["service"]
        for row in rows
        for entry in (*row["backends"], *row.get("fallback", ()))
        if entry["ip"] in addresses
    }


def served_by_nobody_else(
    state: State, mine: Places, rows: Sequence[Mapping[str, Any]], addresses: Collection[str]
) -> list[str]:
    """Services of whose destinations only the server has weight, and that have no fallback."""
    have_another = {
        row["service"]
        for row in rows
        for entry in row.get("fallback", ())
        if entry["ip"] not in addresses and entry["weight"] and entry["why"] not in _NOT_SERVING
    }
    found = []
    for key, names in mine.items():
        pool = state.services[key].destinations
        serving = {name for name in pool if pool[name].weight}
        if serving and serving <= names and str(key) not in have_another:
            found.append(str(key))
    return sorted(found)


def quiesced(mine: Places) -> Callable[[State], State]:
    """The same pools, with weight 0 for the server."""
    return lambda state: _weighed(state, mine, lambda _service, _name: 0)


def weighed(mine: Places, weights: Mapping[str, Mapping[str, int]]) -> Callable[[State], State]:
    """The same pools, with the weights that were noted; where none was, as it is."""
    return lambda state: _weighed(
        state, mine, lambda service, name: weights.get(str(service), {}).get(str(name))
    )


def _weighed(
    state: State, mine: Places, weight: Callable[[ServiceKey, DestinationKey], int | None]
) -> State:
    services = {}
    for key, service in state.services.items():
        pool = dict(service.destinations)
        for name in mine.get(key, frozenset()) & pool.keys():
            wanted = weight(key, name)
            if wanted is not None:
                pool[name] = replace(pool[name], weight=wanted)
        services[key] = Service(key, service.settings, pool)
    return State(services)


@dataclass
class Director:
    """This director. record: told each plan once it is done, or rehearsed."""

    table: Table
    daemon: Daemon
    dry_run: bool
    record: Callable[[Plan], Plan]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    #: What the daemon said of what it was told, such as that a service has nothing left.
    warnings: list[str] = field(default_factory=list)

    def status(self) -> list[Mapping[str, Any]]:
        """The daemon's services; none where no daemon runs. Raises DaemonError."""
        try:
            rows: list[Mapping[str, Any]] = self.daemon.get("/v1/status/detailed?fresh=1")[
                "services"
            ]
        except NoDaemon:
            return []
        return rows

    def take_out(
        self,
        addresses: Collection[str],
        notes: Notes,
        file: NotesFile,
        reason: str,
        *,
        keep_last: bool = False,
    ) -> tuple[Places, list[str]]:
        """Where the server is, and what the daemon was told.

        keep_last: refuse where nobody else serves. Raises DaemonError, IpvsError, LastOne.
        """
        state, rows = self.table.read(SERVICES), self.status()
        mine = places(state, addresses)
        alone = served_by_nobody_else(state, mine, rows, addresses) if keep_last else []
        if alone:
            raise LastOne(f"nobody else serves {', '.join(alone)}")
        known = backends_of(rows, addresses)
        said = {
            entry["name"]: entry["disabled"]
            for entry in (self.daemon.get("/v1/overrides")["overrides"] if known else [])
            if entry["level"] == "backend"
        }
        telling = [name for name in known if not said.get(name)]
        own = set(known.values())
        unowned = {key: names for key, names in mine.items() if str(key) not in own}
        for key, names in unowned.items():
            pool = self.table.read(_scope({key: names})).services[key].destinations
            kept = notes.weights.setdefault(str(key), {})
            for name in names:
                # What is 0 already was so before us, or is so because of us.
                if pool[name].weight:
                    kept[str(name)] = pool[name].weight
        notes.weights = {service: kept for service, kept in notes.weights.items() if kept}
        notes.overrides.update({name: said.get(name) for name in telling})
        if not self.dry_run:
            file.write(notes)
            for backend in telling:
                body = {"level": "backend", "name": backend, "disabled": True, "reason": reason}
                self._tell("POST", "/v1/overrides?wait=1", body)
        self.record(reconcile(self.table, quiesced(unowned), _scope(unowned), dry_run=self.dry_run))
        return mine, telling

    def bring_in(
        self, addresses: Collection[str], notes: Notes, file: NotesFile
    ) -> tuple[Places, list[str]]:
        """Undo what is noted; where, and what the daemon was told. Raises as take_out does."""
        mine = places(self.table.read(SERVICES), addresses)
        telling = list(notes.overrides)
        if not self.dry_run:
            for backend, before in notes.overrides.items():
                self._release(backend, before)
        alone = {key: names for key, names in mine.items() if str(key) in notes.weights}
        self.record(
            reconcile(
                self.table, weighed(alone, notes.weights), _scope(alone), dry_run=self.dry_run
            )
        )
        if not self.dry_run:
            file.write(Notes())
        return mine, telling

    def _release(self, name: str, before: bool | None) -> None:
        if before is None:
            # Somebody else may have taken it back meanwhile.
            path = f"/v1/overrides/backend/{quote(name, safe='/:')}?wait=1"
            self._tell("DELETE", path, None, 404)
        else:
            body = {"level": "backend", "name": name, "disabled": before}
            self._tell("POST", "/v1/overrides?wait=1", body, 404)

    def _tell(self, method: str, path: str, body: Any, *also: int) -> None:
        self.warnings += self.daemon.do(method, path, body, *also).get("warnings", ())

    def connections(self, mine: Places) -> tuple[int, int]:
        """Active and other connections that the server has here."""
        counted = self.table.counters(list(mine)) if mine else {}
        pools = [
            counters.destinations[name]
            for key, counters in counted.items()
            for name in mine[key] & counters.destinations.keys()
        ]
        return sum(each.active for each in pools), sum(each.inactive for each in pools)

    def wait_until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Whether it was done in time; looked at once at least."""
        deadline = self.clock() + seconds
        while not done():
            left = deadline - self.clock()
            if left <= 0:
                return False
            self.sleep(min(_POLL, left))
        return True


def idle_backends(rows: Sequence[Mapping[str, Any]], addresses: Collection[str]) -> list[str]:
    """Where the daemon does not give the server weight yet, and why."""
    return [
        f"{row['group']}/{row['frontend_name']}: {entry['ip']}:{entry['port']}:"
        f" {entry['reason'] or 'no reason told'}"
        for row in rows
        for entry in row["backends"]
        if entry["ip"] in addresses and entry["weight"] and not entry["live_weight"]
    ]


def _scope(mine: Places) -> Scope:
    return Scope(frozenset(), dict(mine))
