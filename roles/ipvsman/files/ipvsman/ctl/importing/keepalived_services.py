# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Virtual servers of a keepalived.conf with their real servers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from ipvsman.ipvs.document import MAX_PERSISTENCE, MAX_THRESHOLD
from ipvsman.ipvs.model import (
    PLAIN_TUNNEL,
    Checksum,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
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

from . import sorry_server
from .absent import MAIL, SCRIPTS
from .found import FoundServer, FoundService
from .keepalived_checks import SPREAD, TIMING, Certificates, Checks
from .keepalived_names import Names
from .ledger import Directive, Ledger
from .limits import MAX_WEIGHT, fitting

T = TypeVar("T")

#: ``persistence_timeout`` without a time.
_PERSISTENCE = 360
_UNHEEDED = {
    "ha_suspend": ("probes go on, whether the virtual address is here or not", ""),
    "omega": ("there is nothing that is done at the end: the table stays as it is", ""),
    "quorum_up": SCRIPTS,
    "quorum_down": SCRIPTS,
    "notify_up": SCRIPTS,
    "notify_down": SCRIPTS,
    "smtp_alert": MAIL,
    "warmup": SPREAD,
    "snmp_name": ("there is no SNMP", "Prometheus reads /metrics"),
}
_OPTIONAL_BOOLEAN = {"": True, "on": True, "true": True, "yes": True}
_OPTIONAL_BOOLEAN |= {"off": False, "false": False, "no": False}


class Services:
    """Reads virtual servers one after the other."""

    def __init__(self, said: Iterable[Directive], ledger: Ledger) -> None:
        self._ledger = ledger
        self._names = Names(said, ledger)
        certificates = Certificates(ledger)
        for directive in said:
            if directive.name == "SSL":
                certificates.read(directive)
        self._checks = Checks(certificates, ledger)

    def settle(self) -> None:
        """Groups that nobody has used are lost."""
        self._names.settle()

    def read(self, block: Directive) -> FoundService | None:
        """One virtual server; why there is none has been told."""
        said = self._said(block)
        transport = self._transport(block, said.get("protocol"))
        keys, label = self._names.of(block, said.get("ip_family"), transport)
        self._ledger.carry(block)
        service = FoundService(block, label, keys, "wlc", unported=True)
        for directive in said.values():
            self._setting(service, directive)
        self._flags(service, said)
        self._mask(service, said.get("persistence_granularity"))
        self._needs_persistence(service, said)
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
        sorry_server.read(service, said, method, self._method, self._ledger)
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

    def _needs_persistence(self, service: FoundService, said: dict[str, Directive]) -> None:
        every_port = any(isinstance(key, Endpoint) and not key.port for key in service.keys)
        if every_port and not service.persistence:
            text = f"persistence of {_PERSISTENCE} seconds, which port 0 needs, as keepalived does"
            self._ledger.note(service.said, text)
            service.persistence = _PERSISTENCE
        if service.engine and not service.persistence:
            self._ledger.lose(said["persistence_engine"], "without persistence it does nothing")
            service.engine = ""

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
        seconds = self._ledger.parsed(
            directive, lambda: parse_integer(directive.value, 1, MAX_PERSISTENCE)
        )
        return seconds or 0

    def _mask(self, service: FoundService, directive: Directive | None) -> None:
        if directive is None:
            return
        family = service.keys[0].family if service.keys else Family.INET
        if (
            self._ledger.parsed(directive, lambda: parse_netmask(directive.value, family))
            is not None
        ):
            service.netmask = directive.value
        self._ledger.carry(directive)

    def _method(self, directive: Directive | None) -> tuple[Forwarding, Tunnel]:
        """NAT, DR or TUN, the last with what it is wrapped in."""
        if directive is None:
            return Forwarding.MASQUERADE, PLAIN_TUNNEL
        self._ledger.carry(directive)
        found = self._ledger.parsed(directive, lambda: _method(directive.words))
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
        place = self._ledger.parsed(block, lambda: self._address(block, service))
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
        said, *more = directive.words or ("",)
        number = self._ledger.parsed(directive, lambda: parse_integer(said, 0, 2**31 - 1))
        if more:
            self._odd(directive, more)
        return fitting(directive, 1 if number is None else number, MAX_WEIGHT, self._ledger)

    def _threshold(self, directive: Directive | None) -> int | None:
        if directive is None:
            return None
        self._ledger.carry(directive)
        return self._ledger.parsed(
            directive, lambda: parse_integer(directive.value, 0, MAX_THRESHOLD)
        )

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
        return self._ledger.parsed(directive, lambda: parse_word(directive.value, words))  # type: ignore[type-var]


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
