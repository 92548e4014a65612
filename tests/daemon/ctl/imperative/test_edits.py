"""Single changes: what they do, what they leave alone, and how they are refused."""

from __future__ import annotations

import errno

import pytest
from ipvsman.ipvs.changes import RemoveDestination
from ipvsman.ipvs.ipvsadm import rules
from ipvsman.ipvs.model import DestinationKey
from ipvsman.ipvs.refusals import refusal
from ipvsman.ipvs.scope import EVERYTHING
from ipvsman.ipvs.table import Outcome

from .conftest import ONE, RS, VS, WEB

UDP6 = ("--vip", "2001:db8::1", "--vport", "53", "--proto", "udp")
GONE = ("--vip", "192.0.2.9", "--vport", "1")


def table_of(ctl):
    return list(rules(ctl.table.read(EVERYTHING)))


def rule(ctl, start):
    (found,) = [line for line in table_of(ctl) if line.startswith(start)]
    return found


def silent(done):
    return (done.status, done.out, done.err) == (0, "", "")


# -- services


@pytest.mark.parametrize(
    "words, expected",
    [
        ("--vip 192.0.2.7 --vport 80", "-A -t 192.0.2.7:80 -s wlc"),
        ("--vip 192.0.2.7 --vport 80 --protocol=", "-A -t 192.0.2.7:80 -s wlc"),
        ("--vip 192.0.2.7 --vport 80 --proto TCP -s sed", "-A -t 192.0.2.7:80 -s sed"),
        ("--vip 192.0.2.7 --vport 53 --proto uDp -s rr", "-A -u 192.0.2.7:53 -s rr"),
        ("--vip 192.0.2.7 --vport 9 --proto SCTP", "-A --sctp-service 192.0.2.7:9 -s wlc"),
        ("--vip [2001:DB8::7] --vport 443", "-A -t [2001:db8::7]:443 -s wlc"),
        ("--fwmark 9 -s rr", "-A -f 9 -s rr"),
        ("--fwmark 9 -family inet6 -s rr", "-A -f 9 -6 -s rr"),
        ("--vip 192.0.2.7 --vport 80 --timeout 600", "-A -t 192.0.2.7:80 -s wlc -p 600"),
        (
            "--vip 192.0.2.7 --vport 80 --timeout 60 --netmask 24",
            "-A -t 192.0.2.7:80 -s wlc -p 60 -M 255.255.255.0",
        ),
        (
            "--vip 192.0.2.7 --vport 80 --timeout 60 -M 255.255.0.0",
            "-A -t 192.0.2.7:80 -s wlc -p 60 -M 255.255.0.0",
        ),
        ("--vip 192.0.2.7 --vport 80 --timeout 60 -M 0", "-A -t 192.0.2.7:80 -s wlc -p 60"),
        ("--vip 192.0.2.7 --vport 80 --timeout 60 -M 32", "-A -t 192.0.2.7:80 -s wlc -p 60"),
        (
            "--vip 2001:db8::7 --vport 80 --timeout 60 --mask 64",
            "-A -t [2001:db8::7]:80 -s wlc -p 60 -M 64",
        ),
        (
            "--vip 2001:db8::7 --vport 80 --timeout 60 --mask 0",
            "-A -t [2001:db8::7]:80 -s wlc -p 60",
        ),
        ("--vip 192.0.2.7 --vport 80 --pe sip", "-A -t 192.0.2.7:80 -s wlc -p 300 --pe sip"),
        (
            "--vip 192.0.2.7 --vport 80 --persistent sip --timeout 9",
            "-A -t 192.0.2.7:80 -s wlc -p 9 --pe sip",
        ),
        (
            "--vip 192.0.2.7 --vport 80 -s sh --flags sh-port,sh-fallback",
            "-A -t 192.0.2.7:80 -s sh -b sh-fallback,sh-port",
        ),
        (
            "--vip 192.0.2.7 --vport 80 --proto udp --flags one-packet",
            "-A -u 192.0.2.7:80 -s wlc -o",
        ),
    ],
)
def test_a_service_is_added(words, expected, ctl):
    assert silent(ctl.run("service", "add", *words.split()))
    assert table_of(ctl) == [expected]


def test_an_add_meets_its_like(web):
    before = table_of(web)
    done = web.run("service", "add", *VS, "--scheduler", "rr")
    assert (done.status, done.out, done.err) == (1, "", "file exists: TCP 192.0.2.1:80\n")
    assert table_of(web) == before
    assert web.table.calls["apply"] == 0


