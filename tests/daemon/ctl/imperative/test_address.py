"""address: local addresses of a service, and the word fnat."""

from __future__ import annotations

import json

import pytest
from ipvsman.ipvs.changes import RemoveService
from ipvsman.ipvs.model import Firewallmark, FullNat, Service
from ipvsman.ipvs.scope import EVERYTHING

from .conftest import RS, VS, WEB

HEADER = "Addr Conflict Connection\n"


def silent(done):
    return (done.status, done.out, done.err) == (0, "", "")


def local(ctl):
    return ctl.table.read(EVERYTHING).full_nat.local_addresses


@pytest.fixture
def local_web(web):
    """The service has two."""
    assert silent(web.run("address", "add", *VS, "--lip", "10.2.0.10,10.2.0.9"))
    return web


def test_addresses_are_added_listed_and_taken_away(local_web):
    assert local(local_web) == {WEB: ("10.2.0.9", "10.2.0.10")}
    done = local_web.run("address", "list", *VS)
    assert (done.status, done.out, done.err) == (0, f"{HEADER}10.2.0.9 0 0\n10.2.0.10 0 0\n", "")
    assert silent(local_web.run("address", "del", *VS, "--lip", "10.2.0.10"))
    assert local(local_web) == {WEB: ("10.2.0.9",)}
    assert silent(local_web.run("address", "flush", *VS))
    assert local(local_web) == {}
    assert silent(local_web.run("address", "flush", *VS))
    assert local_web.run("address", "list", *VS).out == HEADER


@pytest.mark.parametrize("verb", ["address", "a", "addr", "local-address", "la", "laddr"])
@pytest.mark.parametrize(
    "add, remove, show, flush",
    [("a", "d", "l", "f"), ("new", "delete", "ls", "clear"), ("n", "del", "list", "purge")],
)
def test_every_alias(web, verb, add, remove, show, flush):
    assert silent(
        web.run(verb, add, *VS, "--lip", "10.2.0.1", "--lip=10.2.0.2", "-lip", "10.2.0.3")
    )
    assert silent(web.run(verb, remove, *VS, "--lip", "10.2.0.2"))
    assert web.run(verb, show, *VS).out == f"{HEADER}10.2.0.1 0 0\n10.2.0.3 0 0\n"
    assert silent(web.run(verb, flush, *VS))
    assert silent(web.run(verb, "set", *VS, "--lip", "10.2.0.1"))


def test_a_firewall_mark_has_addresses_of_its_family(web):
    mark = ("--fwmark", "7", "--family", "inet6")
    assert silent(web.run("address", "add", *mark, "--lip", "fd02::1"))
    (key,) = local(web)
    assert isinstance(key, Firewallmark)
    assert web.run("address", "list", *mark).out == f"{HEADER}fd02::1 0 0\n"


def test_addresses_for_a_program(local_web):
    done = local_web.run("address", "list", *VS, "-o", "json")
    assert json.loads(done.out) == {
        "service": "tcp://192.0.2.1:80",
        "local_addresses": [
            {"address": "10.2.0.9", "conflicts": 0, "connections": 0},
            {"address": "10.2.0.10", "conflicts": 0, "connections": 0},
        ],
    }


