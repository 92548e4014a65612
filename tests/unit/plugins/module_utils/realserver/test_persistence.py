"""The files that bring it back at boot, and systemd's part."""

from __future__ import annotations

import configparser
import subprocess
import sys

from ansible_collections.lvs.ipvs.plugins.module_utils.network.plan import Note, plan
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver import persistence
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.persistence import files_of
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.wish import facts_of
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.network.fakehost import FakeHost

FACTS = facts_of(
    {
        "addresses": ["192.0.2.1"],
        "interface": "lo",
        "tunnels": [{"type": "ipip"}],
        "loose_interfaces": ["eth0.7"],
    }
)


def files(facts=FACTS, notes=None):
    return files_of(facts, plan(facts, [], FakeHost()).notes if notes is None else notes)


def test_the_program_stands_alone(tmp_path):
    """It runs where there is no Ansible, and nothing of ours but itself."""
    path = tmp_path / "lvs-realserver"
    path.write_bytes(files()[persistence.PROGRAM])
    command = [sys.executable, "-I", "-S", str(path), "up", "down"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "usage: lvs-realserver up | down | status\n"


def test_the_program_is_the_same_every_time_and_names_who_runs_it():
    program = files()[persistence.PROGRAM]
    assert program.startswith(b"#!/")
    assert program == persistence.program()


def test_files():
    found = files()
    assert found[persistence.SYSCTL_FILE].splitlines()[1:] == [
        "-net/ipv4/conf/all/arp_ignore = 1",
        "-net/ipv4/conf/all/arp_announce = 2",
        "-net/ipv4/conf/eth0.7/rp_filter = 2",
        "-net/ipv4/conf/tunl0/rp_filter = 2",
    ]
    assert found[persistence.MODULES_FILE].splitlines()[1:] == ["ipip"]
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string(found[persistence.UNIT_FILE])
    assert unit["Unit"]["Before"] == "network-pre.target"
    assert unit["Service"]["ExecStart"].endswith(f" {persistence.PROGRAM} up")


def test_what_was_good_before_is_not_ours_to_keep():
    announce = [Note(fact, "0") for fact in FACTS if fact.key.endswith("arp_announce")]
    assert "arp_ignore" not in files(notes=announce)[persistence.SYSCTL_FILE]
    assert files(notes=[])[persistence.SYSCTL_FILE] is None


def test_without_facts_there_is_no_file():
    assert set(files(facts=[]).values()) == {None}


class Files:
    """Stands for HostFiles."""

    def __init__(self):
        self.put = {}

    def file(self, path, content, *, mode):
        self.put[path] = mode

    def absent(self, path):
        self.put[path] = None


def test_files_are_put_there_and_taken_away():
    there = Files()
    persistence.put(there, {persistence.PROGRAM: b"", persistence.UNIT_FILE: "", "/x": None})
    assert there.put == {persistence.PROGRAM: 0o755, persistence.UNIT_FILE: 0o644, "/x": None}


def test_only_empty_directories_are_removed(tmp_path, monkeypatch):
    for name in ("empty", "full/x"):
        (tmp_path / name).mkdir(parents=True)
    ours = [str(tmp_path / name) for name in ("empty", "full", "none")]
    monkeypatch.setattr(persistence, "OWN_DIRECTORIES", ours)
    persistence.remove_directories()
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
