"""Nothing of an input goes without a word."""

from __future__ import annotations

import pytest
from ipvsman.ctl.importing.ledger import Directive, Ledger, Place, Unreadable


def directive(name, *words, line=1, block=None):
    return Directive(Place("file", line, 1), name, words, block)


def test_what_nobody_accounts_for_is_lost():
    ledger = Ledger()
    known, unknown = directive("known", line=1), directive("unknown", "1", "2", line=2)
    ledger.carry(known)
    ledger.settle([known, unknown])
    assert [str(loss) for loss in ledger.losses] == [
        "file:2: unknown 1 2: not carried over: is not known to this import"
    ]


def test_to_carry_a_block_is_not_to_carry_what_is_in_it():
    ledger = Ledger()
    block = directive("block", block=[directive("inner", line=2)])
    ledger.carry(block)
    ledger.settle([block])
    assert [loss.subject for loss in ledger.losses] == ["inner"]


def test_a_lost_block_is_said_once():
    ledger = Ledger()
    inner = directive("inner", line=2)
    block = directive("block", block=[inner])
    ledger.lose(inner, "of itself")
    ledger.note(inner, "noted")
    ledger.lose(block, "as a whole", "do that")
    ledger.settle([block])
    assert [str(loss) for loss in ledger.losses] == [
        "file:1: block: not carried over: as a whole; do that"
    ]
    assert ledger.notes == []


def test_a_note_on_something_in_a_lost_block_stays():
    ledger = Ledger()
    inner = directive("inner", line=2)
    block = directive("block", block=[inner])
    ledger.lose(block, "as a whole")
    ledger.note(inner, "and yet")
    ledger.note(inner, "and yet")
    assert [str(note) for note in ledger.notes] == ["file:2: inner: and yet"]


def test_what_is_about_probes_is_accounted_for_with_all_within_it():
    ledger = Ledger()
    inner = directive("inner", line=2)
    block = directive("block", block=[inner])
    ledger.probe(block)
    ledger.settle([block])
    assert (ledger.losses, ledger.probing) == ([], [block])


def test_remarks_are_in_the_order_of_the_input():
    ledger = Ledger()
    for line in (10, 9, 11):
        ledger.lose(directive("x", line=line), "why")
    assert [loss.place.line for loss in ledger.losses] == [9, 10, 11]


def test_faults_are_raised_together_and_in_order():
    ledger = Ledger()
    ledger.stand()
    ledger.fault(Place("file", 2, 5), "b", "is wrong")
    ledger.fault(Place("file", 1, 3), "a", "is wrong, too")
    ledger.fault(None, "the whole", "is odd")
    # For two of the services that one line makes.
    ledger.fault(Place("file", 2, 5), "b", "is wrong")
    with pytest.raises(Unreadable) as caught:
        ledger.stand()
    assert caught.value.faults == (
        "the whole: is odd",
        "file:1:3: a: is wrong, too",
        "file:2:5: b: is wrong",
    )


@pytest.mark.parametrize("name", ["auth_pass", "passwd", "password", "secret"])
def test_secrets_are_not_shown(name):
    assert str(directive(name, "hunter2")) == f"{name} ..."


def test_what_is_long_is_cut():
    assert len(str(directive("name", "x" * 500))) == 80


def test_a_value_that_is_none_is_a_fault():
    ledger = Ledger()
    assert ledger.parsed(directive("weight", "5"), lambda: int("5")) == 5
    ledger.stand()
    assert ledger.parsed(directive("weight", "x"), lambda: int("x")) is None
    with pytest.raises(Unreadable, match=r"^file:1:1: weight: invalid literal"):
        ledger.stand()
