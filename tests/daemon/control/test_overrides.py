from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.control.overrides import Level, Override, Overrides, Subject

NAMES = ["web/10.0.0.1", "web/10.0.0.1:80", "web/www.example"]


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.booleans(), st.floats(0, 4e9, allow_nan=False)),
        min_size=1,
    )
)
def test_the_last_word_counts_whatever_the_clock_says(words):
    said = Overrides()
    for name, disabled, clock in words:
        said = said.put(Subject(Level.BACKEND, name), Override(disabled, clock))
    name, disabled, _clock = words[-1]
    found = said.said(Level.BACKEND, NAMES)
    assert found is not None
    assert (found[0].name, found[1].disabled) == (name, disabled)


def test_a_clock_that_goes_on_is_kept():
    said = Overrides().put(Subject(Level.GROUP, "a"), Override(True, 100.0))
    said = said.put(Subject(Level.GROUP, "b"), Override(True, 200.0))
    assert [each.since for each in said.entries.values()] == [100.0, 200.0]


def test_what_is_written_is_read_again():
    said = Overrides()
    for level in Level:
        said = said.put(Subject(level, "a/b"), Override(level is Level.GROUP, 7.0, "why"))
    assert Overrides.from_plain(said.to_plain()) == said
    assert said.drop(Subject(Level.GROUP, "a/b")).said(Level.GROUP, ["a/b"]) is None


@pytest.mark.parametrize("plain", [[{}], [7], [{"level": "vip", "name": "x"}]])
def test_what_nobody_has_written(plain):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Overrides.from_plain(plain)
