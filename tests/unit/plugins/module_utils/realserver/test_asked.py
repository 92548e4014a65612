"""Whom to ask, from options; and what is refused."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import InvalidValue
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.arp import Answers, Asked
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.asked import asked_of, told


def test_ipv6_is_not_asked_for():
    rows = [
        {"name": "a", "addresses": ["10.0.0.11", "fd00::1"], "quiet": ["192.0.2.1", "fd00::9"]},
        {"name": "b", "addresses": ["10.0.0.12"], "quiet": ["fd00::9"]},
        {"name": None, "addresses": ["10.0.0.13"], "quiet": ["192.0.2.1"]},
    ]
    assert asked_of({"hosts": rows, "wait": 1.0}) == [
        Asked("a", ["10.0.0.11"], ["192.0.2.1"]),
        Asked("10.0.0.13", ["10.0.0.13"], ["192.0.2.1"]),
    ]


def test_faults_all_at_once():
    rows = [{"name": "a", "addresses": ["x", "10.0.0.1"], "quiet": ["10.0.0.1", "y"]}]
    with pytest.raises(InvalidValue) as caught:
        asked_of({"hosts": rows, "wait": 0})
    assert str(caught.value).splitlines() == [
        "wait: 0 is not above 0",
        "hosts[0].addresses[0]: 'x' is not an IPv4 or IPv6 address",
        "hosts[0].quiet[0]: 10.0.0.1 is the host's own address",
        "hosts[0].quiet[1]: 'y' is not an IPv4 or IPv6 address",
    ]


def test_told():
    answers = Answers(Asked("a", ["10.0.0.1"], []), "10.0.0.1", "eth0", b"\x02\0\0\0\0\x0a")
    assert told(answers) == {
        "name": "a",
        "address": "10.0.0.1",
        "interface": "eth0",
        "mac": "02:00:00:00:00:0a",
        "answered": [],
        "proven": True,
        "reason": "",
    }
