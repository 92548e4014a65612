# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong between directors that should be alike. Pure.

Directors are compared with the one that most are like; without a majority, with the first.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable

from .findings import Director, Finding, Level

Directors = Mapping[str, Director]
#: Who it is about, and what.
About = tuple[Sequence[str], Finding]

#: Lines of a difference that are shown.
_SHOWN = 6
#: Entries from which on numbers of them say something.
_ENOUGH = 20
_HALF = 0.5
_SETTINGS = ("scheduler", "flags", "persistence", "netmask", "engine", "local_addresses")
#: These are as they are by use, or by how much memory there is, not by setting.
_OWN = ("net.netfilter.nf_conntrack_count", "net.ipv4.vs.sync_qlen_max")


def between(directors: Directors, *, are_all: bool = True) -> list[About]:
    """All that is known to be wrong between them.

    are_all: there are no others. One that could not be asked may be what is missed.
    """
    able = {name: each for name, each in directors.items() if each["available"]}
    return [*_unlike(able), *_tables(able), *_sync(able, are_all), *_addresses(able, are_all)]


# -- what should be the same


def _unlike(directors: Directors) -> Iterator[About]:
    running = {name: each for name, each in directors.items() if each["daemon"]["running"]}
    if running and len(running) < len(directors):
        # Where it is set up, that is a fault of its own.
        idle = [
            name
            for name, each in directors.items()
            if name not in running and not each["daemon"].get("set_up")
        ]
        what = f"ipvsman runs on {', '.join(running)}, and not here"
        if idle:
            yield idle, Finding(Level.WARNING, what, "lvs.ipvs.site sets it up")
    compared: Sequence[tuple[Directors, str, Callable[[Director], Any], Level, str]] = (
        (directors, "kernel", lambda each: each["release"], Level.NOTE, "upgrade one by one"),
        (
            running,
            "ipvsman",
            lambda each: each["daemon"]["version"],
            Level.WARNING,
            "lvs.ipvs.rollout brings all to one version",
        ),
        # A master and a backup differ in that alone; what the kernel has of it is compared below.
        (
            running,
            "digest of the drop-ins",
            lambda each: each["daemon"]["config_digest"][:12],
            Level.NOTE,
            "lvs.ipvs.preview shows what differs, if more than sync daemons shall",
        ),
        (directors, "timeouts", _timeouts, Level.WARNING, "lvs.ipvs.ipvs_timeout, on all of them"),
    )
    for among, what, value, level, do in compared:
        yield from _different(
            {name: str(value(each)) for name, each in among.items()}, what, level, do
        )
    for name in sorted({key for each in directors.values() for key in each["sysctls"]}):
        if name not in _OWN:
            values = {host: each["sysctls"].get(name, "none") for host, each in directors.items()}
            yield from _different(values, name, Level.WARNING, "ipvsman_sysctls, on all of them")


def _timeouts(director: Director) -> str:
    return ", ".join(f"{name} {value}" for name, value in (director["timeouts"] or {}).items())


def _different(values: Mapping[str, str], what: str, level: Level, do: str) -> Iterator[About]:
    """Those that have another value than most; where there are no most, who has which."""
    counted = Counter(values.values()).most_common(2)
    if len(counted) > 1 and counted[0][1] == counted[1][1]:
        said = "; ".join(
            f"{value} on {', '.join(name for name in values if values[name] == value)}"
            for value in dict.fromkeys(values.values())
        )
        yield list(values), Finding(level, f"{what}: {said}", do)
        return
    usual = _usual(values)
    for name, value in values.items():
        if value != usual:
            yield [name], Finding(level, f"{what}: {value}, elsewhere {usual}", do)


def _usual(values: Mapping[str, str]) -> str:
    """What most have; of as many each, the first."""
    return Counter(values.values()).most_common(1)[0][0] if values else ""


# -- tables


