"""The table document of what was found, and what is told of what it cannot be."""

from __future__ import annotations

import pytest
from ipvsman.ctl.importing.as_table import judge, table
from ipvsman.ctl.importing.found import Found, FoundServer, FoundService
from ipvsman.ctl.importing.ledger import Directive, Ledger, Place, Unreadable
from ipvsman.ipvs.model import Endpoint, Family, Firewallmark, Forwarding, Transport

WEB = Endpoint(Transport.TCP, "192.0.2.1", 80)
MARK = Firewallmark(7, Family.INET)


def said(line, name="said"):
    return Directive(Place("file", line, 1), name)


def server(line, address="10.0.0.1", port=80, forwarding=Forwarding.DIRECT, **how):
    return FoundServer(said(line, "server"), address, port, forwarding, **how)


def service(*servers, keys=(WEB,), line=1, **how):
    return FoundService(said(line, "service"), "label", list(keys), "rr", servers=[*servers], **how)


def test_nothing():
    assert table(Found(), Ledger()) == {}


def test_each_name_is_a_service_with_the_whole_pool():
    found = Found([service(server(2), keys=(WEB, MARK))])
    made = table(found, Ledger())
    assert [one["address"] for one in made["services"]] == ["tcp://192.0.2.1:80", "fwmark:7"]
    assert made["services"][0]["destinations"] == made["services"][1]["destinations"]


def test_ports_do_not_count_behind_a_mark_where_the_tool_says_so():
    made = table(Found([service(server(2), keys=(WEB, MARK), unported=True)]), Ledger())
    assert [one["destinations"][0]["address"] for one in made["services"]] == [
        "10.0.0.1:80",
        "10.0.0.1:0",
    ]


def test_a_weight_is_always_said():
    """What is left out is 0 to `ipvsctl`, and 1 to the module."""
    made = table(Found([service(server(2, weight=0))]), Ledger())
    assert made["services"][0]["destinations"] == [
        {"address": "10.0.0.1:80", "weight": 0, "forward": "direct"}
    ]


def test_what_is_off_has_no_servers():
    assert (
        "destinations" not in table(Found([service(server(2), off=True)]), Ledger())["services"][0]
    )


def test_the_master_comes_first():
    found = Found(daemons={"backup": {"interface": "b"}, "master": {"interface": "m"}})
    assert [one["role"] for one in table(found, Ledger())["sync_daemons"]] == ["master", "backup"]


def test_probes_are_lost():
    ledger = Ledger()
    ledger.probe(said(3, "check"))
    table(Found(), ledger)
    assert [str(loss) for loss in ledger.losses] == [
        "file:3: check: not carried over: a table has no health checks; --to drop-ins makes files"
        " that have them"
    ]


def test_impossible_things_are_told_where_they_were_written():
    ledger = Ledger()
    found = Found(
        [service(server(2), server(3, "10.0.0.2", lower=9), flags=("one-packet",), line=1)]
    )
    for judged in (table, judge):
        ledger = Ledger()
        with pytest.raises(Unreadable) as caught:
            judged(found, ledger)
        assert caught.value.faults == (
            "file:1:1: service: flags: 'one-packet' is for UDP and firewall mark services, not for"
            " tcp://192.0.2.1:80",
            "file:3:1: server: lower_threshold: the lower threshold 9 is above the upper one"
            " (0: none)",
        )


def test_impossible_options_of_the_whole():
    with pytest.raises(Unreadable, match=r"^timeouts\.tcp: 0 is not in 1\.\."):
        table(Found(timeouts={"tcp": 0}), Ledger())
