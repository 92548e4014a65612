"""docs/migrating.md: its commands are run, and its tables hold all that is imported."""

from __future__ import annotations

import re

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.documents import GUIDES
from ansible_collections.lvs.ipvs.tests.daemon.guiderun import run_page
from ipvsman.ctl import __main__ as program
from ipvsman.ctl.frame import find
from ipvsman.ctl.importing import keepalived_checks, ldirectord_checks

GUIDE = "migrating.md"
PAGE = (GUIDES / GUIDE).read_text(encoding="utf-8")


def test_every_command_shows_what_the_page_shows(tmp_path):
    assert run_page(GUIDE, tmp_path, kernel=False) == 5


@pytest.mark.parametrize(
    "flag", ["--from", "--to", "--out", "--strict", "--resolve", "--config-id"]
)
def test_every_flag_is_on_the_page(flag):
    verb = find("import")
    assert verb is not None
    known = {name for action in program.parser_of(verb)._actions for name in action.option_strings}
    assert flag in known
    assert flag in PAGE
    assert {name for name in known if name.startswith("--")} - set(
        re.findall(r"--[a-z-]+", PAGE)
    ) <= {"--help", "--output"}


@pytest.mark.parametrize(
    "words",
    [
        keepalived_checks._KINDS,
        keepalived_checks.TIMING - {"virtualhost"},
        set(ldirectord_checks._PORTS)
        - {"ldap", "oracle", "radius", "http_proxy", "mysql", "sip", "pgsql"},
        set(ldirectord_checks._TYPES) - {"negotiate"},
    ],
    ids=["checkers", "timing", "services", "checktypes"],
)
def test_how_checks_are_carried_over_is_on_the_page(words):
    assert {word for word in words if not re.search(rf"\b{word}\b", PAGE)} == set()
