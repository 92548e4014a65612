from __future__ import annotations

import io
import json
import os
import stat
import tarfile
from types import SimpleNamespace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director.needs import NEEDED, Unfit
from ansible_collections.lvs.ipvs.plugins.module_utils.director.program import Program, run
from ansible_collections.lvs.ipvs.tests.unit.plugins.modules.hostmodule import HostModule

PYTHON = "/proc/self/exe"
ALL = {"python": [3, 11, 2], "found": dict.fromkeys(NEEDED, "99"), "venv": True}


@pytest.fixture
def host(tmp_path):
    def make(asked=None, check_mode=False, commands=None, **params):
        given = {
            "state": "present",
            "root": str(tmp_path / "root"),
            "python": PYTHON,
            "install": "distro",
            "requirements": None,
            "pip_index": None,
            "pip_find_links": None,
            "pip_arguments": [],
            "keep": 2,
            "pin": None,
            "name": "1.0-aaa",
            "archive": None,
            **params,
        }
        answers = {
            **(commands or {}),
            f"{PYTHON} -I -c": (0, json.dumps(asked or ALL), ""),
            "/bin/systemctl --version": (0, "systemd 252 (252.1)\n+PAM\n", ""),
        }
        return Program(HostModule(tmp_path, check_mode, answers, **given))

    return make


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "archive"
    with tarfile.open(path, "w:gz") as tar:
        for name in ("ipvsman/__main__.py", "requirements.txt"):
            entry = tarfile.TarInfo(name)
            entry.size = 2
            tar.addfile(entry, io.BytesIO(b"x\n"))
    return str(path)


def test_examined_tells_and_changes_nothing(host, tmp_path):
    asked = {**ALL, "found": {**ALL["found"], "aiohttp": "3.7"}}
    del asked["found"]["PyYAML"]
    told = run(host(asked, state="examined"))
    assert not told["changed"]
    assert told["missing"] == ["aiohttp", "PyYAML"]
    assert (told["host"]["python"], told["host"]["systemd"]) == ("3.11.2", 252)
    assert told["directory"] == str(tmp_path / "root/versions/1.0-aaa")
    assert not (tmp_path / "root").exists()


def test_a_host_without_the_python_misses_everything(host):
    told = run(host(state="examined", python="/no/python"))
    assert told["missing"] == list(NEEDED)
    assert told["host"]["python"] is None


def test_an_old_python_is_refused_with_the_way_out(host):
    with pytest.raises(Unfit, match=r"^python: .* is Python 3.9.2, .* needs 3.11 .*ipvsman_python"):
        run(host({**ALL, "python": [3, 9, 2]}, state="examined"))


def test_an_environment_needs_what_makes_it(host):
    assert run(host({**ALL, "venv": False}, state="examined", install="venv"))["missing"] == [
        "venv"
    ]
    assert run(host({**ALL, "found": {}}, state="examined", install="venv"))["missing"] == []


def test_it_asks_for_the_archive_only_where_the_version_is_not(host, archive):
    assert run(host())["wants_archive"]
    assert run(host(archive=archive))["changed"]
    again = run(host())
    assert (again["changed"], again["present"]) == (False, True)


def test_check_mode_wants_no_archive_and_tells_the_same(host, archive, tmp_path):
    told = run(host(check_mode=True))
    assert not (tmp_path / "root").exists()
    done = run(host(archive=archive))
    assert (told["changed"], told["diff"]) == (done["changed"], done["diff"])


def test_a_version_is_laid_down_with_its_commands(host, archive, tmp_path):
    run(host(archive=archive))
    directory = tmp_path / "root/versions/1.0-aaa"
    assert (directory / "ipvsman/__main__.py").exists()
    command = directory / "bin/ipvsman"
    assert stat.S_IMODE(command.stat().st_mode) == 0o755
    assert command.read_text().startswith(f"#!{PYTHON} -I\n")
    compile(command.read_text(), "ipvsman", "exec")
    assert '"--config-dir", "/etc/ipvsman"' in command.read_text()
    assert "ipvsman.ctl.__main__" in (directory / "bin/ipvsctl").read_text()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o755
    assert os.listdir(directory.parent) == ["1.0-aaa"]


def test_what_fails_half_way_leaves_nothing(host, archive, tmp_path):
    broken = {f"{PYTHON} -I -m compileall": (1, "", "disk full")}
    with pytest.raises(Unfit, match="disk full"):
        run(host(archive=archive, commands=broken))
    assert os.listdir(tmp_path / "root/versions") == []


