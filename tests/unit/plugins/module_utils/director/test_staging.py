from __future__ import annotations

import grp
import json
import os
import stat

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director import rights, staging
from ansible_collections.lvs.ipvs.plugins.module_utils.director.dropins import API, MANIFEST
from ansible_collections.lvs.ipvs.plugins.module_utils.director.judge import Faulty
from ansible_collections.lvs.ipvs.plugins.module_utils.director.staging import DropIns, run
from ansible_collections.lvs.ipvs.tests.unit.plugins.modules.hostmodule import HostModule

GROUP = grp.getgrgid(os.getgid()).gr_name
WEB = "groups/ansible.yaml"


@pytest.fixture(autouse=True)
def mine(monkeypatch):
    monkeypatch.setattr(rights, "OWNER", os.getuid())


@pytest.fixture
def etc(tmp_path):
    """The directory of the drop-ins, and a program that judges them."""
    (tmp_path / "program/bin").mkdir(parents=True)
    (tmp_path / "program/bin/ipvsman").write_text("#!/usr/bin/python3 -I\n")
    return tmp_path / "etc" / "ipvsman"


def drop_ins(etc, files, judged=(0, "validation ok\n", ""), check_mode=False, **params):
    etc.parent.mkdir(exist_ok=True)
    given = {
        "files": files,
        "directory": str(etc),
        "program": str(etc.parents[1] / "program"),
        "arguments": [],
        "group": GROUP,
        "purge": False,
        "purge_api": False,
        "kernel_modules": [],
        **params,
    }
    commands = {
        f"{given['program']}/bin/ipvsman": judged,
        "/usr/bin/python3 -I -c": (0, "digest\n", ""),
    }
    return DropIns(HostModule(etc.parents[1], check_mode, commands, **given))


def have(etc, files, **more):
    return run(drop_ins(etc, files, **more))


def content(etc):
    return {
        f"{path.parent.name}/{path.name}": path.read_text()
        for path in etc.glob("*/*")
        if path.is_file()
    }


def test_a_new_directory(etc):
    told = have(etc, {WEB: "[]\n"})
    assert (told["changed"], told["digest"], told["foreign"]) == (True, "digest", [])
    assert content(etc) == {WEB: "[]\n"}
    assert json.loads((etc / MANIFEST).read_text()) == {"files": [WEB]}
    assert os.listdir(etc.parent) == ["ipvsman"]
    modes = {
        name: stat.S_IMODE((etc / name).stat().st_mode) for name in ("", "groups", "globals", WEB)
    }
    assert modes == {"": 0o750, "groups": 0o1770, "globals": 0o750, WEB: 0o640}


def test_the_same_again_changes_nothing(etc):
    have(etc, {WEB: "[]\n"})
    inode = etc.stat().st_ino
    told = have(etc, {WEB: "[]\n"})
    assert (told["changed"], told["diff"], told["digest"]) == (False, [], "digest")
    assert etc.stat().st_ino == inode


def test_check_mode_tells_the_same_and_changes_nothing(etc):
    have(etc, {WEB: "[]\n"})
    told = have(etc, {WEB: "[1]\n"}, check_mode=True)
    assert content(etc) == {WEB: "[]\n"}
    assert os.listdir(etc.parent) == ["ipvsman"]
    # What that would change in the kernel is of interest only before.
    assert told.pop("table") is None
    assert have(etc, {WEB: "[1]\n"}) == told


def test_it_is_exchanged_as_a_whole(etc, monkeypatch):
    have(etc, {WEB: "[]\n"})
    seen = []
    exchange = staging.exchange

    def watched(one, other):
        seen.append((content(etc), exchange(one, other), content(etc)))
        return seen[-1][1]

    monkeypatch.setattr(staging, "exchange", watched)
    have(etc, {"groups/b.yaml": "[]\n", "backends/x.yaml": "[]\n"})
    ((before, exchanged, after),) = seen
    assert exchanged
    assert before == {WEB: "[]\n"}
    assert after == {"groups/b.yaml": "[]\n", "backends/x.yaml": "[]\n"}