@pytest.mark.parametrize(
    "words, line",
    [
        (["add", *VS, "--lip", "10.2.0.9"], "file exists: 10.2.0.9 of TCP 192.0.2.1:80"),
        (
            ["add", *VS, "--lip", "10.2.0.1,10.2.0.10,10.2.0.9"],
            "file exists: 10.2.0.9, 10.2.0.10 of TCP 192.0.2.1:80",
        ),
        (
            ["del", *VS, "--lip", "10.2.0.1"],
            "no such file or directory: 10.2.0.1 of TCP 192.0.2.1:80",
        ),
        (["list", "--vip", "192.0.2.9", "--vport", "1"], "no such process: TCP 192.0.2.9:1"),
        (["flush", "--vip", "192.0.2.9", "--vport", "1"], "no such process: TCP 192.0.2.9:1"),
        (
            ["add", "--vip", "192.0.2.9", "--vport", "1", "--lip", "10.2.0.1"],
            "no such process: TCP 192.0.2.9:1",
        ),
        (
            ["add", *VS, "--lip", "fd02::1"],
            "--lip: fd02::1 is of the other address family than its service",
        ),
        (["add", *VS, "--lip", "nonsense"], "--lip: 'nonsense' is not an IPv4 or IPv6 address"),
        (["add", *VS, "--lip", ","], "--lip: no address"),
        (["add", *VS], 'Required flag "lip" not set'),
        (["add", "--lip", "fd02::1"], 'Required flags "vip, vport" not set'),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_done(local_web, words, line):
    before = local(local_web)
    done = local_web.run("address", *words)
    assert done.status == 1
    assert done.err.splitlines() == [line]
    assert local(local_web) == before


def test_addresses_go_with_their_service(local_web):
    assert silent(local_web.run("service", "del", *VS))
    assert local(local_web) == {}


def test_addresses_go_when_all_services_do(local_web):
    assert silent(local_web.run("flush", "--yes"))
    assert local_web.table.read(EVERYTHING).full_nat == FullNat(True, {})


def test_a_new_service_starts_without(local_web):
    local_web.table.flush()
    assert silent(local_web.run("service", "add", *VS, "--scheduler", "rr"))
    assert local(local_web) == {}


def test_an_edit_of_the_service_leaves_them(local_web):
    assert silent(local_web.run("service", "update", *VS, "--scheduler", "rr"))
    assert local(local_web) == {WEB: ("10.2.0.9", "10.2.0.10")}


LEFT = "Warning: tcp://192.0.2.1:80 is gone, and rules for its local addresses are left: 10.2.0.9, "


def test_what_a_service_has_left_is_told_by_every_list_and_flushed(local_web):
    """Somebody has removed it who knows nothing of local addresses."""
    local_web.table.apply([RemoveService(WEB, Service(WEB, None))])
    assert silent(local_web.run("service", "add", "--vip", "192.0.2.9", "--vport", "80"))
    done = local_web.run("address", "list", "--vip", "192.0.2.9", "--vport", "80")
    assert (done.status, done.out) == (0, HEADER)
    assert done.err.startswith(LEFT)
    done = local_web.run("address", "list", *VS)
    assert done.status == 1
    assert done.err.startswith(LEFT)
    assert done.err.endswith("no such process: TCP 192.0.2.1:80\n")
    assert local_web.run("get").err.startswith(LEFT)
    assert silent(local_web.run("address", "flush", *VS))
    assert local(local_web) == {}
    assert local_web.run("address", "flush", *VS).status == 1


def test_what_a_service_has_left_goes_with_a_whole_table(local_web):
    local_web.table.flush()
    done = local_web.run("apply", "-f", "-", stdin="services: []\n")
    assert done.status == 0
    assert local(local_web) == {}


def test_addresses_that_are_not_the_hosts_are_warned_of(web):
    web.table._elsewhere = {"10.2.0.2"}
    done = web.run("address", "add", *VS, "--lip", "10.2.0.1,10.2.0.2")
    assert done.status == 0
    assert "not this host's: 10.2.0.2;" in done.err
    document = web.run("get").out
    assert web.run("address", "flush", *VS).status == 0
    assert "not this host's: 10.2.0.2;" in web.run("apply", "-f", "-", stdin=document).err


def test_what_would_fail_is_said_by_a_dry_run(local_web):
    document = local_web.run("get").out
    assert silent(local_web.run("address", "flush", *VS))
    local_web.table.foresee = lambda _changes: ["there is no nft"]
    for words in (["changeset"], ["apply", "--dry-run"]):
        done = local_web.run(*words, "-f", "-", stdin=document)
        assert done.status == 0
        assert "Warning: this would fail: there is no nft\n" in done.err
    assert local(local_web) == {}


# -- fnat


def test_masquerade_of_a_service_with_addresses_is_listed_as_fnat(web):
    assert " (masq) " in web.run("server", "list", *VS).out
    assert silent(web.run("address", "add", *VS, "--lip", "10.2.0.1"))
    assert web.run("server", "list", *VS).lines[1:] == [
        "10.0.0.1:80 5 (fnat) 50-100",
        "10.0.0.2:80 0 (dr) 0-0",
    ]
    told = json.loads(web.run("server", "list", *VS, "-o", "json").out)
    assert told["local_addresses"] == ["10.2.0.1"]
    assert told["destinations"][0]["forwarding"] == "masquerade"


def test_fnat_can_be_said_before_there_is_an_address(web):
    update = ("server", "update", *VS, *RS, "--forward", "fnat")
    done = web.run(*update)
    assert (done.status, done.out) == (0, "")
    assert done.err == (
        "Warning: TCP 192.0.2.1:80 has no local addresses: until it has some (ipvsctl address"
        " add), fnat is nothing but masq\n"
    )
    assert silent(web.run("address", "add", *VS, "--lip", "10.2.0.1"))
    assert silent(web.run(*update))
    new = ("--rip", "10.0.0.3", "--rport", "80", "--fwd", "FNAT", "--weight", "1")
    assert silent(web.run("server", "add", *VS, *new))
    assert "10.0.0.3:80 1 (fnat) 0-0" in web.run("server", "list", *VS).lines


def test_addresses_without_masquerade_are_warned_of(web):
    assert silent(web.run("server", "del", *VS, *RS))
    done = web.run("address", "add", *VS, "--lip", "10.2.0.1")
    assert done.status == 0
    assert done.err.startswith("Warning: tcp://192.0.2.1:80 has local addresses and no destination")


def test_what_ipvsadm_cannot_be_told_is_told(local_web):
    done = local_web.run("service", "string", *VS, "--ipvsadm")
    assert done.lines[0] == "-A -t 192.0.2.1:80 -s wrr"
    assert done.err == (
        "Warning: not told: tcp://192.0.2.1:80: its local addresses; ipvsadm has no full NAT\n"
    )
