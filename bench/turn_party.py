# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ours in `turn`: the daemon's parts from drop-ins to table, and what is measured of them.

    turn_party.py turn NUMBER SECONDS
    turn_party.py reload NUMBER

The package has to be importable.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ipvsman.config.loader import load
from ipvsman.control.director import Director, Limits
from ipvsman.control.journal import Journal
from ipvsman.control.keeper import Keeper
from ipvsman.control.store import Store
from ipvsman.health.prober import Prober
from ipvsman.health.spec import Verdict
from ipvsman.health.tally import LATENESS, Histogram
from ipvsman.ipvs.changes import Change
from ipvsman.ipvs.kernel import KernelTable
from ipvsman.ipvs.memory import MemoryTable
from ipvsman.ipvs.table import Outcome, Table

PER_SERVICE = 10
RESYNC = 5.0
PORT = 8000

MOST_TURN = 0.020
MOST_LATE = 0.100
GOOD, BAD = Verdict(True, "connected", 0.001), Verdict(False, "connection refused", 0.001)


class Timed(KernelTable):
    """Notes when the kernel has accepted a change of a weight."""

    accepted: dict[str, float] = {}

    def apply(self, changes: Sequence[Change]) -> Outcome:
        """Do them, and note the time for each service."""
        outcome = super().apply(changes)
        now = time.perf_counter()
        for change in outcome.done:
            if change.action == "edit_destination":
                self.accepted[str(getattr(change, "service", ""))] = now
        return outcome


class Parts:
    """The daemon's parts from drop-ins to table, without faces and without a disk."""

    def __init__(self, directory: Path, open_table: Callable[[], Table]) -> None:
        self._directory = directory
        journal = Journal(time.time)
        store = Store(None, time.time, print)
        self.keeper = Keeper(open_table, journal, store)
        self.director = Director(
            self._load,
            self.keeper,
            journal,
            store,
            limits=Limits(cold_start=0.0),
            clock=time.monotonic,
            wall=time.time,
        )

    def _load(self) -> Any:
        director = self.director
        return load(
            self._directory, previous=director.config if director.reloads.generation else None
        )

    def begin(self, prober: Any) -> None:
        """Take up the drop-ins."""
        self.keeper.start()
        self.director.begin(self._load(), prober, Nobody())

    async def settled(self) -> None:
        """Until the table is as it shall be."""
        if not await asyncio.to_thread(self.keeper.wait_settled, 300.0):
            raise RuntimeError(f"the table is not as it shall be: {self.keeper.account.error}")


class Late(Histogram):
    """How late probes were, each of them."""

    def __init__(self, bounds: Sequence[float]) -> None:
        super().__init__(bounds)
        self.values: list[float] = []

    def observe(self, value: float) -> None:
        """Note it."""
        self.values.append(value)


class Nobody:
    """Neither probes nor resolves."""

    def assign(self, checks: Any) -> None:
        """Nothing."""

    def want(self, names: Any) -> None:
        """Nothing."""


def write_drop_ins(directory: Path, services: int, address: Callable[[int], str]) -> None:
    """A file for each 100 services."""
    groups = directory / "groups"
    groups.mkdir(parents=True)
    check = "{type: tcp, interval: 10, down_interval: 10, timeout: 3, rise: 1, fall: 1}"
    for first in range(0, services, 100):
        lines = []
        for number in range(first, min(first + 100, services)):
            lines += [
                f"- group: g{number}",
                f"  vip: 10.32.{number // 250}.{number % 250 + 1}",
                f"  healthcheck: {check}",
                f"  frontends: [{{name: f, proto: tcp, port: {PORT}, scheduler: rr}}]",
                "  backends:",
            ]
            for backend in range(PER_SERVICE):
                name = address(number * PER_SERVICE + backend)
                lines.append(f"    - {{address: {name}, weight: 1}}")
        (groups / f"{first:06}.yaml").write_text("\n".join(lines) + "\n")


