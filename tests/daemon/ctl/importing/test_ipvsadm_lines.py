"""Command lines as popt reads them."""

from __future__ import annotations

import pytest
from ipvsman.ctl.importing.ipvsadm_lines import commands
from ipvsman.ctl.importing.ledger import Ledger, Unreadable


def read(text):
    ledger = Ledger()
    found = list(commands(text, "file", ledger))
    ledger.stand()
    return [
        (one.name, *one.words, *((inner.name, *inner.words) for inner in one.block))
        for one in found
    ]


@pytest.mark.parametrize(
    "line",
    [
        "-A -t 192.0.2.1:80 -s rr -p 60",
        "ipvsadm -A -t 192.0.2.1:80 -s rr -p 60",
        "sudo /sbin/ipvsadm -A -t 192.0.2.1:80 -s rr -p 60",
        "-At 192.0.2.1:80 -srr -p60",
        "-A -t192.0.2.1:80 -s=rr -p 60",
        "--add-service --tcp-service=192.0.2.1:80 --scheduler rr --persistent 60",
    ],
)
def test_ways_to_write_the_same(line):
    assert read(line) == [("-A", ("-t", "192.0.2.1:80"), ("-s", "rr"), ("-p", "60"))]


def test_a_persistence_without_a_time():
    assert read("-A -f 1 -p -s rr\n-A -f 2 -p") == [
        ("-A", ("-f", "1"), ("-p",), ("-s", "rr")),
        ("-A", ("-f", "2"), ("-p",)),
    ]


def test_bundled_options():
    assert read("-a -f 1 -r 10.0.0.1 -mw2") == [
        ("-a", ("-f", "1"), ("-r", "10.0.0.1"), ("-m",), ("-w", "2"))
    ]


def test_what_shows_a_bypass_is_no_flag():
    assert read("-a -f 1 -r 10.0.0.1 -b -w 1") == [
        ("-a", ("-f", "1"), ("-r", "10.0.0.1"), ("-b",), ("-w", "1"))
    ]


def test_commands_with_arguments():
    assert read("--set 1 2 3\n--start-daemon master --syncid 4\n--stop-daemon=backup") == [
        ("--set", "1", "2", "3"),
        ("--start-daemon", "master", ("--syncid", "4")),
        ("--stop-daemon", "backup"),
    ]


def test_comments_and_empty_lines():
    assert read("\n# -A -f 1\n   \n-C\n") == [("-C",)]


@pytest.mark.parametrize(
    "line, says",
    [
        ("-t 192.0.2.1:80 -A", "1:1: -t: a command comes first"),
        ("--frobnicate", "1:1: --frobnicate: a command comes first"),
        ("-A -t 192.0.2.1:80 -O", "1:20: -O: is no option of ipvsadm 1.31"),
        ("-A -t 192.0.2.1:80 --sched rr", "1:20: --sched: is no option"),
        ("-A -t 192.0.2.1:80 -w 1", "1:23: -w: is no option of -A"),
        ("-A -f 1 -s", "1:9: -s: needs a value"),
        ("-A -f 1 -s rr -s wrr", "1:18: -s: is said twice"),
        ("-A -f 1 rr", "1:9: rr: is neither an option nor the value of one"),
        ("-A -f 1 --ops=yes", "1:9: -o: takes no value"),
        ("--set 1 2", "1:10: --set: needs 3 values"),
        ("--start-daemon", "1:15: --start-daemon: needs 1 value"),
    ],
)
def test_what_ipvsadm_would_not_take(line, says):
    with pytest.raises(Unreadable) as caught:
        read(line)
    (fault,) = caught.value.faults
    assert fault.startswith(f"file:{says}")


def test_all_faults_at_once():
    with pytest.raises(Unreadable) as caught:
        read("-A -f\n-C\nfoo\n-A -f 1 -q")
    assert [fault.split(":")[1] for fault in caught.value.faults] == ["1", "3", "4"]