@pytest.mark.parametrize(
    "words, expected",
    [
        ("", "-s wrr -p 60 -M 255.255.255.0"),
        ("--scheduler rr", "-s rr -p 60 -M 255.255.255.0"),
        ("--timeout 0", "-s wrr"),
        ("--timeout 90", "-s wrr -p 90 -M 255.255.255.0"),
        ("--netmask 0", "-s wrr -p 60"),
        ("--pe sip", "-s wrr -p 60 -M 255.255.255.0 --pe sip"),
        ("--flags flag-1", "-s wrr -p 60 -M 255.255.255.0 -b flag-1"),
    ],
)
def test_an_update_keeps_what_is_not_said(words, expected, web):
    web.run("service", "update", *VS, "--timeout", "60", "--netmask", "24")
    pool = [line for line in table_of(web) if line.startswith("-a")]
    assert silent(web.run("service", "update", *VS, *words.split()))
    assert rule(web, "-A -t") == f"-A -t 192.0.2.1:80 {expected}"
    assert [line for line in table_of(web) if line.startswith("-a")] == pool


def test_an_engine_is_taken_away(web):
    web.run("service", "update", *VS, "--pe", "sip")
    assert rule(web, "-A -t").endswith("-p 300 --pe sip")
    web.run("service", "update", *VS, "--pe", "none")
    assert rule(web, "-A -t") == "-A -t 192.0.2.1:80 -s wrr -p 300"


def test_a_service_is_removed_with_its_servers(web):
    rest = [line for line in table_of(web) if "-t 192.0.2.1:80" not in line]
    assert silent(web.run("service", "del", *VS))
    assert table_of(web) == rest
    assert rest


@pytest.mark.parametrize("command", ["update", "del", "zero", "get"])
def test_a_service_that_is_missing(command, web):
    before = table_of(web)
    done = web.run("service", command, *GONE)
    assert (done.status, done.out, done.err) == (1, "", "no such process: TCP 192.0.2.9:1\n")
    assert table_of(web) == before


def test_an_unknown_scheduler(ctl):
    done = ctl.run("service", "add", *VS, "--scheduler", "nonsense")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(
        "no such file or directory: add service tcp://192.0.2.1:80: scheduler nonsense; "
    )
    assert "ip_vs_nonsense" in done.err
    assert table_of(ctl) == []


def test_what_surprises_is_told(ctl):
    done = ctl.run("service", "add", "--vip", "192.0.2.1", "--vport", "0")
    assert done.status == 0
    assert done.err.startswith("Warning: tcp://192.0.2.1 has every port and no persistence")
    assert ctl.run("-q", "service", "add", "--vip", "192.0.2.2", "--vport", "0").err == ""


def test_what_is_done_is_told_to_who_asks(web):
    done = web.run("-v", "service", "update", *VS, "--scheduler", "rr")
    assert done.err == "INFO edit service tcp://192.0.2.1:80: scheduler wrr -> rr\n"


def test_check(web):
    assert web.run("service", "check", *VS).out == "vs:TCP 192.0.2.1:80 () found\n"
    done = web.run("service", "check", *GONE)
    assert (done.status, done.out, done.err) == (0, "vs:TCP 192.0.2.9:1 () not found\n", "")
    assert web.run("service", "check", *VS, "--exit-code").status == 0
    assert web.run("service", "check", *GONE, "--exit-code").status == 1
    assert web.run("service", "chk", "--fwmark", "7").out == "vs:FWM 7 () found\n"


def test_string(web):
    assert web.run("service", "string", *GONE).out == "vs:TCP 192.0.2.9:1 ()\n"
    assert not web.table.calls
    assert web.run("service", "string", *UDP6).out == "vs:UDP [2001:db8::1]:53 ()\n"


def test_string_for_ipvsadm(web):
    assert web.run("service", "string", *VS, "--ipvsadm").lines == [
        "-A -t 192.0.2.1:80 -s wrr",
        "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 5 -x 100 -y 50",
        "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 0",
    ]


def test_what_ipvsadm_would_not_take_is_told(web):
    web.run("server", "add", *VS, "--rip", "10.0.0.9", "--rport", "80", "--fwd", "local", "-w", "1")
    done = web.run("service", "string", *VS, "--ipvsadm")
    assert (done.status, len(done.lines)) == (0, 3)
    assert done.err == (
        "Warning: not told: tcp://192.0.2.1:80 -> 10.0.0.9:80:"
        " ipvsadm has no option for forwarding local\n"
    )


# -- real servers


