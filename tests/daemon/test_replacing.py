from __future__ import annotations

import os

import pytest
from ipvsman.replacing import replace_file


def replace(path, *content, give=lambda _handle: None):
    replace_file(path, content, suffix=".half", give=give)


def test_a_file_is_made_and_replaced(tmp_path):
    path = tmp_path / "a.json"
    replace(path, b"one", b"two")
    assert path.read_bytes() == b"onetwo"
    replace(path, b"three")
    assert path.read_bytes() == b"three"
    assert list(tmp_path.iterdir()) == [path]


def test_its_rights_are_given_before_there_is_anything_to_be_read(tmp_path):
    sizes = []

    def give(handle):
        sizes.append(os.fstat(handle).st_size)
        os.fchmod(handle, 0o640)

    replace(tmp_path / "a.json", b"one", give=give)
    assert sizes == [0]
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o640


def test_without_any_nobody_else_may_read_it(tmp_path):
    replace(tmp_path / "a.json", b"one")
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_what_fails_leaves_what_was_there_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "a.json"
    replace(path, b"one")

    def fail(*_unused):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(OSError, match="No space left"):
            replace(path, b"two")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_half_written_is_beside_it_and_known_by_its_name(tmp_path):
    names = []

    def content():
        names.extend(each.name for each in tmp_path.iterdir())
        yield b"one"

    replace_file(tmp_path / "a.json", content(), suffix=".half", give=lambda _handle: None)
    (name,) = names
    assert name.startswith(".a.")
    assert name.endswith(".half")
