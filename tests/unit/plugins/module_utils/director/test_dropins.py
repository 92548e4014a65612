"""What is in a directory of drop-ins, whose it is, and what a diff shows."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director.dropins import (
    API,
    MANIFEST,
    Directory,
    manifest,
)

OURS, HAND = "groups/ansible.yaml", "groups/hand.yaml"


@pytest.fixture
def directory(tmp_path):
    for name in (OURS, HAND, API, "backends/half.tmp", "own/note"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / MANIFEST).write_text(manifest([OURS, "backends/gone.yaml"]))
    return Directory(str(tmp_path))


def test_what_is_there_and_whose_it_is(directory):
    assert directory.files == {name: f"{name}\n".encode() for name in (OURS, HAND, API)}
    assert directory.ours == {OURS}
    assert directory.others() == ["own"]


def test_one_that_is_not_there_is_empty(tmp_path):
    none = Directory(str(tmp_path / "none"))
    assert (none.exists, none.files, none.ours, none.others()) == (False, {}, set(), [])


@pytest.mark.parametrize(
    "wanted, purge, purge_api, stay",
    [
        ([], False, False, {API, HAND}),
        ([], True, False, {API}),
        ([], False, True, {HAND}),
        ([], True, True, set()),
        ([HAND], False, False, {API}),
    ],
)
def test_what_stays_though_nobody_wants_it(directory, wanted, purge, purge_api, stay):
    assert set(directory.foreign(wanted, purge=purge, purge_api=purge_api)) == stay


def test_what_a_diff_shows(directory):
    target = {OURS: b"new\n", HAND: directory.files[HAND], "globals/a.yaml": b"\xff"}
    assert [tuple(entry.values()) for entry in directory.diff(target)] == [
        (
            f"{directory.path}/globals/a.yaml (absent)",
            f"{directory.path}/globals/a.yaml",
            "",
            "\ufffd",
        ),
        (f"{directory.path}/{OURS}", f"{directory.path}/{OURS}", f"{OURS}\n", "new\n"),
        (f"{directory.path}/{API}", f"{directory.path}/{API} (absent)", f"{API}\n", ""),
    ]
