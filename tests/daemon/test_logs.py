from __future__ import annotations

import json
import logging
import os
import re
import socket

import pytest
from ipvsman import logs
from ipvsman.control.journal import Journal, Kind

log = logging.getLogger("ipvsman")


class Stderr:
    def __init__(self, capsys):
        self._capsys = capsys

    def getvalue(self):
        return self._capsys.readouterr().err


@pytest.fixture
def said(capsys, monkeypatch):
    """What is logged to stderr after set_up(...), since one looked last."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    yield Stderr(capsys)
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def note(**data):
    Journal(lambda: 0.0).record(Kind.CHANGE, "tcp://192.0.2.1:80", "weight 1 -> 0", **data)


def test_a_line_for_people(said):
    logs.set_up("info", "text")
    note(reason="it is down", action="edit")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d INFO weight 1 -> 0 kind=change"
        r' subject=tcp://192\.0\.2\.1:80 reason="it is down" action=edit\n',
        said.getvalue(),
    )


def test_several_of_a_kind_are_one_after_the_other(said):
    logs.set_up("info", "text")
    note(services=["tcp://192.0.2.1:80", "tcp://192.0.2.2:80"], nobody=[])
    assert said.getvalue().endswith(' services=tcp://192.0.2.1:80,tcp://192.0.2.2:80 nobody=""\n')


def test_a_line_for_machines(said):
    logs.set_up("info", "json")
    note(count=2)
    entry = json.loads(said.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*\+00:00", entry.pop("time"))
    assert entry == {
        "level": "info",
        "message": "weight 1 -> 0",
        "kind": "change",
        "subject": "tcp://192.0.2.1:80",
        "facts": {"count": 2},
    }


@pytest.mark.parametrize("style", ["text", "json"])
def test_one_fact_is_one_line(said, style):
    logs.set_up("info", style)
    log.info("one\ntwo\r\n\x1b[31mthree", extra={"facts": {"reason": "a\nb\x07"}})
    try:
        raise ValueError("with\nlines")
    except ValueError:
        log.exception("failed")
    text = said.getvalue()
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text
    assert "\x07" not in text


@pytest.mark.parametrize(
    "level, told",
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("WARNING", ["warning", "error"]),
        ("error", ["error"]),
        ("nonsense", ["info", "warning", "error"]),
    ],
)
def test_levels(said, level, told):
    logs.set_up(level, "json")
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("x")
    assert [json.loads(line)["level"] for line in said.getvalue().splitlines()] == told


def test_libraries_are_quiet(said):
    logs.set_up("debug", "text")
    for name in ("aiohttp.access", "asyncio"):
        logging.getLogger(name).info("what nobody looks for")
    assert said.getvalue() == ""


def test_levels_under_systemd(said):
    """As sd-daemon(3) has it, where there is no journal to talk to."""
    formatter = logs.TextFormatter(journald=True)
    for level, prefix in ((10, "<7>"), (20, "<6>"), (30, "<4>"), (40, "<3>"), (50, "<2>")):
        record = logging.LogRecord("ipvsman", level, "", 0, "x", (), None)
        assert formatter.format(record) == f"{prefix}x"


@pytest.mark.parametrize("named", ["", "1:2", "nonsense"])
def test_only_the_journal_s_own_stream_is_the_journal(named):
    status = os.fstat(2)
    assert not logs._is_journal(2, named)
    assert logs._is_journal(2, f"{status.st_dev}:{status.st_ino}")


def test_syslog_gets_it_too(said, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "SYSLOG", str(tmp_path / "log"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(logs.SYSLOG)
        syslog.settimeout(10)
        logs.set_up("info", "text", syslog=True)
        log.error("it is down")
        # <11>: facility user, severity error; time and level are syslog's own.
        assert syslog.recv(1000) == b"<11>ipvsman: it is down\0"
    assert "ERROR it is down" in said.getvalue()


def test_without_syslog(said, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "SYSLOG", str(tmp_path / "none"))
    logs.set_up("info", "text", syslog=True)
    log.error("it is down")
    assert "ERROR it is down" in said.getvalue()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left:
        left.bind(str(tmp_path / "left"))
    monkeypatch.setattr(logs, "SYSLOG", str(tmp_path / "left"))
    logs.set_up("info", "text", syslog=True)
    log.error("again")
    assert "ERROR again" in said.getvalue()
