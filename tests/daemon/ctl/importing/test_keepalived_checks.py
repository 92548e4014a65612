"""Checkers of keepalived as probes of the daemon."""

from __future__ import annotations

import pytest

#: What is said of no timing.
PLAIN = {"interval": 60, "fast_interval": 1, "timeout": 5, "rise": 1, "fall": 2}
WEB = {**PLAIN, "fast_interval": 3, "path": "/", "expected_status": "200-299"}


def probe(imported, checker, around="", own="", before=""):
    """The group's health check, the target, and what has been said."""
    text = (
        f"{before}\nvirtual_server 192.0.2.1 80 {{\nprotocol TCP\n{around}\n"
        f"real_server 10.0.0.1 80 {{\n{own}\n{checker}\n}}\n}}"
    )
    found = imported("keepalived", text, to="drop-ins")
    assert found.faults == []
    (group,) = found.made.values()
    return group["healthcheck"], group["backends"][0].get("check_target"), found


def checks(imported, checker, **said):
    check, target, found = probe(imported, checker, **said)
    assert found.said == ""
    assert target is None
    return check


@pytest.mark.parametrize(
    "checker, check",
    [
        ("", {"disable": True}),
        ("TCP_CHECK {\n}", {"type": "tcp", **PLAIN}),
        ("PING_CHECK { }", {"type": "icmp", **PLAIN}),
        ("SMTP_CHECK {\n}", {"type": "tcp", "expect": "220", **PLAIN}),
        ("UDP_CHECK {\n}", {"type": "udp", **PLAIN}),
        (
            "UDP_CHECK {\npayload Ab12f 3\nrequire_reply 81\n}",
            {"type": "udp", "send": b"\xab\x12\x0f\x03", "expect": b"\x81", **PLAIN},
        ),
        (
            "DNS_CHECK {\n}",
            {
                "type": "dns",
                "query_name": ".",
                "query_type": "SOA",
                "interval": 60,
                "timeout": 5,
                "rise": 1,
                "fall": 4,
            },
        ),
        (
            "MISC_CHECK {\nmisc_path \"/bin/x --a 'b c'\"\n}",
            {
                "type": "command",
                "command": ["/bin/x", "--a", "b c"],
                "interval": 60,
                "timeout": 60,
                "rise": 1,
                "fall": 1,
            },
        ),
        ("HTTP_GET {\nurl {\n}\n}", {"type": "http", **WEB}),
        (
            "SSL_GET {\nenable_sni\nurl {\n}\n}",
            {"type": "https", **WEB, "tls": {"verify": False}},
        ),
        (
            "HTTP_GET {\nurl {\npath x?y\nvirtualhost h\nstatus_code 200 300-399\nregex ^a\n}\n}",
            {
                "type": "http",
                **WEB,
                "path": "/x?y",
                "host": "h",
                "expected_status": [200, "300-399"],
                "body_regex": "^a",
            },
        ),
        (
            "HTTP_GET {\nurl {\nregex ^a\nregex_options caseless dotall\n}\n}",
            {"type": "http", **WEB, "body_regex": "(?is)^a"},
        ),
    ],
)
def test_kinds(imported, checker, check):
    assert checks(imported, checker) == check


@pytest.mark.parametrize(
    "around, own, inside, timing",
    [
        ("delay_loop 6", "", "", {"interval": 6}),
        ("delay_loop 6", "delay_loop 1.5", "", {"interval": 1.5}),
        ("delay_loop 6", "delay_loop 7", "delay_loop 8", {"interval": 8}),
        ("connect_timeout 3", "", "", {"timeout": 3}),
        ("retry 4", "", "", {"fall": 5}),
        ("", "", "retry 4\ndelay_before_retry 2", {"fall": 5, "fast_interval": 2}),
        ("delay_before_retry 60", "", "", {"fast_interval": None}),
        ("retry 0", "", "", {"fall": 1, "fast_interval": None}),
        ("alpha", "alpha", "alpha on", {}),
    ],
)
def test_timing(imported, around, own, inside, timing):
    check = checks(imported, f"TCP_CHECK {{\n{inside}\n}}", around=around, own=own)
    wanted = {"type": "tcp", **PLAIN, **timing}
    assert check == {name: value for name, value in wanted.items() if value is not None}


