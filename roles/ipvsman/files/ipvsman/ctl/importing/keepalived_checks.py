# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How keepalived checks a real server -> how the daemon probes it.

keepalived takes a server out when one of any number of checkers fails; the daemon has one probe a
server. Of several the one that tells most is carried over.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from functools import partial
from typing import Any

from ipvsman.ipvs.text import parse_address, parse_integer

from .found import FoundServer
from .ledger import Directive, Ledger

#: Directives that hold for all checkers within, wherever they stand.
TIMING = frozenset(
    {
        "delay_loop",
        "connect_timeout",
        "retry",
        "delay_before_retry",
        "alpha",
        "inhibit_on_failure",
        "virtualhost",
    }
)
SPREAD = ("first probes are spread over an interval by themselves", "")
#: The first tells most.
_KINDS = (
    "HTTP_GET",
    "SSL_GET",
    "SMTP_CHECK",
    "DNS_CHECK",
    "MISC_CHECK",
    "TCP_CHECK",
    "UDP_CHECK",
    "PING_CHECK",
)
_WITHOUT = {
    "BFD_CHECK": ("there is no BFD here", "let keepalived do BFD, or probe more often"),
    "FILE_CHECK": (
        "no file is watched",
        "the API sets weights; or type: command reads the file",
    ),
}
_SOURCES = frozenset({"bindto", "bind_if", "bind_port", "fwmark"})
_DELAY, _TIMEOUT = 60.0, 5.0
_RETRIES = {"DNS_CHECK": 3, "MISC_CHECK": 0}
_ONE = "a real server has one probe"
_PCRE_FLAGS = {"caseless": "i", "multiline": "m", "dotall": "s", "extended": "x"}


