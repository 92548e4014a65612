"""What is made of the parser: it is up to date, and works."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest
from ipvsman.arguments import parser

CHECKOUT = Path(__file__).resolve().parents[3]
FILES = CHECKOUT / "roles/ipvsman/files"


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
    page = FILES / "man/ipvsman.8"
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-c", str(page)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    # Bold letters are struck twice.
    shown = re.sub(".\x08", "", done.stdout)
    assert shown.index("NAME") < shown.index("OPTIONS") < shown.index("EXIT STATUS")
    source = page.read_text().replace("\\-", "-")
    for name in flags():
        assert f"\\fB{name}\\fR" in source
    assert "%(default)s" not in source


def complete(*words):
    """What bash offers for the last of the words."""
    script = """
    source "$1"; shift
    set -- ipvsman "$@"
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    function=$(complete -p ipvsman | sed -E 's/.*-F ([^ ]+).*/\\1/')
    "$function" ipvsman "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "-c", script, "bash", str(FILES / "completion/ipvsman"), *words],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return sorted(done.stdout.split())


def test_bash_offers_flags():
    assert complete("--filter-") == ["--filter-backend", "--filter-frontend", "--filter-group"]
    assert complete("--status", "--only") == ["--only-active"]


def test_bash_offers_values(tmp_path):
    assert complete("--output", "") == ["json", "table"]
    assert complete("--prometheus-metrics-stats-labels", "b") == ["both"]
    (tmp_path / "token").touch()
    (tmp_path / "drop-ins").mkdir()
    assert complete("--api-token-file", f"{tmp_path}/t") == [f"{tmp_path}/token"]
    assert complete("--config-dir", f"{tmp_path}/") == [f"{tmp_path}/drop-ins"]


def test_zsh_gets_every_flag():
    text = (FILES / "completion/_ipvsman").read_text()
    assert text.startswith("#compdef ipvsman\n")
    for name in flags():
        assert name in text