def test_a_script_has_its_own_time(imported):
    check = checks(imported, "MISC_CHECK {\nmisc_path /bin/x\nmisc_timeout 4\n}")
    assert check["timeout"] == 4


@pytest.mark.parametrize("around, own", [("virtualhost h", ""), ("virtualhost x", "virtualhost h")])
def test_the_host_is_that_of_the_nearest_level(imported, around, own):
    check = checks(imported, "HTTP_GET {\nurl {\n}\n}", around=around, own=own)
    assert check["host"] == "h"


@pytest.mark.parametrize(
    "inside, target",
    [
        ("connect_port 81", {"ip": "10.0.0.1", "port": 81}),
        ("connect_ip 10.9.9.9", {"ip": "10.9.9.9", "port": 80}),
        ("connect_ip 10.9.9.9\nconnect_port 81", {"ip": "10.9.9.9", "port": 81}),
    ],
)
def test_targets(imported, inside, target):
    _check, found, said = probe(imported, f"TCP_CHECK {{\n{inside}\n}}")
    assert (found, said.said) == (target, "")


@pytest.mark.parametrize("inhibit, on_down", [("", "remove"), ("inhibit_on_failure", "zero")])
def test_what_becomes_of_who_is_down(imported, inhibit, on_down):
    _check, _target, found = probe(imported, "TCP_CHECK {\n}", around=inhibit)
    assert [group["on_down"] for group in found.made.values()] == [on_down]
    assert found.said == ""


def test_one_server_cannot_go_another_way_when_it_is_down(imported):
    _check, _target, found = probe(imported, "TCP_CHECK {\n}", own="inhibit_on_failure")
    assert "the same for a whole pool" in found.said
    _check, _target, found = probe(
        imported, "TCP_CHECK {\n}", around="inhibit_on_failure", own="inhibit_on_failure yes"
    )
    assert found.said == ""


def test_certificates(imported):
    ssl = "SSL {\ncertificate /c.pem\nkey /c.key\n}"
    check = checks(imported, "SSL_GET {\nurl {\n}\n}", before=ssl)
    assert check["tls"] == {"verify": False, "certificate": "/c.pem", "key": "/c.key"}


@pytest.mark.parametrize("line", ["ca /ca.pem", "password x", "frobnicate"])
def test_what_is_lost_of_certificates(imported, line):
    _check, _target, found = probe(imported, "", before=f"SSL {{\n{line}\n}}")
    (loss,) = found.losses
    assert loss.startswith("file:2: ")


def test_of_several_checkers_the_one_that_tells_most_is_carried(imported):
    text = "PING_CHECK {\n}\nTCP_CHECK {\n}\nHTTP_GET {\nurl {\n}\n}\nFILE_CHECK {\ntrack_file x\n}"
    check, _target, found = probe(imported, text)
    assert check["type"] == "http"
    assert [loss.split(":")[2].strip() for loss in found.losses] == [
        "PING_CHECK",
        "TCP_CHECK",
        "FILE_CHECK",
    ]


