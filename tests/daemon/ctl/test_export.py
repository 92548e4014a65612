"""export: the table, or a document, as lines for ipvsadm."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plain import plain_table
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import strategies
from hypothesis import HealthCheck, given, settings

DOCUMENT = """\
services:
- address: tcp://192.0.2.1:80
  destinations:
  - address: 10.0.0.1:8080
    forward: nat
    weight: 3
  - address: 10.0.0.2
    port: 8080
    forward: nat
timeouts:
  udp: 30
sync_daemons:
- role: master
  interface: eth7
"""
LINES = """\
--set 0 0 30
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 3
-a -t 192.0.2.1:80 -r 10.0.0.2:8080 -m -w 0
--start-daemon master --mcast-interface eth7
"""


def test_a_document(ctl):
    said = ctl.run("export", "--to", "ipvsadm", "-f", ctl.write(DOCUMENT))
    assert (said.status, said.out, said.err) == (0, LINES, "")
    assert ctl.netns == [], "no table was opened"


def test_the_table(ctl):
    document = DOCUMENT.replace("eth7", "lo")
    assert ctl.run("apply", "-f", ctl.write(document)).status == 0
    said = ctl.run("export", "--to", "ipvsadm")
    assert said.status == 0
    assert said.lines[0] == "--set 900 120 30"
    assert said.lines[1:-1] == LINES.splitlines()[1:-1]
    assert said.lines[-1].startswith("--start-daemon master --mcast-interface lo --syncid 0")


def test_losses(ctl):
    document = ctl.write("services: [{address: 'tcp://192.0.2.1'}, {address: 'fwmark:1'}]")
    said = ctl.run("export", "--to", "ipvsadm", "-f", document)
    assert (said.status, said.out) == (3, "-A -f 1 -s rr\n")
    assert said.err == "not told: tcp://192.0.2.1: ipvsadm takes port 0 with persistence only\n"
    strict = ctl.run("export", "--to", "ipvsadm", "--strict", "-f", document)
    assert (strict.status, strict.out) == (1, "")
    assert "nothing is written" in strict.err


def test_a_document_that_is_wrong(ctl):
    said = ctl.run("export", "--to", "ipvsadm", "-f", ctl.write("services: [{address: x}]"))
    assert (said.status, said.out) == (32, "")
    assert "model.yaml:1:" in said.err


@pytest.mark.parametrize(
    "words, says",
    [([], "--to is needed: ipvsadm"), (["--to", "keepalived"], "invalid choice: 'keepalived'")],
)
def test_usage(ctl, words, says):
    said = ctl.run("export", *words)
    assert said.status == 2
    assert says in said.err


@given(drawn=strategies.states())
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
def test_what_is_exported_and_imported_is_exported_as_the_same(ctl, drawn):
    """Whatever a table holds: what ipvsadm cannot be told is left out the first time."""
    document = ctl.write(yaml.safe_dump(plain_table(drawn)))
    first = ctl.run("export", "--to", "ipvsadm", "-f", document)
    assert first.status in (0, 3)
    back = ctl.run("import", "--from", "ipvsadm", "-", stdin=first.out)
    assert (back.status, back.err) == (0, "")
    second = ctl.run("export", "--to", "ipvsadm", "-f", ctl.write(back.out))
    assert (second.status, second.out) == (0, first.out)


def test_no_netlink_for_a_document(ctl):
    path = ctl.write(DOCUMENT)
    code = (
        "import sys\n"
        "from ipvsman.ctl.__main__ import main\n"
        f"status = main(['export', '--to', 'ipvsadm', '-f', {str(path)!r}])\n"
        "loaded = {'ipvsman.ipvs.kernel', 'asyncio', 'aiohttp'} & set(sys.modules)\n"
        "sys.exit(f'{loaded} loaded' if loaded else status)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
