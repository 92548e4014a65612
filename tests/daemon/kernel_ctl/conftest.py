from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.kernel_ctl import forked


class Host:
    """This host: its table, which is nobody else's; `ipvsctl`, and `ipvsadm` to ask it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if name not in ("NO_COLOR", "SKIP_IPVSKERNELREQ") and not name.startswith("IPVSCTL")
        }

    def write(self, text: str, name: str = "model.yaml") -> Path:
        """A file."""
        path = self.place / name
        path.write_text(text)
        return path

    def ipvsctl(
        self,
        *words: object,
        stdin: str = "",
        before: Sequence[str] = (),
        stdout: IO[str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end. before: what it is run by, and then as a program of its own."""
        arguments = [str(word) for word in words]
        if not before:
            return forked.run(arguments, stdin, self.environ, stdout)
        return subprocess.run(
            [*before, sys.executable, "-m", "ipvsman.ctl", *arguments],
            input=stdin,
            env=self.environ,
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    def ipvsadm(self, *lines: str) -> str:
        """Run its commands, one a line."""
        said = ""
        for line in lines:
            words = ["ipvsadm", *line.split()]
            said += subprocess.run(words, check=True, capture_output=True, text=True).stdout
        return said

    def empty(self) -> None:
        """The table as a new kernel has it."""
        self.ipvsadm("-C", "--set 900 120 300")
        for role in re.findall(r"^(master|backup) sync", self.ipvsadm("-L --daemon"), re.MULTILINE):
            self.ipvsadm(f"--stop-daemon {role}")

    def rules(self) -> list[str]:
        """What it saves, sorted: its own order is that of the kernel's hash table."""
        return sorted(self.ipvsadm("-S -n").splitlines())


@pytest.fixture
def host(tmp_path):
    """The table is empty before, and after."""
    assert "IPVS_LAB" in os.environ, "start it by tests/lab/run"
    own = Host(tmp_path)
    own.empty()
    yield own
    own.empty()
