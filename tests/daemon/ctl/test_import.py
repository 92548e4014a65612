"""import: what is read, what is written, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ipvsman.config.loader import load

SAMPLES = Path(__file__).parent / "importing" / "samples"
RULES = "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 2\n"
LOSSES = RULES + "-Z\n"
DOCUMENT = """\
services:
- address: tcp://192.0.2.1:80
  sched: rr
  destinations:
  - address: 10.0.0.1:80
    weight: 2
    forward: nat
"""


def test_a_file_becomes_a_document(ctl):
    said = ctl.run("import", "--from", "ipvsadm", ctl.write(RULES, "rules"))
    assert (said.status, said.out, said.err) == (0, DOCUMENT, "")


def test_stdin(ctl):
    said = ctl.run("import", "--from", "ipvsadm", "-", stdin=RULES)
    assert (said.status, said.out, said.err) == (0, DOCUMENT, "")
    assert "stdin:1:1:" in ctl.run("import", "--from", "ipvsadm", "-", stdin="x").err


def test_json(ctl):
    said = ctl.run("import", "--from", "ipvsadm", "-", "-o", "json", stdin=RULES)
    assert json.loads(said.out) == yaml.safe_load(DOCUMENT)


def test_what_is_imported_is_what_apply_takes(ctl):
    document = ctl.write(ctl.run("import", "--from", "ipvsadm", "-", stdin=RULES).out)
    assert ctl.run("apply", "-f", document).status == 0
    assert ctl.run("get").out == DOCUMENT
    assert ctl.run("changeset", "-f", document).out == "{}\n"


def test_losses_are_said_and_the_rest_is_written(ctl):
    said = ctl.run("import", "--from", "ipvsadm", "-", stdin=LOSSES)
    assert (said.status, said.out) == (3, DOCUMENT)
    assert said.err == "stdin:3: -Z: not carried over: a document has no counters\n"


def test_quiet_is_not_silent_about_losses(ctl):
    text = LOSSES + "-a -t 192.0.2.1:80 -r 10.0.0.2:81 -g\n"
    loud = ctl.run("import", "--from", "ipvsadm", "-", stdin=text)
    quiet = ctl.run("-q", "import", "--from", "ipvsadm", "-", stdin=text)
    assert ": note: port 80" in loud.err
    assert quiet.err == "stdin:3: -Z: not carried over: a document has no counters\n"


def test_strict(ctl):
    said = ctl.run("import", "--strict", "--from", "ipvsadm", "-", stdin=LOSSES)
    assert (said.status, said.out) == (1, "")
    assert said.err.splitlines()[1:] == [
        "not all is carried over (1 line above); nothing is written"
    ]
    assert ctl.run("import", "--strict", "--from", "ipvsadm", "-", stdin=RULES).status == 0


def test_faults_are_told_at_once_and_nothing_is_written(ctl):
    said = ctl.run("import", "--from", "ipvsadm", "-", stdin="-A -f\n" + RULES + "-A -f 0\n")
    assert (said.status, said.out) == (2, "")
    assert said.err.splitlines() == [
        "stdin:1:4: -f: needs a value",
        "stdin:4:7: -f: 0 is not in 1..4294967295",
    ]


@pytest.mark.parametrize("file, says", [("none", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read(ctl, file, says):
    said = ctl.run("import", "--from", "ipvsadm", ctl.place / file)
    assert said.status == 2
    assert f"cannot be read: {says}" in said.err


def test_a_file_that_is_no_text(ctl):
    path = ctl.place / "rules"
    path.write_bytes(b"-C\n\xff")
    said = ctl.run("import", "--from", "ipvsadm", path)
    assert (said.status, said.err) == (2, f"{path}:2:1: is not UTF-8: invalid start byte\n")


@pytest.mark.parametrize(
    "words, says",
    [
        (["-"], "--from is needed: one of ipvsadm, keepalived, ldirectord"),
        (["--from", "haproxy", "-"], "invalid choice: 'haproxy'"),
        (["--from", "ipvsadm"], "FILE is needed"),
        (["--from", "ipvsadm", "-", "--to", "drop-ins"], "--to drop-ins needs --out DIR"),
        (["--from", "ipvsadm", "-", "--out", "x"], "--out and --force are for --to drop-ins"),
    ],
)
def test_usage(ctl, words, says):
    said = ctl.run("import", *words)
    assert (said.status, said.out) == (2, "")
    assert says in said.err


# -- drop-ins


def drop_ins(ctl, *words, text=RULES):
    out = ctl.place / "etc"
    command = ("import", "--from", "ipvsadm", "-", "--to", "drop-ins", "--out", out, *words)
    return out, ctl.run(*command, stdin=text)


def test_drop_ins_are_what_the_daemon_loads(ctl):
    out, said = drop_ins(ctl)
    path = out / "groups" / "tcp-192.0.2.1-80.yaml"
    assert (said.status, said.out, said.err) == (0, f"{path}\n", "")
    (frontend,) = load(out).frontends
    assert [str(key) for key in frontend.services] == ["tcp://192.0.2.1:80"]
    assert path.read_text().startswith("# Made by ipvsctl import of stdin.\n")
    assert os.listdir(path.parent) == [path.name]


def test_again_writes_nothing_and_is_in_nobodys_way(ctl):
    drop_ins(ctl)
    _out, said = drop_ins(ctl)
    assert (said.status, said.out, said.err) == (0, "", "")


def test_what_is_there_is_not_written_over(ctl):
    out, _said = drop_ins(ctl)
    path = out / "groups" / "tcp-192.0.2.1-80.yaml"
    mine = path.read_text() + "# mine\n"
    path.write_text(mine)
    _out, said = drop_ins(ctl, text=RULES + "-A -t 192.0.2.2:80\n")
    assert (said.status, said.out) == (1, "")
    assert said.err.splitlines() == [
        f"{path}: is there already; --force writes over it",
        "nothing is written",
    ]
    assert path.read_text() == mine
    assert os.listdir(path.parent) == [path.name]
    _out, said = drop_ins(ctl, "--force")
    assert (said.status, said.out) == (0, f"{path}\n")
    assert path.read_text() != mine


def test_what_would_not_go_with_what_is_there_is_not_written(ctl):
    out, _said = drop_ins(ctl)
    path = out / "groups" / "tcp-192.0.2.1-80.yaml"
    path.rename(path.with_name("other.yaml"))
    _out, said = drop_ins(ctl)
    assert (said.status, said.out) == (2, "")
    assert "the daemon would not take what this makes; nothing is written:" in said.err
    assert "duplicate virtual service tcp://192.0.2.1:80" in said.err
    assert os.listdir(path.parent) == ["other.yaml"]


def test_strict_writes_no_drop_ins(ctl):
    out, said = drop_ins(ctl, "--strict", text=LOSSES)
    assert said.status == 1
    assert not out.exists()


def test_drop_ins_of_nothing(ctl):
    out, said = drop_ins(ctl, text="")
    assert said.status == 2
    assert "there is no virtual service to be carried over" in said.err
    assert not out.exists()


def test_where_nothing_can_be_written(ctl):
    (ctl.place / "etc").write_text("")
    _out, said = drop_ins(ctl)
    assert said.status in (1, 2)
    assert "etc" in said.err
    assert "Traceback" not in said.err


# -- what it takes to run


@pytest.mark.parametrize(
    "words",
    [
        ["--from", "ipvsadm", "ipvsadm/saved.rules"],
        ["--from", "keepalived", "keepalived/keepalived.conf"],
        ["--from", "ldirectord", "ldirectord/ldirectord.cf"],
        ["--from", "keepalived", "keepalived/keepalived.conf", "--to", "drop-ins", "--out", "OUT"],
    ],
)
def test_no_netlink_no_loop_no_web(words, tmp_path):
    words = [str(tmp_path) if word == "OUT" else word for word in words]
    code = (
        "import sys\n"
        "from ipvsman.ctl.__main__ import main\n"
        f"status = main(['-q', 'import', *{words!r}])\n"
        "loaded = {'ipvsman.ipvs.kernel', 'asyncio', 'aiohttp', 'dns'} & set(sys.modules)\n"
        "sys.exit(f'{loaded} loaded' if loaded else 0 if status in (0, 3) else status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SAMPLES, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
