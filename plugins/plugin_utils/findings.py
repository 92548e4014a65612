# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with one director: known traps, each with what to do about it. Pure.

A director is what ipvs_director_info returns. Each function knows one trap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Callable

Director = Mapping[str, Any]

_VS = "net.ipv4.vs."
#: Since then, a reused port no longer waits for a second when conntrack is on (conn_reuse_mode=1).
_REUSE_FIXED = (5, 9)
#: Entries of a bucket from which on looking one up takes its time.
_CROWDED = 8
_NEARLY_FULL = 0.8
_DAY = 86400


class Level(Enum):
    """How bad it is."""

    FAULT = "FAULT"
    WARNING = "WARNING"
    NOTE = "NOTE"


@dataclass(frozen=True)
class Finding:
    """what: what is so, in a line; do: what to do."""

    level: Level
    what: str
    do: str


def of_director(director: Director, now: float) -> list[Finding]:
    """All that is known to be wrong with it. now: seconds since the epoch."""
    if not director["available"]:
        return [Finding(Level.FAULT, director["reason"], "modprobe ip_vs, and have it at boot")]
    found = [finding for check in CHECKS for finding in check(director)]
    return [*found, *_overrides(director, now)]


def _services(director: Director) -> Sequence[Mapping[str, Any]]:
    return list(director["services"])


def _sysctl(director: Director, name: str) -> str:
    return str(director["sysctls"].get(name, ""))


def _names(services: Sequence[Mapping[str, Any]]) -> str:
    """A few of them, and how many more."""
    names = [str(service["service"]) for service in services]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _nobody_serves(director: Director) -> Iterator[Finding]:
    empty = [each for each in _services(director) if not each["destinations"]]
    idle = [
        each
        for each in _services(director)
        if each["destinations"] and not any(row["weight"] for row in each["destinations"])
    ]
    if empty:
        what = f"no destination at all: {_names(empty)}"
        yield Finding(Level.FAULT, what, "add destinations, or remove the service")
    if idle:
        what = f"every weight is 0, so that clients are refused: {_names(idle)}"
        yield Finding(Level.FAULT, what, "ipvsman --status-detailed says why; look at the servers")


def _forwarding(director: Director) -> Iterator[Finding]:
    for family, name in (
        ("inet", "net.ipv4.ip_forward"),
        ("inet6", "net.ipv6.conf.all.forwarding"),
    ):
        concerned = [
            each
            for each in _services(director)
            if _family(each) == family
            and any(row["forwarding"] == "masquerade" for row in each["destinations"])
        ]
        if concerned and _sysctl(director, name) == "0":
            what = f"masquerading without {name}: {_names(concerned)}"
            yield Finding(Level.FAULT, what, f"sysctl {name}=1 (ipvsman_sysctls)")


def _family(service: Mapping[str, Any]) -> str:
    name = str(service["service"])
    return "inet6" if "[" in name or name.endswith("/inet6") else "inet"


def _hashes(director: Director) -> Iterator[Finding]:
    concerned = [
        each
        for each in _services(director)
        if each["scheduler"] in ("mh", "sh")
        and f"{each['scheduler']}-fallback" not in (each.get("flags") or [])
    ]
    refused = [each for each in concerned if any(not row["weight"] for row in each["destinations"])]
    waiting = [each for each in concerned if each not in refused]
    do = "give them the flag mh-fallback or sh-fallback"
    if refused:
        what = f"clients that hash to a destination of weight 0 are refused: {_names(refused)}"
        yield Finding(Level.FAULT, what, do)
    if waiting:
        what = f"a weight of 0 will refuse clients, for there is no fallback: {_names(waiting)}"
        yield Finding(Level.WARNING, what, do)


def _any_port(director: Director) -> Iterator[Finding]:
    concerned = [
        each
        for each in _services(director)
        if re.fullmatch(r"\w+://(\[[^]]*\]|[^:]*)", str(each["service"]))
        and not each.get("persistence")
    ]
    if concerned:
        what = f"a service of all ports without persistence is never scheduled: {_names(concerned)}"
        yield Finding(Level.FAULT, what, "give it persistence, or a port")


def _persistence(director: Director) -> Iterator[Finding]:
    concerned = [each for each in _services(director) if each.get("persistence")]
    if concerned and _sysctl(director, _VS + "expire_quiescent_template") == "0":
        what = f"clients keep coming to a drained destination by persistence: {_names(concerned)}"
        yield Finding(Level.WARNING, what, f"sysctl {_VS}expire_quiescent_template=1")


