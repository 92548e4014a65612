#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure how soon the kernel has what a probe found, and what a reload costs that changes nothing.

`turn` runs in the lab: 1,000 services with 10 destinations each in a real table, which is compared
with the kernel every 5 seconds as in the daemon, while verdicts come in from all 10,000 checks. At
random moments one check turns. The time is that from the verdict that turns it, on the event loop,
to the kernel's answer to the change of its weight, in the keeper's thread.

`reload` runs on this host's kernel in a network namespace of its own, since it needs no IPVS:
20,000 targets are probed every 10 seconds while the unchanged drop-ins are loaded again and again.
The table is one in memory, which counts what is written to it. A probe is late by the time from
when it was due to when it began.

The exit status is 1 when a target is not met.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
WORKS = ("turn", "reload")


def install(folder: Path) -> None:
    """Lay core and daemon together by links, as an installation does by copies."""
    package = folder / "ipvsman"
    package.mkdir()
    for part in (CHECKOUT / "roles" / "ipvsman" / "files" / "ipvsman").iterdir():
        if part.name not in ("ipvs", "__pycache__"):
            (package / part.name).symlink_to(part)
    (package / "ipvs").symlink_to(CHECKOUT / "plugins" / "module_utils" / "ipvs")


def main(words: list[str]) -> int:
    """Start each work where it belongs; 1 when a target is not met."""
    parser = argparse.ArgumentParser(prog="turn.py", description=__doc__)
    parser.add_argument("works", nargs="*", metavar="WORK", help=" or ".join(WORKS))
    parser.add_argument("--turns", type=int, default=500, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=40.0, help="for them all together")
    parser.add_argument("--reloads", type=int, default=10, help="default: %(default)s")
    options = parser.parse_args(words)
    if unknown := set(options.works) - set(WORKS):
        parser.error(f"no such work: {' '.join(sorted(unknown))}")
    status = 0
    with tempfile.TemporaryDirectory() as place:
        install(Path(place))
        path = f"PYTHONPATH={place}"
        party = [sys.executable, str(HERE / "turn_party.py")]
        lab = [str(CHECKOUT / "tests" / "lab" / "run"), "--keep", place, "--env", path, "--"]
        alone = [
            "unshare",
            "--net",
            "sh",
            "-c",
            'ip link set lo up && exec "$@"',
            "sh",
            "env",
            path,
        ]
        commands = {
            "turn": [*lab, *party, "turn", str(options.turns), str(options.seconds)],
            "reload": [*alone, *party, "reload", str(options.reloads)],
        }
        environment = {key: os.environ[key] for key in os.environ if key != "PYTHONUNBUFFERED"}
        for work in options.works or WORKS:
            done = subprocess.run(commands[work], env=environment, check=False)
            status |= done.returncode != 0
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