@pytest.mark.parametrize(
    "checker, says",
    [
        ("BFD_CHECK {\nname x\n}", "there is no BFD here"),
        ("TCP_CHECK {\nbindto 10.0.0.9\n}", "probes start where the system's routes say"),
        ("TCP_CHECK {\nfwmark 5\n}", "probes start where the system's routes say"),
        ("TCP_CHECK {\nlog_all_failures on\n}", "what is logged is not said here"),
        ("TCP_CHECK {\nwarmup 5\n}", "first probes are spread"),
        ("TCP_CHECK {\nmisc_path x\n}", "is not known to this import"),
        ("SMTP_CHECK {\nhelo_name x\n}", "says no HELO"),
        ("SMTP_CHECK {\nhost {\nconnect_port 26\n}\n}", "say connect_ip and connect_port"),
        ("UDP_CHECK {\nrequire_reply\n}", "that anything comes back"),
        ("UDP_CHECK {\nrequire_reply 8x\n}", "there are no wildcards"),
        ("UDP_CHECK {\nmax_reply_length 9\n}", "the length of an answer is not judged"),
        ("MISC_CHECK {\nmisc_path /x\nmisc_dynamic\n}", "a status above 1 counts as failed"),
        ("MISC_CHECK {\nmisc_path /x\nuser nobody\n}", "it runs as the daemon does"),
        ("HTTP_GET {\nurl {\n}\nurl {\npath /b\n}\n}", "a probe asks for one path"),
        ("HTTP_GET {\nhttp_protocol 1.0\nurl {\n}\n}", "HTTP/1.1 and one path"),
        ("HTTP_GET {\nurl {\ndigest 00\n}\n}", "no digest is made"),
        ("HTTP_GET {\nurl {\nregex (?<x\n}\n}", "Python's re does not understand it"),
        ("HTTP_GET {\nurl {\nregex x\nregex_options ucp\n}\n}", "Python's re has no ucp"),
        ("HTTP_GET {\nurl {\nregex x\nregex_min_offset 5\n}\n}", "the whole body is searched"),
        ("HTTP_GET {\nurl {\nfrobnicate\n}\n}", "is not known to this import"),
    ],
)
def test_what_is_lost(imported, checker, says):
    _check, _target, found = probe(imported, checker)
    (loss,) = found.losses
    assert says in loss


def test_a_match_that_fails_the_check(imported):
    check, _target, found = probe(imported, "HTTP_GET {\nurl {\nregex x\nregex_no_match\n}\n}")
    assert "body_regex" not in check
    assert len(found.losses) == 2


def test_behind_a_firewall_mark_the_port_is_for_the_probe(imported):
    text = "virtual_server fwmark 7 {\nreal_server 10.0.0.1 80 {\nTCP_CHECK {\n}\n}\n}"
    found = imported("keepalived", text, to="drop-ins")
    (group,) = found.made.values()
    assert group["backends"] == [
        {
            "address": "10.0.0.1",
            "weight": 1,
            "method": "nat",
            "check_target": {"ip": "10.0.0.1", "port": 80},
        }
    ]


def test_no_port_to_probe(imported):
    text = "virtual_server fwmark 7 {\nreal_server 10.0.0.1 {\nTCP_CHECK {\n}\n}\n}"
    found = imported("keepalived", text, to="drop-ins")
    (group,) = found.made.values()
    assert group["healthcheck"] == {"disable": True}
    assert "there is no port to probe; say connect_port" in found.said


@pytest.mark.parametrize(
    "checker, says",
    [
        ("TCP_CHECK", "has no block"),
        ("TCP_CHECK {\nconnect_port x\n}", "connect_port: 'x' is not a whole number"),
        ("TCP_CHECK {\nconnect_ip x\n}", "connect_ip: 'x' is not an IPv4 or IPv6 address"),
        ("TCP_CHECK {\nconnect_timeout x\n}", "connect_timeout: 'x' is not seconds"),
        ("TCP_CHECK {\nretry -1\n}", "retry: -1 is not in"),
        ("HTTP_GET {\n}", "needs a url"),
        ("MISC_CHECK {\n}", "needs misc_path"),
        ('MISC_CHECK {\nmisc_path "/bin/x \'a"\n}', "No closing quotation"),
        ("UDP_CHECK {\npayload xy\n}", "is not hexadecimal"),
    ],
)
def test_faults(imported, checker, says):
    text = f"virtual_server fwmark 1 {{\nreal_server 10.0.0.1 80 {{\n{checker}\n}}\n}}"
    found = imported("keepalived", text)
    assert any(says in fault for fault in found.faults), found