class Certificates:
    """The block SSL: what checkers of HTTPS show."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        #: keepalived does not judge the server's certificate.
        self.words: dict[str, Any] = {"verify": False}

    def read(self, block: Directive) -> None:
        for directive in block.block or ():
            if directive.name in ("certificate", "key"):
                self.words[directive.name] = directive.value
            elif directive.name == "ca":
                reason = "keepalived does not judge certificates, so verify: false is written"
                how = f"tls: {{ca_file: {directive.value}}} without it judges them"
                self._ledger.lose(directive, reason, how)
            elif directive.name == "password":
                self._ledger.lose(directive, "the key has to be without", "take it off the key")
            else:
                self._ledger.lose(directive, "is not known to this import")
        for directive in block.named("key"):
            if "certificate" not in self.words:
                self._ledger.lose(directive, "it is of no use without a certificate")
                self.words.pop("key", None)
        self._ledger.probe(block)


class Checks:
    """Reads the checkers of one real server after the other."""

    def __init__(self, certificates: Certificates, ledger: Ledger) -> None:
        self._certificates = certificates
        self._ledger = ledger

    def read(
        self,
        server: FoundServer,
        block: Directive,
        said: Mapping[str, Directive],
        *,
        own_port: bool,
    ) -> None:
        """The probe of a server.

        said: the directives of its block, and around that; own_port: it has a port by itself.
        """
        for directive in block.block or ():
            if directive.name in TIMING and directive.name != "inhibit_on_failure":
                self._ledger.probe(directive)
        for directive in block.named(*_WITHOUT):
            self._ledger.lose(directive, *_WITHOUT[directive.name])
        checkers = sorted(block.named(*_KINDS), key=lambda one: _KINDS.index(one.name))
        if not checkers:
            return
        checker, *others = checkers
        for other in others:
            self._ledger.lose(other, f"{_ONE}, and {checker.name} tells more")
        if checker.block is None:
            self._ledger.fault(checker.place, checker.name, "has no block")
            return
        options = {**said, **{one.name: one for one in checker.block}}
        makers = {
            "HTTP_GET": self._web,
            "SSL_GET": self._web,
            "SMTP_CHECK": self._smtp,
            "DNS_CHECK": self._dns,
            "MISC_CHECK": self._misc,
            "TCP_CHECK": self._tcp,
            "UDP_CHECK": self._udp,
            "PING_CHECK": self._ping,
        }
        check = makers[checker.name](checker, options)
        if check is None:
            return
        server.check = {**check, **self._timing(checker, options, check)}
        portless = check["type"] in ("icmp", "command")
        server.target = self._target(server, checker, portless or own_port)
        self._rest(checker)
        if not portless and not server.target.get("port", server.port):
            self._ledger.lose(checker, "there is no port to probe", "say connect_port")
            server.check = {}

    # -- of all kinds

    def _timing(
        self, checker: Directive, options: Mapping[str, Directive], check: dict[str, Any]
    ) -> dict[str, Any]:
        kind = checker.name
        delay = self._seconds(options.get("delay_loop"), _DELAY)
        timeout = check.get("timeout", self._seconds(options.get("connect_timeout"), _TIMEOUT))
        usual = {"DNS_CHECK": delay, "HTTP_GET": 3.0, "SSL_GET": 3.0}.get(kind, 1.0)
        name = "delay_before_retry"
        between = self._seconds(options.get(name), usual)
        retry = options.get("retry") or options.get("nb_get_retry")
        retries = _RETRIES.get(kind, 1)
        if retry is not None:
            found = self._ledger.parsed(retry, lambda: parse_integer(retry.value, 0, 65534))
            retries = retries if found is None else found
        timing: dict[str, Any] = {"interval": _plain(max(delay, 0.01))}
        if retries and between != delay:
            timing["fast_interval"] = _plain(max(between, 0.01))
        return {**timing, "timeout": _plain(timeout), "rise": 1, "fall": retries + 1}

    def _target(self, server: FoundServer, checker: Directive, itself: bool) -> dict[str, Any]:
        """Whom the checker connects to, where that is not the real server itself."""
        ip, port = checker.named("connect_ip"), checker.named("connect_port")
        if not ip and not port and (itself or not server.port):
            return {}
        target: dict[str, Any] = {"ip": server.address, "port": server.port}
        for directive in ip:
            target["ip"] = self._ledger.parsed(directive, partial(parse_address, directive.value))
        for directive in port:
            number = self._ledger.parsed(
                directive, partial(parse_integer, directive.value, 1, 65535)
            )
            target["port"] = number
        if not target["port"]:
            del target["port"]
        return target

    def _rest(self, checker: Directive) -> None:
        """What is left in a checker's block: told, or said to be unknown."""
        known = TIMING | {"connect_ip", "connect_port", "nb_get_retry", *_OWN[checker.name]}
        for directive in checker.block or ():
            if self._ledger.is_lost(directive):
                continue
            if directive.name in _SOURCES:
                self._ledger.lose(directive, "probes start where the system's routes say")
            elif directive.name == "warmup":
                self._ledger.lose(directive, *SPREAD)
            elif directive.name == "log_all_failures":
                self._ledger.lose(directive, "what is logged is not said here", "see --log-level")
            elif directive.name not in known:
                self._ledger.lose(directive, "is not known to this import")
        self._ledger.probe(checker)

    # -- kinds

    def _tcp(self, _checker: Directive, _options: Mapping[str, Directive]) -> dict[str, Any]:
        return {"type": "tcp"}

    def _ping(self, _checker: Directive, _options: Mapping[str, Directive]) -> dict[str, Any]:
        return {"type": "icmp"}

    def _smtp(self, checker: Directive, _options: Mapping[str, Directive]) -> dict[str, Any]:
        for directive in checker.named("helo_name"):
            self._ledger.lose(directive, "the probe judges the greeting, and says no HELO")
        for directive in checker.named("host"):
            self._ledger.lose(directive, _ONE, "say connect_ip and connect_port")
        return {"type": "tcp", "expect": "220"}

    def _dns(self, checker: Directive, _options: Mapping[str, Directive]) -> dict[str, Any]:
        options = {one.name: one for one in checker.block or ()}
        check = {"type": "dns", "query_name": ".", "query_type": "SOA"}
        if "name" in options:
            check["query_name"] = options["name"].value
        if "type" in options:
            check["query_type"] = options["type"].value.upper()
        return check

    def _misc(self, checker: Directive, options: Mapping[str, Directive]) -> dict[str, Any] | None:
        own = {one.name: one for one in checker.block or ()}
        path = own.get("misc_path")
        if path is None:
            self._ledger.fault(checker.place, checker.name, "needs misc_path")
            return None
        command = self._ledger.parsed(path, lambda: shlex.split(path.value))
        if "misc_dynamic" in own:
            reason = "a status above 1 counts as failed, and no status sets a weight"
            how = "let the script end with 0, and set weights by the API"
            self._ledger.lose(own["misc_dynamic"], reason, how)
        if "user" in own:
            self._ledger.lose(own["user"], "it runs as the daemon does", "sudo -u in misc_path")
        timeout = self._seconds(options.get("delay_loop"), _DELAY)
        return {
            "type": "command",
            "command": command or [],
            "timeout": self._seconds(own.get("misc_timeout"), timeout),
        }

    def _udp(self, checker: Directive, _options: Mapping[str, Directive]) -> dict[str, Any]:
        own = {one.name: one for one in checker.block or ()}
        check: dict[str, Any] = {"type": "udp"}
        if "payload" in own:
            check["send"] = self._ledger.parsed(own["payload"], lambda: _hex(own["payload"].value))
        reply = own.get("require_reply")
        if reply is not None and "x" in reply.value.lower():
            self._ledger.lose(reply, "there are no wildcards", "expect: the bytes before them")
        elif reply is not None and reply.words:
            check["expect"] = self._ledger.parsed(reply, lambda: _hex(reply.value))
        elif reply is not None:
            reason = "that anything comes back is not enough for a probe"
            self._ledger.lose(reply, reason, "expect: what has to come back")
        for name in ("min_reply_length", "max_reply_length"):
            if name in own:
                self._ledger.lose(own[name], "the length of an answer is not judged")
        return check

    def _web(self, checker: Directive, options: Mapping[str, Directive]) -> dict[str, Any] | None:
        ledger = self._ledger
        urls = checker.named("url")
        if not urls or urls[0].block is None:
            ledger.fault(checker.place, checker.name, "needs a url { ... }")
            return None
        url, *others = urls
        for other in others:
            ledger.lose(other, "a probe asks for one path")
        for directive in checker.named("http_protocol", "fast_recovery"):
            ledger.lose(directive, "HTTP/1.1 and one path is what a probe asks for")
        kind = "https" if checker.name == "SSL_GET" else "http"
        check: dict[str, Any] = {"type": kind, "path": "/", "expected_status": "200-299"}
        own = {one.name: one for one in url.block or ()}
        host = own.get("virtualhost") or options.get("virtualhost")
        if host is not None:
            check["host"] = host.value
        self._page(own, check)
        if kind == "https":
            check["tls"] = dict(self._certificates.words)
        return check

    def _page(self, own: Mapping[str, Directive], check: dict[str, Any]) -> None:
        """What is asked for, and what the answer has to be like."""
        if "path" in own:
            path = own["path"].value
            check["path"] = path if path.startswith("/") else f"/{path}"
        if "status_code" in own:
            words = own["status_code"].words
            check["expected_status"] = [int(one) if one.isdigit() else one for one in words]
        if "digest" in own:
            reason = "no digest is made"
            self._ledger.lose(own["digest"], reason, "body: text that tells the page")
        self._regex(own, check)
        for name in own.keys() - {"virtualhost", "path", "status_code", "digest", *_REGEX}:
            self._ledger.lose(own[name], "is not known to this import")

    def _regex(self, own: Mapping[str, Directive], check: dict[str, Any]) -> None:
        lose = self._ledger.lose
        regex = own.get("regex")
        if regex is None:
            return
        flags = ""
        for name in ("regex_stack", "regex_min_offset", "regex_max_offset"):
            if name in own:
                lose(own[name], "the whole body is searched, up to the size that a probe reads")
        if "regex_options" in own:
            unknown = [word for word in own["regex_options"].words if word not in _PCRE_FLAGS]
            flags = "".join(
                _PCRE_FLAGS[word] for word in own["regex_options"].words if word in _PCRE_FLAGS
            )
            if unknown:
                lose(own["regex_options"], f"Python's re has no {' '.join(unknown)}")
        if "regex_no_match" in own:
            lose(own["regex"], "a match that fails the check cannot be said")
            lose(own["regex_no_match"], "a match that fails the check cannot be said")
            return
        pattern = f"(?{flags})" * bool(flags) + regex.value
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            lose(regex, f"Python's re does not understand it: {error}", "body, or body_regex")
            return
        check["body_regex"] = pattern

    # -- values

    def _seconds(self, directive: Directive | None, usual: float) -> float:
        if directive is None:
            return usual
        found = self._ledger.parsed(directive, lambda: _seconds(directive.value))
        return usual if found is None else found


