"""Entries for journald, taken by a socket that stands in for it."""

from __future__ import annotations

import logging
import socket

from ipvsman.logs import JournalHandler


def fields(message):
    """Names and values of an entry in journald's own protocol."""
    found = {}
    while message:
        name, rest = message.split(b"\n", 1)
        length = int.from_bytes(rest[:8], "little")
        found[name.decode()] = rest[8 : 8 + length].decode()
        assert rest[8 + length : 9 + length] == b"\n"
        message = rest[9 + length :]
    return found


class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


def entry(text, **extra):
    record = logging.LogRecord("ipvsman", logging.WARNING, "", 0, text, None, None)
    vars(record).update(extra)
    return record


def test_an_entry_has_its_facts_as_fields(tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(path)
        instead = Kept()
        handler = JournalHandler(instead, path)
        handler.emit(entry("two\nlines", kind="drift", subject="tcp://é", facts={"action": "add"}))
        assert fields(journald.recv(65536)) == {
            "MESSAGE": "two\nlines",
            "PRIORITY": "4",
            "SYSLOG_IDENTIFIER": "ipvsman",
            "IPVSMAN_KIND": "drift",
            "IPVSMAN_SUBJECT": "tcp://é",
            "IPVSMAN_ACTION": "add",
        }
        assert instead.records == []
        handler.close()


def test_a_journald_that_hangs_holds_up_nobody(tmp_path):
    """Its socket takes no more: what is lost meanwhile is counted, and told when it takes again."""
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(path)
        instead = Kept()
        handler = JournalHandler(instead, path)
        written = 0
        while not handler._lost:
            handler.emit(entry("x" * 1000))
            written += 1
        handler.emit(entry("lost, too"))
        for _unused in range(written - 1):
            assert "IPVSMAN_LOST" not in fields(journald.recv(65536))
        handler.emit(entry("here again"))
        found = fields(journald.recv(65536))
        assert found["IPVSMAN_LOST"] == "2"
        assert found["MESSAGE"] == "here again (2 messages before this one were lost)"
        handler.emit(entry("as ever"))
        assert fields(journald.recv(65536))["MESSAGE"] == "as ever"
        assert instead.records == []
        handler.close()


def test_what_journald_does_not_take_is_told_otherwise(tmp_path):
    instead = Kept()
    record = entry("lost?")
    handler = JournalHandler(instead, str(tmp_path / "nobody"))
    handler.emit(record)
    handler.close()
    assert instead.records == [record]
