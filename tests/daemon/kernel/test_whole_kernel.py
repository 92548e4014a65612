"""What changes a whole kernel: its clock and its modules. Only where nobody else runs on it."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.kernel.running import group

ALL = ("10.2.0.11", "10.2.0.12", "10.2.0.13")
DAY = 86400.0


def pool(*weights):
    return {"10.1.0.100:80": {f"{ALL[n]}:80": weight for n, weight in enumerate(weights)}}


@pytest.fixture
def clock():
    """Sets the clock on the wall; afterwards it is right again."""
    wall, steady = time.time(), time.monotonic()

    def jump(seconds):
        time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)

    yield jump
    time.clock_settime(time.CLOCK_REALTIME, wall + time.monotonic() - steady)


def test_a_clock_that_jumps_changes_nothing(serving, servers, load_on, clock):
    running = load_on()
    for seconds in (DAY, -3 * DAY, 400 * DAY):
        clock(seconds)
        servers.down(2)
        serving.wait_table(pool(1, 0, 1))
        servers.up(2)
        serving.wait_table(pool(1, 1, 1))
        assert serving.log("stale") == []
        running.goes_on()
    running.ended()
    servers.down(3)
    serving.wait_table(pool(1, 1, 0))
    # A memory from the future is a memory.
    assert serving.stop() == 0
    clock(-900 * DAY)
    serving.start("--cold-start-sec=60")
    assert serving.table() == pool(1, 1, 0)
    targets = {each["ip"]: each for each in serving.get("/v1/health")["targets"]}
    assert targets[ALL[2]]["state"] == "down"
    assert targets[ALL[2]]["since_seconds"] >= 0
    servers.up(3)
    serving.wait_table(pool(1, 1, 1))


def test_without_ip_vs_it_says_so(daemon, net):
    daemon.drop_in(group(ALL[0]))
    loaded = Path("/proc/modules").read_text().splitlines()
    modules = [line.split()[0] for line in loaded if line.startswith("ip_vs_")]
    subprocess.run(["modprobe", "-r", "-a", *modules, "ip_vs"], check=True)
    none = Path("/etc/modprobe.d/none.conf")
    none.write_text("install ip_vs /bin/false\n")
    try:
        daemon.begin()
        assert daemon.wait_end() == 3
        (line,) = daemon.log()
        assert line["level"] == "error"
        assert "ip_vs" in line["message"]
        assert "ip_vs" in daemon.act("--status", status=2)
    finally:
        none.unlink()
        subprocess.run(["modprobe", "-a", "ip_vs", *modules], check=True)