def test_where_it_cannot_be_exchanged_files_are_replaced(etc, monkeypatch):
    have(etc, {WEB: "[]\n", "backends/x.yaml": "[]\n"})
    inode = etc.stat().st_ino
    monkeypatch.setattr(staging, "exchange", lambda one, other: False)
    have(etc, {WEB: "[2]\n", "globals/a.yaml": "{}\n"})
    assert etc.stat().st_ino == inode
    assert content(etc) == {WEB: "[2]\n", "globals/a.yaml": "{}\n"}
    assert not have(etc, {WEB: "[2]\n", "globals/a.yaml": "{}\n"})["changed"]
    assert os.listdir(etc.parent) == ["ipvsman"]


def test_a_fault_changes_nothing_and_names_the_file_where_it_would_be(etc):
    have(etc, {WEB: "[]\n"})
    one = drop_ins(etc, {WEB: "[x]\n"})

    def judged():
        at = one.module.told[-1].rpartition(" ")[2]
        lines = f"ipvsman: warning: w\nipvsman: load failed: {at}/{WEB}:1:2: [0]: no\n"
        return 2, "", lines

    one.module.commands = {one.params["program"]: judged}
    with pytest.raises(Faulty) as caught:
        run(one)
    assert str(caught.value) == f"{etc}/{WEB}:1:2: [0]: no"
    assert content(etc) == {WEB: "[]\n"}
    assert os.listdir(etc.parent) == ["ipvsman"]


def test_warnings_are_told(etc):
    one = drop_ins(etc, {WEB: "[]\n"}, judged=(0, "", "ipvsman: warning: hm\n"))
    run(one)
    assert one.module.warnings == ["hm"]


def test_the_arguments_of_the_daemon_are_judged_too(etc):
    one = drop_ins(etc, {WEB: "[]\n"}, arguments=["--strict"])
    run(one)
    assert " --strict --test " in one.module.told[0]


def test_check_mode_tells_what_a_daemon_would_change(etc):
    have(etc, {WEB: "[]\n"})
    one = drop_ins(etc, {WEB: "[1]\n"}, check_mode=True)
    program = f"{one.params['program']}/bin/ipvsman"
    changes = [{"action": "add_service"}]
    one.module.commands = {
        f"{program} --diff": (1, json.dumps({"changes": changes}), ""),
        **one.module.commands,
    }
    assert run(one)["table"] == changes
    assert one.module.told[-1].startswith(f"{program} --diff --output json")


def test_what_the_kernel_lacks_is_a_fault_before_anything_has_changed(etc):
    have(etc, {WEB: "[]\n"})
    needs = ["no_module_a", "no_module_b"]
    one = drop_ins(etc, {WEB: "[1]\n"}, kernel_modules=needs)
    assert run(one)["changed"]
    for check_mode in (True, False):
        one = drop_ins(etc, {WEB: "[2]\n"}, kernel_modules=needs, check_mode=check_mode)
        one.module.commands["/bin/modprobe --dry-run"] = (1, "", "FATAL: not found")
        with pytest.raises(Faulty) as caught:
            run(one)
        assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == needs
        assert content(etc) == {WEB: "[1]\n"}


def test_without_a_program_check_mode_warns_and_the_rest_refuses(etc):
    one = drop_ins(etc, {WEB: "[]\n"}, program="/none", check_mode=True)
    assert run(one)["digest"] is None
    assert "not been judged" in one.module.warnings[0]
    with pytest.raises(Faulty, match="nothing else can judge"):
        have(etc, {WEB: "[]\n"}, program="/none")
    assert not etc.exists()


def test_a_program_whose_libraries_are_gone_judges_nothing(etc):
    """As after an upgrade of the system, before the role has made the program anew."""
    broken = (4, "", "internal error: ModuleNotFoundError: no module\n")
    one = drop_ins(etc, {WEB: "[]\n"}, judged=broken, check_mode=True)
    one.module.commands["/usr/bin/python3 -I -c"] = (1, "", "ModuleNotFoundError")
    assert run(one)["digest"] is None
    assert "cannot be run as it is" in one.module.warnings[0]
    # One that can be run has judged.
    faulty = (2, "", "/x:1: no\n")
    with pytest.raises(Faulty, match="/x:1: no"):
        have(etc, {WEB: "[]\n"}, judged=faulty, check_mode=True)
    with pytest.raises(Faulty, match="ModuleNotFoundError"):
        have(etc, {WEB: "[]\n"}, judged=broken)


def foreign(etc):
    for name in ("groups/hand.yaml", API, "own/note"):
        (etc / name).parent.mkdir(exist_ok=True)
        (etc / name).write_text("[]\n")
    (etc / "groups/hand.yaml").chmod(0o604)


