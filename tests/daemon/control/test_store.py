from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.control.store import Store, StoreError


@pytest.fixture
def told():
    return []


@pytest.fixture
def store(tmp_path, told):
    return Store(tmp_path / "state", lambda: 77.5, told.append)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_what_is_written_is_read(tmp_path_factory, data):
    store = Store(tmp_path_factory.mktemp("state"), lambda: 0.0, pytest.fail)
    store.write("x", data)
    assert store.read("x") == data


def test_what_root_writes_belongs_to_the_owner_of_the_directory(store, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda handle, user, group: given.append((user, group)))
    store.write("x", 1)
    state = (tmp_path / "state").stat()
    assert given == [(state.st_uid, state.st_gid)]
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    store.write("x", 2)
    assert len(given) == 1


def test_there_is_nothing_at_first_and_that_is_no_fault(store, told):
    assert store.read("x") is None
    assert told == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"version": 1, "data": [1, 2',
        b"\x80\xff",
        b"[]",
        b"null",
        b'{"version": 2, "data": []}',
        b'{"version": 1}',
        b"[" * 100_000,
    ],
    ids=["empty", "torn", "binary", "list", "null", "newer", "no data", "deep"],
)
def test_what_cannot_be_understood_is_set_aside_and_told(store, told, tmp_path, content):
    store.write("x", 1)
    path = tmp_path / "state" / "x.json"
    path.write_bytes(content)
    assert store.read("x") is None
    assert not path.exists()
    assert (tmp_path / "state" / "x.json.broken-77").read_bytes() == content
    (message,) = told
    assert message.startswith(f"{path} cannot be understood (")
    assert message.endswith("set aside as x.json.broken-77")
    store.write("x", 2)
    assert store.read("x") == 2


def test_what_cannot_be_read_is_told_and_left(store, told, tmp_path):
    (tmp_path / "state" / "x.json").mkdir(parents=True)
    assert store.read("x") is None
    assert told == [f"{tmp_path}/state/x.json cannot be read: Is a directory"]


def test_what_cannot_be_written_leaves_what_was_there(store, tmp_path, monkeypatch):
    store.write("x", "old")

    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match=r"x\.json cannot be written: No space left"):
        store.write("x", "new")
    monkeypatch.undo()
    assert store.read("x") == "old"
    assert [each.name for each in (tmp_path / "state").iterdir()] == ["x.json"]


def test_a_directory_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Store(tmp_path / "file" / "state", lambda: 0.0, pytest.fail).write("x", 1)


def test_what_a_killed_writer_left_is_removed_and_nothing_else(store, tmp_path):
    store.write("x", 1)
    (tmp_path / "state" / ".x.abc.half").write_text("half")
    (tmp_path / "state" / ".keep").write_text("")
    store.tidy()
    assert {each.name for each in (tmp_path / "state").iterdir()} == {"x.json", ".keep"}


def test_others_cannot_read_it_and_a_row_is_a_line(store, tmp_path):
    store.write("x", [{"b": 1, "a": 2}, 3])
    path = tmp_path / "state" / "x.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == '{"version": 1, "data": [\n{"a": 2, "b": 1},\n3]}\n'
    assert json.loads(path.read_text())["data"] == [{"b": 1, "a": 2}, 3]


def test_without_a_directory_nothing_is_remembered():
    store = Store(None, lambda: 0.0, pytest.fail)
    store.write("x", 1)
    store.tidy()
    assert store.read("x") is None
