"""The files that bring it back at boot, and systemd's part."""

from __future__ import annotations

import ast
import configparser

from ansible_collections.lvs.ipvs.plugins.module_utils.realserver import persistence
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.host import Note, plan
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.persistence import (
    Unit,
    diff,
    differing,
    files_of,
    write,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.wish import facts_of
from fakehost import FakeHost

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


def test_the_program_stands_alone():
    """It runs where there is no Ansible: the standard library, and nothing of ours."""
    tree = ast.parse(files()[persistence.PROGRAM])
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert all(node.level == 0 for node in imports)
    assert files()[persistence.PROGRAM].startswith("#!/")


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


def test_what_differs_is_written_and_shown(tmp_path):
    new, changed, same, gone = (
        str(tmp_path / name) for name in ("d/new", "changed", "same", "gone")
    )
    for path in (changed, same, gone):
        write(path, "old\n")
    wanted = {new: "n\n", changed: "c\n", same: "old\n", gone: None}
    differ = differing(wanted)
    assert differ == {new: None, changed: "old\n", gone: "old\n"}
    assert [(row["before"], row["after"]) for row in diff(wanted, differ)] == [
        ("", "n\n"),
        ("old\n", "c\n"),
        ("old\n", ""),
    ]
    for path in differ:
        write(path, wanted[path])
    assert differing(wanted) == {}


def test_of_the_program_the_diff_says_only_that_it_is_another():
    (row,) = diff({persistence.PROGRAM: "code"}, {persistence.PROGRAM: None})
    assert row["before"] == ""
    assert row["after"].startswith("a program, sha256 ")


class Systemctl:
    def __init__(self, enabled, active):
        self.says = {"is-enabled": enabled, "is-active": active}

    def __call__(self, words):
        return 0, self.says[words[0]] + "\n"


def test_systemd(tmp_path):
    def missing(enabled, active, *, wanted):
        unit = Unit(Systemctl(enabled, active), str(tmp_path))
        return [words[0] for words in unit.missing(wanted)]

    assert missing("enabled", "active", wanted=True) == []
    assert missing("not-found", "inactive", wanted=True) == ["enable", "start"]
    assert missing("disabled", "active", wanted=True) == ["enable"]
    assert missing("enabled", "failed", wanted=True) == ["start"]
    assert missing("enabled", "active", wanted=False) == ["stop", "disable"]
    assert missing("not-found", "inactive", wanted=False) == []


def test_without_systemd_nothing_is_called(tmp_path):
    unit = Unit(None, str(tmp_path / "none"))
    assert not unit.is_possible
    assert unit.missing(True) == []
    unit.call(["daemon-reload"])
