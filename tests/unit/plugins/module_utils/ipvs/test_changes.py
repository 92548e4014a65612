from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    ACTIONS,
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
    subject,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Timeouts,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)

FULL = eg.service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT, eg.TWO: eg.DIRECT})
DAEMON = "interface eth0, sync_id 1, maxlen 1472, group 224.0.0.81, port 8848, ttl 1"

#: Each kind of change, in the order of a plan: its word, its line, what it is about.
LINES = [
    (
        TrackConnections(),
        "track_connections",
        "set net.ipv4.vs.conntrack: 0 -> 1",
        "net.ipv4.vs.conntrack",
    ),
    (
        SetLocalAddresses(eg.WEB, (), ("10.2.0.1", "10.2.0.2")),
        "set_local_addresses",
        "set local addresses of tcp://192.0.2.1:80: none -> 10.2.0.1, 10.2.0.2",
        "tcp://192.0.2.1:80 local addresses",
    ),
    (
        AddService(eg.WEB, eg.STICKY),
        "add_service",
        "add service tcp://192.0.2.1:80: scheduler sh, flags sh-port, persistence 300,"
        " netmask 255.255.255.0, engine sip",
        "tcp://192.0.2.1:80",
    ),
    (
        EditService(eg.WEB6, replace(eg.WLC6, netmask=64), replace(eg.WLC6, scheduler="rr")),
        "edit_service",
        "edit service tcp://[2001:db8::1]:80: scheduler wlc -> rr, netmask 64 -> none",
        "tcp://[2001:db8::1]:80",
    ),
    (
        AddDestination(eg.WEB, eg.THREE6, eg.TUNNELLED),
        "add_destination",
        "add destination [2001:db8::3]:80 to tcp://192.0.2.1:80: weight 1, forwarding tunnel",
        "tcp://192.0.2.1:80 -> [2001:db8::3]:80",
    ),
    (
        EditDestination(eg.MARK, eg.ONE, eg.DIRECT, eg.QUIET),
        "edit_destination",
        "edit destination 198.51.100.1:80 of fwmark:7: weight 1 -> 0",
        "fwmark:7 -> 198.51.100.1:80",
    ),
    (
        RemoveDestination(eg.WEB, eg.ONE, eg.DIRECT),
        "remove_destination",
        "remove destination 198.51.100.1:80 from tcp://192.0.2.1:80",
        "tcp://192.0.2.1:80 -> 198.51.100.1:80",
    ),
    (
        RemoveService(eg.WEB, FULL),
        "remove_service",
        "remove service tcp://192.0.2.1:80 with its 2 destinations",
        "tcp://192.0.2.1:80",
    ),
    (
        SetTimeouts(Timeouts(900, 120, 300), Timeouts(900, 60, 300)),
        "set_timeouts",
        "set timeouts: tcp_fin 120 -> 60",
        "timeouts",
    ),
    (
        StopDaemon(eg.MASTER),
        "stop_sync_daemon",
        "stop master sync daemon on eth0",
        "sync daemon master",
    ),
    (
        StartDaemon(eg.BACKUP),
        "start_sync_daemon",
        f"start backup sync daemon: {DAEMON}",
        "sync daemon backup",
    ),
]


@pytest.mark.parametrize("change, action, line, about", LINES, ids=[row[1] for row in LINES])
def test_a_change_is_a_line_to_read_and_a_word_to_count(change, action, line, about):
    assert str(change) == line
    assert change.action == action
    assert subject(change) == about


@pytest.mark.parametrize(
    "change",
    [row[0] for row in LINES if dataclasses.fields(row[0])],
    ids=lambda change: change.action,
)
def test_a_change_that_was_made_stays_what_it_is(change):
    with pytest.raises(AttributeError):
        setattr(change, dataclasses.fields(change)[0].name, None)
    assert change == replace(change)


def test_the_words_are_listed_in_the_order_of_a_plan():
    assert tuple(action for _change, action, _line, _about in LINES) == ACTIONS


def test_the_size_of_a_removed_pool_is_told():
    assert str(RemoveService(eg.WEB, eg.service(eg.WEB))) == "remove service tcp://192.0.2.1:80"
    one = eg.service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT})
    assert str(RemoveService(eg.WEB, one)).endswith(" with its 1 destination")


def test_a_stop_says_when_it_is_for_a_start():
    assert str(StopDaemon(eg.MASTER, restarts=True)) == (
        "stop master sync daemon on eth0 (to start it anew: the kernel cannot change a running one)"
    )


def test_both_halves_of_a_restart_are_about_one_thing():
    start = StartDaemon(replace(eg.MASTER, ttl=2), replaces=eg.MASTER)
    assert subject(start) == subject(StopDaemon(eg.MASTER)) != subject(StopDaemon(eg.BACKUP))
