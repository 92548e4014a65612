"""Drop-ins on disk."""

from __future__ import annotations

import os

import pytest
import yaml
from ipvsman.config.model import ConfigError
from ipvsman.ctl.importing.files import in_the_way, judge, text, write

GROUP = {
    "group": "web",
    "frontends": [{"name": "a", "proto": "tcp", "port": 80, "vip": "192.0.2.1"}],
    "healthcheck": {"type": "tcp", "send": b"\xff\0", "expect": "1:30"},
    "backends": [{"address": "10.0.0.1", "port_map": {"*": 81}}],
}
NAME = "groups/web.yaml"


def test_text_is_read_back_as_what_it_was_made_of():
    content = text(GROUP, "a\nfile")
    assert content.startswith(b"# Made by ipvsctl import of a?file.\n")
    assert yaml.safe_load(content) == GROUP


def test_a_directory_is_judged_with_what_is_there(tmp_path):
    texts = {NAME: text(GROUP, "file")}
    assert judge(tmp_path, texts) == []
    (tmp_path / "groups").mkdir()
    (tmp_path / "groups" / "other.yaml").write_bytes(text({**GROUP, "group": "other"}, "file"))
    with pytest.raises(ConfigError, match="duplicate virtual service"):
        judge(tmp_path, texts)
    assert not (tmp_path / NAME).exists()


def test_warnings_are_told_and_notices_are_not(tmp_path):
    group = {
        **GROUP,
        "disabled": True,
        "backends": [{"address": "10.0.0.1", "proxy_method": "nat"}],
    }
    (warning,) = judge(tmp_path, {NAME: text(group, "file")})
    assert "proxy_method: has no effect" in warning


def test_written_as_a_whole(tmp_path):
    texts = {NAME: b"a", "globals/x.yaml": b"b"}
    assert in_the_way(tmp_path, texts) == []
    assert write(tmp_path, texts) == [str(tmp_path / name) for name in texts]
    assert (tmp_path / NAME).read_bytes() == b"a"
    assert write(tmp_path, texts) == []
    assert os.listdir(tmp_path / "groups") == ["web.yaml"]


def test_what_says_something_else_is_in_the_way(tmp_path):
    write(tmp_path, {NAME: b"a"})
    assert in_the_way(tmp_path, {NAME: b"a"}) == []
    assert in_the_way(tmp_path, {NAME: b"b"}) == [str(tmp_path / NAME)]


def test_what_is_no_file_is_in_the_way(tmp_path):
    (tmp_path / "groups").mkdir()
    (tmp_path / NAME).symlink_to("nowhere")
    assert in_the_way(tmp_path, {NAME: b"a"}) == [str(tmp_path / NAME)]


def test_when_it_fails_nothing_is_left_behind(tmp_path):
    (tmp_path / "globals").write_text("a file where a folder should be")
    with pytest.raises(OSError, match=r"exists|directory"):
        write(tmp_path, {NAME: b"a", "globals/x.yaml": b"b"})
    assert os.listdir(tmp_path / "groups") == []
