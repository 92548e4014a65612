"""The role ipvsman: its variables are told the same everywhere, and what it installs is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest
import tomllib
import yaml
from ansible_collections.lvs.ipvs.plugins.module_utils.director.dropins import (
    FOLDERS as ON_THE_HOST,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.director.needs import NEEDED
from ansible_collections.lvs.ipvs.plugins.plugin_utils.dropins import FOLDERS
from ansible_collections.lvs.ipvs.plugins.plugin_utils.program import Program

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles" / "ipvsman"


def load(name):
    return yaml.safe_load((ROLE / name).read_text(encoding="utf-8"))


SPEC = load("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
DEFAULTS = load("defaults/main.yml")
VARS = load("vars/main.yml")
ROW = re.compile(r"^\| `(ipvsman_\w+)` \| (?:`(.*?)`)? ?\|", re.MULTILINE)
README = (ROLE / "README.md").read_text(encoding="utf-8")


def test_every_variable_is_in_the_readme_with_its_default():
    told = dict(ROW.findall(README))
    assert told.keys() == SPEC.keys()
    assert {name: yaml.safe_load(value) for name, value in told.items() if value} == DEFAULTS


def test_defaults_are_those_of_the_specification():
    specified = {name: option["default"] for name, option in SPEC.items() if "default" in option}
    assert specified == DEFAULTS


def test_what_the_tasks_read_is_specified():
    texts = [
        path.read_text(encoding="utf-8")
        for folder in ("tasks", "templates", "vars")
        for path in (ROLE / folder).iterdir()
    ]
    read = set(re.findall(r"(?<![\w.])ipvsman_[a-z_]+\b", "\n".join(texts)))
    modules = {f"ipvsman_{name}" for name in ("program", "dropins", "service")}
    assert read - modules == set(SPEC)


def test_every_sysctl_is_explained():
    defaults = VARS["_ipvsman_sysctl_defaults"]
    rows = dict(re.findall(r"^\| `(net\.[\w.]+)` \| ([\d ]+) \|", README, re.MULTILINE))
    assert rows.pop("net.ipv6.conf.all.forwarding") == "1"
    assert rows == {name: str(value) for name, value in defaults.items()}
    assert set(VARS["_ipvsman_optional_sysctls"]) <= set(defaults)


def test_links_lead_to_what_the_program_brings():
    files = {f"/usr/lib/ipvsman/current/{name}" for name in Program(ROOT).files}
    commands = {f"/usr/lib/ipvsman/current/bin/{name}" for name in ("ipvsman", "ipvsctl")}
    targets = [
        os.path.normpath(os.path.join(os.path.dirname(link["path"]), link["target"]))
        for link in VARS["_ipvsman_links"]
    ]
    assert set(targets) <= files | commands
    shares = {name for name in files if "/share/" in name}
    assert shares <= set(targets)


def test_the_libraries_are_those_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = dict(each.split(" >= ") for each in project["dependencies"])
    assert wanted == NEEDED
    pins = (ROLE / "files/requirements.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^([\w.-]+)==\S+ \\\n    --hash=sha256:", pins, re.MULTILINE)
    assert {name.lower() for name in wanted} <= set(pinned)
    assert len(pinned) == pins.count("==")


@pytest.mark.parametrize("system", ["debian-12", "debian-13", "rhel-9", "rocky-9"])
def test_each_system_has_a_package_for_each_library(system):
    assert len(VARS["_ipvsman_package_map"][system]["distro"]) == len(NEEDED) + 1


def unit(**variables):
    text = (ROLE / "templates/ipvsman.service.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False
    )
    environment.filters["bool"] = bool
    return environment.from_string(text).render(
        **{
            "_ipvsman_found": {"host": {"systemd": 252}},
            "_ipvsman_token_file": "/t",
            "_ipvsman_icmp": False,
            "ipvsman_api_token": "",
            "ipvsman_netns": "",
            "ipvsman_watchdog_sec": 30,
            **variables,
        }
    )


def test_the_unit_of_an_old_and_of_a_new_systemd():
    old = unit().splitlines()
    assert "Type=notify" in old
    assert "ExecReload=/usr/bin/ipvsman --reload $IPVSMAN_EXTRA_ARGS" in old
    new = unit(_ipvsman_found={"host": {"systemd": 253}}).splitlines()
    assert "Type=notify-reload" in new
    assert not [line for line in new if line.startswith("ExecReload")]


@pytest.mark.parametrize(
    "variables, added, gone",
    [
        ({"ipvsman_api_token": "x"}, {"LoadCredential=api-token:/t"}, set()),
        ({"ipvsman_netns": "n"}, {"NetworkNamespacePath=/run/netns/n"}, set()),
        (
            {"_ipvsman_icmp": True},
            {
                "CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW",
                "AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW",
            },
            {"CapabilityBoundingSet=CAP_NET_ADMIN", "AmbientCapabilities=CAP_NET_ADMIN"},
        ),
    ],
)
def test_the_unit_has_more_only_where_it_is_wanted(variables, added, gone):
    def settings(text):
        return {line for line in text.splitlines() if not line.startswith("#")}

    plain, other = settings(unit()), settings(unit(**variables))
    assert (other - plain, plain - other) == (added, gone)


FAULTY = [
    ({}, []),
    ({"ipvsman_extra_args": ["--strict", "--log-level=debug"]}, []),
    ({"ipvsman_vips": ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"]}, []),
    # As they come by -e NAME=VALUE.
    ({"ipvsman_watchdog_sec": "30", "ipvsman_keep_versions": "1"}, []),
    (
        {"ipvsman_extra_args": "--strict", "ipvsman_vips": "192.0.2.1"},
        ["ipvsman_extra_args: is a text", "ipvsman_vips: is a text"],
    ),
    (
        {"ipvsman_extra_args": ["--log-level debug"]},
        ["ipvsman_extra_args: --log-level debug: each"],
    ),
    ({"ipvsman_extra_args": ["--config-dir", "/x"]}, ["ipvsman_extra_args: --config-dir: is for"]),
    ({"ipvsman_extra_args": ["--netns=x"]}, ["ipvsman_extra_args: --netns=x: is for"]),
    ({"ipvsman_api_host": "a b"}, ["ipvsman_api_host: 'a b' is no address"]),
    ({"ipvsman_prometheus_host": "$(x)"}, ["ipvsman_prometheus_host: '$(x)' is no address"]),
    ({"ipvsman_api_token": "open sesame"}, ["ipvsman_api_token: has to be one word"]),
    (
        {"ipvsman_watchdog_sec": -1, "ipvsman_keep_versions": 0},
        ["ipvsman_watchdog_sec: -1 is not above 0", "ipvsman_keep_versions: 0 is not above 0"],
    ),
    ({"ipvsman_sysctls": "net.ipv4.ip_forward=1"}, ["ipvsman_sysctls: is a text"]),
    (
        {"ipvsman_vips": ["192.0.2.1/32", "web", "2001:db8::1"]},
        ["ipvsman_vips: 192.0.2.1/32, web: each has to be an IPv4 or IPv6 address"],
    ),
    ({"ipvsman_requirements": "/nowhere.txt"}, ["ipvsman_requirements: there is no file /nowhere"]),
]


def test_what_can_be_told_before_anything_is_asked_of_the_host(tmp_path):
    tasks = [
        {
            "name": f"{given}",
            "vars": {**given, "wanted": wanted},
            "ansible.builtin.assert": {
                "that": [
                    "_ipvsman_unfit | length == wanted | length",
                    *(
                        f"_ipvsman_unfit[{number}].startswith(wanted[{number}])"
                        for number in range(len(wanted))
                    ),
                ],
                "fail_msg": "{{ _ipvsman_unfit }}",
            },
        }
        for given, wanted in FAULTY
    ]
    files = [str(ROLE / "defaults/main.yml"), str(ROLE / "vars/main.yml")]
    play = {"hosts": "localhost", "gather_facts": False, "vars_files": files, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), str(tmp_path / "play.yml")],
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_token_is_in_no_file_that_others_may_read():
    assert "hush" not in unit(ipvsman_api_token="hush")
    assert "api_token" not in (ROLE / "templates/default.j2").read_text(encoding="utf-8")


def test_both_halves_know_the_same_folders():
    assert FOLDERS == ON_THE_HOST


def test_the_schema_for_editors_is_json():
    schema = json.loads((ROLE / "files/schema/drop-ins.schema.json").read_text(encoding="utf-8"))
    assert schema
