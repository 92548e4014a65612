#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure what a TCP probe costs: our prober against keepalived's checker, in turns, in one run.

Both probe distinct addresses of one listener every 2 seconds, in a network namespace of their own,
on this host's kernel and not in the lab, where a system call is dear. Neither has an IPVS table
behind it (see probes_shim.c). CPU is that of the probing process, in user and kernel, by
/proc/PID/schedstat; probes done are those that the listener has accepted. The exit status is 1 when
a target is not met. Runs as root.

Lag is how late the loop wakes from a sleep, beside that of a loop which has nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
INSIDE = "PROBES_IN_NAMESPACE"
PORT = 8000
BETWEEN = 2.0
PER_SERVICE = 10
PACKAGES = ("keepalived", "gcc", "libc6-dev", "iproute2", "util-linux")

MOST_CPU = 1.5
LEAST_DONE = 0.99
MOST_LAG = 0.020
MOST_BYTES = 4000


class Figure(NamedTuple):
    """What one party did in one round."""

    rate: float
    per_probe: float
    done: float
    rss: int
    seen: dict[str, Any]


def addresses(count: int) -> list[str]:
    """Distinct addresses in 10.64.0.0/10."""
    return [f"10.{64 + n // 62500}.{n // 250 % 250}.{n % 250 + 1}" for n in range(count)]


