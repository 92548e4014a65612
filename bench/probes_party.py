# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ours in `probes`: a prober with the counter machine of every target, and all that it counts.

    probes_party.py SECONDS_BETWEEN PORT

Reads addresses, one a line, from standard input; without any it is an idle loop to compare with.
After SIGUSR1 it notes how late the loop is; at SIGTERM it says what it has seen, as JSON, and ends.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "roles" / "ipvsman" / "files"))

from ipvsman.health.prober import Prober
from ipvsman.health.spec import Check, TcpProbe, Timing, Verdict
from ipvsman.health.state import Health

SAMPLE = 0.05


@dataclass
class Known:
    """What is known of a check, as the daemon's director keeps it."""

    health: Health


async def main(addresses: list[str], between: float, port: int) -> None:
    """Probe until told to stop."""
    loop = asyncio.get_running_loop()
    timing = Timing(interval=between, fast_interval=between, down_interval=between, timeout=3.0)
    known = {
        Check(TcpProbe(address, port), timing): Known(Health.unknown(timing, time.monotonic()))
        for address in addresses
    }

    def judge(check: Check, verdict: Verdict) -> float:
        entry = known[check]
        entry.health = entry.health.after(verdict, check.timing, time.monotonic())
        return entry.health.delay(check.timing)

    measuring, ending = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, measuring.set)
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    prober = Prober(judge, random=random.Random(1))
    prober.assign(dict.fromkeys(known, between))
    print("running", flush=True)
    await measuring.wait()
    before = prober.tallies["tcp"].finished.copy()
    lags = []
    while not ending.is_set():
        wanted = loop.time() + SAMPLE
        await asyncio.sleep(SAMPLE)
        lags.append(loop.time() - wanted)
    finished = prober.tallies["tcp"].finished - before
    lags.sort()
    await prober.close()
    seen = {
        "ok": finished["ok"],
        "other": finished.total() - finished["ok"],
        "lag_p50": lags[len(lags) // 2],
        "lag_p99": lags[len(lags) * 99 // 100],
        "late_100ms": prober.lateness.count - dict(prober.lateness.cumulative())[0.1],
    }
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.stdin.read().split(), float(sys.argv[1]), int(sys.argv[2])))
