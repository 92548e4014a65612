from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.said import Said, Terminal
from ipvsman.ctl import __main__ as program
from ipvsman.ctl import kernel
from ipvsman.ipvs.memory import MemoryTable


class CommandLine:
    """`ipvsctl` in this process, before a table in memory."""

    def __init__(self, place, monkeypatch):
        self.place = place
        self.table = MemoryTable()
        self.netns = []
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(kernel, "open_table", self._open)

    def _open(self, netns, environ):
        del environ
        self.netns.append(netns)
        return self.table

    def run(self, *words, stdin="", terminal=False):
        out, err = (Terminal() if terminal else io.StringIO()), io.StringIO()
        source = None if stdin is None else io.TextIOWrapper(io.BytesIO(stdin.encode()))
        self._monkeypatch.setattr("sys.stdin", source)
        with redirect_stdout(out), redirect_stderr(err):
            status = program.main([str(word) for word in words])
        return Said(status, out.getvalue(), err.getvalue())

    def write(self, text, name="model.yaml"):
        path = self.place / name
        path.write_text(text)
        return path


@pytest.fixture
def ctl(tmp_path, monkeypatch):
    for name in ("NO_COLOR", "SKIP_IPVSKERNELREQ"):
        monkeypatch.delenv(name, raising=False)
    return CommandLine(tmp_path, monkeypatch)
