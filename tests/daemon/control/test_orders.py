from __future__ import annotations

import asyncio
import json
import logging

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    GOOD,
    desired,
    entries,
    frontend,
    messages,
)
from ansible_collections.lvs.ipvs.tests.daemon.control.surroundings import A, Surroundings
from ipvsman.control.journal import Kind
from ipvsman.control.notes import Notes
from ipvsman.control.orders import Orders
from ipvsman.control.overrides import Level, Override, Subject
from ipvsman.control.store import StoreError

SUBJECT = Subject(Level.GROUP, "web")


def test_they_are_on_the_disk_before_the_answer(around, tmp_path):
    director = around.begin()
    director.override(SUBJECT, True, "why")
    (row,) = json.loads((tmp_path / "overrides.json").read_text())["data"]
    assert (row["level"], row["name"], row["disabled"], row["reason"]) == (
        "group",
        "web",
        True,
        "why",
    )
    assert around.keeper.calls == [None, None]
    assert Surroundings(tmp_path).director.orders.overrides == director.orders.overrides


def test_they_are_taken_back(around):
    director = around.begin()
    assert not director.release(SUBJECT)
    director.override(SUBJECT, True)
    director.override(SUBJECT, True, "disk is failing")
    assert director.release(SUBJECT)
    assert director.orders.overrides.entries == {}
    assert messages(around.journal, Kind.OVERRIDE) == [
        "group web disabled by operator",
        "group web disabled by operator: disk is failing",
        "group web follows the configuration again",
    ]


@pytest.mark.parametrize("text", ['{"a": 1}', "[1]", '[{"level": "x"}]', '"text"', "5"])
def test_what_is_not_ours_is_set_aside(tmp_path, text):
    (tmp_path / "overrides.json").write_text(f'{{"version": 1, "data": {text}}}')
    around = Surroundings(tmp_path)
    assert around.director.orders.overrides.entries == {}
    assert len(around.complaints) == 1
    assert list(tmp_path.glob("overrides.json.broken-*"))


def test_what_cannot_be_written_is_told_once_and_written_later(around, tmp_path):
    director = around.begin()
    write, full = around.store.write, [True]

    def refuse(name, data):
        if full:
            raise StoreError(f"{name}.json cannot be written: No space left on device")
        write(name, data)

    around.store.write = refuse
    director.override(SUBJECT, True)
    director.beliefs.judge(around.check(), GOOD)
    for _unused in range(3):
        asyncio.run(director.remember())
    told = messages(around.journal, Kind.ERROR)
    assert len(told) == 2
    assert all("it is tried again" in each for each in told)
    full.clear()
    asyncio.run(director.remember())
    assert {each.name for each in tmp_path.iterdir()} == {"health.json", "overrides.json"}
    assert sorted(messages(around.journal, Kind.LIFE)) == [
        "health can be written again",
        "overrides can be written again",
    ]


def test_one_that_a_configuration_leaves_behind_is_told_once_and_kept(around):
    orders = Orders(around.journal, Notes(around.store, around.journal))
    there, gone = desired(frontend(A)), desired(frontend(A, group="mail"))
    orders.give(SUBJECT, Override(True, 1.0), there)
    assert orders.astray == {}
    for _unused in range(2):
        orders.compare(gone)
    assert list(orders.astray) == list(orders.overrides.entries) == [SUBJECT]
    told = [e for e in entries(around.journal, Kind.OVERRIDE) if e.level == logging.WARNING]
    assert [entry.message for entry in told] == list(orders.astray.values())
    orders.compare(there)
    assert orders.astray == {}
    orders.compare(gone)
    assert orders.withdraw(SUBJECT, gone)
    assert orders.astray == {}
