"""Golden outputs of services and real servers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml

from .conftest import VS

PLAIN = """\
Protocol Vip:Vport (Scheduler)
TCP 192.0.2.1:80 (wrr)
SCTP 192.0.2.1:36412 (lc)
UDP [2001:db8::1]:53 (rr)
FWM 7 (rr)
FWM 7/inet6 (sh)
"""
STATS = """\
Protocol Vip:Vport (Scheduler) Conn PktsIn PktsOut BytesIn BytesOut CPS BPSIn BPSOut PPSIn PPSOut
TCP 192.0.2.1:80 (wrr) 110 210 300 4010 5000 1 4 5 2 3
SCTP 192.0.2.1:36412 (lc) 110 210 300 4010 5000 1 4 5 2 3
UDP [2001:db8::1]:53 (rr) 110 210 300 4010 5000 1 4 5 2 3
FWM 7 (rr) 110 210 300 4010 5000 1 4 5 2 3
FWM 7/inet6 (sh) 110 210 300 4010 5000 1 4 5 2 3
"""
SERVERS = """\
Rip:Rport Weight (Forward) Threshold(lower-upper)
10.0.0.1:80 5 (masq) 50-100
10.0.0.2:80 0 (dr) 0-0
"""
SERVER_STATS = """\
Rip:Rport Weight (Forward) Threshold(lower-upper) ActConn InactConn PersConn\
 Conn PktsIn PktsOut BytesIn BytesOut CPS BPSIn BPSOut PPSIn PPSOut