def spread(values: list[float]) -> dict[str, float]:
    """In milliseconds."""
    ordered = sorted(values)
    return {
        "median": round(1000 * ordered[len(ordered) // 2], 2),
        "p99": round(1000 * ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 2),
        "most": round(1000 * ordered[-1], 2),
        "count": len(ordered),
    }


async def turn(directory: Path, count: int, seconds: float) -> dict[str, Any]:
    """Turns at random moments."""
    parts = Parts(directory, Timed)
    parts.begin(Nobody())
    gc.freeze()  # as the daemon does
    director, keeper = parts.director, parts.keeper
    await parts.settled()
    checks = list(director.beliefs.known)
    for check in checks:
        director.beliefs.judge(check, GOOD)
    await parts.settled()
    loop = asyncio.get_running_loop()
    chance = random.Random(1)
    turned = chance.sample(checks, count)
    lags: list[float] = []
    taken: list[float] = []

    async def others() -> None:
        """Each check has a result every 10 seconds; a sweep every 5; a tick every second."""
        rest = [check for check in checks if check not in set(turned)]
        began, number, swept, ticked = loop.time(), 0, loop.time(), loop.time()
        while True:
            due = loop.time() + 0.01
            await asyncio.sleep(0.01)
            lags.append(loop.time() - due)
            while number < (loop.time() - began) * len(checks) / 10:
                director.beliefs.judge(rest[number % len(rest)], GOOD)
                number += 1
            if loop.time() - swept >= RESYNC:
                swept = loop.time()
                keeper.resync()
            if loop.time() - ticked >= 1.0:
                ticked = loop.time()
                director.tick()

    busy = asyncio.create_task(others())
    passes = keeper.account.passes
    for check in turned:
        await asyncio.sleep(chance.uniform(0, 2 * seconds / count))
        (service,) = director.desired.users[check]
        Timed.accepted.pop(str(service), None)
        before = time.perf_counter()
        director.beliefs.judge(check, BAD)
        while str(service) not in Timed.accepted:
            await asyncio.sleep(0.001)
        taken.append(Timed.accepted[str(service)] - before)
    sweeps = keeper.account.passes - passes - count
    busy.cancel()
    await asyncio.to_thread(keeper.stop, 30.0)
    return {"verdict to kernel, ms": spread(taken), "loop late, ms": spread(lags), "sweeps": sweeps}


async def reload(directory: Path, count: int) -> dict[str, Any]:
    """Reloads of what is running already."""
    table = MemoryTable()
    parts = Parts(directory, lambda: table)
    prober = Prober(parts.director.beliefs.judge, random=random.Random(1))
    prober.lateness = late = Late(LATENESS)
    before = time.process_time()
    parts.begin(prober)
    gc.freeze()  # as the daemon does
    await parts.settled()
    started = time.process_time() - before
    # Each has been probed, and what that changed is in the table.
    while any(entry.health.checked is None for entry in parts.director.beliefs.known.values()):
        await asyncio.sleep(0.2)
    await parts.settled()
    late.values.clear()
    began, before = time.monotonic(), time.process_time()
    await asyncio.sleep(10.0)
    idle = (time.process_time() - before) / (time.monotonic() - began)
    quiet = spread(late.values)
    late.values.clear()
    writes = table.calls["apply"]
    spent, took = [], []
    for _number in range(count):
        began, before = time.monotonic(), time.process_time()
        outcome = await parts.director.reload()
        took.append(time.monotonic() - began)
        spent.append(time.process_time() - before - idle * took[-1])
        if outcome.error or outcome.generation != 1:
            raise RuntimeError(f"no unchanged reload: {outcome}")
        await asyncio.sleep(1.0)
    await parts.settled()
    result = {
        "probes late in reloads, ms": spread(late.values),
        "without reloads, ms": quiet,
        "reload took, ms": spread(took),
        "CPU of a reload, s": round(sorted(spent)[len(spent) // 2], 3),
        "CPU of the start, s": round(started, 1),
        "kernel writes": table.calls["apply"] - writes,
    }
    await prober.close()
    await asyncio.to_thread(parts.keeper.stop, 30.0)
    return result


def report(name: str, result: dict[str, Any], met: bool) -> bool:
    """Print it; whether the target is met."""
    print(f"{name}: {'ok' if met else 'TARGET NOT MET'}")
    for what, value in result.items():
        print(f"  {what}: {json.dumps(value)}")
    return met


def main(work: str, number: int, seconds: float = 0.0) -> int:
    """Measure, and say it; 1 when the target is not met."""
    # What is logged costs its time, and is not what is to be read here.
    logging.basicConfig(filename=os.devnull, level=logging.INFO)
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place) / "etc"
        if work == "turn":
            write_drop_ins(directory, 1000, lambda n: f"10.{64 + n // 62500}.{_two(n)}")
            result = asyncio.run(turn(directory, number, seconds))
            met = result["verdict to kernel, ms"]["p99"] < 1000 * MOST_TURN
        else:
            write_drop_ins(directory, 2000, lambda n: f"127.{64 + n // 62500}.{_two(n)}")
            result = asyncio.run(reload(directory, number))
            late = result["probes late in reloads, ms"]["most"]
            met = late < 1000 * MOST_LATE and not result["kernel writes"]
        return 0 if report(work, result, met) else 1


def _two(number: int) -> str:
    return f"{number // 250 % 250}.{number % 250 + 1}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:])))
