# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who gets a service's new connections, its members or their fallback, and what the others have.

Pure. Nothing is remembered for the hysteresis: which of the two it is now, the table says, and so
does it after a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ipvsman.config.model import Frontend, OnDown
from ipvsman.ipvs.model import DestinationKey, DestinationSettings, Service, ServiceFlags

from .desired import Pool
from .reasons import ON_PURPOSE, Effective, Weights, Why

#: Schedulers that go on choosing who has weight 0, and then refuse; the flag makes two of them
#: choose another.
_HASHING, _WITH_FLAG = ("dh", "sh", "mh"), ("sh", "mh")


def is_falling_back(pool: Pool, current: Service | None) -> bool:
    """Whether the fallback has the new connections in the table as it is.

    Who is in both pools tells nothing.
    """
    if current is None or not pool.fallback:
        return False
    serving = {key for key, there in current.destinations.items() if there.weight}
    members, fallback = pool.members.keys(), pool.fallback.keys()
    return bool(serving & (fallback - members)) and not serving & (members - fallback)


def has_quorum(pool: Pool, weights: Weights, *, falling_back: bool) -> bool:
    """Whether the members shall have the new connections.

    weights: of the members. One of whom nothing is known yet neither makes a quorum nor breaks it;
    and that nobody serves of whom nothing is known is no news, in the seconds after a start. Whose
    probe cannot even be made is not waited for: that may last, and the fallback is there.
    """
    quorum, margin = pool.frontend.quorum, pool.frontend.hysteresis
    serving = weight_of(weights)
    perhaps = serving + sum(
        member.settings.weight for key, member in pool.members.items() if _is_unknown(weights[key])
    )
    if falling_back:
        return serving >= quorum and perhaps >= quorum + margin
    return perhaps >= quorum - margin and (serving > 0 or _is_new(pool, weights))


def _is_new(pool: Pool, weights: Weights) -> bool:
    """Whether nothing is known of anybody yet, and will be soon."""
    return all(
        weights[key].why in ON_PURPOSE or (_is_unknown(weights[key]) and not weights[key].is_open)
        for key in pool.members
    )


def _is_unknown(entry: Effective) -> bool:
    """Whether he has no weight because nothing is known of him yet, in the table or not."""
    return not entry.weight and entry.why in (Why.UNPROVEN, Why.KEPT)


def weight_of(weights: Weights) -> int:
    """What those who serve weigh together."""
    return sum(entry.weight or 0 for entry in weights.values())


def seen_by_members(pool: Pool, current: Service | None) -> Service | None:
    """The table as the members have to take it: what the fallback has got there is not theirs."""
    if current is None or not is_falling_back(pool, current):
        return current
    both = pool.members.keys() & pool.fallback.keys()
    return _with(
        current,
        {
            key: replace(there, weight=0) if key in both else there
            for key, there in current.destinations.items()
        },
    )


def seen_by_fallback(pool: Pool, current: Service | None) -> Service | None:
    """The same for the fallback: while it is set aside, its weights say nothing of its health."""
    if current is None or is_falling_back(pool, current):
        return current
    there = current.destinations
    return _with(current, {key: there[key] for key in there if key not in pool.fallback})


def members_aside(pool: Pool, weights: Weights) -> dict[DestinationKey, Effective]:
    """The members' weights while the fallback serves."""
    told = shortage(pool, weights)
    out = pool.frontend.on_down is OnDown.REMOVE
    return _aside(pool.frontend, weights, Why.NO_QUORUM, told, out=out)


def fallback_aside(pool: Pool, weights: Weights) -> dict[DestinationKey, Effective]:
    """The fallback's weights while the members serve.

    A client that persists would come back to it for as long as it is in the table.
    """
    frontend = pool.frontend
    out = frontend.on_down is OnDown.REMOVE or frontend.settings.persistence > 0
    found = _aside(frontend, weights, Why.STANDBY, "the backends serve", out=out)
    return {key: replace(entry, fallback=True) for key, entry in found.items()}


def in_use(pool: Pool, weights: Weights, members: Weights) -> dict[DestinationKey, Effective]:
    """The fallback's weights while it serves. members: their weights, too few."""
    told = shortage(pool, members)
    return {
        key: replace(
            entry,
            fallback=True,
            reason=f"{told}: {entry.reason}" if entry.weight else entry.reason,
        )
        for key, entry in weights.items()
    }


def shortage(pool: Pool, weights: Weights) -> str:
    """What is wrong with the members."""
    return f"no quorum ({weight_of(weights)} of {pool.frontend.quorum})"


def _aside(
    frontend: Frontend, weights: Weights, why: Why, told: str, *, out: bool
) -> dict[DestinationKey, Effective]:
    """No new connections for any of them. out: nor a place in the table.

    Who is out on purpose has a place there to end his connections, unless the scheduler would
    choose him.
    """
    refused = _refuses_idle(frontend)
    found = {}
    for key, entry in weights.items():
        gone = refused or (out and entry.why not in ON_PURPOSE)
        weight = None if gone else 0
        if entry.weight:
            found[key] = Effective(weight, why, f"{told}; {entry.reason}")
        else:
            found[key] = replace(entry, weight=weight)
    return found


def _refuses_idle(frontend: Frontend) -> bool:
    """Whether clients are refused for whom the scheduler chooses a destination of weight 0."""
    settings = frontend.settings
    if settings.scheduler in _WITH_FLAG and ServiceFlags.FLAG_1 in settings.flags:
        return False
    return settings.scheduler in _HASHING


def _with(service: Service, destinations: Mapping[DestinationKey, DestinationSettings]) -> Service:
    return replace(service, destinations=destinations)
