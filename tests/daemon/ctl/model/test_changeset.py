"""changeset: every kind of item, its form, and the diff."""

from __future__ import annotations

import json

import pytest
import yaml
from ipvsman.ipvs.memory import MemoryTable

WEB = """\
services:
- address: tcp://192.0.2.1:80
  sched: wlc
  destinations:
  - address: 10.0.0.1:80
    weight: 5
    forward: nat
  - address: 10.0.0.2:80
    weight: 5
    forward: nat
- address: udp://192.0.2.9:53
  sched: rr
  destinations:
  - address: 10.0.0.9:53
    weight: 1
    forward: direct
"""
OTHER = """\
services:
- address: tcp://192.0.2.1:80
  sched: rr
  destinations:
  - address: 10.0.0.1:80
    weight: 6
    forward: nat
  - address: 10.0.0.3:80
    forward: nat
- address: fwmark:3
  sched: lc
  destinations:
  - address: 10.0.0.4:0
    weight: 1
    forward: tunnel
"""
TYPES = [
    f"{verb}-{noun}" for verb in ("add", "update", "delete") for noun in ("service", "destination")
]


@pytest.fixture
def changeset(ctl):
    ctl.table = MemoryTable({"eth0": 1500})
    ctl.run("apply", "-f-", stdin=WEB)
    before = ctl.table.calls["apply"]

    def run(text, *flags, globals_=()):
        said = ctl.run(*globals_, "changeset", "-f", ctl.write(text), *flags)
        assert ctl.table.calls["apply"] == before
        return said

    return run


def test_nothing_to_do(changeset):
    said = changeset(WEB)
    assert (said.status, said.out, said.err) == (0, "{}\n", "")
    assert changeset(WEB, "-o", "json").out == "{}\n"
    assert changeset(WEB, "--diff").out == ""


def test_every_kind(changeset):
    said = changeset(OTHER)
    assert said.status == 0
    assert (
        said.out
        == """\
items:
- type: update-service
  description: "edit service tcp://192.0.2.1:80: scheduler wlc -> rr"
  service:
    address: tcp://192.0.2.1:80
    sched: rr
    destinations:
    - address: 10.0.0.1:80
      weight: 6
      forward: nat
    - address: 10.0.0.3:80
      forward: nat
- type: add-service
  description: "add service fwmark:3: scheduler lc"
  service:
    address: fwmark:3
    sched: lc
    destinations:
    - address: 10.0.0.4:0
      weight: 1
      forward: tunnel
- type: update-destination
  description: "edit destination 10.0.0.1:80 of tcp://192.0.2.1:80: weight 5 -> 6"
  service:
    address: tcp://192.0.2.1:80
  destination:
    address: 10.0.0.1:80
    weight: 6
    forward: nat
- type: add-destination
  description: "add destination 10.0.0.3:80 to tcp://192.0.2.1:80: weight 0, forwarding masquerade"
  service:
    address: tcp://192.0.2.1:80
  destination:
    address: 10.0.0.3:80
    forward: nat
- type: delete-destination
  description: "remove destination 10.0.0.2:80 from tcp://192.0.2.1:80"
  service:
    address: tcp://192.0.2.1:80
  destination:
    address: 10.0.0.2:80
- type: delete-service
  description: "remove service udp://192.0.2.9:53 with its 1 destination"
  service:
    address: udp://192.0.2.9:53
"""
    )
    assert json.loads(changeset(OTHER, "-o", "json").out) == yaml.safe_load(said.out)
    # Scripts look for a type anywhere: no description may have one.
    for word in TYPES:
        assert said.out.count(word) == 1


def test_what_the_declarative_tool_does_not_know(changeset):
    text = (
        WEB + "timeouts: {udp: 9}\nsync_daemons: [{role: backup, interface: eth0, maxlen: 1400}]\n"
    )
    items = yaml.safe_load(changeset(text).out)["items"]
    assert [item["type"] for item in items] == ["set-timeouts", "start-sync-daemon"]
    assert items[0]["after"] == {"tcp": 900, "tcp_fin": 120, "udp": 9}
    assert items[1]["after"]["interface"] == "eth0"


def test_local_addresses(changeset):
    text = WEB.replace("sched: wlc", "sched: wlc\n  local_addresses: [10.0.0.254]")
    items = yaml.safe_load(changeset(text).out)["items"]
    assert [item["type"] for item in items] == ["track-connections", "set-local-addresses"]
    assert items[1]["service"] == {"address": "tcp://192.0.2.1:80"}
    assert items[1]["after"] == {"local_addresses": ["10.0.0.254"]}


def test_weights_kept_and_things_not_purged(changeset):
    assert "weight 5 -> 6" not in changeset(OTHER, "--keep-weights").out
    assert "delete-" not in changeset(OTHER, "--no-purge").out


def test_a_diff_has_one_form(changeset):
    said = changeset(OTHER, "--diff", "-o", "json")
    assert (said.status, said.out) == (2, "")
    assert "not allowed with argument --diff" in said.err


def test_diff(changeset):
    said = changeset(OTHER, "--diff")
    assert said.lines == [
        "- tcp://192.0.2.1:80: scheduler wlc",
        "+ tcp://192.0.2.1:80: scheduler rr",
        "+ fwmark:3: scheduler lc",
        "- tcp://192.0.2.1:80 -> 10.0.0.1:80: weight 5, forwarding masquerade",
        "+ tcp://192.0.2.1:80 -> 10.0.0.1:80: weight 6, forwarding masquerade",
        "+ tcp://192.0.2.1:80 -> 10.0.0.3:80: weight 0, forwarding masquerade",
        "+ fwmark:3 -> 10.0.0.4:0: weight 1, forwarding tunnel",
        "- tcp://192.0.2.1:80 -> 10.0.0.2:80: weight 5, forwarding masquerade",
        "- udp://192.0.2.9:53: scheduler rr",
        "- udp://192.0.2.9:53 -> 10.0.0.9:53: weight 1, forwarding direct",
    ]
    colored = changeset(OTHER, "--diff", globals_=["--color=always"]).lines
    assert colored[:2] == [
        "\x1b[31m- tcp://192.0.2.1:80: scheduler wlc\x1b[0m",
        "\x1b[32m+ tcp://192.0.2.1:80: scheduler rr\x1b[0m",
    ]
