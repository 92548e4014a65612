"""Checks of ldirectord as probes of the daemon."""

from __future__ import annotations

import pytest

PLAIN = {"interval": 10, "timeout": 5, "rise": 1, "fall": 1}
ASKED = {**PLAIN, "timeout": 30}
WEB = {"type": "http", "path": "/", "expected_status": "200-299", **ASKED}


def probe(imported, lines, head="virtual = 192.0.2.1:80", around=""):
    """The group's health check, the target, and what has been said."""
    six = head.startswith("virtual6")
    real = "real6 = [2001:db8::2]" if six else "real = 10.0.0.1"
    mine = [] if any(line.startswith("real") for line in lines) else [f"{real} gate"]
    text = f"{around}\n{head}\n" + "".join(f"    {line}\n" for line in (*lines, *mine))
    found = imported("ldirectord", text, to="drop-ins")
    assert found.faults == []
    (group,) = found.made.values()
    return group["healthcheck"], group["backends"][0].get("check_target"), found


@pytest.mark.parametrize(
    "lines, check",
    [
        (["checktype = connect"], {"type": "tcp", **PLAIN}),
        (["checktype = connect", "protocol = udp"], {"type": "icmp", **PLAIN}),
        (["checktype = ping"], {"type": "icmp", **PLAIN}),
        (["checktype = on"], {"disable": True}),
        (["service = none"], {"disable": True}),
        (
            ["checktype = external", 'checkcommand = "/bin/x"'],
            {
                "type": "command",
                "command": ["/bin/x", "192.0.2.1", "80", "10.0.0.1", "80"],
                **PLAIN,
            },
        ),
        ([], WEB),
        (['request = "a/b"', 'receive = "c.d"'], {**WEB, "path": "/a/b", "body_regex": "c.d"}),
        (["httpmethod = head", "virtualhost = h"], {**WEB, "method": "HEAD", "host": "h"}),
        (["service = https"], {**WEB, "type": "https", "tls": {"verify": False}}),
        (["service = smtp"], {"type": "tcp", "expect": "220", **ASKED}),
        (
            ["service = simpletcp", r'request = "a\n"', 'receive = "b"'],
            {"type": "tcp", "send": "a\n", "expect": "b", **ASKED},
        ),
        (
            ["service = dns", 'request = "a.example.net"', r'receive = "192\.0\.2\.9"'],
            {
                "type": "dns",
                "query_name": "a.example.net",
                "transport": "tcp",
                "expected_answers": ["192.0.2.9"],
                **ASKED,
            },
        ),
        (
            ["service = dns", "protocol = udp", 'request = "192.0.2.9"'],
            {
                "type": "dns",
                "query_name": "9.2.0.192.in-addr.arpa",
                "query_type": "PTR",
                **ASKED,
            },
        ),
    ],
)
def test_kinds(imported, lines, check):
    found, target, said = probe(imported, lines)
    assert (found, target, said.said) == (check, None, "")


@pytest.mark.parametrize(
    "port, kind",
    [(21, "ftp"), (110, "pop"), (119, "nntp"), (143, "imap")],
)
def test_greetings(imported, port, kind):
    check, _target, found = probe(imported, [], f"virtual = 192.0.2.1:{port}")
    assert check["type"] == "tcp"
    assert check["expect"]
    assert f"{kind} is not spoken: the greeting is probed" in found.said
    assert found.losses == []


@pytest.mark.parametrize(
    "port, kind, probed",
    [
        (993, "imaps", "tls"),
        (995, "pops", "tls"),
        (636, "ldaps", "tls"),
        (389, "ldap", "tcp"),
        (3306, "mysql", "tcp"),
        (5432, "pgsql", "tcp"),
        (1521, "oracle", "tcp"),
        (3128, "http_proxy", "tcp"),
    ],
)
def test_what_is_not_spoken(imported, port, kind, probed):
    check, _target, found = probe(imported, ['login = "x"'], f"virtual = 192.0.2.1:{port}")
    assert check["type"] == probed
    assert f"{kind} is not spoken" in found.said
    assert "the probe does not log in" in found.said


def test_what_is_not_spoken_over_udp(imported):
    check, _target, _found = probe(imported, ["protocol = udp"], "virtual = 192.0.2.1:5060")
    assert check == {"type": "udp", **ASKED}


