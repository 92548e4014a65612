"""The playbooks for fleets and the roles: what they take is what they say, and the example fits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
ROLES = ["ipvsman", "realserver"]
#: A row of the variables at the top: the name, and what it is.
ROW = re.compile(r"^#   (\w+)  +\S", re.MULTILINE)
#: Set by the playbook itself, for a role or for itself.
NOT_FOR_USERS = {"lvs_rehearsal"}


def names(paths):
    return [path.stem for path in paths]


def header(path):
    text = path.read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if line.startswith("#"))


def body(path):
    text = path.read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def own_variables(path):
    """What a play sets: vars, registered results, facts, variables of loops."""
    text = body(path)
    found = set(re.findall(r"^ +(\w+):(?: |$)", text, re.MULTILINE))
    return found | set(re.findall(r"(?:register|loop_var): (\w+)", text))


def test_there_are_these():
    assert names(PLAYBOOKS) == ["doctor", "drain", "preview", "rollout", "site"]


@pytest.mark.parametrize("path", PLAYBOOKS, ids=names(PLAYBOOKS))
def test_variables_of_the_header_are_those_of_the_playbook(path):
    documented = set(ROW.findall(header(path)))
    # Not what comes after a dot: a filter of the collection.
    used = set(re.findall(rf"(?<![.\w])(?:lvs|{path.stem})_\w+", body(path)))
    open_ones = used - own_variables(path) - NOT_FOR_USERS
    assert open_ones == documented


@pytest.mark.parametrize("path", PLAYBOOKS, ids=names(PLAYBOOKS))
def test_every_playbook_says_how_it_is_run_and_is_in_the_guide(path):
    line = f"ansible-playbook lvs.ipvs.{path.stem} -i inventory"
    assert line in header(path)
    assert line in (ROOT / "docs" / "fleet.md").read_text(encoding="utf-8")


def flat(tasks):
    """Tasks that are run, those of blocks included."""
    for task in tasks:
        inner = [each for part in ("block", "rescue", "always") for each in task.get(part, [])]
        yield from flat(inner) if inner else [task]


#: These run on the controller.
WITHOUT_A_HOST = {"assert", "debug", "include_tasks"}


def test_a_rollout_hears_of_every_task_that_may_not_have_reached_the_host():
    tasks = [
        task
        for path in sorted((ROOT / "roles/ipvsman/tasks").glob("*.yml"))
        for task in flat(yaml.safe_load(path.read_text(encoding="utf-8")))
        if not {name.removeprefix("ansible.builtin.") for name in task} & WITHOUT_A_HOST
    ]
    registered = {task.get("register") for task in tasks}
    (play,) = yaml.safe_load((ROOT / "playbooks/rollout.yml").read_text(encoding="utf-8"))
    heard_of = set(re.findall(r"_ipvsman_\w+", play["vars"]["rollout_asked"]))
    assert len(tasks) > 10
    assert registered == heard_of


@pytest.mark.parametrize("role", ROLES)
def test_a_role_and_its_readme_have_the_same_variables(role):
    folder = ROOT / "roles" / role
    specs = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = set(specs["argument_specs"]["main"]["options"])
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(rf"\b{role}_\w+", readme)) >= options
    defaults = yaml.safe_load((folder / "defaults" / "main.yml").read_text(encoding="utf-8"))
    assert set(defaults) <= options


@pytest.fixture(scope="module")
def example():
    """Variables of every host of the example, as Ansible has them."""
    command = [
        str(Path(sys.executable).parent / "ansible-inventory"),
        *("-i", str(ROOT / "examples" / "inventory"), "--list"),
    ]
    done = subprocess.run(
        command, capture_output=True, check=True, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}
    )
    return json.loads(done.stdout)["_meta"]["hostvars"]


@pytest.mark.parametrize("role, count", [("ipvsman", 2), ("realserver", 3)])
def test_the_example_is_what_the_roles_take(example, role, count):
    path = ROOT / "roles" / role / "meta" / "argument_specs.yml"
    options = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    concerned = 0
    for variables in example.values():
        given = {name: variables[name] for name in variables if name.startswith(f"{role}_")}
        # Templates are for a play; the one that is meant is a list.
        given = {
            name: variables["site_vips"] if value == "{{ site_vips }}" else value
            for name, value in given.items()
        }
        if given:
            concerned += 1
            assert set(given) <= set(options)
            assert not ArgumentSpecValidator(options).validate(given).error_messages
    assert concerned == count
