"""A director among parts that only note what they are told."""

from __future__ import annotations

import asyncio

from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    Clock,
    Names,
    Probes,
    Published,
    check_of,
    config,
    frontend,
)
from ipvsman.control.director import Director, Limits
from ipvsman.control.journal import Journal
from ipvsman.control.store import Store
from ipvsman.ipvs.model import Family

A, B = "10.0.0.1", "10.0.0.2"
NAME = ("rs1", Family.INET)


class Surroundings:
    """A director among parts that only note what they are told."""

    def __init__(self, directory, **limits):
        self.clock, self.wall = Clock(), Clock(1e9)
        self.journal = Journal(self.wall)
        self.complaints = []
        self.store = Store(directory, self.wall, self.complaints.append)
        self.keeper, self.probes, self.names = Published(), Probes(), Names()
        self.next = config(frontend(A, B))
        self.director = Director(
            self._load,
            self.keeper,
            self.journal,
            self.store,
            limits=Limits(**limits),
            clock=self.clock,
            wall=self.wall,
        )

    def _load(self):
        if isinstance(self.next, Exception):
            raise self.next
        return self.next

    def begin(self):
        self.director.begin(self.next, self.probes, self.names)
        return self.director

    def pass_time(self, seconds):
        self.clock.now += seconds
        self.wall.now += seconds

    def check(self, address=A):
        return check_of(self.director.desired, address)

    def condition(self, address=A):
        return self.director.beliefs.known[self.check(address)].health.condition

    def reload(self, wanted, **how):
        self.next = wanted
        return asyncio.run(self.director.reload(**how))