_REGEX = (
    "regex",
    "regex_no_match",
    "regex_options",
    "regex_stack",
    "regex_min_offset",
    "regex_max_offset",
)
#: What each kind has beside what all have.
_OWN: dict[str, tuple[str, ...]] = {
    "HTTP_GET": ("url", "http_protocol", "fast_recovery"),
    "SSL_GET": ("url", "http_protocol", "fast_recovery", "enable_sni"),
    "SMTP_CHECK": ("helo_name", "host"),
    "DNS_CHECK": ("type", "name"),
    "MISC_CHECK": ("misc_path", "misc_timeout", "misc_dynamic", "user"),
    "TCP_CHECK": (),
    "UDP_CHECK": ("payload", "require_reply", "min_reply_length", "max_reply_length"),
    "PING_CHECK": (),
}


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+", text):
        raise ValueError(f"{text!r} is not seconds")
    return float(text)


def _plain(seconds: float) -> int | float:
    return int(seconds) if seconds == int(seconds) else seconds


def _hex(text: str) -> bytes:
    """``Ab12f 3``: pairs of digits, a last one without its neighbour by itself."""
    found = b""
    for word in text.split():
        for pair in re.findall("..?", word):
            if not re.fullmatch("[0-9A-Fa-f]+", pair):
                raise ValueError(f"{text!r} is not hexadecimal")
            found += bytes([int(pair, 16)])
    return found
