import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.config.ports import PortNames, frontend_port, read_port_map
from ipvsman.ipvs.model import Transport

TCP, UDP, SCTP = Transport.TCP, Transport.UDP, Transport.SCTP


def mapped(drop_ins, said, frontend="proto: udp\nport: domain"):
    drop_ins.minimal(frontend=frontend, backend=f"port_map: {said}")
    return drop_ins.backend().port


@pytest.mark.parametrize(
    "said, port",
    [
        ("{}", 53),
        ("[]", 53),
        ("{'53/udp': 1, '53': 2, '*': 3}", 1),
        ("{'53': 2, '*': 3}", 2),
        ("{'*': 3}", 3),
        ("{'53/tcp': 1}", 53),
        ("{'54': 1}", 53),
        ("{53: '5353'}", 5353),
        ("[{53: 5353}, {'54': 1}]", 5353),
        ("[{'54': 1, '*': 7}]", 7),
        ("{'53/UDP': 1}", 1),
        ("{domain: 1}", 1),
        ("{DOMAIN: 1}", 1),
        ("{domain/udp: 1, domain: 2}", 1),
        ("{domain/tcp: 1}", 53),
        ("{http: 1}", 53),
        ("{'53': 1, domain: 2, '*': 3}", 1),
        ("{domain/udp: 1, '53': 2}", 1),
        ("{domain: 2, '*': 3}", 2),
        ("{shell: 1, '514/udp': 2}", 53),
    ],
)
def test_the_most_exact_key_wins(drop_ins, said, port):
    assert mapped(drop_ins, said) == port


def test_a_name_is_a_port_of_its_own_protocol(drop_ins):
    assert mapped(drop_ins, "{syslog: 1, shell: 2}", "proto: udp\nport: 514") == 1
    assert mapped(drop_ins, "{syslog: 1, shell: 2}", "proto: tcp\nport: 514") == 2


@pytest.mark.parametrize(
    "frontend, port", [("fwmark: 1\nport: 80", 8080), ("fwmark: 1\nport: 81", 9), ("fwmark: 1", 9)]
)
def test_a_firewall_mark_may_have_a_port_to_map(drop_ins, frontend, port):
    assert mapped(drop_ins, "{'80': 8080, '80/tcp': 1, '*': 9}", frontend) == port


@pytest.mark.parametrize(
    "said, says",
    [
        ("{'': 1}", "port_map key cannot be empty"),
        ("{'53': 0}", "53: 0 is not in 1..65535"),
        ("{'53': 65536}", "53: 65536 is not in 1..65535"),
        ("{'53': x}", "53: 'x' is not a whole number in 1..65535"),
        ("[53]", "53: port_map list items must be mappings"),
        ("53", "53: a mapping, like"),
        ("", "is said and left empty: frontend's port -> port here; default the same"),
        ("{'0': 1}", "0: 0 is not in 1..65535"),
        ("{'70000': 1}", "70000: 70000 is not in 1..65535"),
        ("{'53/tpc': 1}", "53/tpc: 'tpc' is not one of tcp, udp, sctp; did you mean 'tcp'?"),
        ("{nope: 1}", "nope: 'nope' is neither a port nor *, nor a service of tcp or udp or sctp"),
        ("{syslog/tcp: 1}", "syslog/tcp: 'syslog' is neither a port nor *, nor a service of tcp t"),
        ("{0: 1, 70000: 2}", "0: 0 is not in 1..65535; 70000: 70000 is not in 1..65535"),
        ("{'*/udp': 1}", "*/udp: '*' is neither a port"),
        ("{'²': 1}", "²: '²' is not a whole number"),
    ],
)
def test_what_is_no_port_map(drop_ins, said, says):
    drop_ins.minimal(backend=f"port_map: {said}")
    fault = drop_ins.fault()
    assert "groups/g.yaml:9:1" in fault
    assert f"backends[0].port_map: {says}" in fault


def test_a_key_that_had_no_effect_is_worth_a_word_where_it_has_one_now(drop_ins):
    assert mapped(drop_ins, "{domain: 53}") == 53
    assert drop_ins.warnings() == []
    assert mapped(drop_ins, "{domain: 5353, '*': 54}") == 5353
    assert drop_ins.warning() == (
        "groups/g.yaml:9:15: backends[0].port_map: maps 53 to 5353; tools that compare keys as"
        " text used 54"
    )
    drop_ins.load(strict=True)


def test_a_name_is_looked_up_once():
    asked = []

    def lookup(name, proto):
        asked.append((name, proto))
        return 53

    names = PortNames(lookup)
    for _unused in range(3):
        assert frontend_port("domain", UDP, names) == 53
        read_port_map((("domain/udp", 1),), names)
    assert asked == [("domain", "udp")]


def test_the_systems_own_database_is_asked(drop_ins):
    names = PortNames(socket.getservbyname)
    assert names.find("a\0b", TCP) is None
    assert names.find("no such service", TCP) is None


@given(st.lists(st.tuples(st.text(min_size=1), st.integers(1, 65535)), max_size=4))
def test_no_keys_do_more_than_complain(pairs):
    try:
        found = read_port_map(tuple(pairs), PortNames(socket.getservbyname))
    except ValueError:
        return
    assert 1 <= found.find(80, TCP) <= 65535
