# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`ipvsctl` as a whole process against ipvsadm: ctl_party.py WORK PARTY. See party.py.

The party `start` is the part of ours that has nothing to do with IPVS: a process that imports what
the verb needs, and ends.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ipvsman.ctl import __main__ as program
from ipvsman.ctl import kernel as opener
from ipvsman.ipvs.kernel import KernelTable
from party import (
    TIMES,
    WEIGHT_CHANGES,
    Counted,
    Report,
    apply_ipvsadm,
    clock,
    digest,
    ipvsadm,
    rules,
    table,
)

CTL = (sys.executable, "-m", "ipvsman.ctl")
IMPORTS = "import ipvsman.ctl.__main__, ipvsman.ctl.kernel, ipvsman.ctl.model.{}"
MODEL = Path("/tmp/model.yaml")

_FIRST = "tcp://10.0.2.1:80"
_DESTINATION = "10.1.20.1:8080"


def quietly(*words: str) -> None:
    """One process, whose output nobody reads."""
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)


def document() -> str:
    """The table of party.py as a document, a line for each thing that can be said."""
    lines = ["services:"]
    for service in table().services.values():
        lines += [f"- address: {service.key}", "  sched: wlc", "  destinations:"]
        for member in service.destinations:
            lines += [f"  - address: {member}", "    weight: 1", "    forward: nat"]
    return "\n".join(lines) + "\n"


def written() -> str:
    """The document in a file; and everything that Python compiles is compiled."""
    MODEL.write_text(document(), encoding="utf-8")
    quietly(*CTL, "validate", "-f", str(MODEL))
    quietly(*CTL, "apply", "--dry-run", "-f", str(MODEL))
    return str(MODEL)


def apply_ours() -> Report:
    """The document into an empty table, read-back included."""
    path = written()
    return {"seconds": [clock(lambda: quietly(*CTL, "apply", "-f", path))], "end": digest()}


def start(verb: str) -> Report:
    """A process that has imported everything."""
    written()
    words = (sys.executable, "-c", IMPORTS.format(verb))
    return {"seconds": [clock(lambda: quietly(*words)) for _time in range(TIMES)]}


def get_ours() -> Report:
    """Print the table."""
    quietly(*CTL, "apply", "-f", written())
    quietly(*CTL, "get")
    return {
        "seconds": [clock(lambda: quietly(*CTL, "get")) for _time in range(TIMES)],
        "end": digest(),
    }


def get_ipvsadm() -> Report:
    """Save it."""
    ipvsadm("-R", stdin=rules())
    return {
        "seconds": [clock(lambda: ipvsadm("-S", "-n")) for _time in range(TIMES)],
        "end": digest(),
    }


def weight_ours() -> Report:
    """One weight, by a process each; and by this one, to count what passes over the socket."""
    quietly(*CTL, "apply", "-f", written())
    words = ("-s", _FIRST, "-d", _DESTINATION)

    def change(weight: int) -> None:
        quietly(*CTL, "set", "weight", str(weight), *words)

    seconds = [clock(partial(change, weight)) for weight in range(2, 2 + TIMES)]
    counted: list[Counted] = []

    def open_table(netns: str | None, _environ: object) -> KernelTable:
        made = KernelTable(netns)
        conversation = made._kernel  # noqa: SLF001
        counted.append(Counted(conversation._socket))  # noqa: SLF001
        setattr(conversation, "_socket", counted[0])  # noqa: B010 - stands in for the socket
        return made

    setattr(opener, "open_table", open_table)  # noqa: B010 - the one that counts
    if program.main(["set", "weight", "1", *words]):
        raise SystemExit("the weight was not set")
    return {"seconds": seconds, "end": digest(), **counted[0].counts()}


def weight_ipvsadm() -> Report:
    """The same."""
    ipvsadm("-R", stdin=rules())
    name = _FIRST.removeprefix("tcp://")

    def change(weight: int) -> None:
        ipvsadm("-e", "-t", name, "-r", _DESTINATION, "-m", "-w", str(weight))

    seconds = [clock(partial(change, weight)) for weight in range(2, 2 + WEIGHT_CHANGES)]
    change(1)
    return {"seconds": seconds, "end": digest()}


WORKS: dict[tuple[str, str], Callable[[], Report]] = {
    ("ctl-apply", "ours"): apply_ours,
    ("ctl-apply", "peer"): apply_ipvsadm,
    ("ctl-apply", "start"): lambda: start("apply"),
    ("ctl-get", "ours"): get_ours,
    ("ctl-get", "peer"): get_ipvsadm,
    ("ctl-get", "start"): lambda: start("get"),
    ("ctl-weight", "ours"): weight_ours,
    ("ctl-weight", "peer"): weight_ipvsadm,
    ("ctl-weight", "start"): lambda: start("set"),
}


if __name__ == "__main__":
    report = WORKS[sys.argv[1], sys.argv[2]]()
    report["seconds"] = statistics.median(report["seconds"])
    print(json.dumps(report))
