# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""--healthcheck-now: probe once, now, here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from ipvsman.control.desired import Member, Pool, probe_of
from ipvsman.control.weights import names_of
from ipvsman.face import report
from ipvsman.health.prober import Prober
from ipvsman.health.spec import Check

from .stage import Stage

#: Probes that are under way at once.
_AT_ONCE = 64


def run(stage: Stage) -> int:
    """0 when none failed, 1 when one did or what was named is not there."""
    chosen = _chosen(stage)
    named = stage.options.healthcheck_now_group or stage.options.healthcheck_now_backend
    if named and not chosen:
        stage.complain(f"nothing is called {named!r}")
        return 1
    results = asyncio.run(_probe_all(stage, chosen))
    failed = [result for result in results if not result["ok"]]
    counts = {"total": len(results), "ok": len(results) - len(failed), "failed": len(failed)}
    if stage.as_json:
        stage.say_json({**counts, "results": results})
        return 1 if failed else 0
    stage.say("total={total} ok={ok} failed={failed}".format(**counts))
    for result in results:
        where = f"{result['group']}/{result['frontend']} {result['backend_ip']}"
        if stage.options.debug:
            word = "UP" if result["ok"] else "DOWN"
            stage.say(f"check {where} -> {word} ({result['message']})")
        if not result["ok"]:
            stage.say(f"failed {where}: {result['message']}")
    return 1 if failed else 0


def _chosen(stage: Stage) -> list[tuple[Pool, Member, Check]]:
    """What is to be probed: all that is by schedule, or what is named, by schedule or not.

    Nobody cares how a frontend is that is disabled.
    """
    options = stage.options
    group_wanted, backend_wanted = options.healthcheck_now_group, options.healthcheck_now_backend
    desired, addresses = stage.resolved(stage.config())
    chosen = []
    for pool in report.pools(desired):
        group = pool.frontend.group
        if pool.frontend.disabled or pool.frontend.group_disabled:
            continue
        if group_wanted and group != group_wanted:
            continue
        for member in pool.everybody:
            names = names_of(member)
            if backend_wanted and backend_wanted not in (*names, *(f"{group}/{n}" for n in names)):
                continue
            check = member.check
            if check is None and (group_wanted or backend_wanted):
                configured = member.backend.check
                probe = probe_of(configured, member.key, pool.service.family, addresses)
                check = Check(probe, configured.timing) if probe else None
            if check is not None:
                chosen.append((pool, member, check))
    return chosen


async def _probe_all(
    stage: Stage, chosen: Sequence[tuple[Pool, Member, Check]]
) -> list[dict[str, Any]]:
    prober = Prober(
        lambda check, _verdict: check.timing.interval,
        random=random.Random(),
        command_slots=max(stage.options.check_workers, 1),
    )
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(pool: Pool, member: Member, check: Check) -> dict[str, Any]:
        async with slots:
            verdict = await prober.probe_once(check.probe, check.timing.timeout)
        return report.checked(pool, member, verdict)

    try:
        return list(await asyncio.gather(*(one(*each) for each in chosen)))
    finally:
        await prober.close()
