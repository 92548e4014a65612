"""Faults of a command line: every one of them, at once, and nothing done."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.ctl.imperative.flags import Flag, Parser

from .conftest import RS, VS


def test_every_fault_at_once(web):
    done = web.run(
        *("service", "add", "--vip", "192.0.2.300", "--vport", "70000", "--proto", "icmp"),
        *("--scheduler", "a b", "--timeout", "x", "--netmask", "300", "--flags", "a,one-packet,b"),
        *("--persistent", "/", "--bogus", "stray", "--schedulr=1", "--netns"),
    )
    assert done.status == 1
    usage = "invalid value 'x' for flag --timeout: not a whole number"
    assert done.out.startswith(f"Incorrect Usage: {usage}\n\nusage: ipvsctl service add ")
    assert done.err.splitlines() == [
        usage,
        "unknown flag --bogus",
        "unexpected argument 'stray'",
        "unknown flag --schedulr=1; did you mean 'scheduler'?",
        "unknown flag --netns (--netns belongs before the verb)",
        "invalid vip address 192.0.2.300: not an IPv4 or IPv6 address",
        "--vport: 70000 is not in 0..65535",
        "invalid protocol {icmp}: not TCP, UDP or SCTP",
        "--scheduler: 'a b' is not the name of a scheduler: letters, digits, _ and -, at most 15",
        "--flags: 'a' is not one of one-packet, flag-1, flag-2, flag-3, sh-fallback, sh-port,"
        " mh-fallback, mh-port",
        "--flags: 'b' is not one of one-packet, flag-1, flag-2, flag-3, sh-fallback, sh-port,"
        " mh-fallback, mh-port",
        "--persistent: '/' is not the name of a persistence engine: letters, digits, _ and -,"
        " at most 15",
        "--netmask: 300 is not in 0..32",
    ]
    assert not web.table.calls


@pytest.mark.parametrize(
    "words, missing",
    [
        ("service check", "vip, vport"),
        ("service check --vport 1", "vip"),
        ("service check --vip 192.0.2.1", "vport"),
        ("service check --family inet6", "vip, vport"),
        ("server add", "vip, vport, rip, rport, fwd, weight"),
        ("server add --fwmark 1", "rip, rport, fwd, weight"),
        ("server update --fwmark 1", "rip, rport"),
        ("server del --fwmark 1 --rip 10.0.0.1", "rport"),
        ("server list", "vip, vport"),
        ("server flush", "vip, vport"),
        ("daemon add", "state, sync-id, mcast-ifn"),
        ("daemon del", "state"),
        ("zero", "force"),
        ("flush", "force"),
        ("service flush", "force"),
    ],
)
def test_what_has_to_be_said(words, missing, web):
    done = web.run(*words.split())
    many = "s" if "," in missing else ""
    assert done.status == 1
    assert done.err.splitlines()[0] == f'Required flag{many} "{missing}" not set'
    verb = " ".join(words.split(" -")[0].split())
    assert done.out.startswith(f"usage: ipvsctl {verb} ")
    assert not web.table.calls


@pytest.mark.parametrize(
    "words, line",
    [
        ((*VS, "--rip", "10.0.0.256", "--rport", "80"), "invalid rip address 10.0.0.256: not an"),
        ((*VS, "--rip", "", "--rport", "80"), "invalid rip address : not an IPv4 or IPv6 address"),
        (
            (*VS, "--rip", "::ffff:10.0.0.1", "--rport", "80"),
            "invalid rip address ::ffff:10.0.0.1: '::ffff:10.0.0.1' is an IPv4 address written as",
        ),
        ((*VS, *RS, "--fwd", "fast"), "invalid forward fast: not one of masq, local, tun, dr"),
        ((*VS, *RS, "--fwd", "mask"), "invalid forward mask: not one of "),
        ((*VS, *RS, "-w", "65536"), "--weight: 65536 is not in 0..65535"),
        ((*VS, *RS, "-w", "-1"), "--weight: -1 is not in 0..65535"),
        ((*VS, "--rip", "10.0.0.1", "--rport", "70000"), "--rport: 70000 is not in 0..65535"),
        (("--fwmark", "0", *RS), "--fwmark: 0 is not in 1..4294967295"),
        (("--fwmark", "1", *VS, *RS), "--fwmark names a service by itself: leave out --vip, --vp"),
        (("--fwmark", "1", "--family", "ip", *RS), "--family: 'ip' is not one of inet, inet6"),
        ((*VS, *RS, "--family", "inet6"), "--family is of --fwmark, which is not said"),
        ((*VS, *RS, "--tun-type", "vxlan"), "--tun-type: 'vxlan' is not one of ipip, gue, gre"),
        ((*VS, *RS, "--tun-port", "70000"), "--tun-port: 70000 is not in 0..65535"),
        ((*VS, *RS, "--tun-checksum", "md5"), "--tun-checksum: 'md5' is not one of none, csum"),
        ((*VS, *RS, "-x", "-1"), "--upper-threshold: -1 is not in 0..2147483647"),
    ],
)
def test_a_value_that_is_not_allowed(words, line, web):
    done = web.run("server", "update", *words)
    assert (done.status, done.out) == (1, "")
    (told,) = done.err.splitlines()
    assert told.startswith(line)
    assert not web.table.calls


@pytest.mark.parametrize(
    "words, line",
    [
        (("service", "check", "--vport", "x", "--vip", "192.0.2.1"), "invalid value 'x' for flag"),
        (("service", "check", *VS, "--vport"), "flag --vport needs a value: N"),
        (("service", "check", *VS, "--vport="), "invalid value '' for flag --vport"),
        (("service", "list", "--stats=maybe"), "invalid value 'maybe' for flag --stats: true or"),
        (("service", "list", "-x"), "unknown flag -x"),
        (("service", "list", "-"), "unexpected argument '-'"),
        (("service", "list", "--"), "unexpected argument '--'"),
        (("service", "list", ""), "unexpected argument ''"),
        (("service", "--stats"), "unknown flag --stats"),
        (("zero", "--yes", "please"), "unexpected argument 'please'"),
        (("flush", "--yes", "--no"), "unknown flag --no"),
    ],
)
def test_a_command_line_that_is_malformed(words, line, web):
    done = web.run(*words)
    assert done.status == 1
    first = done.err.splitlines()[0]
    assert first.startswith(line)
    assert done.out.startswith(f"Incorrect Usage: {first}\n\nusage: ipvsctl {words[0]} ")
    assert not web.table.calls


def test_a_value_may_look_like_a_flag(web):
    done = web.run("service", "check", *VS, "--protocol", "--vip")
    assert done.err == "invalid protocol {--vip}: not TCP, UDP or SCTP\n"


def test_what_is_said_last_holds(web):
    assert web.run("service", "check", "--vip", "192.0.2.9", *VS).out.endswith(" found\n")


FLAGS = (
    Flag(("first", "f"), "one", "VALUE"),
    Flag(("switch", "s"), "two"),
    Flag(("count",), "three", "WHAT", ("all", "some"), bare="all"),
)


def read(*words):
    parser = Parser(prog="it")
    parser.take(FLAGS)
    return parser.parse_known_args(list(words))[0]


@pytest.mark.parametrize(
    "words, count, lines",
    [
        (("--count",), "all", []),
        (("--count", "some"), "some", []),
        (("--count=some"), "some", []),
        (("--count", "--switch"), "all", []),
        (("--count", "x"), "x", []),
        (("--count=x",), "x", []),
        ((), None, []),
    ],
)
def test_a_value_that_may_be_left_out(words, count, lines):
    words = (words,) if isinstance(words, str) else words
    options = read(*words)
    assert (options.count, options.noted.lines) == (count, lines)


@given(st.text(), st.sampled_from(["-first", "--first", "-f", "--f"]), st.booleans())
def test_any_value_arrives_as_it_is(value, name, joined):
    words = [f"{name}={value}"] if joined else [name, value]
    options = read(*words, "-s")
    assert (options.first, options.switch, options.noted.lines) == (value, True, [])


@given(st.lists(st.text(alphabet="-=abfs ", max_size=6), max_size=5))
def test_no_command_line_is_too_much(words):
    assert len(read(*words).noted.lines) <= len(words)
