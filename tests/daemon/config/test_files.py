import os

import pytest
from ipvsman.config.loader import load
from ipvsman.config.model import ConfigError

GROUP = "group: {}\nfrontends: []\n"


def test_groups_are_a_list_or_one_and_files_are_read_in_order(drop_ins):
    front = (
        "{group: %s, vip: 192.0.2.%d, healthcheck: {type: tcp},"
        " frontends: [{name: f, proto: tcp, port: 80}]}"
    )
    drop_ins.write("groups/b.yaml", f"- {front % ('two', 2)}\n- {front % ('three', 3)}\n")
    drop_ins.write("groups/a.yaml", front % ("one", 1))
    drop_ins.write("groups/.hidden.yaml", front % ("hidden", 4))
    drop_ins.write("groups/no.txt", "}")
    config = drop_ins.load()
    assert [frontend.group for frontend in config.frontends] == ["hidden", "one", "two", "three"]
    assert drop_ins.told(config.files) == [
        "groups/.hidden.yaml",
        "groups/a.yaml",
        "groups/b.yaml",
    ]


def test_files_of_all_folders_count_as_loaded(drop_ins):
    drop_ins.write("groups/g.yaml", "[]").write("backends/b.yaml", "}").write(
        "check-refs/c.yaml", ""
    )
    drop_ins.write("backend-maps/m.yaml", "").write("globals/t.yaml", "").write("else/x.yaml", "}")
    assert drop_ins.told(drop_ins.load().files) == [
        "groups/g.yaml",
        "backends/b.yaml",
        "backend-maps/m.yaml",
        "check-refs/c.yaml",
        "globals/t.yaml",
    ]
    assert drop_ins.warning() == (
        "backends/b.yaml: is not read, since no group names it in backend_files"
    )


def test_a_missing_directory_is_no_empty_table(drop_ins):
    assert drop_ins.fault() == (
        f"{drop_ins.directory}: nothing is configured: there is no such directory (--config-dir"
        " names another); an empty table is asked for by a file in groups/ that says []"
    )


@pytest.mark.parametrize("name", ["groups/x.txt", "check-refs/x.yaml", "globals/x.yaml"])
def test_nor_is_one_without_groups(drop_ins, name):
    drop_ins.write(name, "")
    assert "no file in groups/ says anything" in drop_ins.fault()


def test_nor_are_files_that_were_cut_off(drop_ins):
    drop_ins.write("groups/a.yaml", "").write("groups/b.yaml", "# soon\n")
    assert "nothing is configured" in drop_ins.fault()


def test_an_empty_table_can_be_asked_for(drop_ins):
    drop_ins.write("groups/a.yaml", "[]")
    assert drop_ins.load().frontends == ()


def test_an_empty_file_beside_others_is_worth_a_word(drop_ins):
    drop_ins.write("groups/a.yaml", "[]").write("groups/b.yaml", "")
    assert drop_ins.warning() == (
        "groups/b.yaml: is empty and gives no groups; a file without groups says []"
    )


def test_another_suffix_is_worth_a_word(drop_ins):
    drop_ins.write("groups/a.yaml", "[]").write("groups/b.yml", "}")
    assert drop_ins.warning() == "groups/b.yml: is not read, since its name does not end in .yaml"


def test_a_file_has_a_limit(drop_ins):
    drop_ins.write("groups/a.yaml", "[]" + " " * ((1 << 20) - 2))
    drop_ins.load()
    drop_ins.write("groups/a.yaml", "[]" + " " * ((1 << 20) - 1))
    assert drop_ins.fault() == "groups/a.yaml: too large: more than 1048576 bytes"


def test_a_folder_has_a_limit(drop_ins, monkeypatch):
    monkeypatch.setattr("ipvsman.config.files.MAX_FILES", 2)
    for number in range(3):
        drop_ins.write(f"groups/{number}.yaml", "[]")
    assert drop_ins.fault() == "groups: 3 files are more than 2"


