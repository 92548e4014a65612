"""Lines for ipvsadm: none that it refuses, and what is left out is said."""

from __future__ import annotations

import pytest
from ipvsman.ctl.exporting import Export
from ipvsman.ipvs.document import Reader
from ipvsman.ipvs.model import Role, State, SyncDaemon, Timeouts
from ipvsman.ipvs.wish import DaemonWish, TimeoutsWish, resolve


def exported(*services):
    reader = Reader()
    wish = reader.table({"services": list(services)})
    reader.finish()
    export = Export()
    lines = export.services(resolve(wish, State(), lambda _interface: 1500))
    return lines, export.losses


def service(address="tcp://192.0.2.1:80", *destinations, **settings):
    return {"address": address, **settings, "destinations": list(destinations)}


def test_what_it_can_be_told():
    pool = [
        {"address": "10.0.0.1:8080", "forwarding": "nat", "weight": 3},
        {"address": "10.0.0.2", "upper_threshold": 9},
    ]
    assert exported(service("tcp://192.0.2.1:80", *pool, persistence=60, netmask=24)) == (
        [
            "-A -t 192.0.2.1:80 -s rr -p 60 -M 255.255.255.0",
            "-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 3",
            "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 1 -x 9",
        ],
        [],
    )


def test_every_port_without_persistence():
    lines, losses = exported(service("tcp://192.0.2.1"), service("udp://192.0.2.1", persistence=9))
    assert lines == ["-A -u 192.0.2.1:0 -s rr -p 9"]
    assert losses == ["tcp://192.0.2.1: ipvsadm takes port 0 with persistence only"]


@pytest.mark.parametrize("method", ["local", "bypass"])
def test_ways_of_forwarding_that_it_has_no_option_for(method):
    lines, losses = exported(
        service("tcp://192.0.2.1:80", {"address": "10.0.0.1", "forwarding": method})
    )
    assert lines == ["-A -t 192.0.2.1:80 -s rr"]
    assert losses == [
        f"tcp://192.0.2.1:80 -> 10.0.0.1:80: ipvsadm has no option for forwarding {method}"
    ]


def test_another_port_without_masquerading():
    pool = [{"address": "10.0.0.1:81"}, {"address": "10.0.0.1:80"}, {"address": "10.0.0.2:81"}]
    lines, losses = exported(service("tcp://192.0.2.1:80", *pool))
    assert lines[1:] == [
        "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -g -w 1",
        "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 1",
    ]
    text = "only masquerading goes to another port, says ipvsadm"
    assert losses == [
        f"tcp://192.0.2.1:80 -> 10.0.0.1:81: becomes 10.0.0.1:80; {text}",
        "tcp://192.0.2.1:80 -> 10.0.0.1:81: 10.0.0.1:80 is there already",
        f"tcp://192.0.2.1:80 -> 10.0.0.2:81: becomes 10.0.0.2:80; {text}",
    ]


def test_a_netmask_without_persistence():
    assert exported(service(netmask=24)) == (
        ["-A -t 192.0.2.1:80 -s rr"],
        ["tcp://192.0.2.1:80: its netmask; without persistence it does nothing"],
    )


def test_local_addresses():
    local = service(
        "tcp://192.0.2.1:80",
        {"address": "10.0.0.1", "forwarding": "fnat"},
        local_addresses=["10.0.0.250"],
    )
    lines, losses = exported(local)
    assert lines[1:] == ["-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1"]
    assert losses == ["tcp://192.0.2.1:80: its local addresses; ipvsadm has no full NAT"]


@pytest.mark.parametrize(
    "said, lines",
    [
        (None, []),
        (Timeouts(900, 120, 300), ["--set 900 120 300"]),
        (TimeoutsWish(udp=30), ["--set 0 0 30"]),
    ],
)
def test_timeouts(said, lines):
    assert list(Export().timeouts(said)) == lines


def test_daemons():
    assert Export().daemon(DaemonWish(Role.MASTER, "eth1", 7)) == (
        "--start-daemon master --mcast-interface eth1 --syncid 7"
    )
    whole = SyncDaemon(Role.BACKUP, "eth1", 0, 1472, "224.0.0.81", 8848, 1)
    assert Export().daemon(whole) == (
        "--start-daemon backup --mcast-interface eth1 --syncid 0 --sync-maxlen 1472"
        " --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1"
    )
