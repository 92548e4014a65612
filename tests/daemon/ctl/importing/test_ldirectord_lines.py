"""Lines of an ldirectord.cf."""

from __future__ import annotations

import pytest
from ipvsman.ctl.importing.ldirectord_lines import directives, unquoted
from ipvsman.ctl.importing.ledger import Ledger, Unreadable


def read(text):
    ledger = Ledger()
    found = directives(text, "file", ledger)
    ledger.stand()
    return [
        (
            one.name,
            *one.words,
            *(
                [[(inner.name, *inner.words) for inner in one.block]]
                if one.block is not None
                else []
            ),
        )
        for one in found
    ]


def test_virtual_services_and_what_is_around():
    text = """\
# comment
checkinterval=5
fallback = 127.0.0.1:80 # here
logfile="/var/log/x#y"
supervised

virtual = 192.0.2.1:80 # web
\treal=10.0.0.1:80 gate  # one
# in between
    request = "a"
virtual6=[2001:db8::1]:80
    real6=[2001:db8::2]:80 masq
"""
    assert read(text) == [
        ("checkinterval", "5"),
        ("fallback", "127.0.0.1:80"),
        ("logfile", '"/var/log/x#y"'),
        ("supervised",),
        ("virtual", "192.0.2.1:80", [("real", "10.0.0.1:80 gate"), ("request", '"a"')]),
        ("virtual6", "[2001:db8::1]:80", [("real6", "[2001:db8::2]:80 masq")]),
    ]


@pytest.mark.parametrize(
    "text, says",
    [
        (
            "virtual = 1\n\n    real = x",
            "file:3:5: real = x: is indented, and belongs to no virtual",
        ),
        ("virtual = 1\n  real = x", "file:2:3: real = x: is indented, and belongs to no virtual"),
        ("    x = 1", "file:1:5: x = 1: is indented"),
        ("nonsense", "file:1:1: nonsense: is not NAME = VALUE"),
        ("virtual = 1\n    real", "file:2:5: real: is not NAME = VALUE"),
    ],
)
def test_faults(text, says):
    with pytest.raises(Unreadable) as caught:
        read(text)
    (fault,) = caught.value.faults
    assert fault.startswith(says)


@pytest.mark.parametrize("text, found", [('"a b"', "a b"), ("a", "a"), ('"a', '"a'), ('"', '"')])
def test_quotes(text, found):
    assert unquoted(text) == found
