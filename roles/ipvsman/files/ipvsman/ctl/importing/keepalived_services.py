# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Virtual servers of a keepalived.conf, and the groups that they may be of."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from ipvsman.ipvs.document import MAX_PERSISTENCE, MAX_THRESHOLD
from ipvsman.ipvs.model import (
    PLAIN_TUNNEL,
    Checksum,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    ServiceKey,
    Transport,
    Tunnel,
    TunnelKind,
    canonical_address,
)
from ipvsman.ipvs.text import (
    FLAG_NAMES,
    parse_flag,
    parse_forwarding,
    parse_integer,
    parse_netmask,
    parse_word,
)

from .found import FoundServer, FoundService, family_if_address
from .hosts import MAX_RANGE, addresses
from .keepalived_checks import SPREAD, TIMING, Certificates, Checks
from .ledger import Directive, Ledger
from .limits import MAX_WEIGHT, fitting

T = TypeVar("T")

#: ``persistence_timeout`` without a time.
_PERSISTENCE = 360
_NO_SCRIPTS = "there are no scripts for what changes"
_WATCH = "the daemon tells it in its event stream, log and metrics"
_UNHEEDED = {
    "ha_suspend": ("probes go on, whether the virtual address is here or not", ""),
    "omega": ("there is nothing that is done at the end: the table stays as it is", ""),
    "quorum_up": (_NO_SCRIPTS, _WATCH),
    "quorum_down": (_NO_SCRIPTS, _WATCH),
    "notify_up": (_NO_SCRIPTS, _WATCH),
    "notify_down": (_NO_SCRIPTS, _WATCH),
    "smtp_alert": ("there is no mail", _WATCH),
    "warmup": SPREAD,
    "snmp_name": ("there is no SNMP", "Prometheus reads /metrics"),
}
_SORRY = (
    "no server takes over for a pool that is down",
    "all_down: keep (drop-ins) goes on with all of them; or it is one more server, scheduler fo",
)
_OPTIONAL_BOOLEAN = {"": True, "on": True, "true": True, "yes": True}
_OPTIONAL_BOOLEAN |= {"off": False, "false": False, "no": False}


