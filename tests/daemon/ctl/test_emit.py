"""YAML as it is printed: what PyYAML reads back is what was given, and scripts can grep it."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.ctl.emit import json_text, yaml_lines

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
NAMES = st.from_regex(r"[a-z_]{3,9}", fullmatch=True)
#: Everything that a document has; no list is the item of another.
DATA = st.recursive(
    SCALARS,
    lambda inner: st.dictionaries(NAMES, inner) | st.lists(SCALARS | st.dictionaries(NAMES, inner)),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["services", "address", "items", "tunnel"]), DATA))
def test_what_is_read_back_is_what_was_written(data):
    text = "\n".join(yaml_lines(data)) + "\n"
    assert yaml.safe_load(text) == data
    assert json.loads(json_text(data)) == data


@pytest.mark.parametrize(
    "text",
    [
        "tcp://192.0.2.1:80",
        "udp://[2001:db8::1]:53",
        "sctp://192.0.2.1",
        "fwmark:1",
        "fwmark:7/inet6",
        "10.0.0.1:80",
        "wlc",
        "eth0",
        "sh-fallback",
        "255.255.255.0",
    ],
)
def test_no_quotes_where_none_are_needed(text):
    assert list(yaml_lines({"address": text})) == [f"address: {text}"]


@pytest.mark.parametrize(
    "text", ["", "no", "1", "a: b", "0x1", "1e3", "[2001:db8::1]:53", "on", "# a"]
)
def test_quotes_where_they_are(text):
    assert list(yaml_lines({"address": text})) == [f'address: "{text}"']


def test_the_form():
    data = {
        "services": [
            {
                "address": "tcp://192.0.2.1:80",
                "destinations": [{"address": "10.0.0.1:80", "weight": 1}],
            }
        ]
    }
    assert list(yaml_lines(data)) == [
        "services:",
        "- address: tcp://192.0.2.1:80",
        "  destinations:",
        "  - address: 10.0.0.1:80",
        "    weight: 1",
    ]
    assert list(yaml_lines({})) == ["{}"]
