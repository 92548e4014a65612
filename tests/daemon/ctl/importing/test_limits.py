"""Numbers that a document does not take."""

from __future__ import annotations

import pytest
from ipvsman.ctl.importing.ledger import Directive, Ledger, Place
from ipvsman.ctl.importing.limits import MAX_WEIGHT, fitting, flag_names


@pytest.mark.parametrize("number, lost", [(0, 0), (MAX_WEIGHT, 0), (MAX_WEIGHT + 1, 1)])
def test_the_most_there_is(number, lost):
    ledger = Ledger()
    said = Directive(Place("file", 1, 1), "weight", (str(number),))
    assert fitting(said, number, MAX_WEIGHT, ledger) == min(number, MAX_WEIGHT)
    assert len(ledger.losses) == lost


@pytest.mark.parametrize(
    "text, names", [("", ()), ("sh-port", ("sh-port",)), ("sh-port,flag-1,", ("sh-port", "flag-1"))]
)
def test_flags(text, names):
    assert flag_names(text) == names


def test_no_flags():
    with pytest.raises(ValueError, match=r"'sh-prot' is not one of .*; did you mean 'sh-port'"):
        flag_names("flag-1,sh-prot")