def _tables(directors: Directors) -> Iterator[About]:
    shapes = {name: json.dumps(_shape(each), sort_keys=True) for name, each in directors.items()}
    usual = _usual(shapes)
    model = next((name for name, shape in shapes.items() if shape == usual), None)
    for name, each in directors.items():
        lines = _difference(_shape(directors[model]), _shape(each)) if model else []
        if lines:
            more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
            what = f"the table differs from {model}'s: " + "; ".join([*lines[:_SHOWN], *more])
            do = "ipvsman --diff on both; lvs.ipvs.rollout, or your playbook, makes them alike"
            yield [name], Finding(Level.FAULT, what, do)
        elif model and name != model:
            weights = _weights_apart(directors[model], each)
            if weights:
                what = f"weights differ from {model}'s: {'; '.join(weights[:_SHOWN])}"
                do = "health is seen differently from there: the way to the servers, or a drain"
                yield [name], Finding(Level.WARNING, what, do)


def _shape(director: Director) -> dict[str, Any]:
    """Services with their settings and destinations, but for weights."""
    return {
        service["service"]: {
            **{name: service.get(name) for name in _SETTINGS},
            "destinations": {
                _place(row): {key: row[key] for key in row if key != "weight"}
                for row in service["destinations"]
            },
        }
        for service in director["services"]
    }


def _place(row: Mapping[str, Any]) -> str:
    address = f"[{row['address']}]" if ":" in row["address"] else row["address"]
    return f"{address}:{row['port']}"