def test_what_others_wrote_stays_the_same_file(etc):
    have(etc, {WEB: "[]\n"})
    foreign(etc)
    inode = (etc / "groups/hand.yaml").stat().st_ino
    told = have(etc, {WEB: "[1]\n"})
    assert sorted(told["foreign"]) == [API, "groups/hand.yaml"]
    assert (etc / "groups/hand.yaml").stat().st_ino == inode
    assert stat.S_IMODE((etc / "groups/hand.yaml").stat().st_mode) == 0o604
    assert (etc / "own/note").read_text() == "[]\n"
    assert not have(etc, {WEB: "[1]\n"})["changed"]


@pytest.mark.parametrize(
    "purges, stays",
    [
        ({"purge": True}, {WEB, API, "own/note"}),
        ({"purge": True, "purge_api": True}, {WEB, "own/note"}),
        ({"purge_api": True}, {WEB, "groups/hand.yaml", "own/note"}),
    ],
)
def test_purging(etc, purges, stays):
    have(etc, {WEB: "[]\n"})
    foreign(etc)
    assert have(etc, {WEB: "[]\n"}, **purges)["changed"]
    assert set(content(etc)) == stays


def test_what_was_ours_and_is_said_no_more_is_removed(etc):
    have(etc, {WEB: "[]\n", "groups/b.yaml": "[]\n"})
    told = have(etc, {WEB: "[]\n"})
    assert [diff["after_header"] for diff in told["diff"]] == [f"{etc}/groups/b.yaml (absent)"]
    assert set(content(etc)) == {WEB}


def test_a_file_of_somebody_else_s_that_we_are_told_to_have_is_ours(etc):
    have(etc, {})
    (etc / WEB).write_text("[]\n")
    assert have(etc, {WEB: "[]\n"})["changed"]
    assert have(etc, {})["changed"]
    assert content(etc) == {}


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"files": 3}'])
def test_without_a_list_of_ours_everything_is_somebody_else_s(etc, text):
    have(etc, {WEB: "[]\n"})
    (etc / MANIFEST).write_text(text)
    assert have(etc, {})["foreign"] == [WEB]


def test_rights_that_were_changed_are_put_right_and_shown(etc):
    have(etc, {WEB: "[]\n"})
    (etc / "groups").chmod(0o777)
    told = have(etc, {WEB: "[]\n"}, check_mode=True)
    assert "rights of groups: 0777" in told["diff"][0]["prepared"]
    assert have(etc, {WEB: "[]\n"})["diff"] == told["diff"]
    assert stat.S_IMODE((etc / "groups").stat().st_mode) == 0o1770


def test_what_the_api_writes_meanwhile_is_not_lost(etc):
    have(etc, {WEB: "[]\n"})
    one = drop_ins(etc, {WEB: "[1]\n"})

    def judged():
        (etc / API).write_text("[late]\n")
        return 0, "", ""

    one.module.commands = {one.params["program"]: judged}
    run(one)
    assert content(etc) == {WEB: "[1]\n", API: "[late]\n"}


def test_half_written_files_of_the_daemon_are_left_behind(etc):
    have(etc, {WEB: "[]\n"})
    (etc / "groups/.api-put.x.tmp").write_text("x")
    assert not have(etc, {WEB: "[]\n"})["changed"]


def test_what_a_killed_run_has_left_is_swept(etc):
    (etc.parent / ".ipvsman.new-x").mkdir(parents=True)
    have(etc, {WEB: "[]\n"})
    assert os.listdir(etc.parent) == ["ipvsman"]


@pytest.mark.parametrize(
    "text, icmp",
    [
        ("healthcheck: {type: icmp}", True),
        ('{"type": "icmp"}', True),
        ("type: 'icmp'", True),
        ("type: tcp  # not icmp", False),
        ("name: icmp", False),
        ("mytype: icmpx", False),
    ],
)
def test_icmp_is_seen_in_files_of_whomever(etc, text, icmp):
    assert have(etc, {WEB: text})["icmp"] is icmp


def test_an_unknown_group(etc):
    with pytest.raises(Faulty, match="there is no group"):
        have(etc, {WEB: "[]\n"}, group="no-such-group")
    assert have(etc, {WEB: "[]\n"}, group="no-such-group", check_mode=True)["changed"]
