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


def write(notes):
    asyncio.run(notes.write_due())


def test_what_changed_is_written_once(notes, disk):
    taken = []

    def take():
        taken.append("names")
        return lambda: ["a"]

    notes.changed("names", take)
    write(notes)
    assert notes.recall("names", list) == ["a"]
    # Nothing is due, so nobody is asked for a form.
    write(notes)
    assert taken == ["names"]


def test_what_changes_while_it_is_written_is_due_again(notes):
    def form():
        notes.changed("names", lambda: lambda: ["second"])
        return ["first"]

    notes.changed("names", lambda: form)
    write(notes)
    assert notes.recall("names", list) == ["first"]
    write(notes)
    assert notes.recall("names", list) == ["second"]


def test_a_full_disk_is_told_once_and_so_is_its_end(notes, disk, journal):
    disk.full = True
    notes.write_now("overrides", lambda: {"a": 1})
    write(notes)
    disk.full = False
    write(notes)
    assert notes.recall("overrides", dict) == {"a": 1}
    assert [(entry.kind, entry.level) for entry in journal.since()] == [
        (Kind.ERROR, logging.ERROR),
        (Kind.LIFE, logging.INFO),
    ]


def test_what_is_written_at_once_is_no_longer_due(notes):
    notes.changed("overrides", lambda: pytest.fail)
    notes.write_now("overrides", lambda: {"a": 1})
    write(notes)
    assert notes.recall("overrides", dict) == {"a": 1}


def test_what_is_being_written_does_not_replace_what_is_said_meanwhile(notes):
    """The older may reach the disk last, and is not what stays there."""

    def older():
        notes.write_now("overrides", lambda: {"a": "newer"})
        return {"a": "older"}

    notes.changed("overrides", lambda: older)
    write(notes)
    write(notes)
    assert notes.recall("overrides", dict) == {"a": "newer"}
