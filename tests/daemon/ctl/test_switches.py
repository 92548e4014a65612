"""Switches with their values: words for yes and no, and what of a command line is none."""

from __future__ import annotations

import argparse

import pytest
from ipvsman.ctl.switches import bare, parse_switch


def flags():
    """A switch by two names, and a flag that takes a value."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", "--dry-run", action="store_true")
    parser.add_argument("-f", "--file")
    return parser._option_string_actions


@pytest.mark.parametrize(
    "text, on",
    [("1", True), ("True", True), ("YES", True), ("on", True), ("0", False), ("F", False)]
    + [(word, False) for word in ("false", "No", "off")],
)
def test_words(text, on):
    assert parse_switch(text) is on


@pytest.mark.parametrize("text", ["", " ", "2", "maybe", "tru"])
def test_words_that_are_neither(text):
    with pytest.raises(ValueError, match=r"is neither true nor false$"):
        parse_switch(text)


@pytest.mark.parametrize(
    "words, left, taken",
    [
        ("--dry-run=true -n=1", False, "--dry-run -n"),
        ("--dry-run=false -n=0 -n", False, "-n"),
        # A value is a value, whatever it is like.
        ("-f --dry-run=x -n=1", False, "-f --dry-run=x -n"),
        ("--file=a=b --file -n=x", False, "--file=a=b --file -n=x"),
        ("-f a -n=1 rest -n=x", True, "-f a -n rest -n=x"),
        ("rest -n=1", True, "rest -n=1"),
        ("rest -n=1", False, "rest -n"),
        ("--other=1 -- -", True, "--other=1 -- -"),
    ],
)
def test_command_lines(words, left, taken):
    assert bare(words.split(), flags(), leaves_rest=left) == taken.split()


@pytest.mark.parametrize("value", ["", "perhaps"])
def test_what_is_no_value(value):
    with pytest.raises(ValueError, match=f"argument -n: {value!r} is neither true nor false"):
        bare([f"-n={value}"], flags(), leaves_rest=False)
