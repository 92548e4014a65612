# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How ldirectord checks a real server -> how the daemon probes it.

Its checks of protocols that the daemon does not speak become a look at the greeting, or a mere
connection, and what is lost by that is said.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from ipvsman.ipvs.model import Endpoint, Transport
from ipvsman.ipvs.text import parse_integer

from .found import FoundServer, FoundService
from .ldirectord_lines import unquoted
from .ledger import Directive, Ledger

#: Directives that say how is probed, in a virtual service or, the first ones, for all.
_EVERYWHERE = (
    "checktimeout",
    "negotiatetimeout",
    "checkinterval",
    "checkcount",
    "failurecount",
)
PROBING = frozenset(
    {
        *_EVERYWHERE,
        "checktype",
        "checkcommand",
        "checkport",
        "service",
        "request",
        "receive",
        "httpmethod",
        "virtualhost",
        "login",
        "passwd",
        "database",
        "secret",
    }
)
_PORTS = {
    "ftp": 21,
    "smtp": 25,
    "dns": 53,
    "http": 80,
    "pop": 110,
    "nntp": 119,
    "imap": 143,
    "ldap": 389,
    "https": 443,
    "submission": 587,
    "ldaps": 636,
    "imaps": 993,
    "pops": 995,
    "oracle": 1521,
    "radius": 1812,
    "http_proxy": 3128,
    "mysql": 3306,
    "sip": 5060,
    "pgsql": 5432,
}
_SERVICES = {port: name for name, port in _PORTS.items()}
#: Protocols where the server speaks first: how a good greeting begins.
_GREETINGS = {
    "ftp": "220",
    "smtp": "220",
    "submission": "220",
    "pop": "+OK",
    "imap": "* OK",
    "nntp": "20",
}
_IN_TLS = frozenset({"imaps", "pops", "ldaps"})
_CREDENTIALS = ("login", "passwd", "database", "secret")
_NO_LOGIN = "the probe does not log in"
_TYPES = ("connect", "external", "external-perl", "negotiate", "off", "on", "ping")
_META = re.compile(r"[\\^$.|?*+()\[\]{}]")