10.0.0.1:80 5 (masq) 50-100 7 8 9 110 210 300 4010 5000 1 4 5 2 3
10.0.0.2:80 0 (dr) 0-0 7 8 9 110 210 300 4010 5000 1 4 5 2 3
"""


def test_services(web):
    assert web.run("service", "list").out == PLAIN
    assert web.table.calls["counters"] == 0


@pytest.mark.parametrize("flag", ["--stats", "-s", "--stat", "-stats"])
def test_services_with_counters(flag, web):
    assert web.run("service", "list", flag).out == STATS


def test_one_service(web):
    done = web.run("service", "get", *VS)
    assert done.out == "".join(PLAIN.splitlines(keepends=True)[:2])
    done = web.run("service", "get", *VS, "--stats")
    assert done.out == "".join(STATS.splitlines(keepends=True)[:2])
    done = web.run("service", "get", "--fwmark", "7", "--family", "inet6")
    assert done.lines[1:] == ["FWM 7/inet6 (sh)"]


def test_servers(web):
    assert web.run("server", "list", *VS).out == SERVERS
    assert web.run("server", "list", *VS, "--stats").out == SERVER_STATS
    six = web.run("server", "list", "--vip", "2001:db8::1", "--vport", "53", "--proto", "udp")
    assert six.lines[1:] == ["[fd00::1]:53 1 (tun) 0-0"]


@pytest.mark.parametrize(
    "word, shown",
    [
        *(("masq", "masq"), ("local", "local"), ("tun", "tun"), ("dr", "dr")),
        *(("bypass", "bypass"), ("", "dr"), ("masquerade", "masq"), ("NAT", "masq")),
        *(("direct", "dr"), ("tunnel", "tun")),
    ],
)
def test_forwarding_words(word, shown, web):
    web.run("server", "del", *VS, "--rip", "10.0.0.1", "--rport", "80")
    server = ("--rip", "10.0.0.1", "--rport", "80")
    assert web.run("server", "add", *VS, *server, "-w", "1", f"--forward={word}").status == 0
    assert web.run("server", "list", *VS).lines[1] == f"10.0.0.1:80 1 ({shown}) 0-0"


def test_an_empty_table(ctl):
    assert ctl.run("service", "list").out == "Protocol Vip:Vport (Scheduler)\n"
    assert json.loads(ctl.run("service", "list", "-o", "json").out) == {"services": []}
    assert yaml.safe_load(ctl.run("service", "list", "-o", "yaml").out) == {"services": []}


@pytest.mark.parametrize(
    "words", [("service", "list"), ("service", "get", *VS), ("server", "list", *VS)]
)
def test_what_has_no_words_is_told(words, web, monkeypatch):
    whole = web.table.read

    def read(scope):
        return replace(whole(scope), unreadable=("a virtual service: protocol 99",))

    plain = web.run(*words)
    monkeypatch.setattr(web.table, "read", read)
    done = web.run(*words)
    assert done.err == "Warning: left out, not understood: a virtual service: protocol 99\n"
    assert (done.status, done.out) == (0, plain.out)


def test_services_for_a_program(web):
    found = json.loads(web.run("service", "list", "-o", "json").out)
    assert [each["service"] for each in found["services"]] == [
        "tcp://192.0.2.1:80",
        "sctp://192.0.2.1:36412",
        "udp://[2001:db8::1]:53",
        "fwmark:7",
        "fwmark:7/inet6",
    ]
    assert found["services"][0] == {
        "service": "tcp://192.0.2.1:80",
        "scheduler": "wrr",
        "flags": [],
        "persistence": 0,
        "netmask": "255.255.255.255",
        "engine": "",
        "local_addresses": [],
        "destinations": [
            {
                "address": "10.0.0.1",
                "port": 80,
                "weight": 5,
                "forwarding": "masquerade",
                "upper_threshold": 100,
                "lower_threshold": 50,
            },
            {
                "address": "10.0.0.2",
                "port": 80,
                "weight": 0,
                "forwarding": "direct",
                "upper_threshold": 0,
                "lower_threshold": 0,
            },
        ],
    }


def test_counters_for_a_program(web):
    found = json.loads(web.run("service", "get", *VS, "--stats", "--output=json").out)
    (service,) = found["services"]
    assert service["counters"] == {
        "connections": 110,
        "packets_in": 210,
        "packets_out": 300,
        "bytes_in": 4010,
        "bytes_out": 5000,
    }
    assert service["rates"] == {
        "source": "kernel",
        "connections": 1,
        "bytes_in": 4,
        "bytes_out": 5,
        "packets_in": 2,
        "packets_out": 3,
    }
    first = service["destinations"][0]
    assert first["connections"] == {"active": 7, "inactive": 8, "persistent": 9}
    assert (first["counters"], first["rates"]) == (service["counters"], service["rates"])


@pytest.mark.parametrize(
    "words", [("service", "list"), ("server", "list", *VS), ("service", "get", *VS)]
)
@pytest.mark.parametrize("more", [(), ("--stats",)])
def test_json_and_yaml_say_the_same(words, more, web):
    as_json = web.run(*words, *more, "-o", "json").out
    web.table.looks = 0
    as_yaml = web.run(*words, *more, "-o", "yaml").out
    web.table.looks = 0
    assert json.loads(as_json) == yaml.safe_load(as_yaml)
    assert web.run(*words, *more, "-o", "json").out == as_json


def test_servers_for_a_program(web):
    found = json.loads(web.run("server", "list", *VS, "-o", "json").out)
    assert found["service"] == "tcp://192.0.2.1:80"
    assert [each["address"] for each in found["destinations"]] == ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize(
    "words", [("service", "get"), ("server", "list"), ("service", "string", "--ipvsadm")]
)
def test_a_service_that_is_not_there(words, web):
    done = web.run(*words, "--vip", "192.0.2.9", "--vport", "1")
    assert (done.status, done.out, done.err) == (1, "", "no such process: TCP 192.0.2.9:1\n")


def test_rates_by_the_counters(web, monkeypatch):
    slept = []
    times = iter([100.0, 104.0])
    monkeypatch.setattr("ipvsman.ctl.imperative.pace.now", lambda: next(times))
    monkeypatch.setattr("ipvsman.ctl.imperative.pace.wait", slept.append)
    done = web.run("service", "get", *VS, "--rate", "4")
    assert done.lines == [
        "Protocol Vip:Vport (Scheduler) CPS BPSIn BPSOut PPSIn PPSOut",
        "TCP 192.0.2.1:80 (wrr) 2.5 2.5 0.0 2.5 0.0",
    ]
    assert slept == [4.0]


def test_rates_by_the_counters_beside_amounts(web, monkeypatch):
    times = iter([100.0, 101.0])
    monkeypatch.setattr("ipvsman.ctl.imperative.pace.now", lambda: next(times))
    monkeypatch.setattr("ipvsman.ctl.imperative.pace.wait", lambda _seconds: None)
    done = web.run("server", "list", *VS, "--rate", "1", "--stats")
    assert done.lines[0] == SERVER_STATS.splitlines()[0]
    assert done.lines[1].endswith(" 7 8 9 120 220 300 4020 5000 10.0 10.0 0.0 10.0 0.0")


def test_where_rates_come_from_is_told(web, monkeypatch):
    times = iter([100.0, 102.5])
    monkeypatch.setattr("ipvsman.ctl.imperative.pace.now", lambda: next(times))
    monkeypatch.setattr("ipvsman.ctl.imperative.pace.wait", lambda _seconds: None)
    found = json.loads(web.run("service", "list", "--rate=2.5", "-o", "json").out)
    rates = found["services"][0]["rates"]
    assert (rates["source"], rates["seconds"], rates["connections"]) == ("counters", 2.5, 4.0)


@pytest.mark.parametrize("seconds", ["0", "-1", "x", "nan", "inf", "100000", ""])
def test_a_rate_needs_a_time(seconds, web):
    done = web.run("service", "list", f"--rate={seconds}")
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        f"--rate: {seconds!r} is not a number of seconds above 0, a day at the most\n"
    )
    assert not web.table.calls
