"""Drop-ins of what was found, and what is told of what they have no words for."""

from __future__ import annotations

import pytest
from ipvsman.ctl.importing.as_drop_ins import drop_ins
from ipvsman.ctl.importing.found import Found, FoundServer, FoundService
from ipvsman.ctl.importing.ledger import Directive, Ledger, Place
from ipvsman.ipvs.model import Endpoint, Family, Firewallmark, Forwarding, Transport

WEB = Endpoint(Transport.TCP, "192.0.2.1", 80)
TLS = Endpoint(Transport.TCP, "192.0.2.1", 443)
WEB2 = Endpoint(Transport.TCP, "192.0.2.2", 80)
MARK6 = Firewallmark(7, Family.INET6)
TCP = {"type": "tcp", "interval": 5}


def said(line, name="said"):
    return Directive(Place("file", line, 1), name)


def server(line, address="10.0.0.1", port=80, forwarding=Forwarding.MASQUERADE, **how):
    return FoundServer(said(line, "server"), address, port, forwarding, **how)


def service(*servers, keys=(WEB,), label="label", **how):
    return FoundService(said(1, "service"), label, list(keys), "rr", servers=[*servers], **how)


def group(*servers, **how):
    ledger = Ledger()
    [made] = list(drop_ins(Found([service(*servers, **how)]), ledger).values())
    return made, [str(loss) for loss in ledger.losses]


def test_a_group():
    assert group(server(2)) == (
        {
            "group": "label",
            "scheduler": "rr",
            "frontends": [{"name": "tcp-80", "proto": "tcp", "port": 80, "vip": "192.0.2.1"}],
            "healthcheck": {"disable": True},
            "backends": [{"address": "10.0.0.1", "weight": 1, "method": "nat"}],
        },
        [],
    )


def test_frontends_are_by_port_with_all_their_addresses():
    made, _losses = group(keys=(WEB, TLS, WEB2, MARK6))
    assert made["frontends"] == [
        {"name": "tcp-80", "proto": "tcp", "port": 80, "vip": ["192.0.2.1", "192.0.2.2"]},
        {"name": "tcp-443", "proto": "tcp", "port": 443, "vip": "192.0.2.1"},
        {"name": "fwmark-7-inet6", "fwmark": 7, "family": "inet6"},
    ]


@pytest.mark.parametrize(
    "keys, port, ports",
    [
        ((WEB,), 80, None),
        ((WEB,), 81, {"80": 81}),
        ((WEB, TLS), 80, {"443": 80}),
        ((WEB, TLS), 81, {"80": 81, "443": 81}),
    ],
)
def test_ports(keys, port, ports):
    made, losses = group(server(2, port=port), keys=keys)
    assert (made["backends"][0].get("port_map"), losses) == (ports, [])


def test_ports_behind_a_mark_alone():
    made, _losses = group(server(2, "2001:db8::1", 81), keys=(MARK6,))
    assert made["frontends"][0]["port"] == 81
    assert "port_map" not in made["backends"][0]
    made, _losses = group(server(2, "2001:db8::1", 81), server(3, "2001:db8::2", 82), keys=(MARK6,))
    assert "port" not in made["frontends"][0]
    assert [one["port_map"] for one in made["backends"]] == [{"*": 81}, {"*": 82}]


def test_what_all_probes_have_alike_is_said_once():
    made, _losses = group(
        server(2, check={**TCP, "fall": 2}), server(3, "10.0.0.2", check={**TCP, "fall": 3})
    )
    assert made["healthcheck"] == TCP
    assert [one["healthcheck"] for one in made["backends"]] == [{"fall": 2}, {"fall": 3}]


@pytest.mark.parametrize("other", [{}, {"type": "icmp", "interval": 5}])
def test_probes_of_several_kinds_are_said_apart(other):
    made, _losses = group(server(2, check=TCP), server(3, "10.0.0.2", check=other))
    assert "healthcheck" not in made
    assert [one["healthcheck"] for one in made["backends"]] == [TCP, other or {"disable": True}]


@pytest.mark.parametrize(
    "first, second, says",
    [
        ({}, {}, "10.0.0.1 is in this pool already, and a backend has one port"),
        ({}, {"address": "2001:db8::1"}, "its address is of another family"),
        ({}, {"address": "10.0.0.2", "forwarding": Forwarding.LOCAL}, "does not forward by local"),
    ],
)
def test_what_is_lost(first, second, says):
    made, losses = group(server(2, **first), server(3, **second))
    assert len(made["backends"]) == 1
    (loss,) = losses
    assert loss.startswith("file:3: server: not carried over: ")
    assert says in loss


def test_names_are_each_of_one_group_and_file():
    found = Found(
        [
            service(label="a b"),
            service(label="a b", keys=(TLS,)),
            service(label="a/b", keys=(WEB2,)),
        ]
    )
    made = drop_ins(found, Ledger())
    assert [(name, one["group"]) for name, one in made.items()] == [
        ("groups/a-b.yaml", "a b"),
        ("groups/a-b-2.yaml", "a b-2"),
        ("groups/a-b-3.yaml", "a/b"),
    ]


def test_the_whole_table():
    found = Found(timeouts={"udp": 9}, daemons={"master": {"interface": "eth1"}})
    assert drop_ins(found, Ledger()) == {
        "globals/imported.yaml": {
            "timeouts": {"udp": 9},
            "sync_daemons": [{"role": "master", "interface": "eth1"}],
        }
    }


def test_a_port_of_0_is_that_of_the_service():
    ledger = Ledger()
    [made] = list(drop_ins(Found([service(server(2, port=0))]), ledger).values())
    assert "port_map" not in made["backends"][0]
    assert [str(note) for note in ledger.notes] == [
        "file:2: server: its port is written as that of the service, and not as 0"
    ]
    assert ledger.losses == []
