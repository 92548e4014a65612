"""docs/ipvsman.md says what there is: every flag, route and metric, and its commands work."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import Rig
from ipvsman.arguments import parser
from ipvsman.face.metrics import Exporter, Look
from ipvsman.face.openapi import OPERATIONS, canonical
from ipvsman.face.settings import Api, Metrics

GUIDE = (Path(__file__).resolve().parents[3] / "docs/ipvsman.md").read_text(encoding="utf-8")
COMMANDS = [
    line.partition("  #")[0].strip()
    for block in re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def test_every_flag():
    flags = {name for action in parser()._actions for name in action.option_strings}
    said = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", GUIDE)) | {"-s", "-S"}
    theirs = {"--unix-socket"}
    assert said - theirs == flags - {"-h", "--help", "--no-prometheus-metrics-healthcheks"}


def test_every_route():
    said = set(re.findall(r"`(?:GET|PUT|POST|DELETE) [^`]+`", GUIDE.split("| route |")[1]))
    own = {f"`{each.method} {canonical(each.path)}`" for each in OPERATIONS}
    assert said == own | {"`GET /openapi.json`", "`GET /openapi.yaml`", "`GET /metrics`"}


@pytest.fixture
def running(ipvsman):
    own = Rig(
        ipvsman.etc,
        ipvsman.state,
        ipvsman.socket,
        Api(port=0, token="secret"),
        Metrics(port=0),
        table=ipvsman.table,
    ).start()
    yield own
    own.stop()


def test_every_metric(running):
    reading = running.call(running.desk.reading(age=0.0))
    look = Look(running.desk, reading, 0.0)
    text, _unused = running.run(lambda: Exporter(Metrics()).text(look, ""))
    own = set(re.findall(r"^# TYPE (\w+)", text.decode(), re.MULTILINE))
    assert set(re.findall(r"`(ipvsman_\w+)`", GUIDE)) == own


def test_every_difference_has_two_sides():
    rows = GUIDE.split("| there | here |\n")[1].strip().splitlines()[1:]
    assert len(rows) > 15
    for row in rows:
        assert re.fullmatch(r"\| .+ \| .+ \|", row)


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("curl")])
def test_a_request(running, ipvsman, line):
    host, port = running.server.api[0]
    line = line.replace("/run/ipvsman/ipvsman.sock", str(ipvsman.socket))
    line = line.replace("127.0.0.1:9111", f"{host}:{port}").replace("$TOKEN", "secret")
    if "DELETE" in line:
        ipvsman("--disable-backend", line.rpartition("/backend/")[2])
    words = [*shlex.split(line), "--silent", "--show-error", "--fail-with-body"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("ipvsman")])
def test_a_command_can_be_parsed(line):
    given = parser().parse_args(shlex.split(line)[1:])
    assert given.config_dir


def test_nothing_else_is_shown():
    assert all(line.startswith(("curl ", "ipvsman ")) for line in COMMANDS)
