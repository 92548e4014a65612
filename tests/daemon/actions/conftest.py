from __future__ import annotations

import io
import logging
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import DNS, WEB, Rig
from ansible_collections.lvs.ipvs.tests.daemon.said import Said, Terminal
from ipvsman import __main__ as program
from ipvsman.actions import act
from ipvsman.ipvs.memory import MemoryTable


class CommandLine:
    """`ipvsman` in this process, before a table in memory, with drop-ins of its own."""

    def __init__(self, place, monkeypatch):
        self.place = place
        self.etc = place / "etc"
        self.table = MemoryTable()
        self.lock_file = place / "run" / "lock"
        self.socket = place / "sock"
        self.state = place / "state"
        self.write("groups/web.yaml", WEB)
        self.write("groups/dns.yaml", DNS)
        self._daemons = []
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(act, "opener", lambda _options: lambda: self.table)

    def write(self, name, text):
        path = self.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def __call__(self, *arguments, terminal=False):
        out = Terminal() if terminal else io.StringIO()
        err = io.StringIO()
        given = [
            *("--config-dir", str(self.etc), "--lock-file", str(self.lock_file)),
            *("--socket", str(self.socket), "--state-dir", str(self.state), "--no-syslog"),
        ]
        with redirect_stdout(out), redirect_stderr(err):
            try:
                status = program.main([*given, *map(str, arguments)])
            except SystemExit as end:
                status = end.code
        return Said(status, out.getvalue(), err.getvalue())

    def daemon(self):
        """A running daemon with these drop-ins and this table, on the socket."""
        # It lives in this process, and its log is not to be taken for what a command says.
        self._monkeypatch.setattr(program.logs, "set_up", lambda *_unused, **__: None)
        own = Rig(self.etc, self.state, self.socket, table=self.table)
        self._daemons.append(own)
        return own.start()

    def stop(self):
        while self._daemons:
            self._daemons.pop().stop()


@pytest.fixture
def ipvsman(tmp_path, monkeypatch):
    own = CommandLine(tmp_path, monkeypatch)
    yield own
    own.stop()


#: `ipvsman` in a process of its own, from the checkout; what stands in THEN is done at its end.
PROGRAM = """\
import importlib.util, sys
from importlib.machinery import ModuleSpec
sys.path.insert(0, {source!r})
spec = ModuleSpec("ipvsman.ipvs", None, is_package=True)
spec.submodule_search_locations = [{core!r}]
sys.modules["ipvsman.ipvs"] = importlib.util.module_from_spec(spec)
from ipvsman.__main__ import main
{before}
try:
    status = main({arguments!r})
except SystemExit as end:
    status = end.code
{then}
sys.exit(status)
"""
CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def command(ipvsman):
    """The command that runs the program in a process of its own."""

    def made(*arguments, before="", then=""):
        given = [
            *("--no-syslog", "--lock-file", str(ipvsman.lock_file)),
            *("--socket", str(ipvsman.socket), "--state-dir", str(ipvsman.state)),
        ]
        code = PROGRAM.format(
            source=str(CHECKOUT / "roles/ipvsman/files"),
            core=str(CHECKOUT / "plugins/module_utils/ipvs"),
            arguments=[*given, *map(str, arguments)],
            before=before,
            then=then,
        )
        return [sys.executable, "-c", code]

    return made


@pytest.fixture
def process(command):
    """Runs it to its end."""

    def run(*arguments, before="", then="", **options):
        options = {"capture_output": True, "text": True, "timeout": 60, **options}
        line = command(*arguments, before=before, then=then)
        return subprocess.run(line, check=False, **options)

    return run


@pytest.fixture(autouse=True)
def _log_stays_as_it_is():
    """What --log-level and its like set up is undone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
