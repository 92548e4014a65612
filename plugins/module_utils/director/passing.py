# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking at a director again and again until it is as well as before, and stays so.

Internal to this collection.
"""

from __future__ import annotations

from typing import Any, Callable

from .daemon import Daemon, DaemonError
from .gate import Picture, absent, judge, picture

#: How often one looks, in seconds.
_POLL = 0.5


def look(daemon: Daemon) -> dict[str, Any]:
    """How well the director is now."""
    try:
        status = daemon.get("/v1/status/detailed?fresh=1")
        return picture(status, daemon.get("/v1/about"), daemon.get("/readyz", 503)["ok"])
    except DaemonError as error:
        return absent(str(error))


def passes(
    before: Picture,
    looks: Callable[[], dict[str, Any]],
    max_drop: float,
    *,
    wait: float,
    hold: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> tuple[dict[str, Any], list[str]]:
    """The last picture, and why it does not pass; empty = it has passed for `hold` seconds.

    wait: seconds until it has to be well for the first time, and again after it was not.
    """
    deadline = clock() + wait
    well_since: float | None = None
    while True:
        now = looks()
        reasons = judge(before, now, max_drop)
        moment = clock()
        if reasons:
            well_since = None
            if moment >= deadline:
                return now, reasons
        else:
            well_since = moment if well_since is None else well_since
            if moment - well_since >= hold:
                return now, []
        sleep(_POLL)
