# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Source translation as nftables rules: statements that ``nft -f`` takes, and back from its JSON.

A table of our own for each address family, with a chain for each service. One look-up leads from a
connection to its chain, however many services there are. What conntrack knows as a connection's
original destination is the virtual service, since IPVS changes the packet and not that.

Pure: text in, text out. Documented in nft(8) and libnftables-json(5).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .model import Endpoint, Family, Firewallmark, ServiceKey, Transport, canonical_address
from .snat import Found, Rules, precedence
from .wire import PROTOCOL

TABLE = "lvs_ipvs"
_BASE = "postrouting"
#: Before what others have at the usual place (srcnat): the first translation counts.
_PRIORITY = 99
_PREFIX = {Family.INET: "ip", Family.INET6: "ip6"}
_ADDRESS = {Family.INET: "ipv4_addr", Family.INET6: "ipv6_addr"}
_TRANSPORTS = {transport.value: transport for transport in Transport}


def table_name(family: Family) -> str:
    """``ip lvs_ipvs`` or ``ip6 lvs_ipvs``."""
    return f"{_PREFIX[family]} {TABLE}"


def script(family: Family, found: Found | None, wanted: Rules) -> str:
    """One transaction from what was found (None = no table) to what is wanted; empty if nothing."""
    return "".join(f"{line}\n" for line in _statements(family, found, wanted))


def parse(listing: str, family: Family) -> Found:
    """What ``nft -nj list table`` prints. ValueError when it is no such thing."""
    try:
        return _Listing(json.loads(listing)["nftables"], family).found()
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"not a listing of nftables: {error!r}") from None


# -- writing


def _statements(family: Family, found: Found | None, wanted: Rules) -> Iterator[str]:
    table = table_name(family)
    if found and (not found.intact or not wanted):
        yield f"delete table {table}"
        found = None
    if not wanted:
        return
    if found is None:
        yield from _skeleton(family)
    have = found.rules if found else {}
    for key in sorted(have.keys() | wanted.keys(), key=precedence):
        if key not in wanted:
            yield from _take(table, key)
        elif have.get(key) != wanted[key]:
            yield from _put(table, key, wanted[key])


def _skeleton(family: Family) -> Iterator[str]:
    table, prefix, address = table_name(family), _PREFIX[family], _ADDRESS[family]
    yield f"add table {table}"
    yield f"add map {table} marks {{ type inet_proto . mark : verdict ; }}"
    yield f"add map {table} ports {{ type inet_proto . {address} . inet_service : verdict ; }}"
    yield f"add map {table} addresses {{ type inet_proto . {address} : verdict ; }}"
    hook = f"type nat hook postrouting priority {_PRIORITY} ; policy accept ;"
    yield f"add chain {table} {_BASE} {{ {hook} }}"
    rule = f"add rule {table} {_BASE}"
    original = f"meta l4proto . ct original {prefix} daddr"
    # Not before it is known which protocols there can be does nft know what a port is.
    some = "meta l4proto { tcp, udp, sctp }"
    yield f"{rule} meta l4proto . meta mark vmap @marks"
    yield f"{rule} {some} {original} . ct original proto-dst vmap @ports"
    yield f"{rule} {original} vmap @addresses"


def _put(table: str, key: ServiceKey, addresses: tuple[str, ...]) -> Iterator[str]:
    chain = _chain(key)
    yield f"add chain {table} {chain}"
    yield f"flush chain {table} {chain}"
    masqueraded = ""
    if isinstance(key, Endpoint):
        # Direct routing leaves the destination as it is, and its source has to stay, too.
        masqueraded = f"{_PREFIX[key.family]} daddr != {key.address} "
    yield f"add rule {table} {chain} {masqueraded}snat to {_source(addresses)}"
    name, elements = _elements(key)
    for element in elements:
        words = " . ".join(map(str, element))
        yield f"add element {table} {name} {{ {words} : goto {chain} }}"


def _take(table: str, key: ServiceKey) -> Iterator[str]:
    chain = _chain(key)
    name, elements = _elements(key)
    for element in elements:
        yield f"delete element {table} {name} {{ {' . '.join(map(str, element))} }}"
    yield f"flush chain {table} {chain}"
    yield f"delete chain {table} {chain}"


def _source(addresses: tuple[str, ...]) -> str:
    """One address, or one after the other, a connection each."""
    if len(addresses) == 1:
        return addresses[0]
    pairs = ", ".join(f"{number} : {address}" for number, address in enumerate(addresses))
    return f"numgen inc mod {len(addresses)} map {{ {pairs} }}"


def _chain(key: ServiceKey) -> str:
    """A name that nft takes: no colon."""
    if isinstance(key, Firewallmark):
        return f"fwmark-{key.mark}"
    return f"{key.transport.value}-{key.address.replace(':', '_')}-{key.port}"


def _elements(key: ServiceKey) -> tuple[str, list[tuple[int | str, ...]]]:
    """Name of the map that leads to a service's chain, and the keys that do."""
    if isinstance(key, Firewallmark):
        # IPVS takes no other protocol, whatever its mark.
        return "marks", [(number, key.mark) for number in PROTOCOL.values()]
    number = PROTOCOL[key.transport]
    if key.port:
        return "ports", [(number, key.address, key.port)]
    return "addresses", [(number, key.address)]


