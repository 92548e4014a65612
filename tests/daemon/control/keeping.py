"""A keeper before a table in memory that is watched, with all that it needs."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    SETTINGS,
    desired,
    frontend,
    service,
    table,
    vip,
)
from ipvsman.control.journal import Journal
from ipvsman.control.keeper import Keeper
from ipvsman.control.store import Store
from ipvsman.ipvs.memory import MemoryTable

A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"
ONE = desired(frontend(A, B))
#: Of the three, the kernel has no scheduler for the one in the middle.
ONE_BAD = desired(
    frontend(A, name="good", services=(vip(1),)),
    frontend(A, name="bad", services=(vip(2),), settings=replace(SETTINGS, scheduler="twice")),
    frontend(A, name="last", services=(vip(3),)),
)
FOREIGN = service({C: 9}, vip(200))
SOON = (0.01,)
NEVER = (3600.0,)


class Watched(MemoryTable):
    """Notes what is read and done, and does what a test wants before it."""

    def __init__(self, *services):
        super().__init__()
        for name, held in vars(table(*services)).items():
            setattr(self, name, held)
        self.scopes = []
        self.done = []
        self.before_read = self.before_apply = lambda: None
        self.closed = 0

    def read(self, scope):
        self.before_read()
        self.scopes.append(scope.service_keys())
        return super().read(scope)

    def apply(self, changes):
        self.before_apply()
        outcome = super().apply(changes)
        self.done += outcome.done
        return outcome

    def close(self):
        self.closed += 1


class World:
    """A keeper with all that it needs; what is left running is ended."""

    def __init__(self, directory, held):
        self.directory = directory
        self.journal = Journal(lambda: 0.0)
        self.store = Store(directory, lambda: 0.0, self.complain)
        self.complaints = []
        self._held = held

    def complain(self, message):
        self.complaints.append(message)

    def keeper(self, kernel, *, start=True, **other):
        clear_first = other.pop("clear_first", False)
        open_table = kernel if callable(kernel) else lambda: kernel
        made = Keeper(
            open_table, self.journal, self.store, pauses=other.pop("pauses", SOON), **other
        )
        self._held.callback(made.stop, 5.0)
        if start:
            made.start(clear_first=clear_first)
        return made

    def owned(self):
        path = self.directory / "owned.json"
        return json.loads(path.read_text())["data"] if path.exists() else None


def settled(keeper, *snapshots):
    for each in snapshots:
        keeper.publish(each)
    assert keeper.wait_settled(5.0)


class Gate:
    """Holds a thread up until it is opened."""

    def __init__(self):
        self.reached, self._open = threading.Event(), threading.Event()

    def __call__(self):
        self.reached.set()
        assert self._open.wait(10.0)

    def open(self):
        self._open.set()
