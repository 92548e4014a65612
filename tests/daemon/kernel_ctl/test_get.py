"""get: what ipvsadm has made is printed."""

from __future__ import annotations

import json


def test_an_empty_table(host):
    done = host.ipvsctl("get")
    assert (done.returncode, done.stdout, done.stderr) == (0, "{}\n", "")


def test_a_table(host):
    host.ipvsadm(
        "-A -t 192.0.2.1:80 -s wrr",
        "-a -t 192.0.2.1:80 -r 10.0.0.2:8080 -m -w 5",
        "-a -t 192.0.2.1:80 -r 10.0.0.1 -m -w 0",
        "-A -u [2001:db8::1]:53 -s rr -p 300 -M 64",
        "-a -u [2001:db8::1]:53 -r [2001:db8::2]:53 -g -x 20 -y 10",
        "-A -f 7 -s mh -b mh-port",
        "-a -f 7 -r 10.0.0.3 -i",
    )
    done = host.ipvsctl("get")
    assert (
        done.stdout
        == """\
services:
- address: tcp://192.0.2.1:80
  sched: wrr
  destinations:
  - address: 10.0.0.1:80
    forward: nat
  - address: 10.0.0.2:8080
    weight: 5
    forward: nat
- address: udp://[2001:db8::1]:53
  sched: rr
  persistence: 300
  netmask: "64"
  destinations:
  - address: "[2001:db8::2]:53"
    weight: 1
    forward: direct
    upper_threshold: 20
    lower_threshold: 10
- address: fwmark:7
  sched: mh
  flags:
  - mh-port
  destinations:
  - address: 10.0.0.3:0
    weight: 1
    forward: tunnel
"""
    )
    assert json.loads(host.ipvsctl("get", "-o", "json").stdout)["services"][2]["sched"] == "mh"


def test_a_service_that_nobody_reaches_is_left_as_it_is_and_can_be_removed(host):
    # ipvsadm takes an IPv4 address written as IPv6; whoever makes one here is refused.
    host.ipvsadm("-A -t [::ffff:192.0.2.1]:80 -s rr", "-A -t 192.0.2.1:80 -s rr")
    text = host.ipvsctl("get").stdout
    assert "- address: tcp://[::ffff:192.0.2.1]:80\n" in text
    assert host.ipvsctl("changeset", "-f-", stdin=text).stdout == "{}\n"
    done = host.ipvsctl("apply", "-f-", stdin=text.replace("sched: rr", "sched: lc"))
    assert (done.returncode, done.stderr) == (0, "")
    named = ("--vip", "::ffff:192.0.2.1", "--vport", "80")
    assert host.ipvsctl("service", "get", *named).stdout.endswith("]:80 (lc)\n")
    assert host.ipvsctl("service", "del", *named).returncode == 0
    table = host.ipvsadm("-S -n")
    done = host.ipvsctl("apply", "-f-", stdin=text)
    assert (done.returncode, "say 192.0.2.1" in done.stderr) == (32, True)
    done = host.ipvsctl("service", "add", *named)
    assert (done.returncode, "say 192.0.2.1" in done.stderr) == (1, True)
    assert host.ipvsadm("-S -n") == table == "-A -t 192.0.2.1:80 -s lc\n"
