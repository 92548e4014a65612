from __future__ import annotations

import logging
import threading

from ansible_collections.lvs.ipvs.tests.daemon.control.parts import Clock
from ipvsman.control.journal import Journal, Kind


def test_facts_are_numbered_kept_for_a_while_and_counted():
    clock = Clock()
    journal = Journal(clock, keep=3)
    for number in range(5):
        journal.record(Kind.DRIFT, "x", f"fact {number}")
    assert [each.message for each in journal.since()] == ["fact 2", "fact 3", "fact 4"]
    assert [each.sequence for each in journal.since(4)] == [5]
    assert journal.since(5) == []
    assert (journal.count(Kind.DRIFT), journal.count(Kind.ERROR)) == (5, 0)
    assert journal.since()[0].time == clock.now


def test_each_is_logged_once_with_all_that_is_known(caplog):
    with caplog.at_level(logging.INFO, "ipvsman"):
        Journal(Clock()).record(Kind.CHANGE, "tcp://1", "100 % done", logging.WARNING, action="add")
    (record,) = caplog.records
    assert record.getMessage() == "100 % done"
    assert record.levelno == logging.WARNING
    assert (record.kind, record.subject, record.facts) == ("change", "tcp://1", {"action": "add"})


def test_threads_lose_nothing():
    journal = Journal(Clock(), keep=100_000)

    def write():
        for _unused in range(500):
            journal.record(Kind.CHANGE, "x", "y", logging.DEBUG)

    threads = [threading.Thread(target=write) for _unused in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.sequence for each in journal.since()] == list(range(1, 4001))