@pytest.mark.parametrize(
    "around, lines, timing",
    [
        ("checkinterval = 3", [], {"interval": 3}),
        ("checkinterval = 3", ["checkinterval = 4"], {"interval": 4}),
        ("checktimeout = 3", [], {"timeout": 3}),
        ("negotiatetimeout = 3", [], {"timeout": 3}),
        ("checktimeout = 3\nnegotiatetimeout = 4", [], {"timeout": 4}),
        ("negotiatetimeout = 4", ["checktimeout = 3"], {"timeout": 3}),
        ("checktimeout = 3", ["negotiatetimeout = 4"], {"timeout": 4}),
        ("failurecount = 3", [], {"fall": 3}),
        ("failurecount = 3", ["failurecount = 4"], {"fall": 4}),
    ],
)
def test_timing(imported, around, lines, timing):
    check, _target, found = probe(imported, lines, around=around)
    assert (check, found.said) == ({**WEB, **timing}, "")


def test_times_that_a_ping_is_tried(imported):
    lines = ["checktype = ping", "checkcount = 3", "failurecount = 2"]
    check, _target, found = probe(imported, lines)
    assert (check["fall"], found.said) == (6, "")
    check, _target, found = probe(imported, ["checkcount = 3"])
    assert check["fall"] == 1
    assert "only checks by ping heed it; failurecount" in found.said


def test_another_port(imported):
    _check, target, found = probe(imported, ["checkport = 81"])
    assert (target, found.said) == ({"ip": "10.0.0.1", "port": 81}, "")


def test_a_server_says_what_it_is_asked(imported):
    lines = ['request = "a"', 'receive = "b"', 'real = 10.0.0.1:80 masq 1 "c", "d"']
    check, _target, _found = probe(imported, lines)
    assert (check["path"], check["body_regex"]) == ("/c", "d")


def test_a_server_says_another_host(imported):
    lines = ['real = 10.0.0.1:80 masq 1 "http://10.9.9.9:81/c?d", "e"']
    check, target, _found = probe(imported, lines)
    assert (check["path"], check["host"]) == ("/c?d", "10.9.9.9:81")
    assert target == {"ip": "10.9.9.9", "port": 81}


@pytest.mark.parametrize(
    "head, lines, command",
    [
        ("virtual = 7", [], ["7", "0", "10.0.0.1", "0"]),
        ("virtual6 = [2001:db8::1]:80", [], ["[2001:db8::1]", "80", "[2001:db8::2]", "80"]),
    ],
)
def test_arguments_of_a_command(imported, head, lines, command):
    lines = ["checktype = external-perl", "checkcommand = /bin/x", *lines]
    check, _target, found = probe(imported, lines, head)
    assert check["command"] == ["/bin/x", *command]
    assert "the script is run as a command" in found.said


def test_behind_a_firewall_mark_the_service_says_the_port(imported):
    _check, target, _found = probe(imported, ["service = http"], "virtual = 7")
    assert target == {"ip": "10.0.0.1", "port": 80}


def test_no_port_to_probe(imported):
    check, _target, found = probe(imported, ["checktype = connect"], "virtual = 7")
    assert check == {"disable": True}
    assert "there is no port to probe, so it is not; checkport" in found.said


def test_off(imported):
    _check, _target, found = probe(imported, ["checktype = off"])
    (group,) = found.made.values()
    assert group["disabled"] is True
    found = imported(
        "ldirectord", "virtual = 192.0.2.1:80\n    checktype = off\n    real = 10.0.0.1 gate"
    )
    assert "destinations" not in found.made["services"][0]


@pytest.mark.parametrize(
    "lines, says",
    [
        (["checktype = connect", 'request = "x"'], "nothing is asked by this check"),
        (["checktype = connect", 'receive = "x"'], "nothing is asked by this check"),
        (["checktype = connect", "httpmethod = get"], "it is not asked by HTTP"),
        (["checktype = connect", "checkcommand = x"], "no check of type connect runs it"),
        (["service = simpletcp", 'receive = "a.*b"'], "what has to come back is bytes"),
        (["service = dns", 'receive = "a.*b"'], "answers are compared as a whole"),
        (['receive = "(?<x"'], "Python's re does not understand it"),
        (["service = ftp", 'request = "x"'], "the probe does not speak ftp"),
        (["service = radius", 'secret = "x"'], "the probe does not log in"),
    ],
)
def test_what_is_lost(imported, lines, says):
    _check, _target, found = probe(imported, lines)
    (loss,) = found.losses
    assert says in loss


@pytest.mark.parametrize(
    "line, says",
    [
        ("checktype = maybe", "'maybe' is not one of connect, external"),
        ("service = gopher", "'gopher' is not one of ftp, smtp"),
        ("checkport = 0", "0 is not in 1..65535"),
        ("checktimeout = x", "'x' is not a whole number"),
        ("failurecount = 0", "0 is not in 1..65535"),
    ],
)
def test_faults(imported, line, says):
    text = f"virtual = 192.0.2.1:80\n    real = 10.0.0.1:80 gate\n    {line}\n"
    found = imported("ldirectord", text)
    assert any(says in fault for fault in found.faults), found
