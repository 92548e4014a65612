"""A run on a host in memory, with files in a directory of the test's."""

from __future__ import annotations

import grp
import os
import pwd

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.hostfiles import HostFiles
from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import HostError
from ansible_collections.lvs.ipvs.plugins.module_utils.systemd import Unit
from ansible_collections.lvs.ipvs.plugins.module_utils.vips.record import Record
from ansible_collections.lvs.ipvs.plugins.module_utils.vips.run import manage
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.network.fakehost import FakeHost
from ansible_collections.lvs.ipvs.tests.unit.plugins.modules.hostmodule import HostModule

OWNER = {
    "owner": pwd.getpwuid(os.getuid()).pw_name,
    "group": grp.getgrgid(os.getgid()).gr_name,
}


class Files(HostFiles):
    """Of whoever runs the tests."""

    def file(self, path, content, **more):
        super().file(path, content, **{**OWNER, **more})

    def rehearsal(self):
        return Files(dry_run=True)


class Scene:
    """A host, where systemd remembers what it was told."""

    def __init__(self, tmp_path):
        self.host = FakeHost()
        self.directory = tmp_path
        self.record, self.unit_file = tmp_path / "record", tmp_path / "x-vips.service"
        self.enabled = False
        self.told = []

    def run(self, *addresses, check_mode=False, interface="vip0", dummy=True, **options):
        params = {
            "name": "x",
            "state": "present",
            "interface": interface,
            "addresses": list(addresses),
            "dummy": dummy,
            "before": None,
            **options,
        }
        shown = f"UnitFileState={'enabled' if self.enabled else ''}\nActiveState=inactive\n"
        module = HostModule(
            self.directory, commands={"/bin/systemctl show": (0, shown, "")}, **params
        )
        unit = Unit("x-vips.service", module, str(self.directory))
        unit.file = str(self.unit_file)
        record = Record(str(self.record), unit.file)
        files = Files(dry_run=check_mode)
        try:
            return manage(params, self.host, record, unit, files, ip="/sbin/ip")
        finally:
            self.told = [line.split(" ", 1)[1] for line in module.told if " show " not in line]
            self.enabled |= "enable x-vips.service" in self.told
            self.enabled &= "disable x-vips.service" not in self.told

    def addresses(self, link="vip0"):
        return list(self.host.links[link].addresses)


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_addresses_come_and_go_and_nothing_is_left(scene):
    before = scene.host.state()
    told = scene.run("192.0.2.1", "2001:db8::1")
    assert (told["changed"], told["added"], told["removed"]) == (
        True,
        ["192.0.2.1", "2001:db8::1"],
        [],
    )
    assert scene.addresses() == ["192.0.2.1/32", "2001:db8::1/128"]
    assert scene.told == ["daemon-reload", "enable x-vips.service"]
    assert not scene.run("192.0.2.1", "2001:db8::1")["changed"]
    told = scene.run("192.0.2.1", "192.0.2.2")
    assert (told["added"], told["removed"]) == (["192.0.2.2"], ["2001:db8::1"])
    assert scene.told == []
    told = scene.run(state="absent", interface=None)
    assert told["removed"] == ["192.0.2.1", "192.0.2.2"]
    assert scene.told == ["disable x-vips.service", "daemon-reload"]
    assert scene.host.state() == before
    assert list(scene.directory.iterdir()) == []
    assert not scene.run(state="absent", interface=None)["changed"]


@pytest.mark.parametrize("then", [("192.0.2.2",), (), ("192.0.2.1", "192.0.2.3")])
def test_check_mode_tells_the_same_and_does_nothing(scene, then):
    scene.run("192.0.2.1")
    before = scene.host.state(), scene.record.read_text(), scene.unit_file.read_text()
    told = scene.run(*then, check_mode=True)
    assert scene.told == []
    assert (scene.host.state(), scene.record.read_text(), scene.unit_file.read_text()) == before
    assert scene.run(*then) == told


def test_what_somebody_else_put_there_is_neither_recorded_nor_taken_back(scene):
    scene.host.links["eth0"].addresses["192.0.2.1/24"] = "global"
    assert not scene.run("192.0.2.1", interface="eth0", dummy=False)["changed"]
    assert not scene.record.exists()
    assert not scene.run(state="absent", interface=None)["changed"]
    assert "192.0.2.1/24" in scene.addresses("eth0")


def test_what_is_ours_and_was_taken_away_is_put_back(scene):
    scene.run("192.0.2.1")
    scene.host.do(("ip", "address", "del", "192.0.2.1/32", "dev", "vip0"))
    assert scene.run("192.0.2.1")["added"] == ["192.0.2.1"]


def test_another_interface_takes_them_over_first_and_then_the_dummy_goes(scene):
    scene.run("192.0.2.1")
    do = scene.host.do

    def watched(command):
        do(command)
        assert any("192.0.2.1/32" in link.addresses for link in scene.host.links.values())

    scene.host.do = watched
    told = scene.run("192.0.2.1", interface="eth0", dummy=False)
    assert told["diff"][0]["prepared"].splitlines() == [
        "+ address 192.0.2.1/32 dev eth0",
        "- address 192.0.2.1/32 dev vip0",
        "- link vip0",
    ]
    assert "vip0" not in scene.host.links


def test_a_dummy_in_use_and_one_that_is_not_of_our_making_stay(scene):
    scene.run("192.0.2.1")
    scene.host.do(("ip", "address", "replace", "192.0.2.9/32", "dev", "vip0"))
    scene.run(state="absent", interface=None)
    assert scene.addresses() == ["192.0.2.9/32"]
    scene.host.do(("ip", "address", "del", "192.0.2.9/32", "dev", "vip0"))
    scene.run("192.0.2.1", dummy=False)
    scene.run(state="absent", interface=None)
    assert scene.addresses() == []


def test_what_was_stopped_half_way_is_known_as_ours(scene):
    scene.run("192.0.2.1")
    do = scene.host.do

    def stopping(command):
        if "192.0.2.1/32" in command:
            raise HostError("stopped")
        do(command)

    scene.host.do = stopping
    with pytest.raises(HostError, match="stopped"):
        scene.run("192.0.2.2")
    scene.host.do = do
    scene.run(state="absent", interface=None)
    assert "vip0" not in scene.host.links
