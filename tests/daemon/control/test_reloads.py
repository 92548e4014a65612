from __future__ import annotations

import logging

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    config,
    entries,
    frontend,
    messages,
)
from ansible_collections.lvs.ipvs.tests.daemon.control.surroundings import A, B
from ipvsman.config.model import Complaint, ConfigError, Origin
from ipvsman.control.journal import Journal, Kind
from ipvsman.control.reloads import Reload, Reloads


def faulty(*reasons):
    return ConfigError(
        [Complaint(Origin("groups/a.yaml", n, 1), "vip", r) for n, r in enumerate(reasons, 1)]
    )


class TestRefused:
    @pytest.mark.parametrize(
        "fault,text",
        [
            (faulty("one"), "groups/a.yaml:1:1: vip: one"),
            (faulty("one", "two"), "groups/a.yaml:1:1: vip: one (and 1 more)"),
            (RecursionError("too deep"), "internal error: RecursionError: too deep"),
        ],
        ids=["one", "two", "ours"],
    )
    def test_a_bad_one_leaves_the_last_good_one(self, around, fault, text):
        director = around.begin()
        outcome = around.reload(fault)
        assert outcome.generation == 1
        assert outcome.error
        assert director.reloads.last == outcome
        assert around.keeper.calls == [None]
        assert director.reloads.failed == 1
        (entry,) = entries(around.journal, Kind.RELOAD)
        assert entry.message == f"reload refused, configuration 1 goes on: {text}"
        assert entry.level == logging.ERROR

    def test_the_same_fault_is_told_again_only_to_who_asks(self, around):
        around.begin()
        for asked in (False, False, True, False):
            around.reload(faulty("one"), asked=asked)
        assert len(entries(around.journal, Kind.RELOAD)) == 2
        around.reload(faulty("other"), asked=False)
        assert len(entries(around.journal, Kind.RELOAD)) == 3
        around.reload(config(frontend(A, B)), asked=False)
        assert messages(around.journal, Kind.RELOAD)[-1] == (
            "the drop-ins are good again: configuration 1 goes on"
        )


def test_warnings_by_the_thousand_are_not_all_logged(around, caplog):
    many = tuple(Complaint(Origin("a.yaml"), "", f"number {each}") for each in range(1000))
    with caplog.at_level(logging.WARNING, "ipvsman"):
        around.begin()
        around.reload(config(frontend(A), warnings=many))
    told = [record.getMessage() for record in caplog.records]
    assert told[:2] == ["a.yaml: number 0", "a.yaml: number 1"]
    assert told[50:] == ["950 more warnings about the drop-ins; ipvsman --test tells all"]


def test_the_first_is_counted_as_refused_where_it_is_not_that_of_the_drop_ins(caplog):
    reloads = Reloads(Journal(lambda: 0.0), lambda: 5.0)
    assert (reloads.generation, reloads.last) == (0, Reload(5.0, 0))
    fault = faulty("one")
    reloads.begun(config(frontend(A)), fault)
    assert reloads.last == Reload(5.0, 1, str(fault))
    assert (reloads.generation, reloads.done, reloads.failed) == (1, 0, 1)
    assert reloads.unchanged(asked=False).error == ""


def test_only_warnings_that_are_new_are_logged(caplog):
    reloads = Reloads(Journal(lambda: 0.0), lambda: 0.0)
    old, new = (Complaint(Origin("a.yaml"), "", text) for text in ("old", "new"))
    before, after = config(warnings=(old,)), config(warnings=(old, new))
    with caplog.at_level(logging.WARNING, "ipvsman"):
        reloads.taken_up(after, before)
    assert [record.getMessage() for record in caplog.records] == ["a.yaml: new"]


def test_a_notice_alarms_nobody(caplog):
    reloads = Reloads(Journal(lambda: 0.0), lambda: 0.0)
    found = [
        Complaint(Origin("a.yaml"), "", text, notice=text == "right") for text in ("right", "odd")
    ]
    with caplog.at_level(logging.INFO, "ipvsman"):
        reloads.begun(config(warnings=tuple(found)), None)
    told = [(record.getMessage(), record.levelno) for record in caplog.records]
    assert told == [("a.yaml: right", logging.INFO), ("a.yaml: odd", logging.WARNING)]
