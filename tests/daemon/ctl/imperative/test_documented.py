"""The guide names every command and flag, and what it shows is what comes out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from ipvsman.ctl import __main__ as program
from ipvsman.ctl.frame import VERBS, Dialect
from ipvsman.ctl.imperative.flags import Parser, dashed

GUIDE = (Path(__file__).resolve().parents[4] / "docs/ipvsctl-imperative.md").read_text()
COMMON = {"output", "o", "watch", "stats", "s", "stat"}


def commands():
    for verb in VERBS:
        if verb.dialect is Dialect.IMPERATIVE:
            parser = program.parser_of(verb)
            yield (verb.name, *verb.aliases), parser
            for name, own in getattr(parser, "commands", {}).items():
                yield (name,), own


def test_every_name_is_in_the_guide():
    missing = {name for names, _parser in commands() for name in names if f"`{name}`" not in GUIDE}
    assert missing == set()


def test_every_flag_is_in_the_guide():
    flags = {
        name
        for _names, parser in commands()
        if isinstance(parser, Parser)
        for flag in parser.flags
        for name in flag.names
    }
    assert len(flags) > 40
    known = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", GUIDE))
    assert {dashed(name) for name in flags - COMMON} - known == set()


@pytest.fixture
def shown(ctl):
    """The table that the guide speaks of."""
    for line in (
        "service add --vip 2001:db8::1 --vport 53 --protocol udp --scheduler rr",
        "service add --fwmark 7 --scheduler rr",
        "service add --fwmark 7 --family inet6 --scheduler sh",
    ):
        assert ctl.run(*line.split()).status == 0
    return ctl


def test_what_the_guide_shows(shown):
    blocks = re.findall(r"^```(?:sh)?\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    first = [shlex.split(line)[1:] for line in blocks[0].splitlines()]
    assert [shown.run(*words).status for words in first] == [0] * 5
    transcripts = [block for block in blocks if block.startswith("$ ")]
    assert len(transcripts) == 2
    for transcript in transcripts:
        said = ""
        for line in re.findall(r"^\$ ipvsctl (.*)$", transcript, re.MULTILINE):
            said += f"$ ipvsctl {line}\n{shown.run(*shlex.split(line)).out}"
        assert said == transcript
