"""What is remembered of how a real server was."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import HostError, Sysctl
from ansible_collections.lvs.ipvs.plugins.module_utils.network.plan import Note
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.notes import NotesFile
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.wish import facts_of


def test_notes(tmp_path):
    path = str(tmp_path / "deep" / "notes.json")
    assert NotesFile(path, "boot").read() == []
    facts = facts_of(
        {"addresses": ["192.0.2.1"], "interface": "lo", "tunnels": [], "loose_interfaces": []}
    )
    NotesFile(path, "boot").write([Note(fact, None) for fact in facts])
    assert [note.fact.key for note in NotesFile(path, "boot").read()] == [
        fact.key for fact in facts
    ]
    # What a boot has cleared away is forgotten with it.
    assert all(isinstance(note.fact, Sysctl) for note in NotesFile(path, "next boot").read())
    NotesFile(path, "boot").write([])
    assert list(tmp_path.joinpath("deep").iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"boot": "b", "notes": [{"before": 1}]}'])
def test_notes_that_cannot_be_read_are_no_reason_to_forget(tmp_path, text):
    path = tmp_path / "notes.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HostError, match=r"notes\.json cannot be read"):
        NotesFile(str(path), "b").read()


def test_which_boot_this_is_is_the_kernel_s_to_say(tmp_path):
    path = str(tmp_path / "notes.json")
    facts = facts_of(
        {"addresses": ["2001:db8::1"], "interface": "lo", "tunnels": [], "loose_interfaces": []}
    )
    NotesFile(path).write([Note(fact, None) for fact in facts])
    assert [note.fact for note in NotesFile(path).read()] == facts
