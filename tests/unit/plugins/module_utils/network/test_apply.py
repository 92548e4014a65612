"""Facts made so on a host in memory, that may refuse; and what is remembered at every moment."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.network.apply import apply
from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import (
    Address,
    HostError,
    OwnLink,
    Sysctl,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.network.fakehost import FakeHost

FACTS = [OwnLink("vip0", "dummy"), Address("192.0.2.1/32", "vip0")]
FILTER = Sysctl("net.ipv4.conf.vip0.rp_filter", "2")


class Memory:
    """In memory, too; and all that it ever held."""

    def __init__(self):
        self.notes = []
        self.held = []

    def read(self):
        return self.notes

    def write(self, notes):
        self.notes = list(notes)
        self.held.append([note.fact.key for note in notes])


def test_it_is_remembered_before_it_is_done():
    host, memory = FakeHost(), Memory()
    do, remembered = host.do, []

    def watched(command):
        remembered.append([note.fact.key for note in memory.notes])
        do(command)

    host.do = watched
    assert [step.key for step in apply(FACTS, host, memory)] == [fact.key for fact in FACTS]
    assert remembered == [[fact.key for fact in FACTS]] * 3
    apply(FACTS[:0], host, memory)
    assert remembered[-1] == [fact.key for fact in FACTS]
    assert memory.notes == []


def test_what_is_so_is_left():
    host, memory = FakeHost(), Memory()
    apply(FACTS, host, memory)
    held = len(memory.held)
    host.do = None
    assert apply(FACTS, host, memory) == []
    assert memory.held[held:] == [[fact.key for fact in FACTS]]


def test_what_is_refused_half_way_is_told_and_undone_by_the_next_run():
    host, memory = FakeHost(), Memory()
    before, do = host.state(), host.do

    def refusing(command):
        if command[1] == "address":
            raise HostError("no room")
        do(command)

    host.do = refusing
    with pytest.raises(HostError, match=r"^no room \(done before: link vip0: none -> dummy, up\)$"):
        apply(FACTS, host, memory)
    host.do = do
    apply([], host, memory)
    assert host.state() == before


def test_what_is_accepted_and_yet_not_so_is_told():
    host = FakeHost()
    host.do = lambda command: None
    with pytest.raises(HostError, match="accepted by the kernel, and yet not so: link vip0"):
        apply(FACTS, host, Memory())


def test_a_sysctl_of_a_link_that_has_come_meanwhile_goes_back_to_what_it_had_then():
    host, memory = FakeHost(), Memory()
    apply([FACTS[0], FILTER], host, memory)
    assert {note.fact.key: note.before for note in memory.notes}[FILTER.key] == "0"
