"""A directory takes the place of another."""

from __future__ import annotations

import os

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director.exchange import (
    exchange,
    replace_piecemeal,
    same_file,
    sweep,
)


@pytest.fixture
def two(tmp_path):
    for name in ("old/a", "old/gone", "old/stays", "new/a", "new/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return str(tmp_path / "new"), str(tmp_path / "old")


def content(directory):
    found = {}
    for name in os.listdir(directory):
        with open(os.path.join(directory, name), encoding="utf-8") as stream:
            found[name] = stream.read()
    return found


def test_at_one_stroke(two):
    new, old = two
    inodes = os.stat(new).st_ino, os.stat(old).st_ino
    assert exchange(new, old)
    assert (os.stat(old).st_ino, os.stat(new).st_ino) == inodes


def test_one_that_is_not_there_is_an_error(two):
    new, old = two
    with pytest.raises(FileNotFoundError, match="none"):
        exchange(new, f"{old}/none")


def test_file_by_file(two):
    new, old = two
    os.chmod(new, 0o710)
    replace_piecemeal(new, old, ["", "a", "b"], ["gone"])
    assert content(old) == {"a": "new/a", "b": "new/b", "stays": "old/stays"}
    assert os.stat(old).st_mode & 0o777 == 0o710


def test_the_same_file(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/file").write_text("x")
    (tmp_path / "d/link").symlink_to("file")
    same_file(str(tmp_path / "d"), str(tmp_path / "linked"))
    assert (tmp_path / "linked/file").stat().st_ino == (tmp_path / "d/file").stat().st_ino
    assert (tmp_path / "linked/link").readlink().name == "file"

    def refused(*_unused, **_more):
        raise OSError

    monkeypatch.setattr(os, "link", refused)
    same_file(str(tmp_path / "d"), str(tmp_path / "copied"))
    assert (tmp_path / "copied/file").stat().st_ino != (tmp_path / "d/file").stat().st_ino
    assert (tmp_path / "copied/file").read_text() == "x"


def test_what_is_half_made_is_swept(tmp_path):
    for name in (".x.new-1", ".x.new-2", "x"):
        (tmp_path / name / "deep").mkdir(parents=True)
    sweep(str(tmp_path), ".x.new-")
    assert os.listdir(tmp_path) == ["x"]
