# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens the kernel's table, and has ip_vs loaded when it is not there. Nobody else in ctl does."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from ipvsman.ipvs.errors import Cause, Unavailable
from ipvsman.ipvs.genetlink import namespace
from ipvsman.ipvs.kernel import KernelTable
from ipvsman.ipvs.table import Table

from .frame import Failed, Status

__all__ = ["namespace", "open_table"]

#: Says that whoever starts us cares for the kernel module himself.
SKIP = "SKIP_IPVSKERNELREQ"


def open_table(netns: str | None, environ: Mapping[str, str]) -> Table:
    """The table of a network namespace. Raises Unavailable, Failed (no ip_vs to be had)."""
    if netns == "":
        # An empty variable must not turn a script loose on the host's own table.
        raise Failed(Status.USAGE, "Error: --netns is empty; leave it out for the host's own table")
    try:
        return KernelTable(netns)
    except Unavailable as unavailable:
        if unavailable.cause is not Cause.NO_IPVS or environ.get(SKIP) == "1":
            raise
        _load(unavailable)
    return KernelTable(netns)


def _load(unavailable: Unavailable) -> None:
    """As ipvsadm does. The kernel itself would have done so, where its own modprobe works."""
    try:
        done = subprocess.run(
            ["modprobe", "ip_vs"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise Failed(Status.NO_MODULE, f"{unavailable}; modprobe: {error.strerror}") from None
    if done.returncode:
        said = done.stderr.strip() or f"exit status {done.returncode}"
        raise Failed(Status.NO_MODULE, f"{unavailable}; modprobe ip_vs said: {said}")
