from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WEB = """\
- group: web
  vip: 192.0.2.1
  frontends:
    - {name: http, proto: tcp, port: 80, persistence: 300}
  backends:
    - {address: 10.0.0.1, weight: 5}
    - {address: 10.0.0.2, weight: 3, method: routing}
  healthcheck: {type: tcp}
- group: mark
  frontends:
    - {name: f, fwmark: 7, scheduler: sh}
  backends:
    - {address: 10.0.0.3, method: tunnel}
  healthcheck: {type: icmp}
- group: six
  vip: "2001:db8::1"
  frontends:
    - {name: http, proto: tcp, port: 80}
  backends:
    - {address: "fd00::1"}
  healthcheck: {type: tcp}
"""


class Host:
    """This host: its table, which is nobody else's, `ipvsadm`, and `ipvsman` with drop-ins."""

    def __init__(self, place: Path) -> None:
        self.etc = place / "etc"
        self.state = place / "state"
        self._flags = [
            *("--config-dir", str(self.etc), "--state-dir", str(self.state), "--no-syslog"),
            *("--lock-file", str(place / "lock"), "--socket", str(place / "socket")),
        ]

    def write(self, text: str) -> None:
        """The drop-ins."""
        path = self.etc / "groups/g.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def ipvsman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        line = [sys.executable, "-m", "ipvsman", *self._flags, *arguments]
        return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)

    def ipvsadm(self, *lines: str) -> str:
        """Run its commands, one a line."""
        said = ""
        for line in lines:
            words = ["ipvsadm", *line.split()]
            said += subprocess.run(words, check=True, capture_output=True, text=True).stdout
        return said

    def rules(self) -> list[str]:
        """What it saves; it lists services in the order of the kernel's hash table."""
        return self.ipvsadm("-S -n").splitlines()

    def weights(self) -> dict[tuple[str, str], int]:
        """By service and destination, as it names them."""
        found = {}
        for line in self.rules():
            words = line.split()
            if words[0] == "-a":
                found[words[2], words[words.index("-r") + 1]] = int(words[words.index("-w") + 1])
        return found


@pytest.fixture
def host(tmp_path):
    """The table is empty before, and after."""
    assert "IPVS_LAB" in os.environ, "start it by tests/lab/run"
    own = Host(tmp_path)
    own.write(WEB)
    own.ipvsadm("-C")
    yield own
    own.ipvsadm("-C")
