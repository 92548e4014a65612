# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was said to a command: each flag judged, every fault noted, all of them told at once.

A value with a fault is stood in for by one without, so that the others can be judged: nothing is
done with it, because finish() comes first.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ipvsman.ctl.frame import Context, Failed, Status
from ipvsman.ipvs.errors import Fault
from ipvsman.ipvs.model import (
    DestinationKey,
    Endpoint,
    Family,
    Firewallmark,
    ServiceKey,
    Transport,
)
from ipvsman.ipvs.text import (
    MappedAddress,
    parse_address,
    parse_integer,
    parse_virtual_address,
    parse_word,
)

from .flags import Flag, Noted, Parser, dashed

T = TypeVar("T")

_SOME_SERVICE = Endpoint(Transport.TCP, "192.0.2.1", 80)
_SOME_DESTINATION = DestinationKey("192.0.2.1", 80)


class Said:
    """What was said to one command."""

    def __init__(self, options: argparse.Namespace, context: Context) -> None:
        self._options = options
        self._context = context
        self._parser: Parser = options.parser
        self._faults: list[str] = []
        self._noted: Noted = options.noted

    # -- what was said

    def text(self, name: str) -> str | None:
        """The value of a flag; None: it was not said."""
        value: str | None = getattr(self._options, name, None)
        return value

    def texts(self, name: str) -> list[str]:
        """The values of a flag that may be said several times, those between commas apart."""
        values: list[str] = getattr(self._options, name, None) or []
        return [word.strip() for value in values for word in value.split(",") if word.strip()]

    def on(self, name: str) -> bool:
        """Whether a switch was said."""
        return bool(getattr(self._options, name, False))

    def is_malformed(self, name: str) -> bool:
        """Whether a flag has a fault of form, after which nothing more is said of it."""
        return name in self._noted.flags

    def number(self, name: str, low: int, high: int) -> int | None:
        """A whole number."""
        return self.value(name, lambda text: parse_integer(text, low, high))

    def seconds(self, name: str) -> float | None:
        """A time that is not 0."""
        return self.value(name, _seconds)

    def value(self, name: str, parse: Callable[[str], T], what: str = "") -> T | None:
        """What parse makes of a flag. what: how a fault is begun, instead of with the flag."""
        text = self.text(name)
        if text is None or self.is_malformed(name):
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.fault(f"{what} {text}: {error}" if what else f"{self.flag(name)}: {error}")
            return None

    def service(self) -> ServiceKey:
        """The virtual service that the flags name."""
        return self._service() or _SOME_SERVICE

    def _service(self) -> ServiceKey | None:
        mark = self.mark()
        if self.text("fwmark") is not None:
            return mark
        address = self.virtual_address()
        port = self.number("vport", 0, 65535)
        transport = self.transport()
        if address is None or port is None:
            return None
        return Endpoint(transport or Transport.TCP, address, port)

    def mark(self) -> Firewallmark | None:
        """The firewall mark that the flags name; None when they name none."""
        family = self.value("family", lambda text: parse_word(text, Family)) or Family.INET
        if self.text("fwmark") is None:
            if self.text("family") is not None:
                self.fault("--family is of --fwmark, which is not said")
            return None
        mark = self.number("fwmark", 1, 0xFFFFFFFF)
        beside = [name for name in ("vip", "vport", "protocol") if self.text(name) is not None]
        if beside:
            flags = ", ".join(self.flag(name) for name in beside)
            self.fault(f"--fwmark names a service by itself: leave out {flags}")
        return None if mark is None else Firewallmark(mark, family)

    def address(self, name: str) -> str | None:
        """An address, canonical."""
        return self._address(name, parse_address)

    def virtual_address(self) -> str | None:
        """That of a virtual service, which may be there with one that is no good."""
        return self._address("vip", parse_virtual_address)

    def _address(self, name: str, parse: Callable[[object], str]) -> str | None:
        def address(text: str) -> str:
            try:
                return parse(text)
            except MappedAddress:
                raise
            except ValueError:
                raise ValueError("not an IPv4 or IPv6 address") from None

        return self.value(name, address, f"invalid {name} address")

    def transport(self) -> Transport | None:
        """The transport protocol, in any case; None when there is none, or an empty one."""
        text = self.text("protocol")
        if not text:
            return None
        try:
            return Transport(text.lower())
        except ValueError:
            self.fault(f"invalid protocol {{{text}}}: not TCP, UDP or SCTP")
            return None

    def destination(self) -> DestinationKey:
        """The destination that the flags name."""
        address = self.address("rip")
        port = self.number("rport", 0, 65535)
        if address is None or port is None:
            return _SOME_DESTINATION
        return DestinationKey(address, port)

    # -- what is wrong

    def flag(self, name: str) -> str:
        """How a flag is written."""
        return dashed(name.replace("_", "-"))

    def fault(self, line: str) -> None:
        """Note one."""
        self._faults.append(line)

    def faults(self, faults: Iterable[Fault], flags: Mapping[str, str]) -> None:
        """Note those of a document's entry; flags: which flag says which of its keys."""
        for fault in faults:
            name = fault.path.partition("[")[0]
            self.fault(f"{self.flag(flags[name])}: {fault.reason}" if name in flags else str(fault))

    def finish(self) -> None:
        """Raises Failed when something is wrong, with all of it; help when it is the form."""
        missing = [flag.required_name for flag in self._parser.flags if self._is_missing(flag)]
        malformed = self._noted.lines
        lines = list(malformed)
        if missing:
            many = "s" if len(missing) > 1 else ""
            lines.append(f'Required flag{many} "{", ".join(missing)}" not set')
        lines += self._faults
        if malformed:
            self._context.say(f"Incorrect Usage: {malformed[0]}\n")
        if malformed or missing:
            self._context.say(self._parser.format_help().rstrip())
        if lines:
            raise Failed(Status.FAILED, *lines)

    def _is_missing(self, flag: Flag) -> bool:
        if not flag.required or self.is_malformed(flag.dest):
            return False
        if flag.unless and self.text(flag.unless) is not None:
            return False
        return not self.on(flag.dest) if not flag.value else self.text(flag.dest) is None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds <= 86400:
        raise ValueError(f"{text!r} is not a number of seconds above 0, a day at the most")
    return seconds