def _difference(model: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """In lines, what the other has otherwise."""
    lines = [f"{name} is missing" for name in model if name not in other]
    lines += [f"{name} is too much" for name in other if name not in model]
    for name in model.keys() & other.keys():
        one, two = model[name], other[name]
        lines += [
            f"{name}: {key} {two[key]}, not {one[key]}" for key in _SETTINGS if one[key] != two[key]
        ]
        mine, theirs = one["destinations"], two["destinations"]
        lines += [f"{name}: {place} is missing" for place in mine if place not in theirs]
        lines += [f"{name}: {place} is too much" for place in theirs if place not in mine]
        lines += [
            f"{name}: {place} has other settings"
            for place in mine.keys() & theirs.keys()
            if mine[place] != theirs[place]
        ]
    return sorted(lines)


def _weights_apart(model: Director, other: Director) -> list[str]:
    one, two = _weights(model), _weights(other)
    return [
        f"{service} {place} {two[service, place]}, not {one[service, place]}"
        for service, place in one
        if two.get((service, place)) != one[service, place]
    ]


def _weights(director: Director) -> dict[tuple[str, str], int]:
    return {
        (service["service"], _place(row)): row["weight"]
        for service in director["services"]
        for row in service["destinations"]
    }


# -- connection synchronisation


def _sync(directors: Directors, are_all: bool) -> Iterator[About]:
    daemons = [
        (name, daemon) for name, each in directors.items() for daemon in each["sync_daemons"]
    ]
    for name, daemon in daemons:
        if daemon["role"] != "master":
            senders = [other for other, each in daemons if other != name and _is_pair(each, daemon)]
            if not senders and are_all:
                what = f"backup of sync id {daemon['sync_id']}, and no other director sends with it"
                do = "start the master there, or take the id that it has"
                yield [name], Finding(Level.FAULT, what, do)
            continue
        receivers = [
            (other, each) for other, each in daemons if other != name and _is_pair(daemon, each)
        ]
        if not receivers and are_all and len(directors) > 1:
            what = f"master of sync id {daemon['sync_id']}, and no other director receives it"
            do = "start a backup there with the same id; a takeover breaks connections until then"
            yield [name], Finding(Level.FAULT, what, do)
        for other, each in receivers:
            yield from _pair(name, daemon, other, each, directors)


def _is_pair(master: Mapping[str, Any], backup: Mapping[str, Any]) -> bool:
    return (
        master["role"] == "master"
        and backup["role"] == "backup"
        and backup["sync_id"] in (0, master["sync_id"])
    )


def _pair(
    name: str,
    master: Mapping[str, Any],
    other: str,
    backup: Mapping[str, Any],
    directors: Directors,
) -> Iterator[About]:
    apart = [
        f"{key} {master.get(key)} and {backup.get(key)}"
        for key in ("group", "port", "maxlen")
        if master.get(key) != backup.get(key)
    ]
    if apart:
        what = f"master and backup of sync id {master['sync_id']} differ: {', '.join(apart)}"
        yield [name, other], Finding(Level.FAULT, what, "lvs.ipvs.ipvs_sync_daemon, on both")
    sent, received = directors[name]["entries"], directors[other]["entries"]
    if (
        sent
        and received
        and sent["local"] >= _ENOUGH
        and received["synced"] < _HALF * sent["local"]
    ):
        what = f"{other} knows {received['synced']} of {sent['local']} connections of {name}"
        do = (
            "short ones are not sent (net.ipv4.vs.sync_threshold); otherwise multicast does not"
            " arrive: interface, firewall, switch"
        )
        yield [other], Finding(Level.WARNING, what, do)


# -- addresses


def _addresses(directors: Directors, are_all: bool) -> Iterator[About]:
    vips = {vip for each in directors.values() for vip in virtual_addresses(each)}
    for vip in sorted(vips):
        loud = [name for name, each in directors.items() if vip in _owned(each, loud=True)]
        if len(loud) > 1:
            what = f"{vip} is on an interface of all of them, and each answers for it"
            yield loud, Finding(Level.FAULT, what, "one director at a time has it (VRRP, or BGP)")
        if are_all and not any(_takes(each, vip) for each in directors.values()):
            what = f"{vip} is on no director: its packets are not taken"
            do = "ipvsman_vip_interface, keepalived, or whatever is to have it"
            yield list(directors), Finding(Level.WARNING, what, do)
    for name, each in directors.items():
        others = {
            address: other
            for other in directors
            if other != name
            for address in _owned(directors[other], loud=True)
        }
        looped = sorted(
            {
                f"{row['address']} ({others[row['address']]})"
                for service in each["services"]
                for row in service["destinations"]
                if row["address"] in others and row["forwarding"] in ("direct", "tunnel")
            }
        )
        if looped and each["sysctls"].get("net.ipv4.vs.backup_only") != "1":
            what = f"forwards to another director, which may forward it back: {', '.join(looped)}"
            do = "sysctl net.ipv4.vs.backup_only=1 where the backup sync daemon runs"
            yield [name], Finding(Level.WARNING, what, do)


def virtual_addresses(director: Director) -> set[str]:
    """Addresses of services; one by firewall mark has none."""
    found = set()
    for service in director["services"]:
        transport, _colon, rest = str(service["service"]).partition("://")
        if rest and transport != "fwmark":
            found.add(rest[1:].partition("]")[0] if rest[0] == "[" else rest.partition(":")[0])
    return found


def _takes(director: Director, vip: str) -> bool:
    """Whether packets for it are its own: by an address, or by a route of type local."""
    routed = vip in virtual_addresses(director) and vip not in director["elsewhere"]
    return routed or vip in _owned(director)


def _owned(director: Director, *, loud: bool = False) -> set[str]:
    """Its addresses; loud: only those that it answers for on a network."""
    return {row["address"] for row in director["addresses"] if row["answers_arp"] or not loud}


def questions(directors: Directors) -> list[dict[str, Any]]:
    """Whom to ask by ARP, and for which virtual addresses; for ipvs_arp_probe.

    Whoever is forwarded to directly or by a tunnel has the virtual address, and must not say so.
    """
    quiet: dict[str, set[str]] = {}
    own = {address for each in directors.values() for address in _owned(each)}
    for each in directors.values():
        for service in each["services"] if each["available"] else []:
            for vip in virtual_addresses({"services": [service]}):
                for row in service["destinations"]:
                    v4 = ":" not in vip and ":" not in row["address"]
                    if v4 and row["forwarding"] in ("direct", "tunnel"):
                        quiet.setdefault(row["address"], set()).add(vip)
    return [
        {"name": address, "addresses": [address], "quiet": sorted(quiet[address])}
        for address in sorted(quiet)
        if address not in own
    ]
