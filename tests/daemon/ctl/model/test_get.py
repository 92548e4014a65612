"""get: its form, and that what it prints is the table."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
import yaml
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plain import plain_table
from ansible_collections.lvs.ipvs.tests.daemon.ctl.conftest import CommandLine
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import strategies
from hypothesis import given
from ipvsman.ipvs.errors import Cause, Unavailable
from ipvsman.ipvs.memory import MemoryTable
from ipvsman.ipvs.model import State
from ipvsman.ipvs.scope import EVERYTHING

TABLE = """\
services:
- address: tcp://192.0.2.1:80
  sched: wlc
  flags:
  - flag-3
  persistence: 300
  netmask: 255.255.255.0
  engine: sip
  destinations:
  - address: 10.0.0.1:0
    forward: nat
  - address: 10.0.0.2:8080
    weight: 3
    forward: local
    upper_threshold: 9
    lower_threshold: 4
- address: sctp://[2001:db8::1]
  sched: mh
  flags:
  - mh-port
  destinations:
  - address: "[2001:db8::2]:80"
    weight: 1
    forward: tunnel
    tunnel:
      type: gue
      port: 6080
      checksum: remcsum
- address: fwmark:7/inet6
  sched: twos
timeouts:
  tcp: 1
  tcp_fin: 2
  udp: 3
sync_daemons:
- role: master
  interface: eth0
  sync_id: 7
  maxlen: 1400
  group: 224.0.0.81
  port: 8848
  ttl: 1
"""


def test_an_empty_table(ctl):
    assert ctl.run("get").out == "{}\n"
    assert ctl.run("get", "-o", "json").out == "{}\n"


def test_the_form(ctl):
    ctl.table = MemoryTable({"eth0": 1500})
    assert ctl.run("apply", "-f-", stdin=TABLE).status == 0
    said = ctl.run("get")
    assert (said.status, said.out, said.err) == (0, TABLE, "")
    assert json.loads(ctl.run("get", "-ojson").out) == yaml.safe_load(TABLE)


def test_of_a_namespace(ctl):
    assert ctl.run("--netns", "blue", "get").status == 0
    assert ctl.netns == ["blue"]


def test_what_is_not_understood_is_told(ctl):
    class Strange(MemoryTable):
        def read(self, scope):
            return State(unreadable=("a virtual service: protocol 99",))

    ctl.table = Strange()
    said = ctl.run("get")
    assert (said.status, said.out) == (0, "{}\n")
    assert said.err == "Warning: left out, not understood: a virtual service: protocol 99\n"


@pytest.mark.parametrize(
    "cause, status", [(Cause.NO_ANSWER, 21), (Cause.NO_PRIVILEGE, 21), (Cause.NO_NAMESPACE, 20)]
)
def test_no_table(ctl, cause, status):
    class Closed(MemoryTable):
        def read(self, scope):
            raise Unavailable(cause, "no way")

    ctl.table = Closed()
    said = ctl.run("get")
    assert said.status == status
    assert said.err == ("Unable to get current ipvs config: " if status == 21 else "") + "no way\n"


@given(strategies.states())
def test_what_is_printed_is_the_table(drawn):
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as place:
        ctl = CommandLine(Path(place), patch)
        ctl.table = one = MemoryTable(strategies.INTERFACES)
        said = ctl.run("-q", "apply", "-f-", stdin=json.dumps(plain_table(drawn)))
        assert (said.status, said.out) == (0, "")
        written = ctl.run("get").out
        # Applied again it changes nothing,
        said = ctl.run("-q", "apply", "--dry-run", "-f-", stdin=written)
        assert (said.status, said.out) == (0, "")
        # and of an empty table it makes this one.
        ctl.table = other = MemoryTable(strategies.INTERFACES)
        assert ctl.run("apply", "-f-", stdin=written).status == 0
        assert other.read(EVERYTHING) == one.read(EVERYTHING)
        assert ctl.run("get").out == written
