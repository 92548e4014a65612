"""The drop-ins that a daemon would find now."""

from __future__ import annotations

import os

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director.ondisk import command_line, on_disk


@pytest.fixture
def program(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ipvsman").write_text("#!/some/python -I\n")
    return str(tmp_path)


def answers(*given):
    told = []

    def run(words):
        told.append(words)
        return given[len(told) - 1]

    return run, told


@pytest.mark.parametrize(
    "line, directory",
    [
        ("python -I /usr/bin/ipvsman --service", "/etc/ipvsman"),
        ("ipvsman --config-dir /srv/lb --service", "/srv/lb"),
        ("ipvsman --config-dir=/srv/lb", "/srv/lb"),
    ],
)
def test_good_ones(program, line, directory):
    run, told = answers((0, "", ""), (0, "abc\n", ""))
    assert on_disk(program, line.split(), run) == {"faults": [], "digest": "abc"}
    assert told[0][-2:] == ["--config-dir", directory]
    assert "--strict" not in told[0]


def test_faulty_ones_are_judged_as_the_daemon_would(program):
    run, told = answers((2, "", "ipvsman: load failed: /etc/ipvsman/a.yaml:1:1: no\n"))
    found = on_disk(program, ["ipvsman", "--strict"], run)
    assert found == {"faults": ["/etc/ipvsman/a.yaml:1:1: no"], "digest": None}
    assert "--strict" in told[0]


def test_a_program_of_another_form(tmp_path):
    assert on_disk(str(tmp_path), [], answers()[0]) is None


def test_command_line():
    assert command_line(os.getpid())
    assert command_line(2**22 + 1) == []
