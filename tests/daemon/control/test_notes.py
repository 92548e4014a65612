from __future__ import annotations

import asyncio
import logging

import pytest
from ipvsman.control.journal import Journal, Kind
from ipvsman.control.notes import Notes
from ipvsman.control.store import Store, StoreError


class Disk(Store):
    """A store whose disk can be full."""

    full = False

    def write(self, name, data):
        if self.full:
            raise StoreError(f"{name}.json cannot be written: No space left on device")
        super().write(name, data)


@pytest.fixture
def journal():
    return Journal(lambda: 0.0)


@pytest.fixture
def disk(tmp_path):
    return Disk(tmp_path, lambda: 0.0, pytest.fail)


@pytest.fixture
def notes(disk, journal):
    return Notes(disk, journal)


def write(notes, **forms):
    asyncio.run(notes.write_due(lambda name: forms[name]))


def test_what_changed_is_written_once(notes, disk):
    notes.changed("names")
    write(notes, names=lambda: ["a"])
    assert notes.recall("names", list) == ["a"]
    # Nothing is due, so nobody is asked for a form.
    write(notes)


def test_what_changes_while_it_is_written_is_due_again(notes):
    notes.changed("names")

    def form():
        notes.changed("names")
        return ["first"]

    write(notes, names=form)
    write(notes, names=lambda: ["second"])
    assert notes.recall("names", list) == ["second"]


def test_a_full_disk_is_told_once_and_so_is_its_end(notes, disk, journal):
    disk.full = True
    notes.write_now("overrides", lambda: {"a": 1})
    write(notes, overrides=lambda: {"a": 1})
    disk.full = False
    write(notes, overrides=lambda: {"a": 2})
    assert notes.recall("overrides", dict) == {"a": 2}
    assert [(entry.kind, entry.level) for entry in journal.since()] == [
        (Kind.ERROR, logging.ERROR),
        (Kind.LIFE, logging.INFO),
    ]


def test_what_is_written_at_once_is_no_longer_due(notes):
    notes.changed("overrides")
    notes.write_now("overrides", lambda: {"a": 1})
    write(notes)
    assert notes.recall("overrides", dict) == {"a": 1}
