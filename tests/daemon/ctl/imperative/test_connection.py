"""connection: golden outputs, what is chosen, what is counted, and files of connections."""

from __future__ import annotations

import json

import pytest
import yaml
from ipvsman.ctl.imperative.entries import parse_entries

from .conftest import connection

HEADER = "Proto CIP CPort VIP VPort SIP SPort State Expire"

#: As ip_vs_conn_seq_show prints them.
FILE = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP C6336405 9C40 C0000201 0050 0A000001 0050 ESTABLISHED      93
UDP C6336405 0000 C0000201 13C4 0A000001 13C4 UDP             297 sip 1234@192.0.2.5
UDP C6336405 0000 C0000201 13C4 0A000001 13C4 UDP               0 sip BEEF
IP  C6336400 0000 00000007 0000 0A000002 0000 NONE             60
TCP 2001:0db8:0000:0000:0000:0000:0000:0005 C350 2001:0db8:0000:0000:0000:0000:0000:0001 01BB \
fd00:0000:0000:0000:0000:0000:0000:0001 01BB FIN_WAIT           5
SCTP C6336405 C350 C0000201 01BB 0A000001 01BB CLOSED        3661
TCP cut off
TCP C63364050102 9C40 C0000201 0050 0A000001 0050 NO_ADDRESS       93
TCP C6336405 port C0000201 0050 0A000001 0050 NO_PORT          93
"""
#: A kernel with full NAT of its own has a local address before the real server's.
LOCAL = """\
Pro FromIP   FPrt ToIP     TPrt LocalIP  LPrt DestIP   DPrt State       Expires
TCP C6336405 9C40 C0000201 0050 0A0000FE 1F90 0A000001 0050 ESTABLISHED      93
TCP 2001:0db8:0000:0000:0000:0000:0000:0005 C350 2001:0db8:0000:0000:0000:0000:0000:0001 01BB \
fd00:0000:0000:0000:0000:0000:0000:00fe 0400 fd00:0000:0000:0000:0000:0000:0000:0001 01BB SYN_RECV 5
"""
LINES = """\
TCP 198.51.100.5 40000 192.0.2.1 80 10.0.0.1 80 ESTABLISHED 1:33
UDP 198.51.100.5 0 192.0.2.1 5060 10.0.0.1 5060 UDP 4:57
UDP 198.51.100.5 0 192.0.2.1 5060 10.0.0.1 5060 UDP 0
IP 198.51.100.0 0 0.0.0.7 0 10.0.0.2 0 NONE 1:0
TCP 2001:db8::5 50000 2001:db8::1 443 fd00::1 443 FIN_WAIT 0:5
SCTP 198.51.100.5 50000 192.0.2.1 443 10.0.0.1 443 CLOSED 61:1
"""


@pytest.fixture
def busy(web):
    """Some connections in the table."""
    web.table.known = [
        connection(),
        connection(client="198.51.100.6", server=("10.0.0.2", 80), state="FIN_WAIT"),
        connection(client="203.0.113.9", expires=0),
        connection(
            virtual=("192.0.2.1", 53), server=("10.0.0.1", 53), transport="udp", state="UDP"
        ),
        connection(client="2001:db8::5", virtual=("2001:db8::1", 80), server=("fd00::1", 80)),
        connection(virtual=("192.0.2.77", 80), server=("10.0.0.3", 8080)),
    ]
    return web


def ends(done):
    """The real server of each line, and the client."""
    assert (done.status, done.err) == (0, "")
    assert done.lines[0] == HEADER
    return [(line.split()[5], line.split()[1]) for line in done.lines[1:]]


def test_connections(busy):
    assert (
        busy.run("connection", "show").out
        == f"""\
{HEADER}
TCP 198.51.100.5 40000 192.0.2.1 80 10.0.0.1 80 ESTABLISHED 1:33
TCP 198.51.100.6 40000 192.0.2.1 80 10.0.0.2 80 FIN_WAIT 1:33
TCP 203.0.113.9 40000 192.0.2.1 80 10.0.0.1 80 ESTABLISHED 0
UDP 198.51.100.5 40000 192.0.2.1 53 10.0.0.1 53 UDP 1:33
TCP 2001:db8::5 40000 2001:db8::1 80 fd00::1 80 ESTABLISHED 1:33
TCP 198.51.100.5 40000 192.0.2.77 80 10.0.0.3 8080 ESTABLISHED 1:33
"""
    )


@pytest.mark.parametrize(
    "words, places",
    [
        ("", [0, 1, 2, 3, 4, 5]),
        ("--vip 192.0.2.1", [0, 1, 2, 3]),
        ("--vip 192.0.2.1 --vport 0", [0, 1, 2, 3]),
        ("--vip 192.0.2.1 --vport 80", [0, 1, 2]),
        ("--vport 80", [0, 1, 2, 4, 5]),
        ("--vip 192.0.2.1 --proto udp", [3]),
        ("--protocol UDP", [3]),
        ("--protocol=", [0, 1, 2, 3, 4, 5]),
        ("--vip 2001:0DB8::0001", [4]),
        ("--rip 10.0.0.1", [0, 2, 3]),
        ("--rip 10.0.0.1 --rport 80", [0, 2]),
        ("--rport 8080", [5]),
        ("--client 198.51.100.5", [0, 3, 5]),
        ("--client 198.51.100.0/24", [0, 1, 3, 5]),
        ("--client 198.51.100.77/24", [0, 1, 3, 5]),
        ("--client 2001:db8::/32", [4]),
        ("--client [2001:db8::5]", [4]),
        ("--client 0.0.0.0/0", [0, 1, 2, 3, 5]),
        ("--state established", [0, 2, 4, 5]),
        ("--state FIN_WAIT,UDP", [1, 3]),
        ("--state UDP --vip 192.0.2.77", []),
        ("--state NONE,ASSURED", []),
        ("--vip 192.0.2.1 --vport 80 --rip 10.0.0.1 --client 203.0.113.0/24", [2]),
    ],
)
def test_connections_are_chosen(words, places, busy):
    whole = busy.run("connection", "show").lines
    done = busy.run("connection", "show", *words.split())
    assert (done.status, done.err) == (0, "")
    assert done.lines == [HEADER, *(whole[1 + place] for place in places)]


def test_connections_of_a_firewall_mark_are_those_of_its_servers(busy):
    busy.run(*"server add --fwmark 7 --rip 10.0.0.2 --rport 0 --fwd dr --weight 1".split())
    assert ends(busy.run("connection", "show", "--fwmark", "7")) == [("10.0.0.2", "198.51.100.6")]
    six = "--fwmark 7 --family inet6".split()
    assert ends(busy.run("connection", "show", *six)) == []
    done = busy.run("connection", "show", "--fwmark", "8")
    assert (done.status, done.out, done.err) == (1, "", "no such process: FWM 8\n")


@pytest.mark.parametrize(
    "words, lines",
    [
        ("--count", ["6"]),
        ("--count all", ["6"]),
        ("--count --vip 192.0.2.1", ["4"]),
        ("--count --vip 192.0.2.200", ["0"]),
        (
            "--count service",
            [
                "Connections Service",
                *("3 TCP 192.0.2.1:80", "1 TCP 192.0.2.77:80"),
                *("1 TCP [2001:db8::1]:80", "1 UDP 192.0.2.1:53"),
            ],
        ),
        (
            "--count=destination --vip 192.0.2.1",
            ["Connections Destination", "2 10.0.0.1:80", "1 10.0.0.1:53", "1 10.0.0.2:80"],
        ),
        (
            "--count state",
            ["Connections State", "4 ESTABLISHED", "1 FIN_WAIT", "1 UDP"],
        ),
        (
            "--count client --rport 80",
            [
                "Connections Client",
                *("1 198.51.100.5", "1 198.51.100.6", "1 2001:db8::5", "1 203.0.113.9"),
            ],
        ),
    ],
)
def test_connections_are_counted(words, lines, busy):
    done = busy.run("connection", "show", *words.split())
    assert (done.status, done.err) == (0, "")
    assert done.lines == lines


def test_counts_for_a_program(busy):
    done = busy.run("connection", "show", "--count=state", "-o", "json")
    assert json.loads(done.out) == {
        "counts": [
            {"state": "ESTABLISHED", "connections": 4},
            {"state": "FIN_WAIT", "connections": 1},
            {"state": "UDP", "connections": 1},
        ]
    }
    done = busy.run("connection", "show", "--count", "-o", "yaml")
    assert yaml.safe_load(done.out) == {"connections": 6}


def test_connections_for_a_program(busy):
    done = busy.run("connection", "show", "--state", "UDP", "-o", "json")
    assert json.loads(done.out) == {
        "connections": [
            {
                "protocol": "udp",
                "client_address": "198.51.100.5",
                "client_port": 40000,
                "virtual_address": "192.0.2.1",
                "virtual_port": 53,
                "destination_address": "10.0.0.1",
                "destination_port": 53,
                "state": "UDP",
                "expires": 93,
                "engine": "",
                "engine_data": "",
            }
        ]
    }


def test_a_state_that_there_is_not(busy):
    done = busy.run("connection", "show", "--state", "ESTABLISHD")
    assert (done.status, done.out) == (0, f"{HEADER}\n")
    assert done.err == ("Warning: no state is called ESTABLISHD; did you mean 'ESTABLISHED'?\n")


@pytest.mark.parametrize(
    "words, line",
    [
        ("--vip 192.0.2", "invalid vip address 192.0.2: not an IPv4 or IPv6 address"),
        ("--rip x", "invalid rip address x: not an IPv4 or IPv6 address"),
        ("--client 10.0.0.0/33", "--client: '10.0.0.0/33' is neither an address nor a network"),
        ("--vport 65536", "--vport: 65536 is not in 0..65535"),
        ("--proto igmp", "invalid protocol {igmp}: not TCP, UDP or SCTP"),
        ("--count x", "--count: 'x' is not one of all, service, destination, client, state"),
        ("--count=x", "--count: 'x' is not one of all, service, destination, client, state"),
        ("--fwmark 7 --vip 192.0.2.1", "--fwmark names a service by itself: leave out --vip"),
        ("--family inet6", "--family is of --fwmark, which is not said"),
    ],
)
def test_a_fault(words, line, busy):
    done = busy.run("connection", "show", *words.split())
    assert (done.status, done.out, done.err) == (1, "", f"{line}\n")
    assert not busy.table.calls


# -- files


def test_a_file(ctl, tmp_path):
    path = tmp_path / "connections"
    path.write_text(FILE)
    done = ctl.run("connection", "show", "--path", path)
    assert (done.out, done.err) == (f"{HEADER}\n{LINES}", "")
    assert ctl.run("conn", "ls", "-p", path) == done
    # No kernel is asked.
    assert ctl.netns == []
    assert ends(ctl.run("c", "get", "-path", path, "--vip=2001:db8::1")) == [
        ("fd00::1", "2001:db8::5")
    ]


def test_a_file_of_a_kernel_with_full_nat(ctl, tmp_path):
    path = tmp_path / "connections"
    path.write_text(LOCAL)
    assert ctl.run("connection", "show", "--path", path).lines == [
        f"{HEADER} LIP LPort",
        "TCP 198.51.100.5 40000 192.0.2.1 80 10.0.0.1 80 ESTABLISHED 1:33 10.0.0.254 8080",
        "TCP 2001:db8::5 50000 2001:db8::1 443 fd00::1 443 SYN_RECV 0:5 fd00::fe 1024",
    ]
    found = json.loads(ctl.run("connection", "show", "--path", path, "-o", "json").out)
    assert [each["local_address"] for each in found["connections"]] == ["10.0.0.254", "fd00::fe"]
    assert [each["local_port"] for each in found["connections"]] == [8080, 1024]


def test_a_file_and_a_firewall_mark(web, tmp_path):
    path = tmp_path / "connections"
    path.write_text(FILE)
    web.run(*"server add --fwmark 7 --rip 10.0.0.2 --rport 0 --fwd dr --weight 1".split())
    done = web.run("connection", "show", "--path", path, "--fwmark", "7")
    assert done.lines[1:] == [LINES.splitlines()[3]]


@pytest.mark.parametrize(
    "text", ["", "Pro FromIP\n", "\n\n", "nonsense\n", "TCP x y z 1 2 3 4 5\n", "TCP" * 100]
)
def test_a_file_without_a_connection(text, ctl, tmp_path):
    path = tmp_path / "connections"
    path.write_text(text)
    done = ctl.run("connection", "show", "--path", path)
    assert (done.status, done.out, done.err) == (0, f"{HEADER}\n", "")


def test_a_file_that_is_not_there(ctl, tmp_path):
    done = ctl.run("connection", "show", "--path", tmp_path / "none")
    line = f"open {tmp_path / 'none'}: no such file or directory\n"
    assert (done.status, done.out, done.err) == (1, "", line)


def test_a_directory_is_no_file(ctl, tmp_path):
    done = ctl.run("connection", "show", "--path", tmp_path)
    assert (done.status, done.out, done.err) == (1, "", f"open {tmp_path}: is a directory\n")


def test_any_bytes(ctl, tmp_path):
    path = tmp_path / "connections"
    path.write_bytes(bytes(range(256)) + b"\n" + FILE.splitlines()[2].encode() + b"\xff\n")
    done = ctl.run("connection", "show", "--path", path, "-o", "json")
    assert json.loads(done.out)["connections"][0]["engine_data"] == "1234@192.0.2.5\\xff"


def test_lines_are_read_as_they_are_asked_for():
    def endless():
        while True:
            yield FILE.splitlines()[1]

    entries = parse_entries(endless())
    assert next(entries) == next(entries)
