"""Blocks, braces and quotes of a keepalived.conf."""

from __future__ import annotations

import pytest
from ipvsman.ctl.importing.keepalived_blocks import directives
from ipvsman.ctl.importing.ledger import Ledger, Unreadable
from ipvsman.ctl.importing.source import Source


def read(text):
    ledger = Ledger()
    found = directives(Source("file", text), ledger)
    ledger.stand()
    return [plain(one) for one in found]


def plain(directive):
    words = (directive.name, *directive.words)
    if directive.block is None:
        return words
    return (*words, [plain(inner) for inner in directive.block])


TREE = [("a", "1", [("b", "2"), ("c", [("d",)])]), ("e",)]


@pytest.mark.parametrize(
    "text",
    [
        "a 1 {\n b 2\n c {\n d\n }\n}\ne",
        "a 1\n{\n b 2\n c\n {\n d\n }\n}\ne",
        "a 1{\n b 2\n c { d }\n}e",
        "a 1 {\n b 2\n c{\n d }\n }\n e",
    ],
)
def test_braces(text):
    assert read(text) == TREE


def test_a_brace_in_a_word_is_text():
    assert read('regex ^a{3}b\nx "{" "}"') == [("regex", "^a{3}b"), ("x", "{", "}")]


@pytest.mark.parametrize(
    "text, words",
    [
        ('a "b c" d', ("a", "b c", "d")),
        ("a 'b \"c\"' d", ("a", 'b "c"', "d")),
        ('a b" c "d', ("a", "b c d")),
        (r'a "\t\x41\102\cA\"\\d" \d', ("a", '\tAB\x01"\\d', r"\d")),
        ('a ""', ("a", "")),
    ],
)
def test_quotes(text, words):
    assert read(text) == [words]


@pytest.mark.parametrize(
    "text, says",
    [
        ("a {\nb", "file:1:1: a: the block is not closed"),
        ("a\n  }", "file:2:3: }: closes a block that nothing has opened"),
        ("{\n}", "file:1:1: {: opens a block that has no name"),
        ("a {\n}\n{\n}", "file:3:1: {: opens a block that has no name"),
        ('a "b c', 'file:1:3: "b c: the quote " is not closed'),
    ],
)
def test_faults(text, says):
    with pytest.raises(Unreadable) as caught:
        read(text)
    assert caught.value.faults == (says,)
