"""The record, and the unit that reads it at boot: as they have lain on hosts from the beginning."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import (
    Address,
    HostError,
    OwnLink,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.network.plan import Note
from ansible_collections.lvs.ipvs.plugins.module_utils.vips.record import (
    Record,
    recorded,
    unit_text,
    written,
)

RECORD = """\
# Written by Ansible (lvs.ipvs.vip_addresses): what is changed here is changed back.
address replace 192.0.2.1/32 dev vip0
address replace 2001:db8::1/128 dev eth0.7 nodad preferred_lft 0
"""
ADDRESSES = [
    Address("192.0.2.1/32", "vip0"),
    Address("2001:db8::1/128", "eth0.7", "nodad preferred_lft 0"),
]
DUMMY_UNIT = """\
# Written by Ansible (lvs.ipvs.vip_addresses): what is changed here is changed back.
[Unit]
Description=Virtual addresses on vip0
Wants=network.target
After=network.target
Before=ipvsman.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=-/usr/bin/ip link add name vip0 type dummy
ExecStart=/usr/bin/ip link set dev vip0 up
ExecStart=/usr/bin/ip -batch /etc/x-vips.batch

[Install]
WantedBy=multi-user.target
"""


@pytest.fixture
def record(tmp_path):
    return Record(str(tmp_path / "record"), str(tmp_path / "unit"))


def unit(**options):
    words = {"ip": "/usr/bin/ip", "record": "/etc/x-vips.batch", "is_dummy": True, "before": None}
    return unit_text("vip0", **{**words, **options})


def test_a_record_is_read_as_it_was_written():
    assert written(ADDRESSES) == RECORD
    assert recorded(RECORD) == ADDRESSES


def test_units():
    assert unit(before="ipvsman.service") == DUMMY_UNIT
    other = unit(is_dummy=False).splitlines()
    assert "After=network-online.target" in other
    assert not [line for line in other if "dummy" in line or "Before" in line]


def test_what_is_noted_was_not_there_before_and_neither_was_the_dummy(record, tmp_path):
    assert record.read() == []
    (tmp_path / "record").write_text(RECORD)
    assert record.read() == [Note(address, None) for address in ADDRESSES]
    (tmp_path / "unit").write_text(DUMMY_UNIT)
    assert record.read()[0] == Note(OwnLink("vip0", "dummy"), None)
    assert len(record.read()) == 3


def test_addresses_alone_are_written(record, tmp_path):
    record.write([Note(fact, None) for fact in (OwnLink("vip0", "dummy"), *ADDRESSES)])
    assert (tmp_path / "record").read_text() == RECORD
    assert [path.name for path in tmp_path.iterdir()] == ["record"]


def test_a_record_that_cannot_be_read_is_no_reason_to_forget(record, tmp_path):
    (tmp_path / "record").write_bytes(b"\xff")
    with pytest.raises(HostError, match="record cannot be read"):
        record.read()
