from __future__ import annotations

import asyncio
import logging
import threading

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    VIP,
    config,
    frontend,
    messages,
)
from ansible_collections.lvs.ipvs.tests.daemon.control.surroundings import NAME, A, B, Surroundings
from ipvsman.control.journal import Kind
from ipvsman.control.meanings import Meanings
from ipvsman.control.notes import Notes
from ipvsman.ipvs.model import Family


def test_they_are_asked_for_and_what_they_mean_is_taken_up(around):
    around.next = config(frontend("rs1", B))
    director = around.begin()
    assert around.names.wanted == {NAME}
    assert director.desired.pools[VIP].unresolved == ("rs1",)
    director.resolved({NAME: (A,)})
    assert director.desired.pools[VIP].unresolved == ()
    assert {each.address for each in director.desired.pools[VIP].members} == {A, B}
    assert messages(around.journal, Kind.RESOLVE) == [f"rs1 (inet) is {A}"]
    calls = len(around.keeper.calls)
    director.resolved({NAME: (A,)})
    assert len(around.keeper.calls) == calls


def test_they_are_remembered_over_a_restart(around, tmp_path):
    around.next = config(frontend("rs1"))
    director = around.begin()
    director.resolved({NAME: (A,)})
    asyncio.run(director.remember())
    again = Surroundings(tmp_path)
    again.next = around.next
    again.begin()
    assert {each.address for each in again.keeper.last.desired.pools[VIP].members} == {A}


def test_what_nobody_wants_any_more_is_forgotten(around):
    around.next = config(frontend("rs1"))
    director = around.begin()
    director.resolved({NAME: (A,)})
    around.reload(config(frontend(A)))
    asyncio.run(director.remember())
    assert around.store.read("names") == []


def test_a_name_that_gets_another_meaning_meanwhile_is_not_lost(around):
    director = around.begin()
    # The first look at the names is before the pools are built, the answer comes during that.
    seen = threading.Event()
    real = around._load

    def load():
        seen.set()
        return real()

    director._load = load
    director.resolved({NAME: (A,)})
    original = director.meanings.of
    calls = []

    def known_of(names):
        found = original(names)
        calls.append(found)
        if len(calls) == 1:
            director.meanings.learn({NAME: (B,)})
        return found

    director.meanings.of = known_of
    around.reload(config(frontend("rs1")))
    assert seen.is_set()
    assert {each.address for each in director.desired.pools[VIP].members} == {B}


def test_a_name_that_cannot_be_resolved_is_told(around):
    around.next = config(frontend("www.example"))
    name = "www.example", Family.INET
    director = around.begin()
    director.meanings.doubt(name, "no answer in time")
    director.resolved({name: ("10.0.0.7",)})
    director.meanings.doubt(name, "refused")
    director.meanings.doubt(name, "")
    told = [(e.level, e.message) for e in around.journal.since() if e.kind is Kind.RESOLVE]
    assert told == [
        (
            logging.WARNING,
            "www.example (inet) cannot be resolved, it has no address: no answer in time",
        ),
        (logging.INFO, "www.example (inet) is 10.0.0.7"),
        (logging.WARNING, "www.example (inet) cannot be resolved, it stays 10.0.0.7: refused"),
        (logging.INFO, "www.example (inet) can be resolved again"),
    ]


class TestMeanings:
    """Without a director."""

    @pytest.fixture
    def notes(self, around):
        return Notes(around.store, around.journal)

    def test_only_what_is_new_is_news(self, around, notes):
        meanings = Meanings(around.journal, notes)
        assert meanings.learn({NAME: (A,)})
        assert not meanings.learn({NAME: (A,)})
        assert meanings.learn({NAME: (B,)})
        assert meanings.known == meanings.of({NAME, ("rs2", Family.INET)}) == {NAME: (B,)}

    def test_what_was_given_does_not_change_under_the_reader(self, around, notes):
        meanings = Meanings(around.journal, notes)
        meanings.learn({NAME: (A,)})
        before = meanings.of({NAME})
        meanings.learn({NAME: (B,)})
        assert before == {NAME: (A,)}

    @pytest.mark.parametrize("text", ['{"a": 1}', "[1]", '[["rs1", "inet7", []]]', '[["rs1"]]'])
    def test_what_is_not_ours_is_set_aside(self, around, notes, tmp_path, text):
        (tmp_path / "names.json").write_text(f'{{"version": 1, "data": {text}}}')
        assert Meanings(around.journal, notes).known == {}
        assert list(tmp_path.glob("names.json.broken-*"))