def test_what_is_no_file_is_not_waited_for(drop_ins):
    drop_ins.write("groups/a.yaml", "[]")
    os.mkfifo(drop_ins.directory / "groups/b.yaml")
    (drop_ins.directory / "groups/c.yaml").mkdir()
    (drop_ins.directory / "groups/d.yaml").symlink_to("nowhere")
    assert drop_ins.faults() == [
        "groups/b.yaml: is not a regular file",
        "groups/c.yaml: is not a regular file",
        "groups/d.yaml: cannot be read: No such file or directory",
    ]


def test_a_folder_that_is_a_file(drop_ins):
    drop_ins.write("groups", "[]")
    assert drop_ins.fault() == "groups: cannot be read: Not a directory"


def test_a_name_that_is_no_text(drop_ins):
    drop_ins.write("groups/a.yaml", "[]")
    with open(os.path.join(os.fsencode(drop_ins.directory), b"groups/\xff.yaml"), "wb") as stream:
        stream.write(b"[]")
    assert len(drop_ins.load().files) == 2


def test_the_digest_is_of_what_was_read_and_the_mtime_of_all(drop_ins):
    drop_ins.write("groups/a.yaml", "[]").write("backends/b.yaml", "[]")
    os.utime(drop_ins.directory / "groups/a.yaml", (1000, 1000))
    os.utime(drop_ins.directory / "backends/b.yaml", (2000.5, 2000.5))
    first = drop_ins.load()
    assert first.mtime == 2000.5
    os.utime(drop_ins.directory / "groups/a.yaml", (3000, 3000))
    second = drop_ins.load()
    assert (second.digest, second.mtime) == (first.digest, 3000)
    drop_ins.write("groups/a.yaml", "[] ")
    os.utime(drop_ins.directory / "groups/a.yaml", (3000, 3000))
    assert drop_ins.load().digest != first.digest
    drop_ins.write("groups/a.yaml", "[]").write("groups/c.yaml", "[]")
    assert drop_ins.load().digest != first.digest


def test_files_can_be_judged_before_they_are_written(drop_ins):
    drop_ins.write("groups/a.yaml", "[]").write("groups/b.yaml", GROUP.format("b"))
    before = drop_ins.load()
    put = {"groups/api-put.yaml": b"group: b\nfrontends: []\n"}
    assert drop_ins.fault(instead=put).startswith(
        "groups/b.yaml:1:8: group: duplicate group: b, first in"
    )
    after = drop_ins.load(instead={**put, "groups/b.yaml": None})
    assert drop_ins.told(after.files) == ["groups/a.yaml", "groups/api-put.yaml"]
    assert after.digest != before.digest
    drop_ins.write("groups/api-put.yaml", put["groups/api-put.yaml"])
    (drop_ins.directory / "groups/b.yaml").unlink()
    assert drop_ins.load().digest == after.digest


def test_nothing_is_done_where_nothing_has_changed(drop_ins):
    drop_ins.write("groups/a.yaml", "[]").write("more/b", "[{address: 10.0.0.1}]")
    drop_ins.minimal(group="vip: 192.0.2.1\nbackend_files: [more/b]")
    first = drop_ins.load()
    os.utime(drop_ins.directory / "groups/a.yaml", (9e9, 9e9))

    def same():
        again = drop_ins.load(previous=first)
        return again.frontends is first.frontends and again.digest == first.digest

    assert same()
    assert drop_ins.load(previous=first).mtime == 9e9
    assert drop_ins.load(previous=first, strict=True).strict
    drop_ins.write("more/b", "[{address: 10.0.0.2}]")
    assert not same()
    first = drop_ins.load()
    for name, text in [
        ("groups/b.yaml", "[]"),
        ("groups/b.yml", ""),
        ("check-refs/c.yaml", ""),
        ("groups/a.yaml", "[] "),
    ]:
        drop_ins.write(name, text)
        assert not same()
        first = drop_ins.load()
        assert same()
    (drop_ins.directory / "more/b").unlink()
    with pytest.raises(ConfigError):
        drop_ins.load(previous=first)


def test_the_directory_may_be_text(drop_ins):
    drop_ins.write("groups/a.yaml", "[]")
    assert load(str(drop_ins.directory)).frontends == ()
    with pytest.raises(ConfigError):
        load(str(drop_ins.directory / "groups"))
