"""What is wrong between directors."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.plugin_utils.comparison import between, questions
from ansible_collections.lvs.ipvs.plugins.plugin_utils.findings import Level
from fleet import WEB, director, row, service

FAULT, WARNING, NOTE = Level.FAULT, Level.WARNING, Level.NOTE


def found(**directors):
    return [(list(who), each.level, each.what) for who, each in between(directors)]


def other(**changed):
    """A director with an address of its own."""
    addresses = [
        {"address": "10.0.0.2", "interface": "eth0", "answers_arp": True},
        {"address": "192.0.2.1", "interface": "lo", "answers_arp": False},
    ]
    return director(**{"addresses": addresses, **changed})


def test_alike():
    assert found(lb1=director(), lb2=other(), lb3=director()) == []


@pytest.mark.parametrize(
    "changed, level, says",
    [
        ({"release": "5.14"}, NOTE, "kernel: 5.14, elsewhere 6.1.0-13-amd64"),
        (
            {"daemon": {"version": "0.2.0"}},
            WARNING,
            "ipvsman: 0.2.0, elsewhere 0.1.0",
        ),
        (
            {"daemon": {"config_digest": "fedc"}},
            NOTE,
            "digest of the drop-ins: fedc, elsewhere 0123456789ab",
        ),
        (
            {"daemon": {"running": False, "reason": ""}, "managers": []},
            WARNING,
            "ipvsman runs on lb1, lb3, and not here",
        ),
        (
            {"timeouts": {"tcp": 60, "tcp_fin": 120, "udp": 300}},
            WARNING,
            "timeouts: tcp 60, tcp_fin 120, udp 300, elsewhere tcp 900, tcp_fin 120, udp 300",
        ),
        (
            {"sysctls": {"net.ipv4.vs.conntrack": "1"}},
            WARNING,
            "net.ipv4.vs.conntrack: 1, elsewhere 0",
        ),
        (
            {"services": []},
            FAULT,
            "the table differs from lb1's: tcp://192.0.2.1:80 is missing",
        ),
        (
            {"services": [WEB, service("fwmark:7")]},
            FAULT,
            "the table differs from lb1's: fwmark:7 is too much",
        ),
        (
            {"services": [{**WEB, "scheduler": "rr"}]},
            FAULT,
            "the table differs from lb1's: tcp://192.0.2.1:80: scheduler rr, not wlc",
        ),
        (
            {
                "services": [
                    service("tcp://192.0.2.1:80", row("10.0.0.11", 1, "tunnel"), row("10.0.0.13"))
                ]
            },
            FAULT,
            "the table differs from lb1's: tcp://192.0.2.1:80: 10.0.0.11:80 has other settings;"
            " tcp://192.0.2.1:80: 10.0.0.12:80 is missing;"
            " tcp://192.0.2.1:80: 10.0.0.13:80 is too much",
        ),
        (
            {"services": [service("tcp://192.0.2.1:80", row("10.0.0.11"), row("10.0.0.12", 0))]},
            WARNING,
            "weights differ from lb1's: tcp://192.0.2.1:80 10.0.0.12:80 0, not 1",
        ),
    ],
)
def test_the_odd_one_is_named(changed, level, says):
    assert found(lb1=director(), lb2=other(**changed), lb3=director()) == [(["lb2"], level, says)]


def test_of_two_neither_is_the_odd_one():
    two = found(lb1=director(**vs_conntrack("1")), lb2=other())
    assert two == [(["lb1", "lb2"], WARNING, "net.ipv4.vs.conntrack: 1 on lb1; 0 on lb2")]
    four = found(lb1=director(**vs_conntrack("1")), lb2=other(**vs_conntrack("1")), lb3=director())
    assert [who for who, _level, _what in four] == [["lb3"]]


def vs_conntrack(value):
    return {"sysctls": {"net.ipv4.vs.conntrack": value}}


def test_one_that_is_set_up_and_does_not_run_is_a_fault_of_its_own():
    stopped = {"running": False, "reason": "", "set_up": True}
    assert found(lb1=director(), lb2=other(daemon=stopped, managers=[])) == []


def test_use_is_not_compared():
    busy = {"sysctls": {"net.netfilter.nf_conntrack_count": "7"}}
    assert found(lb1=director(), lb2=other(**busy)) == []


# -- synchronisation


def sync(role, sync_id=7, **changed):
    plain = {"role": role, "sync_id": sync_id, "group": "224.0.0.81", "port": 8848, "maxlen": 1460}
    return {"sync_daemons": [{**plain, **changed}]}


MASTER = {**sync("master"), "entries": {"local": 100, "synced": 0}}


def test_a_pair_that_works():
    backup = {**sync("backup"), "entries": {"local": 0, "synced": 97}}
    assert found(lb1=director(**MASTER), lb2=other(**backup)) == []
    # A backup with the id 0 takes all.
    backup["sync_daemons"][0]["sync_id"] = 0
    assert found(lb1=director(**MASTER), lb2=other(**backup)) == []


def test_one_that_could_not_be_asked_may_be_what_is_missed():
    backup = director(**sync("backup"), addresses=[], elsewhere=["192.0.2.1"])
    assert len(between({"lb1": backup})) == 2
    assert between({"lb1": backup}, are_all=False) == []


@pytest.mark.parametrize(
    "backup, who, level, says",
    [
        ({}, "lb1", FAULT, "master of sync id 7, and no other director receives it"),
        (
            {**sync("backup"), "entries": {"local": 0, "synced": 10}},
            "lb2",
            WARNING,
            "lb2 knows 10 of 100 connections of lb1",
        ),
        (
            {**sync("backup", port=9000), "entries": {"local": 0, "synced": 100}},
            "lb1",
            FAULT,
            "master and backup of sync id 7 differ: port 8848 and 9000",
        ),
    ],
)
def test_a_pair_that_does_not(backup, who, level, says):
    ((names, found_level, what),) = found(lb1=director(**MASTER), lb2=other(**backup))
    assert (names[0], found_level, what) == (who, level, says)


def test_ids_that_do_not_meet():
    says = [
        what for _who, _level, what in found(lb1=director(**MASTER), lb2=other(**sync("backup", 8)))
    ]
    assert says == [
        "master of sync id 7, and no other director receives it",
        "backup of sync id 8, and no other director sends with it",
    ]


# -- addresses


def owning(*rows):
    return {
        "addresses": [dict(zip(("address", "interface", "answers_arp"), each)) for each in rows]
    }


def test_an_address_that_two_answer_for():
    loud = owning(("192.0.2.1", "eth0", True))
    ((who, level, what),) = found(lb1=director(**loud), lb2=director(**loud))
    assert (who, level) == (["lb1", "lb2"], FAULT)
    assert what.startswith("192.0.2.1 is on an interface of all of them")


def test_an_address_that_nobody_has():
    without = {**owning(), "elsewhere": ["192.0.2.1"]}
    ((who, level, what),) = found(lb1=director(**without), lb2=director(**without))
    assert (who, level) == (["lb1", "lb2"], WARNING)
    assert what.startswith("192.0.2.1 is on no director")
    by_a_route = director(**owning())
    assert found(lb1=director(**without), lb2=by_a_route) == []


def test_directors_that_forward_to_each_other():
    looped = {"services": [service("tcp://192.0.2.1:80", row("10.0.0.1"), row("10.0.0.2"))]}
    who = [
        (each, what) for each, _level, what in found(lb1=director(**looped), lb2=other(**looped))
    ]
    says = "forwards to another director, which may forward it back: "
    assert who == [(["lb1"], says + "10.0.0.2 (lb2)"), (["lb2"], says + "10.0.0.1 (lb1)")]
    safe = {**looped, "sysctls": {"net.ipv4.vs.backup_only": "1"}}
    assert found(lb1=director(**safe), lb2=other(**safe)) == []


def test_whom_to_ask_by_arp():
    services = [
        service("tcp://192.0.2.1:80", row("10.0.0.11"), row("10.0.0.12", 1, "tunnel")),
        service("tcp://192.0.2.2:80", row("10.0.0.11"), row("10.0.0.13", 1, "masquerade")),
        service("tcp://192.0.2.3:80", row("10.0.0.1"), row("fd00::1", 1, "tunnel")),
        service("tcp://[2001:db8::1]:80", row("fd00::11")),
        service("fwmark:7", row("10.0.0.14")),
    ]
    assert questions({"lb1": director(services=services)}) == [
        {"name": "10.0.0.11", "addresses": ["10.0.0.11"], "quiet": ["192.0.2.1", "192.0.2.2"]},
        {"name": "10.0.0.12", "addresses": ["10.0.0.12"], "quiet": ["192.0.2.1"]},
    ]
    assert questions({"lb1": {"available": False, "addresses": []}}) == []
