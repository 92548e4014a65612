"""The table at a glance."""

from __future__ import annotations

import json

import pytest

from .conftest import RS, VS

PLAIN = """\
Service               Forward  Weight  ActConn  InactConn  Settings
TCP 192.0.2.1:80                            14         16  scheduler wrr, persistence 60
  10.0.0.1:80         masq          5        7          8  upper_threshold 100, lower_threshold 50
  10.0.0.2:80         dr            0        7          8
SCTP 192.0.2.1:36412                         0          0  scheduler lc
UDP [2001:db8::1]:53                         7          8  scheduler rr
  [fd00::1]:53        tun           1        7          8
FWM 7                                        0          0  scheduler rr
FWM 7/inet6                                  0          0  scheduler sh
"""


@pytest.fixture
def sticky(web):
    web.run("service", "update", *VS, "--timeout", "60")
    return web


def test_the_whole_table(sticky):
    assert sticky.run("service", "list", "--servers").out == PLAIN
    assert sticky.run("service", "list", "--servers", terminal=True).lines[1].split()[0] == "TCP"


def test_one_service(sticky):
    lines = sticky.run("service", "get", *VS, "--servers").lines
    assert [line.split() for line in lines] == [line.split() for line in PLAIN.splitlines()[:4]]


def test_with_counters(sticky):
    lines = sticky.run("service", "get", *VS, "--servers", "--stats").lines
    assert (
        lines[0].split()
        == (
            "Service Forward Weight ActConn InactConn Conn PktsIn PktsOut BytesIn BytesOut"
            " CPS BPSIn BPSOut PPSIn PPSOut Settings"
        ).split()
    )
    assert lines[2].split()[:-4] == (
        "10.0.0.1:80 masq 5 7 8 110 210 300 4010 5000 1 4 5 2 3".split()
    )


def test_full_nat(sticky):
    sticky.run("address", "add", *VS, "--lip", "127.0.0.1")
    lines = sticky.run("service", "get", *VS, "--servers").lines
    assert lines[1].endswith("scheduler wrr, persistence 60, local_addresses 127.0.0.1")
    assert lines[2].split()[:2] == ["10.0.0.1:80", "fnat"]


def test_local_addresses_are_asked_for_where_they_are_told(web):
    """By a program of its own, maybe."""
    for words, asked in {
        ("service", "list"): False,
        ("service", "get", *VS): False,
        ("service", "list", "--servers"): True,
        ("service", "list", "-o", "json"): True,
    }.items():
        web.table.scopes.clear()
        web.run(*words)
        assert [bool(scope.local_addresses) for scope in web.table.scopes] == [asked]


def test_for_a_program_it_is_the_same_with_connections(web):
    web.run("server", "del", *VS, *RS)
    done = web.run("service", "get", *VS, "--servers", "-o", "json")
    (service,) = json.loads(done.out)["services"]
    assert service["destinations"][0]["connections"]["active"] == 7


def test_an_empty_table(ctl):
    done = ctl.run("service", "list", "--servers")
    assert done.out == "Service  Forward  Weight  ActConn  InactConn  Settings\n"