class Checks:
    """Probes of the servers of one virtual service after the other."""

    def __init__(self, around: dict[str, Directive], ledger: Ledger) -> None:
        self._around = around
        self._ledger = ledger
        self._service: FoundService
        self._said: dict[str, Directive] = {}
        self._timing: dict[str, Any] = {}
        self._kind = self._protocol = ""

    def begin(self, service: FoundService, said: dict[str, Directive]) -> None:
        """The directives of a virtual service."""
        self._service, self._said = service, said
        self._kind = self._check_type(said.get("checktype"))
        key = service.keys[0]
        port = key.port if isinstance(key, Endpoint) else 0
        self._protocol = said["service"].value if "service" in said else _SERVICES.get(port, "none")
        if self._protocol not in (*_PORTS, "none", "simpletcp"):
            directive = said["service"]
            reason = f"{self._protocol!r} is not one of {', '.join(_PORTS)}, none, simpletcp"
            self._ledger.fault(directive.place, directive.name, reason)
        self._timing = self._times()
        service.off = self._kind == "off"
        self._say_unused()

    def read(self, server: FoundServer, request: str | None, receive: str | None) -> None:
        """How a server is probed. request, receive: what its own line says."""
        check, target = self._probe(server, request, receive)
        if not check:
            return
        server.check = {**check, **self._timing}
        port = target.get("port") or self._port(server)
        if check["type"] in ("icmp", "command"):
            return
        if not port:
            self._ledger.lose(server.said, "there is no port to probe, so it is not", "checkport")
            server.check = {}
        elif target or port != (server.port or self._own_port()):
            server.target = {"ip": target.get("ip", server.address), "port": port}

    # -- what is said for all servers

    def _check_type(self, directive: Directive | None) -> str:
        if directive is None:
            return "negotiate"
        if directive.value.isdigit():
            text = "every probe negotiates, not only each of so many"
            self._ledger.note(directive, text)
            return "negotiate"
        if directive.value not in _TYPES:
            reason = f"{directive.value!r} is not one of {', '.join(_TYPES)}, or a number"
            self._ledger.fault(directive.place, directive.name, reason)
            return "off"
        if directive.value == "external-perl":
            self._ledger.note(directive, "the script is run as a command, with the same arguments")
        return directive.value

    def _times(self) -> dict[str, Any]:
        negotiates = self._kind == "negotiate"
        own, other = "checktimeout", "negotiatetimeout"
        if negotiates:
            own, other = other, own
        timeout = 30 if negotiates else 5
        for said, name in (
            (self._said, own),
            (self._said, other),
            (self._around, own),
            (self._around, other),
        ):
            if name in said:
                timeout = self._number(said[name], 1, 86400)
                break
        interval = 10
        if "checkinterval" in self._around:
            interval = self._number(self._around["checkinterval"], 1, 86400)
        if "checkinterval" in self._said:
            interval = self._number(self._said["checkinterval"], 1, 86400)
        failures = self._all("failurecount")
        times = self._all("checkcount")
        if times > 1 and self._kind != "ping" and "checkcount" in self._said:
            reason = "only checks by ping heed it"
            self._ledger.lose(self._said["checkcount"], reason, "failurecount")
        fall = failures * (times if self._kind == "ping" else 1)
        return {"interval": interval, "timeout": timeout, "rise": 1, "fall": min(fall, 65535)}

    def _all(self, name: str) -> int:
        directive = self._said.get(name) or self._around.get(name)
        return self._number(directive, 1, 65535) if directive else 1

    def _say_unused(self) -> None:
        """What is about a check that is not made."""
        said, lose = self._said, self._ledger.lose
        external = self._kind.startswith("external")
        if not external and "checkcommand" in said:
            lose(said["checkcommand"], f"no check of type {self._kind} runs it")
        for name in _CREDENTIALS:
            if name in said:
                lose(said[name], _NO_LOGIN)
        web = self._kind == "negotiate" and self._protocol in ("http", "https")
        for name in ("httpmethod", "virtualhost"):
            if name in said and not web:
                lose(said[name], "it is not asked by HTTP")
        if self._kind == "off":
            directive = said["checktype"]
            text = "no server gets anything: a table leaves them out, drop-ins say disabled"
            self._ledger.note(directive, text)

    # -- one server

    def _probe(
        self, server: FoundServer, request: str | None, receive: str | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        kind = self._kind
        udp = self._is_udp()
        if kind in ("on", "off") or (kind == "negotiate" and self._protocol == "none"):
            self._unasked(server, request)
            return {}, {}
        if kind == "ping" or (kind == "connect" and udp):
            self._unasked(server, request)
            return {"type": "icmp"}, {}
        if kind == "connect":
            self._unasked(server, request)
            return {"type": "tcp"}, {}
        if kind.startswith("external"):
            return {"type": "command", "command": self._command(server)}, {}
        own = request is not None
        asked, answered = self._exchange(request, receive)
        if self._protocol in ("http", "https"):
            return self._web(server, asked, answered, own=own)
        return self._negotiated(asked, answered), {}

    def _exchange(self, request: str | None, receive: str | None) -> tuple[str, str]:
        """What is asked, and what the answer has to be like: by the server's line or around."""
        if request is not None:
            return request, receive or ""
        own = (self._said.get("request"), self._said.get("receive"))
        asked, answered = (unquoted(one.value) if one else "" for one in own)
        return asked, answered

    def _unasked(self, server: FoundServer, request: str | None) -> None:
        for name in ("request", "receive"):
            if name in self._said:
                self._ledger.lose(self._said[name], "nothing is asked by this check")
        if request is not None:
            self._ledger.note(server.said, "nothing is asked by this check: no request, no receive")

    def _negotiated(self, request: str, receive: str) -> dict[str, Any]:
        protocol = self._protocol
        if protocol == "dns":
            return self._dns(request, receive)
        if protocol == "simpletcp":
            return self._simple(request, receive)
        self._shallow(protocol)
        if protocol in _IN_TLS:
            return {"type": "tls", "tls": {"verify": False}}
        if protocol in _GREETINGS:
            return {"type": "tcp", "expect": _GREETINGS[protocol]}
        return {"type": "udp" if self._is_udp() else "tcp"}

    def _shallow(self, protocol: str) -> None:
        """The daemon does not speak this protocol: say so, where it is said or implied."""
        exchange = [self._said[name] for name in ("request", "receive") if name in self._said]
        for directive in exchange:
            self._ledger.lose(directive, f"the probe does not speak {protocol}", "type: command")
        directive = self._said.get("service") or self._service.said
        if protocol in ("smtp", "submission"):
            return
        what = "the greeting" if protocol in _GREETINGS else "that it can be connected to"
        what = "the TLS handshake" if protocol in _IN_TLS else what
        text = f"{protocol} is not spoken: {what} is probed (type: command can do more)"
        self._ledger.note(directive, text)

    def _web(
        self, server: FoundServer, request: str, receive: str, *, own: bool
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """own: the server's line says so, which may send it elsewhere by a whole URL."""
        target: dict[str, Any] = {}
        path = request if request.startswith("/") else f"/{request}"
        scheme, host = self._protocol, ""
        if own and request.removeprefix("/").startswith(f"{scheme}://"):
            parts = urlsplit(request.removeprefix("/"))
            host = parts.netloc
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            port = parts.port or _PORTS[scheme]
            target = {"ip": parts.hostname or server.address, "port": port}
        check: dict[str, Any] = {"type": scheme, "path": path, "expected_status": "200-299"}
        if "virtualhost" in self._said:
            host = unquoted(self._said["virtualhost"].value)
        if host:
            check["host"] = host
        if "httpmethod" in self._said:
            check["method"] = self._said["httpmethod"].value.upper()
        if receive:
            self._regex(check, receive, server)
        if scheme == "https":
            # As ldirectord does not judge certificates.
            check["tls"] = {"verify": False}
        return check, target

    def _regex(self, check: dict[str, Any], receive: str, server: FoundServer) -> None:
        try:
            re.compile(receive)
        except (re.error, OverflowError, RecursionError) as error:
            directive = self._said.get("receive", server.said)
            self._ledger.lose(directive, f"Python's re does not understand it: {error}", "body")
            return
        check["body_regex"] = receive

    def _dns(self, request: str, receive: str) -> dict[str, Any]:
        check: dict[str, Any] = {"type": "dns", "query_name": request.removeprefix("/") or "."}
        octets = check["query_name"].split(".")
        if len(octets) == 4 and all(octet.isdigit() for octet in octets):
            check["query_name"] = ".".join(reversed(octets)) + ".in-addr.arpa"
            check["query_type"] = "PTR"
        key = self._service.keys[0]
        if isinstance(key, Endpoint) and key.transport is Transport.TCP:
            check["transport"] = "tcp"
        literal = receive.replace("\\.", ".")
        if re.fullmatch(r"\^?[0-9]+(?:\.[0-9]+){3}\$?", literal):
            check["expected_answers"] = [literal.strip("^$")]
        elif "receive" in self._said and not self._ledger.is_lost(self._said["receive"]):
            reason = "answers are compared as a whole, and not with a pattern"
            self._ledger.lose(self._said["receive"], reason, "expected_answers")
        return check

    def _simple(self, request: str, receive: str) -> dict[str, Any]:
        check: dict[str, Any] = {"type": "udp" if self._is_udp() else "tcp"}
        if request:
            check["send"] = request.replace("\\n", "\n")
        literal = receive.removeprefix("^")
        if receive and not _META.search(literal):
            check["expect"] = literal
        elif "receive" in self._said and not self._ledger.is_lost(self._said["receive"]):
            reason = "what has to come back is bytes, and no pattern"
            self._ledger.lose(self._said["receive"], reason, "expect: what it begins with")
        return check

    def _command(self, server: FoundServer) -> list[str]:
        """Its arguments are the service and the server, each with its port."""
        directive = self._said.get("checkcommand")
        script = unquoted(directive.value) if directive else "/bin/true"
        key = self._service.keys[0]
        own = (
            [_bracketed(key.address), str(key.port)]
            if isinstance(key, Endpoint)
            else [str(key.mark), "0"]
        )
        return [script, *own, _bracketed(server.address), str(server.port)]

    def _port(self, server: FoundServer) -> int:
        if "checkport" in self._said:
            return self._number(self._said["checkport"], 1, 65535)
        return server.port or _PORTS.get(self._protocol, 0) or self._own_port()

    def _own_port(self) -> int:
        """That of the virtual service."""
        key = self._service.keys[0]
        return key.port if isinstance(key, Endpoint) else 0

    def _is_udp(self) -> bool:
        key = self._service.keys[0]
        return isinstance(key, Endpoint) and key.transport is Transport.UDP

    def _number(self, directive: Directive, low: int, high: int) -> int:
        try:
            return parse_integer(directive.value, low, high)
        except ValueError as error:
            self._ledger.fault(directive.place, directive.name, str(error))
            return low


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
