"""Run the project's checks: all, or the named ones. A failure does not stop the later ones.

Two run at once where there are two processors: most of them keep one busy. What a check says is
shown when it has ended, or as it says it where no other runs beside it. The last line counts what
passed and failed: every test of a stage that runs tests, and every other stage as one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parent.parent
PYTEST = ".venv/bin/python -m pytest"
# Several times as long as it takes: it ends what hangs, and not what a busy machine is slow with.
LAB = "tests/lab/run --timeout 2400"

# Quick ones first. Of two lanes one goes through them from the top and one from the bottom, so that
# neither ends long after the other.
STAGES = {
    "format": "tools/copy ruff format --check",
    "ruff": "tools/copy ruff check --output-format concise",
    "types": "tools/types",
    "changelog": "tools/copy antsibull-changelog lint",
    "unit": f"{PYTEST} tests/unit",
    "daemon": f"{PYTEST} tests/daemon",
    "docs": "tools/copy antsibull-docs lint-collection-docs --plugin-docs"
    " --validate-collection-refs=self .",
    "ansible-lint": "tools/copy ansible-lint --offline --profile production --nocolor",
    "package": "tools/package",
    "nftables": "tests/nftables/run",
    "unit-oldest": "tools/unit-oldest",
    "kernel": f"{LAB} -- {PYTEST} tests/kernel tests/lab/test_topology.py",
    "daemon-kernel": f"{LAB} -- {PYTEST} tests/daemon/kernel tests/daemon/kernel_actions"
    " tests/daemon/kernel_ctl",
    "modules": ".venv/bin/python tests/integration/run",
    "demo": "playbooks/demo/run",
    "sanity": "tools/ansible-test sanity --local --color no",
    "lab": f"{PYTEST} tests/lab tests/fleet/runner --ignore tests/lab/test_topology.py",
    "fleet": "tools/copy tests/fleet/run --"
    " python -m pytest tests/fleet --ignore tests/fleet/runner",
}

# The closing lines of pytest and of tests/integration/run.
TALLY = re.compile(r"^=+ .*\b(?:passed|failed|errors?)\b.* in [0-9.]+s|^\d+ passed, \d+ failed$")
COUNT = re.compile(r"(\d+) (passed|xfailed|failed|errors?)\b")


class Result(NamedTuple):
    """What became of a stage."""

    stage: str
    status: int
    seconds: float
    passed: int
    failed: int

    def __str__(self) -> str:
        word = "ok" if self.status == 0 else f"FAILED ({self.status})"
        return f"{self.stage:12} {word:12} {self.seconds:6.1f} s"


def run(stage: str, show: Callable[[bytes], object]) -> Result:
    """Run one stage; what it says is handed on line by line."""
    show(f"\n== {stage}: {STAGES[stage]}\n".encode())
    start = time.monotonic()
    passed = failed = 0
    with subprocess.Popen(
        STAGES[stage].split(),
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout
        for raw in process.stdout:
            show(raw)
            line = raw.decode(errors="replace")
            if TALLY.match(line):
                for number, word in COUNT.findall(line):
                    if word in ("passed", "xfailed"):
                        passed += int(number)
                    else:
                        failed += int(number)
    status = process.returncode
    if not passed and status == 0:
        passed = 1
    if not failed and status != 0:
        failed = 1
    result = Result(stage, status, time.monotonic() - start, passed, failed)
    show(f"-- {result}\n".encode())
    return result


def say(text: bytes) -> None:
    """Write it at once."""
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def run_lanes(names: list[str], lanes: int) -> list[Result]:
    """Run the stages in so many lanes; the results in the order of the stages."""
    if lanes == 1:
        return [run(name, say) for name in names]
    waiting = deque(names)
    results: dict[str, Result] = {}
    lock = threading.Lock()

    def lane(take: Callable[[], str]) -> None:
        while True:
            with lock:
                if not waiting:
                    return
                name = take()
                say(f".. {name}\n".encode())
            said: list[bytes] = []
            results[name] = run(name, said.append)
            with lock:
                say(b"".join(said))

    threads = [
        threading.Thread(target=lane, args=(waiting.pop if number % 2 else waiting.popleft,))
        for number in range(lanes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[name] for name in names]


def main(names: list[str]) -> int:
    """Run the stages, sum up; 1 if any failed."""
    unknown = [name for name in names if name not in STAGES]
    if unknown:
        print(f"no such check: {' '.join(unknown)}; there are: {' '.join(STAGES)}", file=sys.stderr)
        return 2
    wanted = names or list(STAGES)
    start = time.monotonic()
    results = run_lanes(wanted, min(len(wanted), len(os.sched_getaffinity(0)), 2))
    print("\n== summary")
    for result in results:
        print(result)
    print(f"{time.monotonic() - start:.0f} s in all")
    print(f"{sum(r.passed for r in results)} passed, {sum(r.failed for r in results)} failed")
    return int(any(result.status for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