@pytest.mark.parametrize(
    "words, expected",
    [
        ("--forward masq --weight 3", "-m -w 3"),
        ("--fwd tun -w 0", "-i -w 0 --tun-type ipip"),
        ("--fwd dr -w 1 -x 20 -y 10", "-g -w 1 -x 20 -y 10"),
        ("--fwd dr -w 1 --u-threshold 20 --l-threshold 10", "-g -w 1 -x 20 -y 10"),
        ("--fwd local -w 65535", "-l -w 65535"),
        (
            "--fwd tun -w 1 --tun-type gue --tun-port 6080",
            "-i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum",
        ),
        (
            "--fwd tun -w 1 --tun-type gre --tun-checksum csum",
            "-i -w 1 --tun-type gre --tun-csum",
        ),
    ],
)
def test_a_server_is_added(words, expected, web):
    new = ("--rip", "10.0.0.9", "--rport", "80")
    assert silent(web.run("server", "add", *VS, *new, *words.split()))
    assert rule(web, "-a -t 192.0.2.1:80 -r 10.0.0.9") == (
        f"-a -t 192.0.2.1:80 -r 10.0.0.9:80 {expected}"
    )


@pytest.mark.parametrize(
    "words, expected",
    [
        ("", "-i -w 5 -x 100 -y 50 --tun-type gue --tun-port 6080 --tun-csum"),
        ("--weight 0", "-i -w 0 -x 100 -y 50 --tun-type gue --tun-port 6080 --tun-csum"),
        ("--fwd masq", "-m -w 5 -x 100 -y 50"),
        ("-x 0", "-i -w 5 --tun-type gue --tun-port 6080 --tun-csum"),
        ("--tun-port 6", "-i -w 5 -x 100 -y 50 --tun-type gue --tun-port 6 --tun-csum"),
        (
            "--tun-checksum remcsum",
            "-i -w 5 -x 100 -y 50 --tun-type gue --tun-port 6080 --tun-remcsum",
        ),
        ("--tun-type ipip", "-i -w 5 -x 100 -y 50 --tun-type ipip"),
    ],
)
def test_a_server_keeps_what_is_not_said(words, expected, web):
    tunnel = "--fwd tun --tun-type gue --tun-port 6080 --tun-checksum csum"
    assert silent(web.run("server", "update", *VS, *RS, *tunnel.split()))
    others = [line for line in table_of(web) if "10.0.0.1" not in line]
    assert silent(web.run("server", "update", *VS, *RS, *words.split()))
    assert rule(web, "-a -t 192.0.2.1:80 -r 10.0.0.1") == (
        f"-a -t 192.0.2.1:80 -r 10.0.0.1:80 {expected}"
    )
    assert [line for line in table_of(web) if "10.0.0.1" not in line] == others


def test_a_server_is_there_already(web):
    done = web.run("server", "add", *VS, *RS, "--fwd", "dr", "-w", "1")
    assert (done.status, done.out) == (1, "")
    assert done.err == "file exists: 10.0.0.1:80 of TCP 192.0.2.1:80\n"
    assert web.table.calls["apply"] == 0


@pytest.mark.parametrize("command", ["update", "del"])
def test_a_server_that_is_missing(command, web):
    done = web.run("server", command, *VS, "--rip", "10.0.0.7", "--rport", "80")
    assert (done.status, done.out) == (1, "")
    assert done.err == "no such file or directory: 10.0.0.7:80 of TCP 192.0.2.1:80\n"


@pytest.mark.parametrize(
    "words",
    [
        ("add", *RS, "--fwd", "dr", "--weight", "1"),
        ("update", *RS, "--weight", "1"),
        ("del", *RS),
        ("flush",),
        ("list",),
    ],
)
def test_a_server_of_a_service_that_is_missing(words, web):
    done = web.run("server", words[0], *GONE, *words[1:])
    assert (done.status, done.out, done.err) == (1, "", "no such process: TCP 192.0.2.9:1\n")


def test_a_server_is_removed(web):
    rest = [line for line in table_of(web) if "10.0.0.1" not in line]
    assert silent(web.run("server", "del", *VS, *RS))
    assert table_of(web) == rest


def test_all_servers_are_removed(web):
    rest = [line for line in table_of(web) if not line.startswith("-a -t 192.0.2.1:80")]
    assert silent(web.run("server", "flush", *VS))
    assert table_of(web) == rest
    assert "-A -t 192.0.2.1:80 -s wrr" in rest
    assert silent(web.run("server", "purge", *VS))


def test_a_flush_says_what_was_refused(web, monkeypatch):
    apply = web.table.apply

    def stubborn(changes):
        mine = [change for change in changes if change.destination != ONE]
        kept = [change for change in changes if change.destination == ONE]
        return Outcome(apply(mine).done, tuple(refusal(each, errno.ENOMEM) for each in kept))

    monkeypatch.setattr(web.table, "apply", stubborn)
    done = web.run("server", "flush", *VS)
    assert done.status == 1
    assert done.err.splitlines() == [
        "cannot allocate memory: remove destination 10.0.0.1:80 from tcp://192.0.2.1:80;"
        " the kernel is out of memory",
        "changes planned: 2, applied: 1",
    ]
    assert web.run("server", "list", *VS).lines[1:] == ["10.0.0.1:80 5 (masq) 50-100"]


