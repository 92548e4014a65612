"""The command that runs at boot."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import (
    Address,
    OwnLink,
    to_plain,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver import boot as module
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.notes import NotesFile
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.network.fakehost import FakeHost


@pytest.mark.parametrize("arguments", [[], ["upp"], ["up", "down"]])
def test_usage(arguments, capsys):
    assert module.main(arguments) == 2
    assert capsys.readouterr().err == "usage: lvs-realserver up | down | status\n"


def test_without_facts_it_says_so(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "FACTS_FILE", str(tmp_path / "facts.json"))
    assert module.main(["up"]) == 1
    assert "facts.json" in capsys.readouterr().err


def test_up_status_and_down(capsys, monkeypatch, tmp_path):
    host, facts = FakeHost(), [OwnLink("vip0", "dummy"), Address("192.0.2.1/32", "vip0")]
    before = host.state()
    (tmp_path / "facts.json").write_text(json.dumps({"facts": to_plain(facts)}))
    monkeypatch.setattr(module, "FACTS_FILE", str(tmp_path / "facts.json"))
    monkeypatch.setattr(module, "Host", lambda: host)
    monkeypatch.setattr(module, "NotesFile", lambda: NotesFile(str(tmp_path / "notes"), "b"))

    def said(word):
        return module.main([word]), capsys.readouterr().out.splitlines()

    steps = ["link vip0: none -> dummy, up", "address 192.0.2.1/32 dev vip0: none -> there"]
    assert said("status") == (1, [f"to do: {step}" for step in steps])
    assert said("up") == (0, steps)
    assert said("status") == (0, ["all is so"])
    assert said("down")[0] == 0
    assert host.state() == before
