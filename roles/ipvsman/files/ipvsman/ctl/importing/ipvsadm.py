# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of ipvsadm, one after the other, as the table that they make.

What an option means that is left out is what ipvsadm 1.31 does, which is not always what its manual
page says: a persistence without a time is of 360 seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ipvsman.ipvs.document import MAX_PERSISTENCE, MAX_THRESHOLD, MAX_TIMEOUT
from ipvsman.ipvs.model import (
    Checksum,
    DestinationKey,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    Role,
    ServiceKey,
    Transport,
    Tunnel,
    TunnelKind,
)
from ipvsman.ipvs.text import (
    format_netmask,
    parse_integer,
    parse_netmask,
    parse_word,
)

from .found import Found, FoundServer, FoundService, family_if_address
from .hosts import host_and_port
from .ipvsadm_lines import commands
from .ledger import Directive, Ledger
from .limits import MAX_WEIGHT, fitting, flag_names
from .lookup import Lookup
from .source import Source

T = TypeVar("T")

#: ``IPVS_SVC_PERSISTENT_TIMEOUT`` of ipvsadm.
_PERSISTENCE = 360
_TRANSPORTS = {"-t": Transport.TCP, "-u": Transport.UDP, "--sctp-service": Transport.SCTP}
_METHODS = {
    "-g": Forwarding.DIRECT,
    "-i": Forwarding.TUNNEL,
    "-m": Forwarding.MASQUERADE,
    "-l": Forwarding.LOCAL,
    "-b": Forwarding.BYPASS,
}
_CHECKSUMS = {
    "--tun-nocsum": Checksum.NONE,
    "--tun-csum": Checksum.CSUM,
    "--tun-remcsum": Checksum.REMCSUM,
}
_DAEMON_OPTIONS = {
    "--syncid": "sync_id",
    "--mcast-interface": "interface",
    "--mcast-group": "group",
    "--mcast-port": "port",
    "--mcast-ttl": "ttl",
    "--sync-maxlen": "maxlen",
}
_SHOWS = "shows and changes nothing"


def read(source: Source, lookup: Lookup, ledger: Ledger) -> tuple[Found, list[Directive]]:
    """What the commands make of an empty table, and all of them."""
    directives = list(commands(source.text, source.name, ledger))
    return _Table(lookup, ledger).made_by(directives), directives


