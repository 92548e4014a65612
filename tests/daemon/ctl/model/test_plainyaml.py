"""What is read fast is what the real reader reads, or it is left to that one."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ipvsman.config.complaints import Complaints
from ipvsman.config.yamlmarks import read_yaml
from ipvsman.ctl.emit import yaml_lines
from ipvsman.ctl.model.plainyaml import NotPlain, plain_yaml

PLAIN = """\
---
# A table.
services:
- address: tcp://192.0.2.1:80
  sched: wlc
  flags:
  - sh-port

  destinations:
    - address: 10.0.0.1:8080
      weight: 3
    # Another.
    - address: "[2001:db8::1]:53"
      weight: 0
- address: fwmark:7/inet6
  destinations:
timeouts:
  tcp: 900
"""


def really(text):
    complaints = Complaints()
    document = read_yaml(text.encode(), "model", complaints)
    return None if complaints.faults else (document.data,)


def test_what_documents_are_written_in_is_plain():
    assert plain_yaml(PLAIN.encode()) == {
        "services": [
            {
                "address": "tcp://192.0.2.1:80",
                "sched": "wlc",
                "flags": ["sh-port"],
                "destinations": [
                    {"address": "10.0.0.1:8080", "weight": 3},
                    {"address": "[2001:db8::1]:53", "weight": 0},
                ],
            },
            {"address": "fwmark:7/inet6", "destinations": None},
        ],
        "timeouts": {"tcp": 900},
    }
    assert (plain_yaml(PLAIN.encode()),) == really(PLAIN)


@pytest.mark.parametrize("text, data", [("", None), ("{}\n", {}), ("# nothing\n", None)])
def test_nothing(text, data):
    assert plain_yaml(text.encode()) == data


@pytest.mark.parametrize(
    "text",
    [
        "a: b: c\n",
        "a: 'b'\n",
        "a: 010\n",
        "a: yes\n",
        "a: b \n",
        "a: b # why\n",
        "a: b\na: c\n",
        "a: b\n  c\n",
        "a: b\n  - c\n",
        "- a: b\n  - c\n",
        "- a\nb: c\n",
        "a:\n  b: c\n d: e\n",
        "a: {b: c}\n",
        "a: &b c\n",
        "a: b\n---\nc: d\n",
        "a:\tb\n",
        "a\n",
        "ä: b\n",
        "a: 1.5\n",
        "a: ${env.B}\n",
        "".join(f"{' ' * 2 * n}a:\n" for n in range(60)),
    ],
)
def test_what_else_there_may_be_is_left_to_the_reader(text):
    with pytest.raises(NotPlain):
        plain_yaml(text.encode())


LINES = [
    *PLAIN.splitlines(),
    "  - eth0",
    "- a",
    "a:",
    "a: b",
    "  a: b",
    "    a: b",
    "  a:",
    "- a:",
    "  - a: b",
    "  b",
    "on: off",
    "- on",
    "- tcp://192.0.2.1:80",
    "{}",
    "b: 1:20",
    "b: 10:20:30",
    "b: 1.2.3.4",
    'b: "1"',
    "-",
    "- - a",
    "...",
]


@settings(max_examples=2000)
@given(st.lists(st.sampled_from(LINES), max_size=7))
@example(["a:", "- b", "a: b"])
def test_any_lines(lines):
    text = "\n".join(lines) + "\n"
    try:
        said = plain_yaml(text.encode())
    except NotPlain:
        return
    assert (said,) == really(text)


@settings(max_examples=1000)
@given(st.text("abny0189.:/-_ []\"#'", max_size=9), st.sampled_from(["a: {}", "- {}", "{}: a"]))
def test_any_value(value, around):
    text = around.format(value) + "\n"
    try:
        said = plain_yaml(text.encode())
    except NotPlain:
        return
    assert (said,) == really(text)


def test_what_get_writes_is_plain():
    data = plain_yaml(PLAIN.encode())
    data["services"][1].pop("destinations")
    assert plain_yaml(("\n".join(yaml_lines(data)) + "\n").encode()) == data
