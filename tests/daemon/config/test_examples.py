"""Drop-ins that examples and guides give to the role are good for the daemon, too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.lvs.ipvs.plugins.plugin_utils.dropins import read, written
from ipvsman.config.loader import load

ROOT = Path(__file__).resolve().parents[3]
ROLE = "lvs.ipvs.ipvsman"
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def playbooks():
    """Every playbook that is shown, with where."""
    for path in sorted((ROOT / "examples").glob("*.yml")):
        yield path.name, path.read_text(encoding="utf-8")
    for path in [*sorted((ROOT / "docs").glob("*.md")), ROOT / "roles/ipvsman/README.md"]:
        for number, block in enumerate(BLOCK.findall(path.read_text(encoding="utf-8"))):
            yield f"{path.name}-{number}", block


def uses():
    """The variables that the role is given."""
    for where, text in playbooks():
        plays = yaml.safe_load(text)
        for play in plays if isinstance(plays, list) else []:
            for role in play.get("roles") or []:
                if role["role"] == ROLE and "ipvsman_version_pin" not in role["vars"]:
                    yield pytest.param(role["vars"], id=where)


def says(variables):
    return {"ipvsman_groups", "ipvsman_config_src"} & variables.keys()


@pytest.mark.parametrize("variables", [use for use in uses() if says(use.values[0])])
def test_drop_ins_of_a_playbook(variables, tmp_path):
    files = written(
        variables.get("ipvsman_groups"),
        variables.get("ipvsman_backends"),
        {
            "backend-maps": variables.get("ipvsman_backend_maps"),
            "check-refs": variables.get("ipvsman_check_refs"),
            "globals": variables.get("ipvsman_globals"),
        },
    )
    if "ipvsman_config_src" in variables:
        files.update(read(ROOT / "examples" / variables["ipvsman_config_src"]))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert load(tmp_path).frontends


def test_there_are_such_playbooks():
    assert len([use for use in uses() if says(use.values[0])]) >= 3
