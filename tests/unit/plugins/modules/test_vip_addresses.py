from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.ipvs.plugins.modules.vip_addresses import (
    Addresses,
    Faulty,
    Placed,
    canonical,
    check_names,
    recorded,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.modules.hostmodule import HostModule


class Files:
    """Stands for HostFiles."""

    def __init__(self, order):
        self.written = {}
        self.changed = []
        self.diff = []
        self._order = order

    def file(self, path, content, *, mode):
        self._order.append(f"write {path}")
        self.written[path] = content
        self.changed.append(path)

    def absent(self, path):
        self.written[path] = None


def links(**addresses):
    """What `ip -json address show` says of these interfaces."""
    shown = [
        {"ifname": name, "addr_info": [{"local": each} for each in found]}
        for name, found in addresses.items()
    ]
    return 0, json.dumps(shown), ""


def addresses(tmp_path, there, check_mode=False, record="", dummies=("vip0",), **params):
    given = {
        "name": "x",
        "state": "present",
        "interface": "vip0",
        "addresses": [],
        "dummy": True,
        "before": None,
        **params,
    }
    kind = {name: {"linkinfo": {"info_kind": "dummy"}} for name in dummies}

    def details(name):
        return 0, json.dumps([kind.get(name, {})]), ""

    module = HostModule(tmp_path, check_mode, {}, **given)
    one = Addresses(module, Files(module.told))
    one.ip = "ip"
    module.commands = {
        "ip -json address show": links(**there),
        **{f"ip -json -details link show dev {name}": details(name) for name in there},
    }
    one.record = str(tmp_path / "record")
    one.unit_file = str(tmp_path / "unit")
    if record:
        (tmp_path / "record").write_text(record)
    return one


def ip_commands(one):
    return [line for line in one.module.told if line.startswith("ip ") and "-json" not in line]


RECORD = "# header\naddress replace 192.0.2.1/32 dev vip0\n"


def test_a_record_is_read_as_it_was_written():
    placed = [Placed("192.0.2.1", "vip0"), Placed("2001:db8::1", "eth0.7")]
    assert recorded("# x\n" + "".join(each.command() for each in placed)) == placed


def test_addresses_have_one_form_and_one_order():
    assert canonical(["2001:DB8:0::1", "10.0.0.2", "9.0.0.1", "10.0.0.2"]) == [
        "9.0.0.1",
        "10.0.0.2",
        "2001:db8::1",
    ]
    with pytest.raises(Faulty) as caught:
        canonical(["10.0.0.0/8", "x"])
    assert len(str(caught.value).splitlines()) == 2


def test_a_dummy_is_made_and_what_is_to_be_there_is_written_down_first(tmp_path):
    one = addresses(tmp_path, {"lo": []}, addresses=["192.0.2.1", "2001:db8::1"])
    result = one.manage()
    assert result["added"] == ["192.0.2.1", "2001:db8::1"]
    written = one.module.told.index(f"write {one.record}")
    assert all(one.module.told.index(line) > written for line in ip_commands(one))
    assert ip_commands(one) == [
        "ip link add name vip0 type dummy",
        "ip link set dev vip0 up",
        "ip address replace 192.0.2.1/32 dev vip0",
        "ip address replace 2001:db8::1/128 dev vip0 nodad preferred_lft 0",
    ]


def test_check_mode_tells_the_same_and_runs_nothing(tmp_path):
    told = addresses(tmp_path, {"lo": []}, check_mode=True, addresses=["192.0.2.1"])
    done = addresses(tmp_path, {"lo": []}, addresses=["192.0.2.1"])
    assert told.manage() == done.manage()
    assert ip_commands(told) == []


def test_what_somebody_else_put_there_is_neither_recorded_nor_taken_back(tmp_path):
    one = addresses(tmp_path, {"vip0": ["192.0.2.1", "192.0.2.9"]}, addresses=["192.0.2.1"])
    one.manage()
    assert ip_commands(one) == []
    assert one.host.written[one.record] is None
    gone = addresses(tmp_path, {"vip0": ["192.0.2.1"]}, state="absent", interface=None)
    assert gone.manage()["removed"] == []
    assert ip_commands(gone) == []


def test_what_is_ours_and_not_wanted_is_taken_back(tmp_path):
    there = {"vip0": ["192.0.2.1", "192.0.2.2"]}
    one = addresses(tmp_path, there, record=RECORD, addresses=["192.0.2.3"])
    assert one.manage()["removed"] == ["192.0.2.1"]
    assert ip_commands(one) == [
        "ip address delete 192.0.2.1/32 dev vip0",
        "ip link set dev vip0 up",
        "ip address replace 192.0.2.3/32 dev vip0",
    ]


def test_what_is_ours_and_was_taken_away_is_put_back(tmp_path):
    one = addresses(tmp_path, {"vip0": []}, record=RECORD, addresses=["192.0.2.1"])
    assert one.manage()["added"] == ["192.0.2.1"]


def test_another_interface_takes_them_over_and_the_dummy_goes(tmp_path):
    there = {"vip0": ["192.0.2.1", "fe80::1"], "eth0": ["10.0.0.1"]}
    words = {"record": RECORD, "addresses": ["192.0.2.1"], "interface": "eth0", "dummy": False}
    one = addresses(tmp_path, there, **words)
    one.manage()
    assert ip_commands(one) == [
        "ip address delete 192.0.2.1/32 dev vip0",
        "ip link set dev eth0 up",
        "ip address replace 192.0.2.1/32 dev eth0",
        "ip link delete dev vip0",
    ]


@pytest.mark.parametrize(
    "there, dummies",
    [({"vip0": ["192.0.2.1", "192.0.2.9"]}, ("vip0",)), ({"vip0": ["192.0.2.1"]}, ())],
)
def test_an_interface_in_use_or_of_another_kind_stays(tmp_path, there, dummies):
    one = addresses(tmp_path, there, record=RECORD, dummies=dummies, state="absent")
    one.manage()
    assert ip_commands(one) == ["ip address delete 192.0.2.1/32 dev vip0"]


def test_an_interface_that_there_is_not(tmp_path):
    one = addresses(tmp_path, {"lo": [], "eth0": []}, dummy=False, addresses=["192.0.2.1"])
    with pytest.raises(Faulty, match="there is no vip0, only eth0, lo; dummy=true"):
        one.manage()
    assert ip_commands(one) == []


def test_the_unit_puts_them_there_at_boot(tmp_path):
    one = addresses(tmp_path, {"lo": []}, addresses=["192.0.2.1"], before="ipvsman.service")
    one.manage()
    unit = one.host.written[one.unit_file].splitlines()
    assert "Before=ipvsman.service" in unit
    assert "ExecStart=-ip link add name vip0 type dummy" in unit
    assert f"ExecStart=ip -batch {one.record}" in unit
    assert "After=network.target" in unit
    other = addresses(tmp_path, {"vip0": []}, addresses=["192.0.2.1"], dummy=False)
    other.manage()
    unit = other.host.written[other.unit_file].splitlines()
    assert "After=network-online.target" in unit
    assert not [line for line in unit if "dummy" in line or "Before" in line]


@pytest.mark.parametrize("interface", ["-x", "a b", "a/b", "sixteen-letters-", "", None, "."])
def test_what_is_no_interface(interface):
    with pytest.raises(Faulty, match="is no name of an interface"):
        check_names({"name": "x", "state": "present", "interface": interface})


@pytest.mark.parametrize("interface", ["eth0", "eth0.100", "vip_1", "fifteen-letters"])
def test_what_is_one(interface):
    check_names({"name": "x", "state": "present", "interface": interface})
