from __future__ import annotations

import logging
import threading

from ansible_collections.lvs.ipvs.tests.daemon.control.parts import Clock
from ipvsman.control.flood import LINES, QUIET
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


def test_a_flood_is_a_few_lines_and_every_fact_is_kept(caplog):
    clock = Clock()
    journal = Journal(clock, keep=10_000, clock=clock)
    with caplog.at_level(logging.INFO, "ipvsman"):
        for number in range(3000):
            journal.record(Kind.CHANGE, f"{number}", "made", action="add_destination")
            up = {"before": "unknown", "after": "up"}
            journal.record(Kind.TRANSITION, f"{number}", "up", **up)
        journal.tell_rest()
        assert len(caplog.records) == 2 * LINES
        clock.now += QUIET
        journal.tell_rest()
        journal.tell_rest()
    assert len(journal.since()) == journal.count(Kind.CHANGE) + journal.count(Kind.TRANSITION)
    changes, transitions = caplog.records[2 * LINES :]
    assert "2950 more facts of kind change" in changes.getMessage()
    assert "(2950 add_destination)" in changes.getMessage()
    assert "(2950 unknown -> up)" in transitions.getMessage()
    assert (changes.kind, changes.facts, changes.levelno) == (
        "change",
        {"untold": 2950},
        logging.INFO,
    )


def test_that_a_server_or_service_is_down_is_always_a_line(caplog):
    journal = Journal(Clock(), clock=Clock())
    down = {"before": "up", "after": "down"}
    with caplog.at_level(logging.INFO, "ipvsman"):
        for _unused in range(500):
            journal.record(Kind.TRANSITION, "x", "down", logging.WARNING, **down)
            journal.record(Kind.ERROR, "x", "trouble", logging.ERROR)
            journal.record(Kind.OUTAGE, "x", "nobody serves", logging.CRITICAL, out=True)
            journal.record(Kind.OUTAGE, "x", "somebody serves again", out=False)
    assert len(caplog.records) == 1500 + LINES


def test_whoever_looks_closely_sees_every_line(caplog):
    journal = Journal(Clock(), clock=Clock())
    with caplog.at_level(logging.DEBUG, "ipvsman"):
        for _unused in range(500):
            journal.record(Kind.CHANGE, "x", "y")
        journal.tell_rest(at_once=True)
    assert len(caplog.records) == 500


def test_the_end_is_not_waited_for(caplog):
    journal = Journal(Clock(), clock=Clock())
    with caplog.at_level(logging.INFO, "ipvsman"):
        for _unused in range(LINES + 1):
            journal.record(Kind.FOREIGN, "x", "y", logging.WARNING)
        journal.tell_rest(at_once=True)
    assert caplog.records[-1].levelno == logging.WARNING
    assert caplog.records[-1].getMessage().startswith("1 more facts of kind foreign")


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
