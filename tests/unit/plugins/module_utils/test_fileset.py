from __future__ import annotations

import grp
import os
import pwd

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.fileset import faults, put
from ansible_collections.lvs.ipvs.plugins.module_utils.hostfiles import HostFiles

BLANK = {
    "state": "file",
    "content": None,
    "secret": None,
    "target": None,
    "mode": None,
    "owner": "root",
    "group": "root",
}


def entry(path, **more):
    return {**BLANK, "path": str(path), **more}


def test_all_faults_are_told():
    said = faults(
        [
            entry("/a"),
            entry("b", content=""),
            entry("/c", state="link"),
            entry("/d", content="x", mode="0x7"),
            entry("/e", content="x", secret="y"),
            entry("/f", state="absent", mode="0600"),
            entry("/g", state="directory", target="x"),
            entry("/h", state="absent", content="", target="x"),
        ],
        accounts=False,
    )
    assert [fault.split()[0] for fault in said] == [
        f"files[{number}]" for number in (0, 1, 2, 3, 4, 6)
    ]


def test_who_is_not_there_is_told_before_anything_is_written():
    mine = {
        "owner": pwd.getpwuid(os.getuid()).pw_name,
        "group": grp.getgrgid(os.getgid()).gr_name,
    }
    files = [
        entry("/a", content="", **mine),
        entry("/b", content="", owner="nobody-of-this-name", group="no-such-group"),
        entry("/c", state="link", target="x", owner="nobody-of-this-name"),
    ]
    assert faults(files, accounts=True) == [
        "files[1] (/b): owner: there is no user 'nobody-of-this-name' on this host",
        "files[1] (/b): group: there is no group 'no-such-group' on this host",
    ]
    assert faults(files, accounts=False) == []


@pytest.mark.parametrize("mode", ["0644", "1770", "600"])
def test_modes(mode):
    assert faults([entry("/a", content="", mode=mode)], accounts=False) == []


def test_each_state_does_its_own(tmp_path):
    host = HostFiles(dry_run=True)
    (tmp_path / "there").write_text("x")
    for each in (
        entry(tmp_path / "file", content="x"),
        entry(tmp_path / "secret", secret="hush"),
        entry(tmp_path / "link", state="link", target="file"),
        entry(tmp_path / "directory", state="directory"),
        entry(tmp_path / "there", state="absent"),
        entry(tmp_path / "nothing", state="absent"),
    ):
        put(host, each)
    told = [os.path.basename(path) for path in host.changed]
    assert told == ["file", "secret", "link", "directory", "there"]
    assert [diff["after"] for diff in host.diff] == [
        "x",
        "(not shown)",
        "-> file\n",
        "(a directory)\n",
        "",
    ]