# -- reading


class _Listing:
    """The objects of a table, by what they are."""

    def __init__(self, objects: list[dict[str, Any]], family: Family) -> None:
        self._family = family
        self._chains: dict[str, list[Any]] = {}
        self._hooks: dict[str, list[Any]] = {}
        self._ways: dict[str, set[tuple[Any, ...]]] = {}
        self._strange = False
        for entry in objects:
            for kind, what in entry.items():
                self._take(kind, what)

    def _take(self, kind: str, what: dict[str, Any]) -> None:
        if kind == "chain":
            self._chains.setdefault(what["name"], [])
            if "hook" in what:
                said = ("type", "hook", "prio", "policy")
                self._hooks[what["name"]] = [what.get(word) for word in said]
        elif kind == "rule":
            self._chains.setdefault(what["chain"], []).append(_settled(what["expr"]))
        elif kind == "map":
            for key, verdict in what.get("elem", []):
                words = key["concat"] if isinstance(key, dict) and "concat" in key else [key]
                target = verdict.get("goto", {}).get("target")
                self._ways.setdefault(target, set()).add((what["name"], *map(str, words)))
        elif kind not in ("metainfo", "table"):
            self._strange = True

    def found(self) -> Found:
        """What of it is as we write it."""
        base = self._chains.pop(_BASE, None)
        hooks = {_BASE: ["nat", "postrouting", _PRIORITY, "accept"]}
        works = base == _settled(_base_rules(self._family)) and self._hooks == hooks
        rules: dict[ServiceKey, tuple[str, ...]] = {}
        for chain, expressions in self._chains.items():
            key = _key(chain, self._family)
            addresses = _addresses(expressions)
            if key is None or not addresses:
                continue
            name, elements = _elements(key)
            ways = {(name, *map(str, element)) for element in elements}
            if expressions == [_settled(_rule(key, addresses))] and self._ways.get(chain) == ways:
                rules[key] = addresses
        known = {_chain(key) for key in rules}
        alone = not self._strange and known == self._chains.keys() == self._ways.keys()
        return Found(rules, works, works and alone)


def _settled(value: Any) -> Any:
    """The same, whatever the order in which a set is listed."""
    if isinstance(value, dict):
        return {
            name: sorted(map(_settled, entry), key=str) if name == "set" else _settled(entry)
            for name, entry in value.items()
        }
    if isinstance(value, list):
        return [_settled(entry) for entry in value]
    return value


def _base_rules(family: Family) -> list[Any]:
    protocol = {"meta": {"key": "l4proto"}}
    daddr = {"ct": {"key": f"{_PREFIX[family]} daddr", "dir": "original"}}
    port = {"ct": {"key": "proto-dst", "dir": "original"}}
    some = {"op": "==", "left": protocol, "right": {"set": list(PROTOCOL.values())}}
    return [
        [_leads([protocol, {"meta": {"key": "mark"}}], "marks")],
        [{"match": some}, _leads([protocol, daddr, port], "ports")],
        [_leads([protocol, daddr], "addresses")],
    ]


def _leads(key: list[Any], name: str) -> Any:
    return {"vmap": {"key": {"concat": key}, "data": f"@{name}"}}


def _rule(key: ServiceKey, addresses: tuple[str, ...]) -> list[Any]:
    """The one rule of a service's chain."""
    source: Any = addresses[0]
    if len(addresses) > 1:
        turn = {"numgen": {"mode": "inc", "mod": len(addresses), "offset": 0}}
        pairs = [list(pair) for pair in enumerate(addresses)]
        source = {"map": {"key": turn, "data": {"set": pairs}}}
    rule: list[Any] = [{"snat": {"addr": source}}]
    if isinstance(key, Endpoint):
        daddr = {"payload": {"protocol": _PREFIX[key.family], "field": "daddr"}}
        rule.insert(0, {"match": {"op": "!=", "left": daddr, "right": key.address}})
    return rule


def _addresses(expressions: list[Any]) -> tuple[str, ...]:
    """The addresses that a chain translates to; none when it does not, or otherwise than ours."""
    if len(expressions) != 1 or not expressions[0] or "snat" not in expressions[0][-1]:
        return ()
    source = expressions[0][-1]["snat"].get("addr")
    if isinstance(source, str):
        return (source,)
    try:
        pairs = source["map"]["data"]["set"]
        return tuple(str(address) for _number, address in sorted(pairs))
    except (KeyError, TypeError, ValueError):
        return ()


def _key(chain: str, family: Family) -> ServiceKey | None:
    """The service that a chain is named after; None when it is none of ours."""
    first, _dash, rest = chain.partition("-")
    address, _dash, number = rest.rpartition("-")
    digits = rest if first == "fwmark" else number
    if not (digits.isascii() and digits.isdigit()):
        return None
    if first == "fwmark":
        return Firewallmark(int(digits), family)
    try:
        key = Endpoint(
            _TRANSPORTS[first], canonical_address(address.replace("_", ":")), int(digits)
        )
    except (KeyError, ValueError):
        return None
    return key if key.family is family and _chain(key) == chain else None
