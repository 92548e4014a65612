"""Owner, group and modes of drop-ins: what is wrong with them, and put right."""

from __future__ import annotations

import os

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director import rights
from ansible_collections.lvs.ipvs.plugins.module_utils.director.dropins import FOLDERS, MANIFEST
from ansible_collections.lvs.ipvs.plugins.module_utils.director.rights import Rights

WEB = "groups/ansible.yaml"


@pytest.fixture(autouse=True)
def mine(monkeypatch):
    monkeypatch.setattr(rights, "OWNER", os.getuid())


@pytest.fixture
def directory(tmp_path):
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(mode=0o700)
    for name in (WEB, MANIFEST, "groups/hand.yaml"):
        (tmp_path / name).touch(mode=0o666)
        (tmp_path / name).chmod(0o666)
    tmp_path.chmod(0o700)
    return tmp_path


def test_what_is_wrong_is_told_and_put_right(directory):
    ours = Rights(os.getgid(), [WEB])
    folders = [f"{name}: 0700" for name in FOLDERS]
    assert sorted(ours.wrong(str(directory))) == sorted(
        [".: 0700", *folders, f"{WEB}: 0666", f"{MANIFEST}: 0666"]
    )
    ours.give(str(directory))
    assert ours.wrong(str(directory)) == []
    assert (directory / "groups/hand.yaml").stat().st_mode & 0o777 == 0o666


def test_a_missing_folder_is_wrong_and_a_missing_file_is_not(directory):
    ours = Rights(os.getgid(), [WEB])
    ours.give(str(directory))
    (directory / "globals").rmdir()
    (directory / WEB).unlink()
    assert ours.wrong(str(directory)) == ["globals: is missing"]


def test_another_group_is_wrong_where_one_is_known(directory):
    Rights(os.getgid(), [WEB]).give(str(directory))
    assert len(Rights(os.getgid() + 1, [WEB]).wrong(str(directory))) == len(FOLDERS) + 3
    assert Rights(None, [WEB]).wrong(str(directory)) == []
