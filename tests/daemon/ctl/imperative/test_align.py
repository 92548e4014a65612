from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.ctl.imperative.align import aligned

from .conftest import VS

WORDS = st.text(alphabet="ab1.:()", min_size=1, max_size=5)


def test_numbers_are_to_the_right_and_words_to_the_left():
    assert aligned(["Name Weight Rate At", "a 5 1.5 10.0.0.1", "longer 100 20.0 10.0.0.10"]) == [
        "Name    Weight  Rate  At",
        "a            5   1.5  10.0.0.1",
        "longer     100  20.0  10.0.0.10",
    ]


@pytest.mark.parametrize("lines", [[], ["Timeout of tcp tcpfin udp", "900    120    300"], ["6"]])
def test_what_has_no_columns_stays(lines):
    assert aligned(lines) == lines


@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(WORDS, min_size=n, max_size=n))))
def test_cells_stay_and_columns_begin_or_end_together(rows):
    lines = aligned([" ".join(row) for row in rows])
    assert [line.split() for line in lines] == rows


def test_a_terminal_sees_columns(web):
    assert web.run("server", "list", *VS, terminal=True).lines == [
        "Rip:Rport    Weight  (Forward)  Threshold(lower-upper)",
        "10.0.0.1:80       5  (masq)     50-100",
        "10.0.0.2:80       0  (dr)       0-0",
    ]
    assert web.run("timeout", "show", terminal=True) == web.run("timeout", "show")


def test_a_pipe_gets_what_scripts_know(web):
    assert web.run("server", "list", *VS).lines[1] == "10.0.0.1:80 5 (masq) 50-100"
