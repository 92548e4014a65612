"""What nft(8) and iptables-legacy(8) make of our transactions, as far as these use them.

They take what the programs take and print what they print: tests/nftables and tests/kernel hold the
same rules to the programs themselves.
"""

from __future__ import annotations

import json
import re
from typing import Any


class Nft:
    """nft -f and nft -nj list table, for one table."""

    def __init__(self) -> None:
        self.chains: dict[str, dict[str, Any]] | None = None
        self._maps: dict[str, dict[tuple[Any, ...], str]] = {}

    def run(self, script: str) -> None:
        """Do each statement; what nft would refuse is an AssertionError."""
        for line in script.splitlines():
            verb, kind, rest = line.split(maxsplit=2)
            _family, table, *words = rest.split()
            assert table == "lvs_ipvs"
            if kind == "table":
                self._table(verb)
            else:
                getattr(self, f"_{verb}_{kind}")(words)

    def _table(self, verb: str) -> None:
        assert verb == "add" or self.chains is not None
        if verb == "delete":
            self.chains, self._maps = None, {}
        elif self.chains is None:
            self.chains = {}

    def _add_map(self, words: list[str]) -> None:
        self._maps.setdefault(words[0], {})

    def _add_chain(self, words: list[str]) -> None:
        assert self.chains is not None
        assert re.fullmatch(r"[a-z][a-zA-Z0-9/\\_.-]*", words[0])
        made = self.chains.setdefault(words[0], {"hook": {}, "rules": []})
        if len(words) > 1:
            assert (
                words[1:] == "{ type nat hook postrouting priority 99 ; policy accept ; }".split()
            )
            made["hook"] = {"type": "nat", "hook": "postrouting", "prio": 99, "policy": "accept"}

    def _flush_chain(self, words: list[str]) -> None:
        assert self.chains is not None
        self.chains[words[0]]["rules"].clear()

    def _delete_chain(self, words: list[str]) -> None:
        assert self.chains is not None
        assert words[0] not in [to for ways in self._maps.values() for to in ways.values()]
        assert not self.chains.pop(words[0])["rules"]

    def _add_rule(self, words: list[str]) -> None:
        assert self.chains is not None
        self.chains[words[0]]["rules"].append(_expressions(words[1:]))

    def _add_element(self, words: list[str]) -> None:
        name, brace, *key, colon, goto, chain, end = words
        assert self.chains is not None
        assert (brace, colon, goto, end) == ("{", ":", "goto", "}")
        assert chain in self.chains
        assert self._maps[name].setdefault(_element(key), chain) == chain

    def _delete_element(self, words: list[str]) -> None:
        del self._maps[words[0]][_element(words[2:-1])]

    def listing(self) -> str:
        """The table as JSON; sets in another order than they were written."""
        assert self.chains is not None
        own = {"family": "ip", "table": "lvs_ipvs"}
        objects: list[dict[str, Any]] = [{"metainfo": {"version": "1.0.6"}}, {"table": own}]
        for name, ways in self._maps.items():
            elements = [
                [{"concat": list(key)}, {"goto": {"target": chain}}] for key, chain in ways.items()
            ]
            some = {"elem": elements[::-1]} if elements else {}
            objects.append({"map": {**own, "name": name, "map": "verdict", **some}})
        for name, chain in self.chains.items():
            objects.append({"chain": {**own, "name": name, "handle": 1, **chain["hook"]}})
        for name, chain in self.chains.items():
            own_rule = {**own, "chain": name, "handle": 2}
            objects += [{"rule": {**own_rule, "expr": rule}} for rule in chain["rules"]]
        return json.dumps({"nftables": objects})


def _element(words: list[str]) -> tuple[Any, ...]:
    return tuple(int(word) if word.isdigit() else word for word in words if word != ".")


def _expressions(words: list[str]) -> list[Any]:
    """A rule as nft prints it."""
    text = " ".join(words)
    found: list[Any] = []
    some = "meta l4proto { tcp, udp, sctp } "
    if text.startswith(some):
        text = text[len(some) :]
        left = {"meta": {"key": "l4proto"}}
        found.append({"match": {"op": "==", "left": left, "right": {"set": [132, 17, 6]}}})
    lookup = re.fullmatch(r"(meta l4proto \. .*) vmap (@\w+)", text)
    if lookup:
        keys = [_key(part.split()) for part in lookup[1].split(" . ")]
        return [*found, {"vmap": {"key": {"concat": keys}, "data": lookup[2]}}]
    rule = re.fullmatch(r"(?:(ip6?) daddr != (\S+) )?snat to (.*)", text)
    assert rule, text
    if rule[1]:
        left = {"payload": {"protocol": rule[1], "field": "daddr"}}
        found.append({"match": {"op": "!=", "left": left, "right": rule[2]}})
    turns = re.fullmatch(r"numgen inc mod (\d+) map \{ (.*) \}", rule[3])
    if not turns:
        return [*found, {"snat": {"addr": rule[3]}}]
    key = {"numgen": {"mode": "inc", "mod": int(turns[1]), "offset": 0}}
    pairs = [pair.split(" : ") for pair in turns[2].split(", ")]
    data = {"set": [[int(number), address] for number, address in reversed(pairs)]}
    return [*found, {"snat": {"addr": {"map": {"key": key, "data": data}}}}]


def _key(words: list[str]) -> Any:
    if words[0] == "meta":
        return {"meta": {"key": words[1]}}
    assert words[:2] == ["ct", "original"]
    return {"ct": {"key": " ".join(words[2:]), "dir": "original"}}


class Iptables:
    """iptables-legacy-restore --noflush and iptables-legacy-save, for the table nat."""

    def __init__(self, *theirs: str) -> None:
        """theirs: rules that others have in POSTROUTING."""
        self.chains: dict[str, list[str]] = {"POSTROUTING": [f"-A POSTROUTING {r}" for r in theirs]}

    def run(self, script: str) -> None:
        """Do each line; what iptables would refuse is an AssertionError."""
        if not script:
            return
        first, *lines, last = script.splitlines()
        assert (first, last) == ("*nat", "COMMIT")
        for line in lines:
            if line.startswith(":"):
                assert line.endswith(" - [0:0]")
                self.chains[line[1:].split()[0]] = []
                continue
            verb, chain, *rest = line.split()
            if verb == "-A":
                self.chains[chain].append(line)
            elif verb == "-I":
                assert rest[0] == "1"
                self.chains[chain].insert(0, f"-A {chain} {' '.join(rest[1:])}")
            elif verb == "-D":
                self.chains[chain].remove(f"-A {chain} {' '.join(rest)}")
            else:
                assert verb == "-X"
                assert not self.chains.pop(chain)
                assert f"-j {chain}" not in self.saved()

    def saved(self) -> str:
        """What iptables-legacy-save prints."""
        heads = [f":{name} {'ACCEPT' if name.isupper() else '-'} [0:0]" for name in self.chains]
        rules = [rule for chain in self.chains.values() for rule in chain]
        return "\n".join(["# Generated by a test", "*nat", *heads, *rules, "COMMIT", ""])