def test_what_a_killed_run_has_left_is_swept_and_no_version(host, archive, tmp_path):
    (tmp_path / "root/versions/.making-x").mkdir(parents=True)
    assert run(host(state="examined"))["versions"] == []
    run(host(archive=archive))
    assert os.listdir(tmp_path / "root/versions") == ["1.0-aaa"]


@pytest.mark.parametrize(
    "params, words",
    [
        ({}, []),
        ({"pip_index": "http://i/"}, ["--index-url http://i/"]),
        ({"pip_find_links": "/w"}, ["--no-index", "--find-links /w"]),
        ({"pip_index": "http://i/", "pip_find_links": "/w"}, ["--index-url", "--find-links /w"]),
        ({"pip_arguments": ["--trusted-host", "i"]}, ["--trusted-host i --requirement"]),
    ],
)
def test_where_pip_looks(host, archive, params, words):
    program = host(archive=archive, install="venv", **params)
    run(program)
    (line,) = [line for line in program.module.told if " -m pip install" in line]
    assert all(word in line for word in words)
    assert ("--no-index" in line) == (params.keys() == {"pip_find_links"})
    command = os.path.join(program.directory, "bin", "ipvsman")
    with open(command, encoding="utf-8") as stream:
        assert stream.readline() == f"#!{program.directory}/venv/bin/python -I\n"


def test_the_playbook_s_requirements_take_the_place_of_ours(host, archive):
    program = host(archive=archive, install="venv", requirements="h11==9\n")
    run(program)
    with open(os.path.join(program.directory, "requirements.txt"), encoding="utf-8") as stream:
        assert stream.read() == "h11==9\n"


def test_an_environment_of_another_python_is_made_anew(host, archive, tmp_path):
    (tmp_path / "root/versions/1.0-aaa/venv/lib/python3.10").mkdir(parents=True)
    assert not run(host(state="examined", install="venv"))["present"]
    with pytest.raises(Unfit, match="another Python"):
        run(host(pin="1.0-aaa", install="venv"))
    assert run(host(archive=archive, install="venv"))["changed"]
    assert not (tmp_path / "root/versions/1.0-aaa/venv").exists()


def test_an_environment_of_the_same_python_stays(host, archive, tmp_path):
    (tmp_path / "root/versions/1.0-aaa/venv/lib/python3.11").mkdir(parents=True)
    assert run(host(state="examined", install="venv"))["present"]
    assert not run(host(archive=archive, install="venv"))["changed"]


def test_a_full_disk_is_told(host, archive, monkeypatch):
    full = SimpleNamespace(f_bavail=3, f_frsize=1 << 20)
    monkeypatch.setattr(os, "statvfs", lambda _path: full)
    commands = {f"{PYTHON} -I -m venv": (1, "", "ensurepip failed")}
    with pytest.raises(Unfit, match=r"ensurepip failed; .*/root has 3 MiB free"):
        run(host(archive=archive, install="venv", commands=commands))


def version(tmp_path, name, age):
    path = tmp_path / "root/versions" / name
    path.mkdir(parents=True)
    os.utime(path, (1000 - age, 1000 - age))


def test_old_versions_go_but_not_the_one_in_use(host, archive, tmp_path):
    for age, name in enumerate(("d", "c", "b", "used")):
        version(tmp_path, name, age)
    (tmp_path / "root/current").symlink_to("versions/used")
    told = run(host(archive=archive, check_mode=True))
    done = run(host(archive=archive, keep=3))
    assert sorted(os.listdir(tmp_path / "root/versions")) == ["1.0-aaa", "d", "used"]
    assert done["diff"]["prepared"].count("\n") == 3
    assert told["diff"]["prepared"].count("\n") == 4


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_the_one_in_use_and_the_new_one_always_stay(host, archive, tmp_path, keep):
    version(tmp_path, "used", 1)
    (tmp_path / "root/current").symlink_to("versions/used")
    run(host(archive=archive, keep=keep))
    assert sorted(os.listdir(tmp_path / "root/versions")) == ["1.0-aaa", "used"]


def test_a_pin_is_a_version_that_is_there(host, tmp_path):
    version(tmp_path, "0.9-old", 1)
    assert run(host(pin="0.9-old", state="examined"))["name"] == "0.9-old"
    with pytest.raises(Unfit, match=r"no version 0.8 to go back to; there are: 0.9-old"):
        run(host(pin="0.8"))


def test_a_python_that_there_is_not(host, archive, tmp_path):
    program = host(python="/nowhere/python", archive=archive)
    with pytest.raises(Unfit, match=r"python: there is no /nowhere/python .*ipvsman_python"):
        run(program)
    assert not (tmp_path / "root/versions").exists()
    # A package may be about to bring it.
    assert run(host(python="/nowhere/python", state="examined"))["missing"] == list(NEEDED)