class Services:
    """Reads virtual servers one after the other."""

    def __init__(self, said: Iterable[Directive], ledger: Ledger) -> None:
        self._ledger = ledger
        self._groups: dict[str, Directive] = {}
        self._used: set[str] = set()
        certificates = Certificates(ledger)
        for directive in said:
            if directive.name == "virtual_server_group" and len(directive.words) == 1:
                self._groups[directive.value] = directive
            elif directive.name == "virtual_server_group":
                ledger.fault(directive.place, str(directive), "needs one name")
            elif directive.name == "SSL":
                certificates.read(directive)
        self._checks = Checks(certificates, ledger)

    def settle(self) -> None:
        """Groups that nobody has used are lost."""
        for name, group in self._groups.items():
            if name not in self._used:
                self._ledger.lose(group, "no virtual_server is of this group")

    def read(self, block: Directive) -> FoundService | None:
        """One virtual server; why there is none has been told."""
        said = self._said(block)
        transport = self._transport(block, said.get("protocol"))
        keys, label = self._keys(block, said, transport)
        self._ledger.carry(block)
        service = FoundService(block, label, keys, "wlc", unported=True)
        for directive in said.values():
            self._setting(service, directive)
        self._flags(service, said)
        self._mask(service, said.get("persistence_granularity"))
        if not service.persistence and any(
            isinstance(key, Endpoint) and not key.port for key in keys
        ):
            text = (
                f"persistence of {_PERSISTENCE} seconds, which port 0 needs, as keepalived has it"
            )
            self._ledger.note(block, text)
            service.persistence = _PERSISTENCE
        if service.engine and not service.persistence:
            self._ledger.lose(said["persistence_engine"], "without persistence it does nothing")
            service.engine = ""
        method = self._method(said.get("lvs_method"))
        inhibits = self._boolean(said.get("inhibit_on_failure"))
        for server in block.named("real_server"):
            found = self._server(server, service, method, said, inhibits)
            if found is not None:
                service.servers.append(found)
        if any(server.check for server in service.servers):
            service.on_down = "zero" if inhibits else "remove"
        if not keys or not service.servers:
            what = "real server" if keys else "virtual address"
            self._ledger.lose(block, f"it has no {what}")
            return None
        return service

    def _transport(self, block: Directive, said: Directive | None) -> Transport:
        if said is not None:
            self._ledger.carry(said)
            return self._word(said, Transport) or Transport.TCP
        if block.words[:1] != ("fwmark",):
            text = "protocol UDP, which is what keepalived takes when nothing is said"
            self._ledger.note(block, text)
        return Transport.UDP

    def _said(self, block: Directive) -> dict[str, Directive]:
        """The directives of a block by name; of those said twice the last counts."""
        same = {"lb_algo": "lvs_sched", "lb_kind": "lvs_method"}
        found: dict[str, Directive] = {}
        for directive in block.block or ():
            name = same.get(directive.name, directive.name)
            if name == "real_server":
                continue
            if name in found and directive.block is None:
                self._ledger.lose(found[name], "is said again further down")
            found[name] = directive
        return found

    # -- what it is called

    def _keys(
        self, block: Directive, said: dict[str, Directive], transport: Transport
    ) -> tuple[list[ServiceKey], str]:
        words = block.words
        if block.block is None:
            self._ledger.fault(block.place, str(block), "has no block")
        family = self._word(said.get("ip_family"), Family)
        if family is not None:
            self._ledger.carry(said["ip_family"])
        if words[:1] == ("group",) and len(words) == 2:
            return self._group(block, words[1], transport), words[1]
        if words[:1] == ("fwmark",) and len(words) == 2:
            mark = self._value(block, lambda: parse_integer(words[1], 1, 0xFFFFFFFF))
            family = family or self._family_of_servers(block)
            return ([Firewallmark(mark, family)] if mark else []), f"fwmark-{words[1]}"
        if 1 <= len(words) <= 2:
            found = self._value(block, lambda: self._endpoint(words, transport))
            return ([found] if found else []), "-".join([*words, transport.value])
        reason = "needs an address with a port, fwmark with a number, or group with a name"
        self._ledger.fault(block.place, str(block), reason)
        return [], ""

    def _family_of_servers(self, block: Directive) -> Family:
        families = {
            family_if_address(server.words[0])
            for server in block.named("real_server")
            if server.words
        }
        return Family.INET6 if families == {Family.INET6} else Family.INET

    def _endpoint(self, words: tuple[str, ...], transport: Transport) -> Endpoint:
        port = parse_integer(words[1], 0, 65535) if len(words) > 1 else 0
        return Endpoint(transport, canonical_address(words[0]), port)

    def _group(self, block: Directive, name: str, transport: Transport) -> list[ServiceKey]:
        group = self._groups.get(name)
        if group is None:
            self._ledger.fault(block.place, str(block), f"there is no virtual_server_group {name}")
            return []
        if name not in self._used:
            self._ledger.carry(group)
        self._used.add(name)
        keys: list[ServiceKey] = []
        for entry in group.block or ():
            more = self._value(entry, partial(self._entry, entry, transport))
            self._ledger.carry(entry)
            keys += more or ()
        return keys

    def _entry(self, entry: Directive, transport: Transport) -> list[ServiceKey]:
        if entry.name == "fwmark":
            words = (*entry.words, "inet")
            family = parse_word(words[1], Family)
            return [Firewallmark(parse_integer(words[0], 1, 0xFFFFFFFF), family)]
        if len(entry.words) > 1:
            raise ValueError("is an address or a range of them, and a port")
        port = parse_integer(entry.words[0], 0, 65535) if entry.words else 0
        return [Endpoint(transport, address, port) for address in _range(entry.name)]

    # -- how it distributes

    def _setting(self, service: FoundService, directive: Directive) -> None:
        ledger, name = self._ledger, directive.name
        if name in ("lvs_sched", "lb_algo"):
            self._scheduler(service, directive)
        elif name == "ops" or name in FLAG_NAMES:
            service.flags += ("one-packet" if name == "ops" else name,)
            ledger.carry(directive)
        elif name == "persistence_timeout":
            service.persistence = self._persistence(directive)
        elif name == "persistence_engine":
            service.engine = directive.value
            ledger.carry(directive)
        elif name in TIMING:
            ledger.probe(directive)
        elif name in _UNHEEDED:
            ledger.lose(directive, *_UNHEEDED[name])
        elif name.startswith("sorry_server"):
            ledger.lose(directive, *_SORRY)
        elif name in ("quorum", "hysteresis"):
            self._quorum(directive)

    def _flags(self, service: FoundService, said: dict[str, Directive]) -> None:
        """Those that do something: keepalived, too, passes over the others."""
        for name in dict.fromkeys(service.flags):
            try:
                parse_flag(name, service.scheduler)
            except ValueError as error:
                self._ledger.lose(said[name], str(error))
                service.flags = tuple(flag for flag in service.flags if flag != name)
        streams = [
            key
            for key in service.keys
            if isinstance(key, Endpoint) and key.transport is not Transport.UDP
        ]
        if "ops" in said and streams:
            self._ledger.lose(said["ops"], f"it is for UDP, not for {streams[0]}")
            service.flags = tuple(flag for flag in service.flags if flag != "one-packet")

    def _scheduler(self, service: FoundService, directive: Directive) -> None:
        self._ledger.carry(directive)
        service.scheduler = directive.words[0] if directive.words else ""
        if not service.scheduler:
            self._ledger.fault(directive.place, directive.name, "needs the name of a scheduler")
        if directive.words[1:]:
            self._odd(directive, directive.words[1:])

    def _persistence(self, directive: Directive) -> int:
        self._ledger.carry(directive)
        if not directive.words:
            return _PERSISTENCE
        seconds = self._value(directive, lambda: parse_integer(directive.value, 1, MAX_PERSISTENCE))
        return seconds or 0

    def _quorum(self, directive: Directive) -> None:
        usual = {"quorum": "1", "hysteresis": "0"}[directive.name]
        if directive.value == usual:
            self._ledger.carry(directive)
        else:
            reason = "a pool is down when all of it is, not before"
            self._ledger.lose(directive, reason, "the metrics tell how many are up")

    def _mask(self, service: FoundService, directive: Directive | None) -> None:
        if directive is None:
            return
        family = service.keys[0].family if service.keys else Family.INET
        if self._value(directive, lambda: parse_netmask(directive.value, family)) is not None:
            service.netmask = directive.value
        self._ledger.carry(directive)

    def _method(self, directive: Directive | None) -> tuple[Forwarding, Tunnel]:
        """NAT, DR or TUN, the last with what it is wrapped in."""
        if directive is None:
            return Forwarding.MASQUERADE, PLAIN_TUNNEL
        self._ledger.carry(directive)
        found = self._value(directive, lambda: _method(directive.words))
        return found or (Forwarding.MASQUERADE, PLAIN_TUNNEL)

    # -- real servers

    def _server(
        self,
        block: Directive,
        service: FoundService,
        method: tuple[Forwarding, Tunnel],
        around: dict[str, Directive],
        inhibits: bool,
    ) -> FoundServer | None:
        said = self._said(block)
        place = self._value(block, lambda: self._address(block, service))
        own = said.get("lvs_method")
        forwarding, tunnel = self._method(own) if own else method
        self._ledger.carry(block)
        for directive in said.values():
            if directive.name in _UNHEEDED:
                self._ledger.lose(directive, *_UNHEEDED[directive.name])
        if "inhibit_on_failure" in said:
            self._inhibits(said["inhibit_on_failure"], inhibits)
        if place is None:
            return None
        server = FoundServer(block, *place, forwarding, tunnel=tunnel)
        server.weight = self._weight(said.get("weight"))
        server.upper = self._threshold(said.get("uthreshold"))
        server.lower = self._threshold(said.get("lthreshold"))
        marked = any(isinstance(key, Firewallmark) for key in service.keys)
        self._checks.read(server, block, {**around, **said}, own_port=not marked)
        if all(isinstance(key, Firewallmark) for key in service.keys):
            server.port = 0
        return server

    def _address(self, block: Directive, service: FoundService) -> tuple[str, int]:
        if not 1 <= len(block.words) <= 2:
            raise ValueError("needs an address and a port")
        key = service.keys[0] if service.keys else None
        port = key.port if isinstance(key, Endpoint) else 0
        if len(block.words) == 2:
            port = parse_integer(block.words[1], 0, 65535)
        return canonical_address(block.words[0]), port

    def _inhibits(self, directive: Directive, around: bool) -> None:
        if self._boolean(directive) == around:
            self._ledger.carry(directive)
        else:
            reason = "what becomes of a server that is down is the same for a whole pool"
            where = "on_down of its frontend, or inhibit_on_failure in the virtual_server"
            self._ledger.lose(directive, reason, where)

    def _weight(self, directive: Directive | None) -> int:
        if directive is None:
            return 1
        self._ledger.carry(directive)
        number = self._value(directive, lambda: parse_integer(directive.words[0], 0, 2**31 - 1))
        if directive.words[1:]:
            self._odd(directive, directive.words[1:])
        return fitting(directive, 1 if number is None else number, MAX_WEIGHT, self._ledger)

    def _threshold(self, directive: Directive | None) -> int | None:
        if directive is None:
            return None
        self._ledger.carry(directive)
        return self._value(directive, lambda: parse_integer(directive.value, 0, MAX_THRESHOLD))

    # -- values

    def _odd(self, directive: Directive, words: Iterable[str]) -> None:
        self._ledger.lose(directive, f"{' '.join(words)!r} is not known to this import")

    def _boolean(self, directive: Directive | None) -> bool:
        if directive is None:
            return False
        self._ledger.carry(directive)
        found = _OPTIONAL_BOOLEAN.get(directive.value.lower())
        if found is None:
            reason = f"{directive.value!r} is neither on nor off"
            self._ledger.fault(directive.place, directive.name, reason)
        return bool(found)

    def _word(self, directive: Directive | None, words: type[T]) -> T | None:
        if directive is None:
            return None
        return self._value(directive, lambda: parse_word(directive.value, words))  # type: ignore[type-var]

    def _value(self, directive: Directive, parse: Callable[[], T]) -> T | None:
        try:
            return parse()
        except (ValueError, IndexError) as error:
            reason = str(error) if isinstance(error, ValueError) else "needs a value"
            self._ledger.fault(directive.place, str(directive), reason)
            return None


