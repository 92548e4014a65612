from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.lvs.ipvs.plugins.action.ipvsman_dropins import ActionModule


class Task:
    def __init__(self, args):
        self.args = args
        self.async_val = False
        self.check_mode = False


@pytest.fixture
def action(monkeypatch):
    """The plugin with these arguments; what the module on the host would get."""

    def make(playbook, **args):
        plugin = ActionModule.__new__(ActionModule)
        plugin._task = Task(args)
        sent = []

        def execute(name, module_args, task_vars):
            sent.append((name, module_args))
            return {"changed": True}

        monkeypatch.setattr(plugin, "_execute_module", execute)
        monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_unused: {})
        result = plugin.run(None, {"playbook_dir": str(playbook)})
        ((name, module_args),) = sent
        assert name == "lvs.ipvs.ipvsman_dropins"
        return result, module_args

    return make


def test_variables_become_files_and_what_they_use_is_told(action, tmp_path):
    groups = [{"group": "a", "vip": "192.0.2.1", "frontends": [{"scheduler": "mh"}]}]
    result, sent = action(tmp_path, groups=groups, program="/p", purge=True)
    assert sent.keys() == {"program", "purge", "files", "kernel_modules"}
    assert sent["kernel_modules"] == ["ip_vs_mh"]
    assert sent["files"].keys() == {"groups/ansible.yaml"}
    assert result["used"]["vips"] == ["192.0.2.1"]
    assert result["used"]["schedulers"] == ["mh"]
    assert result["changed"]


@pytest.mark.parametrize("place", ["drop-ins", "files/drop-ins"])
def test_files_are_looked_for_beside_the_playbook(action, tmp_path, place):
    (tmp_path / place / "groups").mkdir(parents=True)
    (tmp_path / place / "groups/a.yaml").write_text("[]\n")
    _result, sent = action(tmp_path, src="drop-ins", program="/p")
    assert sent["files"] == {"groups/a.yaml": "[]\n"}


def test_a_directory_that_there_is_not(action, tmp_path):
    with pytest.raises(AnsibleActionFail, match=r"no directory 'x'; looked for .* and .*files/x"):
        action(tmp_path, src="x", program="/p")


def test_a_file_that_is_said_twice(action, tmp_path):
    (tmp_path / "d/groups").mkdir(parents=True)
    (tmp_path / "d/groups/ansible.yaml").write_text("[]\n")
    with pytest.raises(AnsibleActionFail, match=r"groups/ansible\.yaml: is in d, and made of"):
        action(tmp_path, src="d", groups=[], program="/p")


def test_all_of_the_wrong_type_are_told(action, tmp_path):
    with pytest.raises(AnsibleActionFail) as caught:
        action(tmp_path, groups={}, backends=[], check_refs="x", program="/p")
    said = caught.value.message
    assert [line.partition(":")[0] for line in said.splitlines()] == [
        "groups",
        "backends",
        "check_refs",
    ]


def test_what_the_plugin_fills_in_nobody_else_says(action, tmp_path):
    with pytest.raises(AnsibleActionFail, match="filled in by the action plugin"):
        action(tmp_path, files={}, program="/p")
