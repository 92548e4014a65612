# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An ldirectord.cf: virtual services, their real servers, and how these are probed.

Defaults are those of ldirectord 4.12, the program; its manual page says another one of quiescent.
"""

from __future__ import annotations

import re
from functools import partial

from ipvsman.ipvs.document import MAX_PERSISTENCE, MAX_THRESHOLD
from ipvsman.ipvs.model import (
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    ServiceKey,
    Transport,
    family_of,
)
from ipvsman.ipvs.text import (
    parse_flag,
    parse_integer,
    parse_netmask,
    parse_word,
)

from .absent import MAIL, SCRIPTS
from .found import Found, FoundServer, FoundService, family_if_address
from .hosts import addresses, host_and_port
from .ldirectord_checks import PROBING, Checks
from .ldirectord_lines import directives, unquoted
from .ledger import Directive, Ledger
from .limits import MAX_WEIGHT, fitting, flag_names
from .lookup import Lookup
from .source import Source

_METHODS = {
    "gate": Forwarding.DIRECT,
    "masq": Forwarding.MASQUERADE,
    "ipip": Forwarding.TUNNEL,
}
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
_REAL = re.compile(
    rf"(?P<first>{_HOST}?)(?:->(?P<last>{_HOST}))?(?::(?P<port>[A-Za-z0-9_-]+))?"
    r"\s+(?P<method>\w+)(?:\s+(?P<weight>[0-9]+))?"
    r'(?:\s+"(?P<request>.*)"[, ]\s*"(?P<receive>.*)")?'
    r"(?:\s+l:(?P<lower>[0-9]+))?(?:\s+u:(?P<upper>[0-9]+))?\s*"
)
_FALLBACK = re.compile(
    rf"(?P<host>{_HOST})(?::(?P<port>[A-Za-z0-9_-]+))?(?:\s+(?P<method>\w+))?\s*"
)
_OWN = ("is a setting of ldirectord itself", "")
#: What nothing here heeds, in a virtual service or around.
_UNHEEDED = {
    "fallbackcommand": SCRIPTS,
    "callback": ("nothing is run when the configuration changes", "a systemd path unit can"),
    "emailalert": MAIL,
    "emailalertfrom": MAIL,
    "emailalertfreq": MAIL,
    "emailalertstatus": MAIL,
    "smtp": MAIL,
    "execute": ("one daemon has one configuration", "import that file, too"),
    "maintenancedir": ("no files are looked for", "ipvsman --disable-backend, or the API"),
    "monitorfile": ("there is one log for all", "the metrics tell each probe"),
    "cleanstop": ("the table stays as it is when the daemon ends", "ipvsctl flush empties it"),
    "readdquiescent": ("what is missing in the table is put back", ""),
    "autoreload": ("a reload is asked for", "ipvsman --reload"),
    "comment": ("has no place but a comment", "write it into the file"),
    "logfile": _OWN,
    "fork": _OWN,
    "supervised": _OWN,
    "load": _OWN,
}
_FALLBACKS = {Family.INET: "fallback", Family.INET6: "fallback6"}
_YES_NO = {"yes": True, "no": False}


def read(source: Source, lookup: Lookup, ledger: Ledger) -> tuple[Found, list[Directive]]:
    """What the configuration asks of IPVS, and all that it says."""
    said = directives(source.text, source.name, ledger)
    around: dict[str, Directive] = {}
    for directive in said:
        if directive.block is None:
            if directive.name in around:
                ledger.lose(around[directive.name], "is said again further down")
            around[directive.name] = directive
    importer = _Import(around, lookup, ledger)
    found = Found()
    for directive in said:
        if directive.block is not None:
            service = importer.service(directive)
            if service is not None:
                found.services.append(service)
        elif directive.name in _UNHEEDED:
            ledger.lose(directive, *_UNHEEDED[directive.name])
        elif directive.name in (*PROBING, "quiescent"):
            ledger.probe(directive)
    for directive in importer.unused():
        ledger.lose(directive, "no virtual service falls back to it")
    return found, said


class _Import:
    """Reads virtual services one after the other. around: what is said for all of them."""

    def __init__(self, around: dict[str, Directive], lookup: Lookup, ledger: Ledger) -> None:
        self._around = around
        self._lookup = lookup
        self._ledger = ledger
        self._checks = Checks(around, ledger)

    def service(self, block: Directive) -> FoundService | None:
        """One virtual service; why there is none has been told."""
        said: dict[str, Directive] = {}
        for directive in block.block or ():
            if directive.name in ("real", "real6"):
                continue
            if directive.name in said:
                self._ledger.lose(said[directive.name], "is said again further down")
            said[directive.name] = directive
        key = self._key(block, said)
        if key is None:
            for server in block.named("real", "real6"):
                self._ledger.carry(server)
            return None
        self._ledger.carry(block)
        service = FoundService(block, self._label(block, said), [key], "wrr")
        for directive in said.values():
            self._setting(service, key, directive)
        self._needs_persistence(service, said)
        self._needs_scheduler(service, said.get("schedflags"))
        self._checks.begin(service, said)
        for directive in block.named("real", "real6"):
            self._servers(service, directive)
        self._fallback(service, said)
        if any(server.check for server in service.servers):
            quiescent = said.get("quiescent") or self._around.get("quiescent")
            service.on_down = "zero" if self._yes(quiescent) else "remove"
        return service

    def unused(self) -> list[Directive]:
        """Fallbacks for all that nobody has."""
        said = [self._around[name] for name in _FALLBACKS.values() if name in self._around]
        return [directive for directive in said if directive not in self._ledger.fallbacks]

    # -- what it is called

    def _label(self, block: Directive, said: dict[str, Directive]) -> str:
        if "servicename" in said:
            self._ledger.carry(said["servicename"])
            return unquoted(said["servicename"].value)
        mark = block.value.split()[0] if block.value.isdigit() else ""
        host, _colon, port = block.value.rpartition(":")
        return f"fwmark-{mark}" if mark else f"{host.strip('[]')}-{port}"

    def _key(self, block: Directive, said: dict[str, Directive]) -> ServiceKey | None:
        six = block.name == "virtual6"
        family = Family.INET6 if six else Family.INET
        protocol = said.get("protocol")
        if protocol is not None:
            self._ledger.carry(protocol)
        if block.value.isdigit():
            mark = self._ledger.parsed(block, lambda: parse_integer(block.value, 1, 0xFFFFFFFF))
            if protocol is not None and protocol.value != "fwm":
                reason = f"{protocol.value!r}: a firewall mark has fwm"
                self._ledger.fault(protocol.place, protocol.name, reason)
            return Firewallmark(mark, family) if mark else None
        found = self._ledger.parsed(block, lambda: host_and_port(block.value))
        if found is None:
            return None
        host, port = found
        usual = "udp" if port in ("53", "domain") else "tcp"
        transport = self._ledger.parsed(
            protocol or block,
            lambda: parse_word(protocol.value if protocol else usual, Transport),
        )
        if transport is None or port is None:
            if port is None:
                self._ledger.fault(block.place, str(block), "has no port")
            return None
        number = self._ledger.parsed(block, lambda: self._lookup.port(port, transport.value))
        address = self._ledger.parsed(block, lambda: self._lookup.host(host, family))
        if number is None or address is None:
            return None
        if family_if_address(address) is None:
            reason = f"{host!r} is a name, and a virtual service has an address"
            self._ledger.lose(block, reason, "write its address, or --resolve")
            return None
        if family_of(address) is not family:
            self._ledger.fault(block.place, str(block), f"is not of family {family.value}")
        return Endpoint(transport, address, number)

    # -- how it distributes

    def _setting(self, service: FoundService, key: ServiceKey, directive: Directive) -> None:
        ledger, name = self._ledger, directive.name
        if name == "scheduler":
            service.scheduler = directive.value
            ledger.carry(directive)
        elif name == "persistent":
            seconds = self._ledger.parsed(
                directive, lambda: parse_integer(directive.value, 1, MAX_PERSISTENCE)
            )
            service.persistence = seconds or 0
            ledger.carry(directive)
        elif name == "netmask":
            self._ledger.parsed(directive, lambda: parse_netmask(directive.value, key.family))
            service.netmask = directive.value
            ledger.carry(directive)
        elif name == "schedflags":
            service.flags += (
                self._ledger.parsed(directive, lambda: flag_names(directive.value)) or ()
            )
            ledger.carry(directive)
        elif name == "ops":
            self._ops(service, key, directive)
        elif name == "checktype" and directive.value == "off":
            ledger.carry(directive)
        elif name in (*PROBING, "quiescent"):
            ledger.probe(directive)
        elif name in _UNHEEDED:
            ledger.lose(directive, *_UNHEEDED[name])

    def _ops(self, service: FoundService, key: ServiceKey, directive: Directive) -> None:
        if not self._yes(directive):
            self._ledger.carry(directive)
        elif isinstance(key, Endpoint) and key.transport is Transport.UDP:
            service.flags += ("one-packet",)
            self._ledger.carry(directive)
        else:
            self._ledger.lose(directive, "it is for protocol = udp, and ldirectord ignores it here")

    def _needs_persistence(self, service: FoundService, said: dict[str, Directive]) -> None:
        if service.netmask and not service.persistence:
            reason = "it is for persistent services, and ldirectord ignores it here"
            self._ledger.lose(said["netmask"], reason)
            service.netmask = ""

    def _needs_scheduler(self, service: FoundService, directive: Directive | None) -> None:
        try:
            for name in service.flags:
                parse_flag(name, service.scheduler)
        except ValueError as error:
            if directive is not None:
                self._ledger.lose(directive, str(error))
            service.flags = tuple(name for name in service.flags if name == "one-packet")

    # -- real servers

    def _servers(self, service: FoundService, directive: Directive) -> None:
        """One, or all of a range."""
        self._ledger.carry(directive)
        match = _REAL.fullmatch(directive.value)
        if match is None or match["method"] not in _METHODS:
            reason = (
                f"{directive.value!r} is not HOST[->HOST][:PORT] gate|masq|ipip [WEIGHT]"
                ' ["REQUEST", "RECEIVE"] [l:LOWER] [u:UPPER]'
            )
            self._ledger.fault(directive.place, directive.name, reason)
            return
        hosts = self._hosts(directive, service.keys[0].family, match)
        if match["port"] is not None:
            port = self._port(directive, service.keys[0], match["port"], match["method"])
        else:
            # As ldirectord has it; the kernel goes to the port that the client has asked for.
            port = 0 if match["method"] == "masq" else _own_port(service.keys[0])
        if port is None:
            return
        for host in hosts:
            server = FoundServer(directive, host, port, _METHODS[match["method"]])
            weight = int(match["weight"] or 1)
            server.weight = min(weight, MAX_WEIGHT)
            fitting(directive, weight, MAX_WEIGHT, self._ledger)
            server.upper = self._threshold(directive, match["upper"])
            server.lower = self._threshold(directive, match["lower"])
            service.servers.append(server)
            self._checks.read(server, match["request"], match["receive"])

    def _fallback(self, service: FoundService, said: dict[str, Directive]) -> None:
        """Its own, or that which is said for all of its family."""
        key = service.keys[0]
        name = _FALLBACKS[key.family]
        directive = said.get("fallback") or said.get(name) or self._around.get(name)
        if directive is None:
            return
        self._ledger.fall_back(directive)
        match = _FALLBACK.fullmatch(directive.value)
        method = (match["method"] or "gate") if match else ""
        if match is None or method not in _METHODS:
            reason = f"{directive.value!r} is not HOST[:PORT] [gate|masq|ipip]"
            self._ledger.fault(directive.place, directive.name, reason)
            return
        host = self._ledger.parsed(
            directive, lambda: self._lookup.host(match["host"].strip("[]"), key.family)
        )
        text = match["port"]
        port = _own_port(key) if text is None else self._port(directive, key, text, method)
        if host is not None and port is not None:
            service.fallback = [FoundServer(directive, host, port, _METHODS[method])]

    def _hosts(self, directive: Directive, family: Family, match: re.Match[str]) -> list[str]:
        names = [match["first"], *([match["last"]] if match["last"] else [])]
        found = [
            self._ledger.parsed(directive, partial(self._lookup.host, name.strip("[]"), family))
            for name in names
        ]
        hosts = [host for host in found if host is not None]
        if len(hosts) < 2 or len(found) != len(hosts):
            return hosts
        if None in (family_if_address(hosts[0]), family_if_address(hosts[1])):
            reason = "what is between two names is not known"
            self._ledger.lose(directive, reason, "write them out, or --resolve")
            return []
        return self._ledger.parsed(directive, lambda: addresses(hosts[0], hosts[1])) or []

    def _port(self, directive: Directive, key: ServiceKey, text: str, method: str) -> int | None:
        """Only masquerading goes to another port than that of the service."""
        own = _own_port(key)
        protocol = key.transport.value if isinstance(key, Endpoint) else "tcp"
        port = self._ledger.parsed(directive, lambda: self._lookup.port(text, protocol))
        if port is None or method == "masq" or port == own:
            return port
        if isinstance(key, Endpoint):
            self._ledger.note(directive, f"port {own}: only masq goes to another")
            return own
        return port

    def _threshold(self, directive: Directive, text: str | None) -> int | None:
        if text is None:
            return None
        return self._ledger.parsed(directive, lambda: parse_integer(text, 0, MAX_THRESHOLD))

    # -- values

    def _yes(self, directive: Directive | None) -> bool:
        if directive is None:
            return False
        if directive.value not in _YES_NO:
            reason = f"{directive.value!r} is neither yes nor no"
            self._ledger.fault(directive.place, directive.name, reason)
        return _YES_NO.get(directive.value, False)


def _own_port(key: ServiceKey) -> int:
    return key.port if isinstance(key, Endpoint) else 0
