"""What is made of the parser: it is up to date, and works."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.manuals import shown, source
from ansible_collections.lvs.ipvs.tests.daemon.shells import COMPLETION, SHELLS
from ipvsman.arguments import parser

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def generated():
    spec = importlib.util.spec_from_file_location("generated", CHECKOUT / "tools/generated.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_everything_is_up_to_date(generated):
    for path, text in generated.files().items():
        assert path.read_text() == text, "python tools/generated.py writes it"


def test_what_is_not_is_told(generated, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(generated, "CHECKOUT", tmp_path)
    monkeypatch.setattr(generated, "FILES", tmp_path)
    monkeypatch.setattr(generated, "parser", parser)
    assert generated.main(["--check"]) == 1
    assert "man/ipvsman.8 is not up to date" in capsys.readouterr().out
    assert generated.main([]) == 0
    assert generated.main(["--check"]) == 0


def flags():
    return [name for action in parser()._actions for name in action.option_strings]


def test_the_manual_has_every_flag_and_can_be_shown():
    page, text = source("ipvsman.8"), shown("ipvsman.8")
    assert text.index("NAME") < text.index("OPTIONS") < text.index("EXIT STATUS")
    for name in flags():
        assert f"\\fB{name}\\fR" in page
    assert "%(default)s" not in page


@pytest.fixture(params=SHELLS)
def complete(request, tmp_path):
    """What a shell offers for the last of the words."""

    def run(*words):
        return SHELLS[request.param]("ipvsman", tmp_path, words)

    return run


def test_shells_offer_flags(complete):
    assert complete("--filter-") == ["--filter-backend", "--filter-frontend", "--filter-group"]
    assert complete("--status", "--only") == ["--only-active"]


def test_shells_offer_values(complete, tmp_path):
    assert complete("--output", "") == ["json", "table"]
    assert complete("--prometheus-metrics-stats-labels", "b") == ["both"]
    (tmp_path / "token").touch()
    (tmp_path / "drop-ins").mkdir()
    for flag, beginning, name in (
        ("--api-token-file", "t", "token"),
        ("--config-dir", "", "drop-ins"),
    ):
        # One shell offers the whole path, another its last part, a third marks directories.
        offered = complete(flag, f"{tmp_path}/{beginning}")
        assert [Path(each).name for each in offered] == [name]


def test_zsh_gets_every_flag():
    text = (COMPLETION / "_ipvsman").read_text()
    assert text.startswith("#compdef ipvsman\n")
    for name in flags():
        assert name in text
