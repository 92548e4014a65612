"""What is made of ipvsctl's verbs: the manual has all of them, and completion offers them.

That it is up to date is tested with that of ipvsman.
"""

from __future__ import annotations

import re

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.manuals import shown, source
from ansible_collections.lvs.ipvs.tests.daemon.shells import COMPLETION, SHELLS
from ipvsman.ctl.__main__ import parser_of, top
from ipvsman.ctl.frame import VERBS, Status
from ipvsman.ipvs import document


def flags(parser):
    """Every flag of a parser and of what is below it."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                yield from flags(below)


def test_the_manual_has_every_verb_flag_and_status_and_can_be_shown():
    page = source("ipvsctl.8")
    assert "IPVSCTL(8)" in shown("ipvsctl.8")
    assert "%(default)s" not in page
    for name in flags(top()):
        assert f"\\fB{name}\\fR" in page
    for verb in VERBS:
        heading = rf'^\.SS "{verb.name}( \(also {", ".join(verb.aliases)}\))?"$'
        found = re.search(heading, page, re.MULTILINE)
        assert found, verb.name
        for name in flags(parser_of(verb)):
            assert f"\\fB{name}\\fR" in page[found.end() :]
    told = set(re.findall(r"^\.B (\d+)$", page, re.MULTILINE))
    assert told == {str(int(status)) for status in Status}


def test_the_manual_has_every_key_of_a_document():
    section = source("ipvsctl.8").partition(".SH DOCUMENT")[2].partition(".SH ")[0]
    told = set(re.findall(r"[a-z_]+", section))
    keys = {
        name
        for constant, names in vars(document).items()
        if constant.endswith("_KEYS")
        for name in names
    }
    assert len(keys) > 25
    short = {**document._SHORT, **document._SERVICE_SHORT}
    for key in keys:
        assert told & {key, *(name for name, long in short.items() if long == key)}, key


@pytest.fixture(params=SHELLS)
def complete(request, tmp_path):
    """What a shell offers for the last of the words."""

    def run(*words):
        return SHELLS[request.param]("ipvsctl", tmp_path, words)

    return run


def test_shells_offer_verbs_commands_flags_and_values(complete, tmp_path):
    assert complete("") == sorted(verb.name for verb in VERBS)
    assert complete("--params-") == [
        "--params-env",
        "--params-file",
        "--params-network",
        "--params-url",
    ]
    assert complete("apply", "--k") == ["--keep-weights"]
    assert complete("get", "-o", "") == ["json", "yaml"]
    assert complete("set", "") == ["weight"]
    assert complete("help", "ser") == ["server", "service"]
    assert complete("set", "weight", "--t") == ["--time"]
    assert complete("--netns", "blue", "service", "l") == ["list"]
    (tmp_path / "model.yaml").touch()
    assert complete("validate", "-f", f"{tmp_path}/m") in (
        [f"{tmp_path}/model.yaml"],
        ["model.yaml"],
    )


def test_shells_understand_aliases(complete):
    assert complete("-v", "svc", "u") == ["update"]
    assert complete("service", "fetch", "--v") == ["--vip", "--vport"]
    assert complete("vs", "new", "--sched", "wl") == ["wlc"]
    assert complete("rs", "set", "--forward", "m") == ["masq"]
    assert complete("la", "") == ["add", "del", "flush", "help", "list"]
    assert complete("c", "ls", "--state", "EST") == ["ESTABLISHED"]
    # A name that is an alias elsewhere.
    assert complete("timeout", "set", "--u") == ["--udp"]
    assert complete("z", "--f") == ["--force"]


@pytest.mark.parametrize("name", ["_ipvsctl", "ipvsctl.fish", "ipvsctl"])
def test_every_shell_gets_every_verb_and_flag(name):
    text = (COMPLETION / name).read_text()
    for verb in VERBS:
        assert verb.name in text
        for flag in flags(parser_of(verb)):
            bare = flag.lstrip("-")
            assert flag in text or re.search(rf"-[ls] {re.escape(bare)} ", text), flag


def test_zsh_finds_it():
    assert (COMPLETION / "_ipvsctl").read_text().startswith("#compdef ipvsctl\n")
