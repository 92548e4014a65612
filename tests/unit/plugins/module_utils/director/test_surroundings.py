"""What /proc says around a director."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director.surroundings import (
    daemon,
    is_run_by,
    origins,
)

TABLE = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires
TCP 0A01000A 9C40 0A010064 0050 0A02000B 0050 ESTABLISHED LOCAL      899
TCP 0A01000A 9C41 0A010064 0050 0A02000B 0050 ESTABLISHED SYNC       180
UDP 0A01000A 9C42 0A010064 0035 0A02000B 0035 UDP         SYNC       300
"""


def test_where_connections_come_from():
    assert origins(TABLE.splitlines()) == {"local": 1, "synced": 2}
    assert origins([]) == {"local": 0, "synced": 0}


def test_a_host_without_the_daemon(tmp_path):
    told = daemon(str(tmp_path / "none"))
    assert not told["running"]
    assert "broken" not in told


@pytest.mark.parametrize(
    "line",
    [
        "/usr/bin/python3 -I /usr/bin/ipvsman --service",
        "/usr/lib/ipvsman/versions/0.1.0-abc/venv/bin/python /usr/bin/ipvsman",
        "ipvsman",
        "keepalived -D",
    ],
)
def test_who_manages(line):
    name = "keepalived" if "keepalived" in line else "ipvsman"
    assert is_run_by(name, line.split())


@pytest.mark.parametrize("line", ["vi /etc/x ipvsman", "/usr/bin/python3 -I", "", "less ipvsmans"])
def test_who_does_not(line):
    assert not is_run_by("ipvsman", line.split())
