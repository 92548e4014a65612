# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The effective weight of every destination, with the reason: one pure function.

Whatever a destination's weight is, it is so because of the first of these that applies: the
operator said so, the configuration disables it, it is not probed, nothing is known of it yet, it is
down, it is up. Whether that is one of the pool or of its fallback, quorum.py decides. Slow start or
agents would be further cases here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ipvsman.config.model import AllDown, Frontend, OnDown
from ipvsman.health.spec import Check
from ipvsman.health.state import Condition, Health
from ipvsman.ipvs.model import (
    DestinationKey,
    DestinationSettings,
    Service,
    family_of,
    host_port,
)

from .desired import Desired, Member, Pool
from .overrides import Level, Override, Overrides, Subject
from .quorum import (
    fallback_aside,
    has_quorum,
    in_use,
    is_falling_back,
    members_aside,
    seen_by_fallback,
    seen_by_members,
    weight_of,
)
from .reasons import ON_PURPOSE, Effective, Weights, Why


@dataclass(frozen=True)
class Circumstances:
    """What weights depend on beside the configuration.

    cold_start: whether the daemon has not been up for --cold-start-sec yet.
    """

    health: Mapping[Check, Health]
    overrides: Overrides
    cold_start: bool


def effective(
    pool: Pool, circumstances: Circumstances, current: Service | None
) -> dict[DestinationKey, Effective]:
    """The effective weight of each destination of a pool, and of its fallback.

    current: the service as the kernel has it; None = it has none. The fallback has the new
    connections while the members have no quorum and one of the fallback serves; else the members
    have them. All that are down stay (all_down) when there is no fallback to serve, either.
    """
    members = _of_one(pool, pool.members, circumstances, seen_by_members(pool, current))
    if not pool.fallback:
        return members | _all_down(pool, members)
    fallback = _of_one(pool, pool.fallback, circumstances, seen_by_fallback(pool, current))
    falling_back = is_falling_back(pool, current)
    if has_quorum(pool, members, falling_back=falling_back) or not weight_of(fallback):
        return fallback_aside(pool, fallback) | members | _all_down(pool, members)
    return members_aside(pool, members) | in_use(pool, fallback, members)


def _of_one(
    pool: Pool,
    members: Mapping[DestinationKey, Member],
    circumstances: Circumstances,
    current: Service | None,
) -> dict[DestinationKey, Effective]:
    """The weights of one of the two pools by itself."""
    weights = {
        key: _weight(pool, member, circumstances, current) for key, member in members.items()
    }
    there = current.destinations if current else {}
    strangers = {
        key: there[key] for key in there.keys() - pool.members.keys() - pool.fallback.keys()
    }
    if pool.unresolved and circumstances.cold_start:
        # What is there may well be what a name will turn out to mean.
        reason = f"kept while {', '.join(pool.unresolved)} has not been resolved"
        for key, settings in strangers.items():
            weights[key] = Effective(settings.weight, Why.KEPT, reason)
    return weights | _carrying_on(weights, strangers)


def _all_down(pool: Pool, weights: Weights) -> dict[DestinationKey, Effective]:
    """Those that are down and stay, because nobody else is left."""
    probed = [entry for entry in weights.values() if entry.why not in ON_PURPOSE]
    if (
        pool.frontend.all_down is AllDown.ZERO
        or not probed
        or any(entry.why is not Why.DOWN for entry in probed)
    ):
        return {}
    reason = "all destinations of the pool are down, and all_down is keep"
    return {
        key: Effective(pool.members[key].settings.weight, Why.ALL_DOWN, reason)
        for key, entry in weights.items()
        if entry.why is Why.DOWN
    }


def _carrying_on(
    weights: Weights, strangers: Mapping[DestinationKey, DestinationSettings]
) -> dict[DestinationKey, Effective]:
    """Those that have been replaced, while nobody knows whether any of their successors serves.

    A pool that is exchanged whole, by a drop-in or a name that means something else now, would have
    nobody to serve until the first probe.
    """
    serves = any(entry.weight for entry in weights.values())
    if serves or all(entry.why is not Why.UNPROVEN for entry in weights.values()):
        return {}
    reason = "replaced, kept until one of the others is proven"
    return {
        key: Effective(there.weight, Why.KEPT, reason)
        for key, there in strangers.items()
        if there.weight
    }


def target(pool: Pool, weights: Weights, current: Service | None) -> Service:
    """The service as the kernel shall have it; weights and current: as effective has them."""
    destinations = {}
    for key, entry in weights.items():
        if entry.weight is None:
            continue
        member = (pool.fallback if entry.fallback else pool.members).get(key)
        if member is not None:
            destinations[key] = replace(member.settings, weight=entry.weight)
        elif current is not None:
            destinations[key] = replace(current.destinations[key], weight=entry.weight)
    return Service(pool.service, pool.frontend.settings, destinations)


