from __future__ import annotations

import os
import tarfile
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.lvs.ipvs.plugins.action.ipvsman_program import ActionModule


class Task:
    def __init__(self, args):
        self.args = args


class Host:
    """What the plugin does to a host; answers: of the module, run by run."""

    def __init__(self, monkeypatch, *answers):
        self.runs = []
        self.sent = []
        self._answers = list(answers)
        monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_unused: {})
        self._monkeypatch = monkeypatch

    def run(self, tmpdir=None, **args):
        plugin = ActionModule.__new__(ActionModule)
        plugin._task = Task(args)
        plugin._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=tmpdir))
        for name, replacement in {
            "_execute_module": self._execute,
            "_make_tmp_path": lambda: "/tmp/remote",
            "_transfer_file": self._transfer,
            "_fixup_perms2": lambda paths: None,
        }.items():
            self._monkeypatch.setattr(plugin, name, replacement)
        return plugin.run(None, {})

    def _execute(self, name, module_args, task_vars):
        assert name == "lvs.ipvs.ipvsman_program"
        self.runs.append(dict(module_args))
        return self._answers.pop(0)

    def _transfer(self, local, remote):
        with tarfile.open(local) as tar:
            self.sent.append((local, remote, tar.getnames()))


def test_who_has_the_version_is_sent_nothing(monkeypatch):
    host = Host(monkeypatch, {"changed": False})
    assert host.run(state="present") == {"changed": False}
    assert host.sent == []
    (asked,) = host.runs
    assert "archive" not in asked
    assert asked["name"].count("-") == 1


def test_who_has_not_is_sent_the_archive_and_nothing_is_left_here(monkeypatch):
    host = Host(monkeypatch, {"changed": False, "wants_archive": True}, {"changed": True})
    assert host.run() == {"changed": True}
    ((local, remote, names),) = host.sent
    assert host.runs[1]["archive"] == remote == "/tmp/remote/ipvsman.tar.gz"
    assert "ipvsman/ipvs/model.py" in names
    assert not os.path.exists(local)


def test_the_archive_goes_where_ansible_has_been_and_cleans_up(monkeypatch):
    host = Host(monkeypatch, {"wants_archive": True}, {})
    host.run(tmpdir="/home/admin/.ansible/tmp/first")
    assert host.sent[0][1] == "/home/admin/.ansible/tmp/first/ipvsman.tar.gz"


@pytest.mark.parametrize(
    "args, same",
    [
        ({"install": "distro"}, True),
        ({"python": "/usr/bin/python3", "state": "examined", "keep": 7}, True),
        ({"install": "venv"}, False),
        ({"python": "/usr/bin/python3.12"}, False),
        ({"requirements": "h11==1"}, False),
    ],
)
def test_the_name_is_of_the_files_and_of_how_they_are_installed(monkeypatch, args, same):
    plain = Host(monkeypatch, {})
    plain.run()
    other = Host(monkeypatch, {})
    other.run(**args)
    assert (plain.runs[0]["name"] == other.runs[0]["name"]) is same


def test_what_the_plugin_fills_in_nobody_else_says(monkeypatch):
    with pytest.raises(AnsibleActionFail, match="name is filled in"):
        Host(monkeypatch).run(name="1.0")
