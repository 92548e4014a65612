from __future__ import annotations

import pytest
import yaml
from ansible_collections.lvs.ipvs.plugins.plugin_utils.dropins import (
    Faulty,
    plain,
    read,
    used,
    written,
)

GROUP = {
    "group": "web",
    "vip": ["192.0.2.80", "2001:DB8::80"],
    "scheduler": "wlc",
    "frontends": [
        {"name": "a", "proto": "tcp", "port": 80},
        {"name": "b", "proto": "tcp", "port": 81, "vip": "[2001:db8::81]", "scheduler": "mh"},
        {"name": "c", "fwmark": 7},
    ],
    "backends": [{"address": "10.0.0.1"}],
}


class Tagged(str):
    """A text that knows where it comes from, as Ansible's do."""

    __slots__ = ("origin",)


def test_variables_become_files():
    files = written(
        [GROUP], {"web": [{"address": "10.0.0.1"}]}, {"check-refs": {"x": {}}, "globals": None}
    )
    assert sorted(files) == ["backends/web.yaml", "check-refs/ansible.yaml", "groups/ansible.yaml"]
    assert yaml.safe_load(files["groups/ansible.yaml"]) == [GROUP]
    assert all(text.startswith("# ") for text in files.values())


def test_nothing_said_is_no_file_and_an_empty_list_is_one():
    assert written(None, None, {}) == {}
    assert yaml.safe_load(written([], None, {})["groups/ansible.yaml"]) == []


def test_words_that_yaml_would_take_for_something_else_stay_words():
    data = {"off": "no", "1:30": "0x10", "": "~", "many\nlines": "é"}
    text = written([data], None, {})["groups/ansible.yaml"]
    assert yaml.safe_load(text) == [data]


@pytest.mark.parametrize("stem", ["../x", "a/b", ".hidden", "", "a b"])
def test_a_name_of_no_file_is_refused(stem):
    with pytest.raises(Faulty, match="is no name of a file"):
        written(None, {stem: []}, {})


def test_marks_of_origin_are_left_behind():
    data = plain({Tagged("a"): [Tagged("b"), 1, 1.5, True, None, b"x", (Tagged("c"),)]})
    assert data == {"a": ["b", 1, 1.5, True, None, b"x", ["c"]]}
    assert [type(item) for item in (*data, *data["a"])] == [
        *(str, str, int, float, bool, type(None), bytes, list),
    ]
    assert not isinstance(data["a"][6][0], Tagged)


def test_what_yaml_has_no_word_for_is_refused():
    with pytest.raises(Faulty, match="is a set; in quotes"):
        plain({"a": {1}})


def test_a_directory_is_read_as_it_is(tmp_path):
    (tmp_path / "groups").mkdir()
    (tmp_path / "groups/a.yaml").write_text("[]  # mine\n")
    (tmp_path / "groups/a.yaml~").write_text("x")
    (tmp_path / "README.md").write_text("x")
    (tmp_path / ".git").mkdir()
    assert read(tmp_path) == {"groups/a.yaml": "[]  # mine\n"}


def test_a_folder_that_nobody_reads_and_what_is_no_text_are_told_together(tmp_path):
    (tmp_path / "group").mkdir()
    (tmp_path / "globals").mkdir()
    (tmp_path / "globals/a.yaml").write_bytes(b"\xff")
    with pytest.raises(Faulty) as caught:
        read(tmp_path)
    first, second = str(caught.value).splitlines()
    assert "group: no drop-ins are read there" in first
    assert second.endswith("globals/a.yaml: is not UTF-8 text")


def test_what_drop_ins_use():
    told = used(written([GROUP], None, {}))
    assert told.vips == ["192.0.2.80", "2001:db8::80", "2001:db8::81"]
    assert told.schedulers == ["mh", "wlc"]
    assert told.engines == []
    assert not told.masquerades_inet6


def test_an_engine_and_the_scheduler_that_is_left_out():
    told = used({"groups/x.yaml": "group: x\nengine: sip\nfrontends: [{name: a}]\n"})
    assert (told.schedulers, told.engines) == (["wrr"], ["sip"])
    assert told.kernel_modules() == ["ip_vs_wrr", "ip_vs_pe_sip"]


def test_a_frontend_with_a_vip_of_its_own_leaves_the_group_s():
    group = {"vip": "192.0.2.1", "frontends": [{"vip": "192.0.2.2"}]}
    assert used(written([group], None, {})).vips == ["192.0.2.2"]


@pytest.mark.parametrize(
    "row, masquerades",
    [
        ({"address": "fd00::1"}, True),
        ({"ip": "[fd00::1]", "method": "masq"}, True),
        ({"address": "web.example"}, True),
        ({"address": "fd00::1", "method": "routing"}, False),
        ({"address": "10.0.0.1"}, False),
    ],
)
@pytest.mark.parametrize("folder", ["groups", "backends", "backend-maps"])
def test_masquerading_to_inet6(folder, row, masquerades):
    group = {"vip": "2001:db8::80", "frontends": [{}], "backends": []}
    files = written([group], None, {})
    shape = {"groups": {"backends": [row]}, "backends": [row], "backend-maps": {"x": row}}[folder]
    files[f"{folder}/x.yaml"] = yaml.safe_dump(shape)
    assert used(files).masquerades_inet6 is masquerades


@pytest.mark.parametrize("place", ["group", "frontend"])
def test_masquerading_to_inet6_by_a_fallback(place):
    group = {"vip": "2001:db8::80", "frontends": [{}], "backends": []}
    said = group if place == "group" else group["frontends"][0]
    assert not used(written([group], None, {})).masquerades_inet6
    said["fallback"] = [{"address": "fd00::9"}]
    assert used(written([group], None, {})).masquerades_inet6


def test_without_an_inet6_service_nothing_is_masqueraded_to_inet6():
    group = {"vip": "192.0.2.1", "frontends": [{}], "backends": [{"address": "fd00::1"}]}
    assert not used(written([group], None, {})).masquerades_inet6


@pytest.mark.parametrize(
    "text", ["", "[", "x", "[1]", "vip: x", "frontends: 7", "- {frontends: [3]}"]
)
def test_what_cannot_be_understood_uses_nothing(text):
    assert used({"groups/x.yaml": text, "backends/x.yaml": text, "backend-maps/x.yaml": text}) == (
        [],
        [],
        [],
        False,
    )
