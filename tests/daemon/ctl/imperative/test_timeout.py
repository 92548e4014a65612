from __future__ import annotations

import json

import pytest


def test_show(ctl):
    assert ctl.run("timeout", "show").out == "Timeout of tcp tcpfin udp\n900    120    300\n"
    found = json.loads(ctl.run("timeout", "show", "-o", "json").out)
    assert found == {"timeouts": {"tcp": 900, "tcp_fin": 120, "udp": 300}}


@pytest.mark.parametrize(
    "words, shown",
    [
        ("--tcp 10 --tcpfin 20 --udp 30", "10    20    30"),
        ("-t 10", "10    120    300"),
        ("-f 20", "900    20    300"),
        ("--fin 20 -u 0", "900    20    300"),
        ("-u 30 -t 0 -f 0", "900    120    30"),
        ("", "900    120    300"),
    ],
)
def test_set(words, shown, ctl):
    done = ctl.run("timeout", "set", *words.split())
    assert (done.status, done.out, done.err) == (0, "", "")
    assert ctl.run("timeout", "show").lines[1] == shown


def test_faults(ctl):
    done = ctl.run("timeout", "set", "--tcp", "-1", "--udp", "2147484")
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines() == [
        "--tcp: -1 is not in 0..2147483",
        "--udp: 2147484 is not in 0..2147483",
    ]
    assert not ctl.table.calls