def _weight(
    pool: Pool, member: Member, circumstances: Circumstances, current: Service | None
) -> Effective:
    frontend, configured = pool.frontend, member.settings.weight
    out = _taken_out(frontend, member, circumstances.overrides)
    if out is not None:
        return out
    if member.lacks:
        why = f"{member.lacks}, which is probed for it, has no address"
        entry = _unknown(member, circumstances.cold_start, current, why)
        return replace(entry, is_open=True)
    if member.check is None:
        return Effective(configured, Why.NOT_PROBED, "not probed")
    health = circumstances.health.get(member.check)
    if health is None or health.condition is Condition.UNKNOWN:
        why = health.message if health else ""
        entry = _unknown(member, circumstances.cold_start, current, why)
        return replace(entry, is_open=health is not None and health.is_unmade)
    there = current.destinations.get(member.key) if current else None
    serves = health.condition is Condition.UP and configured > 0
    if health.checked is None and there is not None and serves != (there.weight > 0):
        # Remembered, and the kernel may know better: it is written to before the disk.
        return Effective(there.weight, Why.KEPT, "not checked yet: keeps the weight it has")
    if health.condition is Condition.DOWN:
        weight = None if frontend.on_down is OnDown.REMOVE else 0
        return Effective(weight, Why.DOWN, f"down: {health.message}")
    return Effective(configured, Why.UP, f"up: {health.message}")


def _taken_out(frontend: Frontend, member: Member, overrides: Overrides) -> Effective | None:
    """Whether a destination is out on purpose: by the operator, or else by the configuration.

    Level by level: who lets a group in again does not let in what is disabled inside of it.
    """
    disabled = {
        Level.GROUP: frontend.group_disabled,
        Level.FRONTEND: frontend.disabled,
        Level.BACKEND: member.backend.disabled,
    }
    if overrides.entries:
        names = called(frontend, member)
        for level in disabled:
            said = overrides.said(level, names[level])
            if said is None:
                continue
            if said[1].disabled:
                because = f": {said[1].reason}" if said[1].reason else ""
                return Effective(0, Why.OPERATOR, f"{level.value} disabled by operator{because}")
            disabled[level] = False
    for level, is_out in disabled.items():
        if is_out:
            return Effective(0, Why.DISABLED, f"{level.value} disabled in the configuration")
    return None


def _unknown(member: Member, cold_start: bool, current: Service | None, why: str) -> Effective:
    there = current.destinations.get(member.key) if current else None
    unknown = f"not known yet ({why})" if why else "not known yet"
    if there is not None:
        return Effective(there.weight, Why.KEPT, f"{unknown}: keeps the weight it has")
    served = current is not None and any(each.weight for each in current.destinations.values())
    if cold_start and not served:
        return Effective(member.settings.weight, Why.COLD_START, f"{unknown}, cold start")
    return Effective(0, Why.UNPROVEN, f"{unknown}: gets traffic once it is proven")


def told(overrides: Overrides, subject: Subject, override: Override, desired: Desired) -> Overrides:
    """The overrides in force once the operator has said this.

    Who lets in what nothing else takes out has taken back what he said before, and no more: a drop-
    in that disables it some day is to be heard.
    """
    rest = overrides.drop(subject)
    if override.disabled or _is_taken_out(subject, desired, rest):
        return overrides.put(subject, override)
    return rest


def _is_taken_out(subject: Subject, desired: Desired, overrides: Overrides) -> bool:
    """Whether some of what is named is out: in the configuration, or under another name."""
    for pool in desired.pools.values():
        frontend = pool.frontend
        group = frontend.group
        if subject.level is Level.GROUP:
            out = frontend.group_disabled and subject.name == group
        elif subject.level is Level.FRONTEND:
            out = frontend.disabled and subject.name == f"{group}/{frontend.name}"
        else:
            out = subject.name in [f"{group}/{name}" for name in pool.unresolved]
            for member in pool.everybody:
                names = [f"{group}/{name}" for name in names_of(member)]
                if subject.name in names:
                    said = overrides.said(Level.BACKEND, names)
                    out |= member.backend.disabled or (said is not None and said[1].disabled)
        if out:
            return True
    return False


def called(frontend: Frontend, member: Member) -> dict[Level, tuple[str, ...]]:
    """Every name an operator may call a backend by, and what it belongs to."""
    group = frontend.group
    return {
        Level.GROUP: (group,),
        Level.FRONTEND: (f"{group}/{frontend.name}",),
        Level.BACKEND: tuple(f"{group}/{name}" for name in names_of(member)),
    }


def names_of(member: Member) -> tuple[str, ...]:
    """Every name of a backend within its group."""
    address, port = member.key.address, member.key.port
    written = member.backend.address
    bracketed = [f"[{address}]"] if family_of(address).value == "inet6" else []
    names = [written, f"{written}:{port}", address, *bracketed, host_port(address, port)]
    return tuple(dict.fromkeys(names))
