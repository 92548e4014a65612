from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    SetLocalAddresses,
    SetTimeouts,
    StartDaemon,
    StopDaemon,
    TrackConnections,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.document import (
    Reader,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Checksum,
    FullNat,
    Service,
    State,
    Timeouts,
    Tunnel,
    TunnelKind,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plain import (
    plain_change,
    plain_daemon,
    plain_destination,
    plain_service,
    plain_services,
    plain_table,
    plain_timeouts,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    resolve,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from hypothesis import given


@given(draws.states(), draws.states())
def test_what_was_gathered_from_one_table_builds_another(told, other):
    plain = json.loads(json.dumps(plain_table(told)))
    reader = Reader()
    wish = reader.table(plain)
    reader.finish()
    empty = replace(eg.EMPTY, full_nat=FullNat(True))
    rules = {
        key: addresses
        for key, addresses in told.full_nat.local_addresses.items()
        if key in told.services
    }
    told = replace(told, full_nat=FullNat(True, rules))
    assert resolve(wish, empty, draws.INTERFACES.get) == told
    # Every option is said: what a kernel has beside that does not shine through.
    assert resolve(wish, other, draws.INTERFACES.get) == told


def test_a_service_says_every_option():
    gue = replace(eg.TUNNELLED, tunnel=Tunnel(TunnelKind.GUE, 6080, Checksum.CSUM))
    told = Service(eg.WEB, eg.STICKY, {eg.THREE6: gue, eg.TWO: eg.QUIET, eg.ONE: eg.DIRECT})
    assert plain_service(told) == {
        "service": "tcp://192.0.2.1:80",
        "scheduler": "sh",
        "flags": ["sh-port"],
        "persistence": 300,
        "netmask": "255.255.255.0",
        "engine": "sip",
        "destinations": [
            {
                "address": "198.51.100.1",
                "port": 80,
                "weight": 1,
                "forwarding": "direct",
                "upper_threshold": 0,
                "lower_threshold": 0,
            },
            plain_destination(eg.TWO, eg.QUIET),
            {
                "address": "2001:db8::3",
                "port": 80,
                "weight": 1,
                "forwarding": "tunnel",
                "upper_threshold": 0,
                "lower_threshold": 0,
                "tunnel": {"type": "gue", "port": 6080, "checksum": "csum"},
            },
        ],
    }


def test_a_plain_tunnel_is_told_where_there_is_a_tunnel():
    assert plain_destination(eg.ONE, eg.TUNNELLED)["tunnel"] == {
        "type": "ipip",
        "port": 0,
        "checksum": "none",
    }
    assert "tunnel" not in plain_destination(eg.ONE, eg.DIRECT)


def test_services_are_in_numeric_order():
    held = eg.state(*(eg.service(key) for key in (eg.MARK, eg.WEB, eg.DNS)))
    assert [plain["service"] for plain in plain_services(held)] == [
        "udp://192.0.2.1:53",
        "tcp://192.0.2.1:80",
        "fwmark:7",
    ]


def test_a_table_says_what_it_covers():
    assert plain_table(State()) == {"services": [], "sync_daemons": []}
    held = eg.state(timeouts=Timeouts(1, 2, 3), daemons=(eg.BACKUP, eg.MASTER))
    assert plain_table(held) == {
        "services": [],
        "timeouts": {"tcp": 1, "tcp_fin": 2, "udp": 3},
        "sync_daemons": [plain_daemon(eg.MASTER), plain_daemon(eg.BACKUP)],
    }
    assert plain_timeouts(Timeouts(1, 2, 3)) == {"tcp": 1, "tcp_fin": 2, "udp": 3}


def test_a_sync_daemon_says_every_option():
    assert plain_daemon(eg.MASTER) == {
        "role": "master",
        "interface": "eth0",
        "sync_id": 1,
        "maxlen": 1472,
        "group": "224.0.0.81",
        "port": 8848,
        "ttl": 1,
    }


FULL = eg.service(eg.WEB, eg.STICKY, {eg.ONE: eg.DIRECT})
BARE = {name: value for name, value in plain_service(FULL).items() if name != "destinations"}
WEB, ONE = "tcp://192.0.2.1:80", "198.51.100.1:80"


@pytest.mark.parametrize(
    "change, service, destination, before, after",
    [
        (AddService(eg.WEB, eg.STICKY), WEB, None, None, BARE),
        (
            EditService(eg.WEB, eg.STICKY, replace(eg.STICKY, scheduler="mh")),
            WEB,
            None,
            BARE,
            {**BARE, "scheduler": "mh", "flags": ["mh-port"]},
        ),
        (RemoveService(eg.WEB, FULL), WEB, None, plain_service(FULL), None),
        (
            AddDestination(eg.WEB, eg.ONE, eg.DIRECT),
            WEB,
            ONE,
            None,
            plain_destination(eg.ONE, eg.DIRECT),
        ),
        (
            EditDestination(eg.WEB, eg.ONE, eg.DIRECT, eg.QUIET),
            WEB,
            ONE,
            plain_destination(eg.ONE, eg.DIRECT),
            plain_destination(eg.ONE, eg.QUIET),
        ),
        (
            RemoveDestination(eg.WEB, eg.ONE, eg.DIRECT),
            WEB,
            ONE,
            plain_destination(eg.ONE, eg.DIRECT),
            None,
        ),
        (
            SetTimeouts(Timeouts(1, 2, 3), Timeouts(1, 2, 4)),
            None,
            None,
            {"tcp": 1, "tcp_fin": 2, "udp": 3},
            {"tcp": 1, "tcp_fin": 2, "udp": 4},
        ),
        (TrackConnections(), None, None, {"conntrack": False}, {"conntrack": True}),
        (
            SetLocalAddresses(eg.WEB, (), ("10.2.0.1",)),
            WEB,
            None,
            None,
            {"local_addresses": ["10.2.0.1"]},
        ),
        (StartDaemon(eg.MASTER), None, None, None, plain_daemon(eg.MASTER)),
        (StopDaemon(eg.BACKUP), None, None, plain_daemon(eg.BACKUP), None),
    ],
    ids=lambda value: getattr(value, "action", None),
)
def test_a_change_says_how_its_subject_was_and_will_be(change, service, destination, before, after):
    assert plain_change(change) == {
        "action": change.action,
        "service": service,
        "destination": destination,
        "before": before,
        "after": after,
        "summary": str(change),
    }


def test_local_addresses_are_said_where_they_are_known():
    held = replace(eg.state(FULL), full_nat=FullNat(True, {eg.WEB: ("10.2.0.1",)}))
    assert plain_table(held)["services"][0]["local_addresses"] == ["10.2.0.1"]
    assert plain_table(eg.state(FULL))["services"][0]["local_addresses"] == []
    assert "local_addresses" not in plain_service(FULL)
