"""The demonstration, in two acts: the modules; the daemon `ipvsman`. demo.py [ACT ...]

Every claim is checked. The exit status is 0 when all of them held.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "lab"))

from daemon import Daemon
from modules import Modules
from story import BOLD, GREEN, RED, Story, paint, say

from topology import VIP, Topology

ACTS: dict[str, type[Story]] = {"modules": Modules, "daemon": Daemon}


def main() -> int:
    """Play the acts; the exit status."""
    parser = argparse.ArgumentParser(prog="run", description="Shows it at work on a real IPVS.")
    parser.add_argument(
        "act", nargs="*", help=f"{' or '.join(ACTS)}; all of them when none is named"
    )
    names = parser.parse_args().act or list(ACTS)
    if unknown := [name for name in names if name not in ACTS]:
        parser.error(f"no such act: {' '.join(unknown)}; there are: {' '.join(ACTS)}")
    begun = time.monotonic()
    say(
        f"A real IPVS, its table empty (Linux {platform.release()}). Hosts are network"
        f" namespaces:\na director that has the address {VIP.v4}, web servers rs1, rs2, rs3"
        " behind it, a client."
    )
    failed = 0
    for name in names:
        with Topology(real_servers=3) as net:
            net.accept_direct()
            net.serve(80, keep_open=True)
            story = ACTS[name](net)
            say(paint(BOLD, f"\n== {story.TITLE}"))
            story.play()
        failed += story.failed
    took = time.monotonic() - begun
    if failed:
        say(paint(RED, f"\n{failed} of the claims did not hold ({took:.0f} s)."))
        return 1
    say(paint(GREEN, f"\nAll of this held ({took:.0f} s)."))
    return 0


if __name__ == "__main__":
    sys.exit(main())
