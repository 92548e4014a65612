"""docs/ipvsctl.md: its sessions go as they are shown; flags, actions and statuses are all in it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from ipvsman.ctl.__main__ import parser_of, top
from ipvsman.ctl.frame import VERBS, Dialect, Status
from ipvsman.ctl.model.allowed import TOKENS

GUIDE = (Path(__file__).resolve().parents[3] / "docs/ipvsctl.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"^```console\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def steps(session):
    """Each command with what it is shown to say."""
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE)


def test_sessions(ctl, monkeypatch):
    monkeypatch.chdir(ctl.place)
    number = 0
    for session in SESSIONS:
        for command, shown in steps(session):
            number += 1
            if command.startswith("cat >"):
                name = re.fullmatch(r"cat >(\S+) <<'END'", command)[1]
                Path(name).write_text(shown.removesuffix("END\n"))
                continue
            line, _sign, target = command.partition(" >")
            words = shlex.split(line)
            while "=" in words[0]:
                monkeypatch.setenv(*words.pop(0).split("=", 1))
            assert words.pop(0) == "ipvsctl"
            said = ctl.run(*words)
            if target:
                Path(target).write_text(said.out)
                said.out = ""
            assert said.err + said.out == shown, command
    assert number == 17


def flags(parser):
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                yield from flags(below)


@pytest.mark.parametrize("verb", [each for each in VERBS if each.dialect is Dialect.MODEL])
def test_every_flag_of_a_verb(verb):
    for name in flags(parser_of(verb)):
        if name in ("-h", "--help") or verb.file.partition(".")[0] != "model":
            continue
        assert re.search(rf"(?<![\w-]){name}(?![\w-])", GUIDE), name


def test_every_global_flag_and_verb():
    for name in flags(top()):
        assert name in ("-h", "--help") or f"`{name}" in GUIDE
    for verb in VERBS:
        assert f"`{verb.name}`" in GUIDE


def test_every_action_and_status():
    for token in TOKENS:
        assert f"| `{token}` |" in GUIDE
    rows = re.findall(r"^\| (\d+(?:, \d+)?) \|", GUIDE, re.MULTILINE)
    assert {int(each) for row in rows for each in row.split(", ")} == set(map(int, Status))


def test_every_difference_has_two_sides():
    rows = GUIDE.split("| there | here |\n")[1].strip().splitlines()[1:]
    assert len(rows) > 15
    for row in rows:
        assert re.fullmatch(r"\| [^|]+ \| [^|]+ \|", row)
