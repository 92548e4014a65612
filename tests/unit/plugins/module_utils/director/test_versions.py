"""Versions beside each other: whole or not there, and the old ones go."""

from __future__ import annotations

import fcntl
import os

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director.versions import Versions
from hypothesis import given
from hypothesis import strategies as st


def have(root, *names):
    """Versions of these names, the oldest first."""
    for age, name in enumerate(names):
        path = root / "versions" / name
        path.mkdir(parents=True)
        os.utime(path, (1000 + age, 1000 + age))
    return Versions(str(root))


def test_a_version_is_there_when_it_is_whole(tmp_path):
    versions = Versions(str(tmp_path))
    assert versions.names() == []
    with versions.making("1") as work:
        assert versions.names() == []
        with open(os.path.join(work, "file"), "w", encoding="utf-8"):
            pass
    assert versions.names() == ["1"]
    assert os.listdir(versions.place("1")) == ["file"]
    assert os.stat(versions.place("1")).st_mode & 0o777 == 0o755


def fail_half_way(versions):
    with versions.making("1"):
        raise ValueError


def test_what_fails_leaves_nothing_and_what_was_killed_is_swept(tmp_path):
    versions = have(tmp_path, ".making-x")
    with pytest.raises(ValueError):
        fail_half_way(versions)
    assert os.listdir(tmp_path / "versions") == []


def test_one_that_is_there_is_replaced(tmp_path):
    versions = have(tmp_path, "1")
    (tmp_path / "versions/1/old").touch()
    with versions.making("1") as work, open(os.path.join(work, "new"), "w", encoding="utf-8"):
        pass
    assert os.listdir(tmp_path / "versions") == ["1"]
    assert os.listdir(versions.place("1")) == ["new"]


def test_nobody_else_makes_or_sweeps_meanwhile(tmp_path):
    versions = have(tmp_path, "1")
    with versions.making("2"):
        directory = os.open(tmp_path / "versions", os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(directory)


def test_what_somebody_else_has_removed_is_gone(tmp_path):
    have(tmp_path, "1").remove("2")
    assert os.listdir(tmp_path / "versions") == ["1"]


def test_one_is_removed(tmp_path):
    versions = have(tmp_path, "1", "2")
    versions.remove("1")
    assert os.listdir(tmp_path / "versions") == ["2"]


@given(st.permutations("abcd"), st.sampled_from("abcd"), st.integers(0, 5))
def test_the_oldest_go_and_never_this_one_nor_the_one_in_use(tmp_path_factory, order, used, keep):
    root = tmp_path_factory.mktemp("root")
    versions = have(root, *order)
    (root / "current").symlink_to(f"versions/{used}")
    gone = versions.superfluous("new", keep)
    assert gone == [name for name in order if name != used][: len(gone)]
    # `new` is about to be there, too.
    assert len(order) + 1 - len(gone) == min(max(keep, 2), len(order) + 1)
