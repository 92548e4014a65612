from __future__ import annotations

import grp
import os
import pwd
import stat

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.hostfiles import HostFiles

ME = {
    "owner": pwd.getpwuid(os.getuid()).pw_name,
    "group": grp.getgrgid(os.getgid()).gr_name,
}


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def have(path, content="new\n", dry_run=False, **more):
    host = HostFiles(dry_run=dry_run)
    host.file(str(path), content, **{"mode": 0o640, **ME, **more})
    return host


def test_a_new_file_in_a_new_folder(tmp_path):
    path = tmp_path / "a" / "b"
    host = have(path)
    assert (path.read_text(), mode(path)) == ("new\n", 0o640)
    assert host.changed == [str(path)]
    (diff,) = host.diff
    assert (diff["before"], diff["after"]) == ("", "new\n")
    assert diff["before_header"].endswith("(absent)")
    assert os.listdir(path.parent) == ["b"]


def test_what_is_so_is_left(tmp_path):
    path = tmp_path / "x"
    have(path)
    inode = path.stat().st_ino
    host = have(path)
    assert (host.changed, host.diff, path.stat().st_ino) == ([], [], inode)


def test_check_mode_tells_the_same_and_writes_nothing(tmp_path):
    path = tmp_path / "a" / "x"
    told = have(path, dry_run=True)
    assert not path.parent.exists()
    assert told.diff == have(path).diff


def test_other_rights_are_a_change_that_shows(tmp_path):
    path = tmp_path / "x"
    have(path)
    path.chmod(0o777)
    host = have(path)
    assert mode(path) == 0o640
    assert "0777" in host.diff[0]["before"]
    assert "0640" in host.diff[0]["after"]


def test_a_secret_is_not_shown(tmp_path):
    path = tmp_path / "x"
    have(path, "old secret")
    host = have(path, "new secret", secret=True)
    assert path.read_text() == "new secret"
    assert host.changed
    assert "old secret" not in str(host.diff)
    assert "new secret" not in str(host.diff)


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path):
    other = tmp_path / "other"
    other.write_text("new\n")
    path = tmp_path / "x"
    path.symlink_to(other)
    host = have(path)
    assert not path.is_symlink()
    assert host.changed
    have(path, "newer\n")
    assert other.read_text() == "new\n"


def test_an_unknown_owner_is_an_error_and_leaves_no_litter(tmp_path):
    with pytest.raises(OSError, match="no user or group"):
        have(tmp_path / "x", owner="nobody-of-this-name")
    assert os.listdir(tmp_path) == []


def test_in_check_mode_an_owner_may_be_yet_to_come(tmp_path):
    assert have(tmp_path / "x", owner="nobody-of-this-name", dry_run=True).changed


def link(path, target, dry_run=False):
    host = HostFiles(dry_run=dry_run)
    host.link(str(path), target)
    return host


def test_links(tmp_path):
    path = tmp_path / "a" / "link"
    assert link(path, "one", dry_run=True).changed
    assert not path.is_symlink()
    assert link(path, "one").changed
    assert link(path, "one").changed == []
    host = link(path, "two")
    assert os.readlink(path) == "two"
    assert (host.diff[0]["before"], host.diff[0]["after"]) == ("-> one\n", "-> two\n")
    path.unlink()
    path.write_text("a file")
    assert link(path, "two").diff[0]["before"] == "(a file)\n"
    assert os.listdir(path.parent) == ["link"]


def test_a_link_does_not_replace_a_directory(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(OSError):
        link(tmp_path / "x", "y")
    assert os.listdir(tmp_path) == ["x"]


def test_directories(tmp_path):
    path = str(tmp_path / "a" / "d")

    def have_directory(dry_run=False):
        host = HostFiles(dry_run=dry_run)
        host.directory(path, mode=0o1770, **ME)
        return host.changed

    assert have_directory(dry_run=True) == [path]
    assert not os.path.exists(path)
    assert have_directory() == [path]
    assert mode(path) == 0o1770
    assert have_directory() == []
    os.chmod(path, 0o755)
    assert have_directory() == [path]
    assert mode(path) == 0o1770


def test_absent(tmp_path):
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    for number in range(60):
        (tree / "deep" / f"file{number:02}").write_text("x")
    (tree / "out").symlink_to(tmp_path)

    def gone(path, dry_run=False):
        host = HostFiles(dry_run=dry_run)
        host.absent(str(path))
        return host

    assert gone(tree, dry_run=True).changed == [str(tree)]
    assert tree.exists()
    shown = gone(tree).diff[0]["before"].splitlines()
    assert (len(shown), shown[-1]) == (51, "... and 10 more")
    assert not tree.exists()
    assert gone(tree).changed == []
    assert tmp_path.exists()


def test_who_wants_to_know_is_told_what_was_written(tmp_path):
    told = []
    host = HostFiles(dry_run=False, written=told.append)
    host.file(str(tmp_path / "x"), "1", mode=0o600, **ME)
    host.file(str(tmp_path / "x"), "1", mode=0o600, **ME)
    host.link(str(tmp_path / "y"), "x")
    assert told == [str(tmp_path / "x"), str(tmp_path / "y")]
