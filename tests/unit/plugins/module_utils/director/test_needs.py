"""What a host has, from what its Python and its files say."""

from __future__ import annotations

import json
import sys

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director.needs import (
    NEEDED,
    Unfit,
    ask_python,
    lacking,
    numbers,
    os_release,
    told,
)


@pytest.mark.parametrize(
    "older, newer", [("3.9", "3.10"), ("", "0"), ("0.7.2", "0.7.2.1"), ("1.0rc1", "1.1")]
)
def test_versions_are_compared_by_their_numbers(older, newer):
    assert numbers(older) < numbers(newer)


def test_os_release():
    told = os_release("ID=debian\nVERSION_ID=\"12\"\n\n# x\nNAME='a b'\n")
    assert (told["ID"], told["VERSION_ID"], told["NAME"]) == ("debian", "12", "a b")


def answers(output, status=0, errors=""):
    return lambda words: (status, output, errors)


def test_a_python_is_asked_for_the_libraries():
    asked = []

    def run(words):
        asked.extend(words)
        return 0, json.dumps({"python": [3, 12, 1], "found": {}, "venv": True}), ""

    assert ask_python(sys.executable, run)["python"] == [3, 12, 1]
    assert (asked[0], asked[-len(NEEDED) :]) == (sys.executable, list(NEEDED))


def test_one_that_is_not_there_has_nothing():
    assert ask_python("/no/python", answers("")) == {}
    assert lacking({}) == list(NEEDED)


def test_one_that_cannot_run_is_told():
    with pytest.raises(Unfit, match="cannot be run: no such library"):
        ask_python(sys.executable, answers("", 127, "no such library\n"))


def test_what_is_too_old_is_lacking():
    found = {**dict.fromkeys(NEEDED, "99"), "aiohttp": "3.7.9", "voluptuous": "0.12.2"}
    assert lacking({"found": found}) == ["aiohttp"]


def test_what_is_told_of_a_host():
    host = told({"python": [3, 11, 2]}, "/bin/systemctl", answers("systemd 252 (252.1)\n+PAM\n"))
    assert (host["python"], host["systemd"]) == ("3.11.2", 252)
    assert "lo" in host["interfaces"]
    assert told({}, None, answers("systemd 252"))["systemd"] == 0