def _datagrams(director: Director) -> Iterator[Finding]:
    concerned = [
        each
        for each in _services(director)
        if str(each["service"]).startswith("udp://")
        and "one-packet" not in (each.get("flags") or [])
    ]
    if concerned and _sysctl(director, _VS + "expire_nodest_conn") == "0":
        what = f"UDP to a removed destination is dropped until it times out: {_names(concerned)}"
        yield Finding(Level.WARNING, what, f"sysctl {_VS}expire_nodest_conn=1")


def _reuse(director: Director) -> Iterator[Finding]:
    mode = _sysctl(director, _VS + "conn_reuse_mode")
    tracks = _sysctl(director, _VS + "conntrack") == "1"
    if mode == "0":
        what = "a client that reuses a port goes where its old connection went, up or not"
        yield Finding(Level.WARNING, what, f"sysctl {_VS}conn_reuse_mode=1")
    elif mode == "1" and tracks and _release(director) < _REUSE_FIXED:
        what = "with conntrack, a client that reuses a port waits for a second (Linux before 5.9)"
        yield Finding(Level.WARNING, what, f"a newer kernel, or {_VS}conntrack=0")


def _release(director: Director) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", str(director["release"]))[:2])


def _tracking(director: Director) -> Iterator[Finding]:
    concerned = [each for each in _services(director) if each.get("local_addresses")]
    if concerned and _sysctl(director, _VS + "conntrack") != "1":
        what = f"full NAT without connection tracking: {_names(concerned)}"
        yield Finding(Level.FAULT, what, f"sysctl {_VS}conntrack=1")
    count, most = (
        _sysctl(director, f"net.netfilter.nf_conntrack_{word}") for word in ("count", "max")
    )
    if count and most and int(count) >= _NEARLY_FULL * int(most):
        what = f"the table of conntrack is nearly full: {count} of {most}; then packets are dropped"
        yield Finding(Level.FAULT, what, "sysctl net.netfilter.nf_conntrack_max higher")


def _local_addresses(director: Director) -> Iterator[Finding]:
    for left in director.get("leftovers") or []:
        what = f"{left['service']} is gone, and rules for its local addresses are left"
        do = "ipvs_service with state: absent, or ipvsctl address flush"
        yield Finding(Level.WARNING, what, do)
    for each in _services(director):
        local = each.get("local_addresses") or []
        foreign = [one for one in local if one in director["elsewhere"]]
        if foreign:
            what = f"local addresses of {each['service']} are not this host's: {', '.join(foreign)}"
            do = "add them to an interface, unless real servers have a route to them by this host"
            yield Finding(Level.WARNING, what, do)


def _crowded(director: Director) -> Iterator[Finding]:
    entries = director["entries"] or {"local": 0, "synced": 0}
    number = entries["local"] + entries["synced"]
    size = director["connection_table_size"]
    if number > _CROWDED * size:
        what = f"{number} connection entries in {size} buckets"
        yield Finding(Level.NOTE, what, "options ip_vs conn_tab_bits=20 in modprobe.d, at a reboot")


def _estimation(director: Director) -> Iterator[Finding]:
    if _sysctl(director, _VS + "run_estimation") == "0":
        what = "rates are not estimated, and read as 0"
        yield Finding(Level.NOTE, what, f"sysctl {_VS}run_estimation=1, or leave it for the load")


def _defence(director: Director) -> Iterator[Finding]:
    for name in ("drop_entry", "drop_packet", "secure_tcp"):
        if _sysctl(director, _VS + name) == "3":
            what = f"{_VS}{name} is 3: always on, whether memory is short or not"
            yield Finding(Level.WARNING, what, f"sysctl {_VS}{name}=1 for when it is needed, or 0")


def _managers(director: Director) -> Iterator[Finding]:
    if len(director["managers"]) > 1:
        what = f"several programs write to the table: {', '.join(director['managers'])}"
        do = "let one of them own each service; the others' are foreign to ipvsman, and left alone"
        yield Finding(Level.WARNING, what, do)


