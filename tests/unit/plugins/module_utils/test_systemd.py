"""What systemctl is told, and what it says."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.systemd import Refused, Unit, is_unit_name
from ansible_collections.lvs.ipvs.tests.unit.plugins.modules.hostmodule import HostModule


def unit(tmp_path, shown="", **answers):
    commands = {f"/bin/systemctl {verb}": answer for verb, answer in answers.items()}
    log = {"/bin/journalctl": (0, "last words\n", "")}
    module = HostModule(
        tmp_path, commands={"/bin/systemctl show": (0, shown, ""), **commands, **log}
    )
    return Unit("x.service", module, str(tmp_path))


@pytest.mark.parametrize(
    "enabled, active, wanted, verbs",
    [
        ("enabled", "active", True, []),
        ("", "inactive", True, ["enable", "start"]),
        ("disabled", "active", True, ["enable"]),
        ("enabled", "failed", True, ["start"]),
        ("enabled", "active", False, ["stop", "disable"]),
        ("", "inactive", False, []),
    ],
)
def test_what_is_missing(tmp_path, enabled, active, wanted, verbs):
    one = unit(tmp_path, f"UnitFileState={enabled}\nActiveState={active}\n")
    assert one.missing(wanted, started=True) == verbs
    assert one.missing(wanted, started=False) == [
        verb for verb in verbs if verb not in ("start", "stop")
    ]


def test_it_is_told(tmp_path):
    one = unit(tmp_path)
    one.do("enable")
    assert one.tell("daemon-reload") == ""
    assert [line.partition(" ")[2] for line in one._module.told] == [
        "enable x.service",
        "daemon-reload",
    ]


def test_what_it_refuses_is_told_with_the_log(tmp_path):
    with pytest.raises(Refused) as caught:
        unit(tmp_path, start=(1, "", "Job failed\n")).do("start")
    assert str(caught.value) == (
        "systemctl start x.service: Job failed\nThe last lines of its log:\nlast words"
    )
    with pytest.raises(Refused, match=r"systemctl stop x.service: exit status 5"):
        unit(tmp_path, stop=(5, "", "")).do("stop")


def test_properties_that_are_not_told_are_empty(tmp_path):
    assert unit(tmp_path, "MainPID=7\n").properties("MainPID", "LoadState") == {
        "MainPID": "7",
        "LoadState": "",
    }


def test_without_systemd_nothing_is_called(tmp_path):
    module = HostModule(tmp_path)
    one = Unit("x.service", module, str(tmp_path / "none"))
    assert not one.is_possible
    assert one.missing(True, started=True) == []
    assert one.properties("MainPID") == {"MainPID": ""}
    one.do("enable")
    assert module.told == []


@pytest.mark.parametrize("name", ["ipvsman.service", "a@b-c.socket", "dev-disk\\x2d.mount"])
def test_names_of_units(name):
    assert is_unit_name(name)


@pytest.mark.parametrize(
    "name", ["ipvsman", "../x.service", "-x.service", "a b.service", "x.service\n"]
)
def test_what_is_none(name):
    assert not is_unit_name(name)