def test_a_kernel_that_does_otherwise(web, monkeypatch):
    monkeypatch.setattr(web.table, "apply", lambda changes: Outcome(tuple(changes)))
    done = web.run("server", "del", *VS, *RS)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("changes accepted by the kernel: 1, and yet to be made: 1 ")
    assert "remove destination 10.0.0.1:80 from tcp://192.0.2.1:80" in done.err


def test_a_removal_that_somebody_else_did_first(web, monkeypatch):
    apply = web.table.apply

    def late(changes):
        apply(changes)
        return apply(changes)

    monkeypatch.setattr(web.table, "apply", late)
    done = web.run("server", "del", *VS, *RS)
    assert (done.status, done.err) == (
        1,
        "no such file or directory: 10.0.0.1:80 of TCP 192.0.2.1:80\n",
    )


@pytest.mark.parametrize(
    "words",
    [
        ("service", "update", *VS, "--scheduler", "rr"),
        ("service", "del", *VS),
        ("server", "update", *VS, *RS, "--weight", "7"),
        ("server", "del", *VS, *RS),
        ("server", "flush", *VS),
        ("service", "check", *VS),
        ("service", "get", *VS),
        ("server", "list", *VS),
    ],
)
def test_one_service_alone_is_read(words, web):
    web.run(*words)
    assert web.table.scopes
    for scope in web.table.scopes:
        assert scope.service_keys() == {WEB}
        assert not scope.timeouts
        assert not scope.daemons
    assert web.table.calls["services"] == 0


def test_one_server_alone_is_owned(web):
    web.run("server", "update", *VS, *RS, "--weight", "7")
    for scope in web.table.scopes:
        assert not scope.has_service(WEB)
        assert scope.pool(WEB) == {DestinationKey("10.0.0.1", 80)}


# -- what is wrong only with what there is


@pytest.mark.parametrize(
    "words, line",
    [
        (
            ("server", "update", *VS, *RS, "--lower-threshold", "200"),
            "--lower-threshold: the lower threshold 200 is above the upper one (100)",
        ),
        (
            ("server", "update", *VS, *RS, "--tun-type", "gre"),
            "--tun-type: a tunnel type needs forwarding 'tunnel', and forwarding is 'masquerade'",
        ),
        (
            ("server", "update", *VS, *RS, "--fwd", "tun", "--tun-type", "gue"),
            "--tun-port: is needed for a gue tunnel: 1..65535",
        ),
        (
            ("server", "add", *VS, "--rip", "fd00::1", "--rport", "80", "--fwd", "dr", "-w", "1"),
            "--rip: [fd00::1]:80 is of the other address family than its service;"
            " that needs forwarding 'tunnel', and forwarding is 'direct'",
        ),
        (
            ("service", "update", *VS, "--flags", "sh-port"),
            "--flags: 'sh-port' is a flag of scheduler 'sh', not of 'wrr'",
        ),
        (
            ("service", "update", *VS, "--flags", "one-packet"),
            "--flags: 'one-packet' is for UDP and firewall mark services, not for"
            " tcp://192.0.2.1:80",
        ),
    ],
)
def test_a_fault_with_what_there_is(words, line, web):
    before = table_of(web)
    done = web.run(*words)
    assert (done.status, done.out, done.err) == (1, "", f"{line}\n")
    assert table_of(web) == before


# -- the whole table


@pytest.mark.parametrize("words", [("flush",), ("f",), ("clear",), ("service", "flush")])
@pytest.mark.parametrize("flag", ["--yes", "--force", "-f", "-y"])
def test_flush(words, flag, web):
    web.run("timeout", "set", "--tcp", "100")
    assert silent(web.run(*words, flag))
    assert table_of(web) == []
    assert web.run("timeout", "show").lines[1] == "100    120    300"


@pytest.mark.parametrize("words", [("flush",), ("zero",), ("service", "flush")])
def test_what_cannot_be_undone_has_to_be_confirmed(words, web):
    before = table_of(web)
    web.table.calls.clear()
    for more in ((), ("--yes=false",)):
        done = web.run(*words, *more)
        assert (done.status, done.err) == (1, 'Required flag "force" not set\n')
        assert done.out.startswith(f"usage: ipvsctl {' '.join(words)}")
    assert not web.table.calls
    assert table_of(web) == before


def test_zero(web, monkeypatch):
    zeroed = []
    monkeypatch.setattr(web.table, "zero", lambda service=None: zeroed.append(service))
    assert silent(web.run("zero", "--yes"))
    assert silent(web.run("service", "zero", *VS))
    assert zeroed == [None, WEB]


def test_a_removal_names_what_it_was(web):
    done = web.run("-v", "server", "del", *VS, *RS)
    change = RemoveDestination(WEB, ONE, None)  # type: ignore[arg-type]
    assert done.err == f"INFO {change}\n"
