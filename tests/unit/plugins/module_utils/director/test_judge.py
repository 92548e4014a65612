"""What the program says of drop-ins, from commands that answer as told."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director.judge import Faulty, Judge


class Program:
    """answers: of `--test`, of the digest and of `--diff`, in the order in which they are asked."""

    def __init__(self, directory, *answers):
        self.directory = directory
        (directory / "bin").mkdir()
        (directory / "bin/ipvsman").write_text("#!/some/python -I\n")
        self.answers = list(answers)
        self.told = []

    def run(self, words):
        self.told.append(words)
        return self.answers.pop(0)

    def judge(self, *arguments):
        return Judge(str(self.directory), arguments, self.run)


def test_good_ones(tmp_path):
    program = Program(tmp_path, (0, "ok\n", "ipvsman: warning: hm\n"), (0, "abc\n", ""))
    judge = program.judge("--strict")
    assert judge.exists
    assert judge.judge("/new", "/etc/x") == ("abc", ["hm"])
    command = f"{tmp_path}/bin/ipvsman"
    assert program.told[0] == [
        *(command, "--strict", "--test", "--no-syslog", "--config-dir", "/new"),
    ]
    assert program.told[1][:3] == ["/some/python", "-I", "-c"]
    assert program.told[1][4:] == [str(tmp_path), "/new"]


def test_faults_are_told_where_the_files_will_be(tmp_path):
    said = "ipvsman: warning: w\nipvsman: load failed: /new/a:1: no\n/new/b:2: no\n"
    with pytest.raises(Faulty) as caught:
        Program(tmp_path, (2, "", said)).judge().judge("/new", "/etc/x")
    assert str(caught.value) == "/etc/x/a:1: no\n/etc/x/b:2: no"


def test_one_that_fails_without_a_word(tmp_path):
    with pytest.raises(Faulty, match="--test ended with status 9"):
        Program(tmp_path, (9, "", "")).judge().judge("/new", "/etc/x")


def test_without_a_digest_the_drop_ins_are_no_worse(tmp_path):
    program = Program(tmp_path, (0, "", ""), (1, "", "Traceback"))
    assert program.judge().judge("/new", "/etc/x") == (None, [])


@pytest.mark.parametrize(
    "answer, changes",
    [
        ((0, json.dumps({"changes": []}), ""), []),
        ((1, json.dumps({"changes": [{"a": 1}]}), ""), [{"a": 1}]),
        ((2, json.dumps({"changes": []}), ""), None),
        ((0, "no json", ""), None),
        ((0, "[]", ""), None),
    ],
)
def test_what_a_daemon_would_change(tmp_path, answer, changes):
    program = Program(tmp_path, answer)
    assert program.judge().changes("/new") == changes
    assert program.told[0][-2:] == ["--config-dir", "/new"]
    assert "/new/none" in program.told[0]


def test_one_that_is_not_installed():
    assert not Judge("/none", [], lambda words: (1, "", "")).exists


@pytest.mark.parametrize("status, able", [(0, True), (1, False)])
def test_whether_it_can_judge_at_all(tmp_path, status, able):
    program = Program(tmp_path, (status, "", "ModuleNotFoundError"))
    assert program.judge().is_able() is able
    assert program.told[0][:3] == ["/some/python", "-I", "-c"]
    assert program.told[0][4:] == [str(tmp_path)]