def _unowned_zero(director: Director) -> Iterator[Finding]:
    if director["managers"]:
        return
    concerned = [
        each
        for each in _services(director)
        if any(not row["weight"] for row in each["destinations"])
        and any(row["weight"] for row in each["destinations"])
    ]
    if concerned:
        what = f"weight 0, and no program that would bring it back: {_names(concerned)}"
        yield Finding(Level.NOTE, what, "a maintenance that has not ended? drain_state=in ends it")


def _daemon(director: Director) -> Iterator[Finding]:
    daemon = director["daemon"]
    if not daemon["running"]:
        do = "systemctl status ipvsman, journalctl -u ipvsman; the kernel forwards as it did"
        if daemon.get("broken") or "ipvsman" in director["managers"]:
            yield Finding(Level.FAULT, str(daemon["reason"]), do)
        elif daemon.get("set_up"):
            what = "ipvsman is set up and does not run: a server that dies is not taken out"
            yield Finding(Level.FAULT, what, do)
        return
    if daemon["reload_error"]:
        what = f"the drop-ins were refused, and the last good ones go on: {daemon['reload_error']}"
        yield Finding(Level.FAULT, what, "ipvsman --test says where; then ipvsman --reload")
    else:
        yield from _on_disk(daemon)
    if daemon["apply_error"]:
        what = f"the kernel refused something: {daemon['apply_error']}"
        yield Finding(Level.FAULT, what, "docs/troubleshooting.md; ipvsman --status-detailed")
    elif not daemon["ready"]:
        what = "the kernel has not been made what it shall be"
        yield Finding(Level.FAULT, what, "ipvsman --diff, journalctl -u ipvsman")
    for line in daemon["drift"][:5]:
        yield Finding(Level.WARNING, f"drift: {line}", "ipvsman puts it right; who changes it?")
    for line in daemon["warnings"]:
        yield Finding(Level.WARNING, f"drop-ins: {line}", "see docs/drop-ins.md")
    for row in daemon["services"]:
        yield from _health(row)


def _on_disk(daemon: Mapping[str, Any]) -> Iterator[Finding]:
    there = daemon.get("on_disk")
    if not there:
        return
    if there["faults"]:
        first, *others = there["faults"]
        more = f" (and {len(others)} more)" if others else ""
        what = f"the drop-ins have been changed and are faulty, and not loaded yet: {first}{more}"
        do = "ipvsman --test says where; lvs.ipvs.site writes those of the playbook anew"
        yield Finding(Level.FAULT, what, do)
    elif there["digest"] and there["digest"] != daemon["config_digest"]:
        what = "the drop-ins have been changed, and not loaded yet"
        yield Finding(Level.WARNING, what, "ipvsman --reload")


def _health(row: Mapping[str, Any]) -> Iterator[Finding]:
    if row["unresolved"]:
        what = f"{row['name']}: names without an address: {', '.join(row['unresolved'])}"
        yield Finding(Level.FAULT, what, "look at the resolver of this host")
    if row.get("fallback"):
        what = f"{row['name']}: new connections go to its fallback"
        yield Finding(Level.FAULT, what, "ipvsman --status-detailed says what the backends lack")
    if row["down"]:
        is_all = len(row["down"]) == row["backends"]
        level = Level.FAULT if is_all else Level.WARNING
        what = f"{row['name']}: {len(row['down'])} of {row['backends']} down: {row['down'][0]}"
        yield Finding(level, what, "look at the servers; ipvsman --healthcheck-now probes again")


def _overrides(director: Director, now: float) -> Iterator[Finding]:
    for said in director["daemon"].get("overrides") or []:
        if said["disabled"]:
            age = (now - said["since"]) / _DAY
            since = f"for {age:.0f} days" if age >= 1 else "today"
            reason = f" ({said['reason']})" if said["reason"] else ""
            what = f"{said['level']} {said['name']} was taken out by hand, {since}{reason}"
            do = f"ipvsman --enable-{said['level']} {said['name']}, when that has passed"
            yield Finding(Level.WARNING if age >= 1 else Level.NOTE, what, do)


CHECKS: Sequence[Callable[[Director], Iterator[Finding]]] = (
    _nobody_serves,
    _forwarding,
    _hashes,
    _any_port,
    _daemon,
    _tracking,
    _local_addresses,
    _managers,
    _persistence,
    _datagrams,
    _reuse,
    _defence,
    _unowned_zero,
    _crowded,
    _estimation,
)