def _range(text: str) -> list[str]:
    """``ADDRESS``, ``192.0.2.1-10``, ``192.0.2.1-192.0.2.10``, ``192.0.2.8/29``."""
    if "/" in text:
        network = ipaddress.ip_network(text, strict=False)
        if network.num_addresses > MAX_RANGE:
            raise ValueError(f"{text} are more than {MAX_RANGE} addresses")
        return [canonical_address(str(address)) for address in network]
    first, dash, last = text.partition("-")
    if not dash:
        return [canonical_address(text)]
    if ":" in first and ":" not in last:
        last = f"{first.rpartition(':')[0]}:{last}"
    elif "." in first and "." not in last:
        last = f"{first.rpartition('.')[0]}.{last}"
    return addresses(first, last)


def _method(words: tuple[str, ...]) -> tuple[Forwarding, Tunnel]:
    if not words:
        raise ValueError("is NAT, DR or TUN")
    forwarding = parse_forwarding(words[0])
    if forwarding not in (Forwarding.MASQUERADE, Forwarding.DIRECT, Forwarding.TUNNEL):
        raise ValueError(f"{words[0]!r} is not one of NAT, DR, TUN")
    kind, port, checksum = TunnelKind.IPIP, 0, Checksum.NONE
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if word == "type" and rest:
            kind = parse_word(rest.pop(0), TunnelKind)
        elif word == "port" and rest:
            port = parse_integer(rest.pop(0), 1, 65535)
        elif word in ("nocsum", "csum", "remcsum"):
            checksum = Checksum.NONE if word == "nocsum" else Checksum(word)
        else:
            raise ValueError(f"{word!r} is not one of type, port, nocsum, csum, remcsum")
    return forwarding, Tunnel(kind, port, checksum)