def configuration(targets: list[str]) -> str:
    """The same for keepalived: every target in a pool, a connect each."""
    lines = ["global_defs {", "}"]
    for first in range(0, len(targets), PER_SERVICE):
        service = first // PER_SERVICE
        lines += [
            f"virtual_server 10.127.{service // 250}.{service % 250 + 1} {PORT} {{",
            f"  delay_loop {BETWEEN:g}",
            "  lvs_sched rr",
            "  lvs_method NAT",
            "  protocol TCP",
        ]
        for target in targets[first : first + PER_SERVICE]:
            lines += [
                f"  real_server {target} {PORT} {{",
                "    weight 1",
                "    TCP_CHECK {",
                "      connect_timeout 3",
                "    }",
                "  }",
            ]
        lines.append("}")
    return "\n".join(lines) + "\n"


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def rss_bytes(pid: int) -> int:
    """The memory of a process that is in use."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError(pid)


@contextmanager
def ours(count: int, _folder: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Our prober at work; the process that probes."""
    command = [sys.executable, str(HERE / "probes_party.py"), str(BETWEEN), str(PORT)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n".join(addresses(count)))
        process.stdin.close()
        process.stdout.readline()
        try:
            yield process.pid, process
        finally:
            process.kill()


@contextmanager
def keepalived(count: int, folder: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Keepalived's checker at work; the process that probes."""
    file = folder / "keepalived.conf"
    file.write_text(configuration(addresses(count)))
    command = ["keepalived", "--check", "--dont-fork", "--no-syslog", "--use-file", str(file)]
    command += ["--pid", str(folder / "pid"), "--checkers_pid", str(folder / "checkers")]
    with subprocess.Popen(
        command,
        env=os.environ | {"LD_PRELOAD": str(folder / "shim.so")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield checker_of(process.pid), process
        finally:
            process.terminate()


def checker_of(pid: int) -> int:
    """The child of keepalived that probes."""
    for _unused in range(100):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.1)
    raise RuntimeError("keepalived has started no checker")


PARTIES = {"ipvsman": ours, "keepalived": keepalived}


def said(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What one of ours has seen."""
    process.terminate()
    assert process.stdout
    seen: dict[str, Any] = json.loads(process.stdout.readline())
    return seen


def measure(party: str, count: int, options: argparse.Namespace, folder: Path) -> Figure:
    """Let a party probe for a while."""
    with (folder / "count").open("rb") as file, mmap.mmap(file.fileno(), 8, prot=1) as counted:

        def accepted() -> int:
            return int.from_bytes(counted[:8], sys.byteorder)

        with ExitStack() as stack:
            pid, process = stack.enter_context(PARTIES[party](count, folder))
            # Beside ours a loop with nothing to do: how late that one is, is the machine's doing.
            idle = stack.enter_context(ours(0, folder)) if party == "ipvsman" else None
            time.sleep(options.warm_up)
            if idle:
                for looping in (pid, idle[0]):
                    os.kill(looping, signal.SIGUSR1)
            begin, cpu, done = time.monotonic(), cpu_seconds(pid), accepted()
            time.sleep(options.seconds)
            took = time.monotonic() - begin
            cpu, done = cpu_seconds(pid) - cpu, accepted() - done
            rss = rss_bytes(pid)
            seen = said(process) if idle else {}
            if idle:
                seen["idle_p99"] = said(idle[1])["lag_p99"]
    if not done:
        raise RuntimeError(f"{party} has not probed at all")
    figure = Figure(done / took, cpu / done, done / took * BETWEEN / count, rss, seen)
    print(
        f"{party:12}{count:7}{figure.rate:10.0f}{figure.done:9.1%}{figure.per_probe * 1e6:10.1f}"
        f"{cpu / took:8.1%}{rss / 1e6:9.1f}"
        + (f"{seen['lag_p50'] * 1e3:9.1f}{seen['lag_p99'] * 1e3:7.1f}" if seen else "")
        + (f"{seen['idle_p99'] * 1e3:7.1f}" if seen else ""),
        flush=True,
    )
    return figure


def run(options: argparse.Namespace, folder: Path) -> int:
    """All rounds, then the ratios. 1 = a target is not met."""
    print(
        f"{'party':12}{'targets':>7}{'probes/s':>10}{'done':>9}{'us/probe':>10}{'CPU':>8}"
        f"{'RSS MB':>9}{'lag p50':>9}{'p99 ms':>7}{'idle':>7}",
        flush=True,
    )
    figures: dict[tuple[str, int], list[Figure]] = {}
    few, many = 1000, options.targets
    # The parties take turns, so that what slows the machine for a while slows both of them.
    for count in [few, *[many] * options.rounds]:
        for party in PARTIES:
            figures.setdefault((party, count), []).append(measure(party, count, options, folder))
    mine, theirs = figures["ipvsman", many], figures["keepalived", many]
    ratio = statistics.median(a.per_probe / b.per_probe for a, b in zip(mine, theirs, strict=True))
    grown = statistics.median(figure.rss for figure in mine) - figures["ipvsman", few][0].rss
    lags = [figure.seen["lag_p99"] - figure.seen["idle_p99"] for figure in mine]
    results = [
        ("CPU per probe, times keepalived's", ratio, MOST_CPU, ratio <= MOST_CPU),
        ("probes done", min(f.done for f in mine), LEAST_DONE, min(f.done for f in mine) >= 0.99),
        ("loop lag p99 beyond an idle loop's", *_most(lags, MOST_LAG)),
        ("bytes per target beyond 1,000", *_most([grown / (many - few)], MOST_BYTES)),
        ("probes of ours not ok", *_most([f.seen["other"] for f in mine], 0)),
    ]
    for what, is_, wanted, met in results:
        print(f"{what:36}{is_:12.4g}   target {wanted:<8g}{'met' if met else 'NOT MET'}")
    return int(not all(met for *_unused, met in results))


def reload(options: argparse.Namespace, folder: Path) -> int:
    """What an unchanged reload costs keepalived's checker, beyond what its probes cost anyway."""
    with keepalived(options.targets, folder) as (pid, process):
        time.sleep(options.warm_up)
        before = cpu_seconds(pid)
        time.sleep(options.seconds)
        steady = (cpu_seconds(pid) - before) / options.seconds
        before = cpu_seconds(pid)
        process.send_signal(signal.SIGHUP)
        time.sleep(options.reload)
        spent = cpu_seconds(pid) - before - steady * options.reload
    print(f"keepalived, {options.targets} targets: CPU of an unchanged reload {spent:.2f} s")
    return 0


def _most(values: list[float], most: float) -> tuple[float, float, bool]:
    return max(values), most, max(values) <= most


def compile_into(made: Path, source: str, *options: str) -> None:
    """Compile one of the files beside this one."""
    subprocess.run(["cc", "-O2", *options, "-o", made, HERE / source], check=True)


def inside(options: argparse.Namespace) -> int:
    """In the namespace: the network, the listener, the rounds."""
    for command in ("ip link set lo up", "ip route add local 10.64.0.0/10 dev lo"):
        subprocess.run(command.split(), check=True)
    with tempfile.TemporaryDirectory(prefix="probes-") as name:
        folder = Path(name)
        compile_into(folder / "shim.so", "probes_shim.c", "-shared", "-fPIC")
        compile_into(folder / "listener", "probes_listener.c")
        with subprocess.Popen([folder / "listener", str(PORT), folder / "count"]) as process:
            try:
                time.sleep(0.5)
                return (reload if options.reload else run)(options, folder)
            finally:
                process.kill()


def main() -> int:
    """See to what is needed, and go into a namespace."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--targets", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--warm-up", type=float, default=5.0, help="seconds before each")
    parser.add_argument(
        "--reload",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="instead: the CPU of keepalived's reload, within so many seconds after it",
    )
    options = parser.parse_args()
    if os.environ.get(INSIDE):
        return inside(options)
    if os.geteuid() != 0:
        print("bench/probes.py: wants root, for a network namespace", file=sys.stderr)
        return 2
    subprocess.run([HERE.parent / "tools" / "packages", *PACKAGES], check=True)
    os.environ[INSIDE] = "1"
    return os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])


if __name__ == "__main__":
    sys.exit(main())