class _Table:
    """A table in the making."""

    def __init__(self, lookup: Lookup, ledger: Ledger) -> None:
        self._lookup = lookup
        self._ledger = ledger
        self._services: dict[ServiceKey, FoundService] = {}
        self._found = Found()

    def made_by(self, directives: Iterable[Directive]) -> Found:
        doers: dict[str, Callable[[Directive], None]] = {
            "-A": self._service,
            "-E": self._service,
            "-D": self._no_service,
            "-a": self._server,
            "-e": self._server,
            "-d": self._no_server,
            "-C": self._clear,
            "--set": self._timeouts,
            "--start-daemon": self._daemon,
            "--stop-daemon": self._no_daemon,
        }
        for directive in directives:
            doer = doers.get(directive.name)
            if doer is not None:
                doer(directive)
            elif directive.name == "-Z":
                self._ledger.lose(directive, "a document has no counters")
            else:
                self._ledger.lose(directive, _SHOWS)
        self._found.services = list(self._services.values())
        return self._found

    # -- services

    def _service(self, command: Directive) -> None:
        key = self._key(command)
        if key is None:
            return
        known = self._services.get(key)
        if known is not None and command.name == "-A":
            self._ledger.fault(command.place, str(command), f"{key} is there already")
            return
        if known is None and command.name == "-E":
            self._ledger.note(command, "edits what nothing before it has added; taken for -A")
        service = FoundService(command, str(key), [key], "wlc")
        if known is not None:
            service.servers = known.servers
        for option in command.block or ():
            self._setting(service, key, option)
        self._ledger.carry(command, *command.block or ())
        if service.engine and not service.persistence:
            (option,) = command.named("--pe")
            self._ledger.lose(option, "without persistence (-p) it does nothing")
            service.engine = ""
        if isinstance(key, Endpoint) and not key.port and not service.persistence:
            reason = "port 0, which is every port, needs persistence (-p)"
            self._ledger.fault(command.place, str(key), reason)
        self._services[key] = service

    def _setting(self, service: FoundService, key: ServiceKey, option: Directive) -> None:
        if option.name == "-s":
            service.scheduler = option.value
        elif option.name == "-p":
            service.persistence = _PERSISTENCE
            if option.words:
                seconds = self._integer(option, 1, MAX_PERSISTENCE)
                service.persistence = seconds or _PERSISTENCE
        elif option.name == "-M":
            mask = self._value(option, lambda text: parse_netmask(text, key.family))
            if mask is not None:
                service.netmask = format_netmask(mask, key.family)
        elif option.name == "--pe":
            service.engine = option.value
        elif option.name == "-o":
            service.flags += ("one-packet",)
        elif option.name == "-b":
            service.flags += self._value(option, flag_names) or ()

    def _no_service(self, command: Directive) -> None:
        key = self._known(command)
        if key is not None:
            del self._services[key]
            self._ledger.carry(command, *command.block or ())

    def _clear(self, command: Directive) -> None:
        self._services.clear()
        self._ledger.carry(command)

    def _known(self, command: Directive) -> ServiceKey | None:
        """The service that a command builds on, if it is there."""
        key = self._key(command)
        if key is None:
            return None
        if key not in self._services:
            self._ledger.lose(command, f"nothing before it has added {key}", "add it")
            return None
        return key

    def _key(self, command: Directive) -> ServiceKey | None:
        """The service that a command names; why there is none has been told."""
        named = command.named("-t", "-u", "--sctp-service", "-f")
        if not named and command.name == "-Z":
            return None
        if len(named) != 1:
            reason = "names one service, by one of -t, -u, --sctp-service, -f"
            self._ledger.fault(command.place, command.name, reason)
            return None
        option, six = named[0], command.named("-6")
        if option.name == "-f":
            mark = self._value(option, _mark)
            return Firewallmark(mark, Family.INET6 if six else Family.INET) if mark else None
        transport = _TRANSPORTS[option.name]
        found = self._place(option, transport.value, Family.INET)
        if found is None:
            return None
        address, port = found
        if family_if_address(address) is None:
            reason = f"{address!r} is a name, and a virtual service has an address"
            self._ledger.lose(command, reason, "ipvsadm -S -n prints addresses; or --resolve")
            return None
        return Endpoint(transport, address, port or 0)

    # -- destinations

    def _server(self, command: Directive) -> None:
        key = self._known(command)
        if key is None:
            return
        server = self._server_of(command, key)
        if server is None:
            return
        servers = self._services[key].servers
        same = [one for one in servers if (one.address, one.port) == (server.address, server.port)]
        if same and command.name == "-a":
            reason = f"{DestinationKey(server.address, server.port)} of {key} is there already"
            self._ledger.fault(command.place, str(command), reason)
        elif same:
            servers[servers.index(same[0])] = server
        else:
            if command.name == "-e":
                self._ledger.note(command, "edits what nothing before it has added; taken for -a")
            servers.append(server)
        self._ledger.carry(command, *command.block or ())

    def _server_of(self, command: Directive, key: ServiceKey) -> FoundServer | None:
        said = {option.name: option for option in command.block or ()}
        option = said.get("-r")
        if option is None:
            self._ledger.fault(command.place, command.name, "names a real server, by -r")
            return None
        methods = [name for name in said if name in _METHODS]
        if len(methods) > 1:
            reason = f"and {methods[0]} are two ways of forwarding"
            self._ledger.fault(said[methods[1]].place, methods[1], reason)
        forwarding = _METHODS[methods[0]] if methods else Forwarding.DIRECT
        protocol = key.transport.value if isinstance(key, Endpoint) else "tcp"
        found = self._place(option, protocol, key.family)
        if found is None:
            return None
        own = key.port if isinstance(key, Endpoint) else 0
        address, port = found[0], own if found[1] is None else found[1]
        fixed = isinstance(key, Endpoint) and forwarding is not Forwarding.MASQUERADE
        if fixed and port != own:
            text = f"port {own}, since only masquerading (-m) goes to another, as ipvsadm has it"
            self._ledger.note(command, text)
            port = own
        server = FoundServer(command, address, port, forwarding)
        if "-w" in said:
            server.weight = self._weight(said["-w"])
        if "-x" in said:
            server.upper = self._integer(said["-x"], 0, MAX_THRESHOLD)
        if "-y" in said:
            server.lower = self._integer(said["-y"], 0, MAX_THRESHOLD)
        server.tunnel = self._tunnel(said)
        return server

    def _tunnel(self, said: dict[str, Directive]) -> Tunnel:
        kind, port, checksum = TunnelKind.IPIP, 0, Checksum.NONE
        if "--tun-type" in said:
            found = self._value(said["--tun-type"], lambda text: parse_word(text, TunnelKind))
            kind = found or kind
        if "--tun-port" in said:
            port = self._integer(said["--tun-port"], 1, 65535) or 0
        for name in _CHECKSUMS.keys() & said.keys():
            checksum = _CHECKSUMS[name]
        return Tunnel(kind, port, checksum)

    def _no_server(self, command: Directive) -> None:
        key = self._known(command)
        if key is None:
            return
        gone = self._server_of(command, key)
        if gone is None:
            return
        pool = self._services[key].servers
        # A -d does not say how it is forwarded, and so not which port that has made.
        kept = [one for one in pool if (one.address, one.port) != (gone.address, gone.port)]
        if len(kept) == len(pool):
            self._ledger.lose(command, "nothing before it has added this real server")
        self._services[key].servers = kept
        self._ledger.carry(command, *command.block or ())

    # -- the rest

    def _timeouts(self, command: Directive) -> None:
        for name, text in zip(("tcp", "tcp_fin", "udp"), command.words, strict=True):
            try:
                seconds = parse_integer(text, 0, MAX_TIMEOUT)
            except ValueError as error:
                self._ledger.fault(command.place, f"{command}: {name}", str(error))
                continue
            if seconds:
                self._found.timeouts[name] = seconds
        self._ledger.carry(command)

    def _daemon(self, command: Directive) -> None:
        role = self._value(command, lambda text: parse_word(text, Role))
        daemon: dict[str, object] = {"interface": "eth0"}
        for option in command.block or ():
            name = _DAEMON_OPTIONS[option.name]
            daemon[name] = option.value
            if name not in ("interface", "group"):
                daemon[name] = self._integer(option, 0, 65535)
        if not command.named("--mcast-interface"):
            self._ledger.note(command, "interface eth0, which is what ipvsadm takes")
        if role is not None:
            self._found.daemons[role.value] = daemon
        self._ledger.carry(command, *command.block or ())

    def _no_daemon(self, command: Directive) -> None:
        role = self._value(command, lambda text: parse_word(text, Role))
        if role is not None and self._found.daemons.pop(role.value, None) is None:
            self._ledger.lose(command, "nothing before it has started that daemon")
        self._ledger.carry(command)

    # -- values

    def _place(
        self, option: Directive, protocol: str, family: Family
    ) -> tuple[str, int | None] | None:
        """An address or a name, and a port, of an option."""
        try:
            host, port = host_and_port(option.value)
            number = None if port is None else self._lookup.port(port, protocol)
            return self._lookup.host(host, family_if_address(host) or family), number
        except ValueError as error:
            self._ledger.fault(option.place, option.name, str(error))
        return None

    def _weight(self, option: Directive) -> int:
        number = self._integer(option, 0, 2**31 - 1)
        return fitting(option, number or 0, MAX_WEIGHT, self._ledger)

    def _integer(self, option: Directive, low: int, high: int) -> int | None:
        return self._value(option, lambda text: parse_integer(text, low, high))

    def _value(self, option: Directive, parse: Callable[[str], T]) -> T | None:
        return self._ledger.parsed(option, lambda: parse(option.value))


def _mark(text: str) -> int:
    """A firewall mark. ``ipvsadm -S`` prints those from 2**31 on with a sign."""
    number = int(text) if text[:1] == "-" and text[1:].isdigit() else None
    if number is not None and -(2**31) <= number < 0:
        return number + 2**32
    return parse_integer(text, 1, 0xFFFFFFFF)
