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
