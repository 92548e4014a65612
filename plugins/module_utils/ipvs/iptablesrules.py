# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Source translation as iptables rules: what ``iptables-legacy-restore`` takes, and back from
``iptables-legacy-save``.

A chain of our own in the table nat. It is written as a whole: the kernel takes the whole table at
each change anyway. Pure: text in, text out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .model import Endpoint, Family, Firewallmark, ServiceKey, Transport, canonical_address
from .snat import Found, Rules, precedence

CHAIN = "LVS_IPVS"
_JUMP = f"POSTROUTING -j {CHAIN}"
_BITS = {Family.INET: 32, Family.INET6: 128}
_TARGET = "-j SNAT --to-source "

_ADDRESS = r"[0-9a-f.:]+"
_MARKED = re.compile(rf"-A {CHAIN} -p tcp -m mark --mark 0x(?P<mark>[0-9a-f]+) .*")
_NAMED = re.compile(
    rf"-A {CHAIN} ! -d {_ADDRESS}/\d+ -p (?P<transport>tcp|udp|sctp) -m conntrack"
    rf" --ctorigdst (?P<address>{_ADDRESS})(?: --ctorigdstport (?P<port>\d+))? .*"
)
_SOURCE = re.compile(rf".* {_TARGET}(?P<address>{_ADDRESS})")


@dataclass(frozen=True)
class FoundChain(Found):
    """jumps: how often POSTROUTING leads to our chain; once is as we write it."""

    jumps: int


def script(found: FoundChain | None, wanted: Rules) -> str:
    """One transaction from what was found (None = no chain) to what is wanted; empty if nothing."""
    if found is None and not wanted:
        return ""
    jumps = found.jumps if found else 0
    # To name a chain of ours empties it. It comes first of all: the first translation counts.
    lines = ["*nat", f":{CHAIN} - [0:0]"]
    if wanted:
        lines += [f"-D {_JUMP}"] * (jumps - 1)
        lines += [] if jumps else [f"-I POSTROUTING 1 -j {CHAIN}"]
        lines += _lines(wanted)
    else:
        lines += [*[f"-D {_JUMP}"] * jumps, f"-X {CHAIN}"]
    return "".join(f"{line}\n" for line in [*lines, "COMMIT"])


def parse(saved: str, family: Family) -> FoundChain | None:
    """What ``iptables-legacy-save -t nat`` prints; None when there is no chain of ours."""
    lines = saved.splitlines()
    if not any(line.startswith(f":{CHAIN} ") for line in lines):
        return None
    jumps = sum(line == f"-A {_JUMP}" for line in lines)
    mine = [line for line in lines if line.startswith(f"-A {CHAIN} ")]
    sources: dict[ServiceKey, list[str]] = {}
    for line in mine:
        key = _key(line, family)
        source = _SOURCE.fullmatch(line)
        if key is not None and source:
            sources.setdefault(key, []).append(source["address"])
    there = set(mine)
    rules = {
        key: tuple(addresses)
        for key, addresses in sources.items()
        if there.issuperset(_rules(key, tuple(addresses)))
    }
    works = jumps > 0 and mine == list(_lines(rules))
    return FoundChain(rules, works, works and jumps == 1, jumps)


def _lines(rules: Rules) -> Iterator[str]:
    for key in sorted(rules, key=precedence):
        yield from _rules(key, rules[key])


def _rules(key: ServiceKey, addresses: tuple[str, ...]) -> Iterator[str]:
    """The rules of one service, as iptables-save spells them."""
    if isinstance(key, Endpoint):
        # Direct routing leaves the destination as it is, and its source has to stay, too.
        masqueraded = f"! -d {key.address}/{_BITS[key.family]} "
        original = f" -m conntrack --ctorigdst {key.address}"
        port = f" --ctorigdstport {key.port}" if key.port else ""
        matches = [f"{masqueraded}-p {key.transport.value}{original}{port}"]
    else:
        # IPVS takes no other protocol, whatever its mark.
        matches = [f"-p {transport.value} -m mark --mark {key.mark:#x}" for transport in Transport]
    for match in matches:
        for number, address in enumerate(addresses):
            # One after the other, a connection each: of those that come this far, every n-th.
            left = len(addresses) - number
            turn = f" -m statistic --mode nth --every {left} --packet 0" if left > 1 else ""
            yield f"-A {CHAIN} {match}{turn} {_TARGET}{address}"


def _key(line: str, family: Family) -> ServiceKey | None:
    """The service that a rule is for; None when it is for none, or not the first of its mark."""
    marked = _MARKED.fullmatch(line)
    if marked:
        return Firewallmark(int(marked["mark"], 16), family)
    named = _NAMED.fullmatch(line)
    if not named:
        return None
    try:
        address = canonical_address(named["address"])
    except ValueError:
        return None
    return Endpoint(Transport(named["transport"]), address, int(named["port"] or 0))
