# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names and words: how one service, destination, flag or netmask is written and read.

Parsers raise ValueError with a reason that says what is allowed; who calls them knows the path and
collects the faults. Whole documents are in ``document``; what is canonical is in ``model``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import Callable, TypeVar

from .model import (
    HOST_NETMASK,
    PLAIN_TUNNEL,
    Checksum,
    DestinationSettings,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    ServiceFlags,
    ServiceKey,
    ServiceSettings,
    SyncDaemon,
    Timeouts,
    Transport,
    canonical_address,
    packed_address,
)

W = TypeVar("W", bound=Enum)

#: What other tools call a forwarding method: ipvsadm's letters and words, keepalived's lvs_method.
FORWARDING_ALIASES = {
    "masq": Forwarding.MASQUERADE,
    "nat": Forwarding.MASQUERADE,
    "dr": Forwarding.DIRECT,
    "route": Forwarding.DIRECT,
    "routing": Forwarding.DIRECT,
    "tun": Forwarding.TUNNEL,
}

#: Masquerade with source translation, where other tools have a word of its own for it.
FULL_NAT = "fnat"

#: Flag names that belong to one scheduler (ipvsadm(8) ``--sched-flags``).
SCHEDULER_FLAGS: dict[str, tuple[str, ServiceFlags]] = {
    "sh-fallback": ("sh", ServiceFlags.FLAG_1),
    "sh-port": ("sh", ServiceFlags.FLAG_2),
    "mh-fallback": ("mh", ServiceFlags.FLAG_1),
    "mh-port": ("mh", ServiceFlags.FLAG_2),
}

#: Flag names that any scheduler takes.
PLAIN_FLAGS: dict[str, ServiceFlags] = {
    "one-packet": ServiceFlags.ONE_PACKET,
    "flag-1": ServiceFlags.FLAG_1,
    "flag-2": ServiceFlags.FLAG_2,
    "flag-3": ServiceFlags.FLAG_3,
}

FLAG_NAMES = tuple(PLAIN_FLAGS) + tuple(SCHEDULER_FLAGS)

_SERVICE_FORM = (
    "tcp://ADDRESS:PORT, udp://ADDRESS:PORT, sctp://ADDRESS:PORT (IPv6 in brackets),"
    " fwmark:MARK or fwmark:MARK/inet6"
)
#: What an IPv6 address begins with that stands for an IPv4 one (RFC 4291, 2.5.5.2).
_MAPPED = bytes(10) + b"\xff\xff"
_HOST_PORT = re.compile(
    r"(?:\[(?P<bracketed>[^\]]*)\]|(?P<bare>[^\[\]:]*))(?::(?P<port>.*))?", re.DOTALL
)


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` when one known word is close to this one, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def parse_word(text: object, words: type[W], aliases: dict[str, W] | None = None) -> W:
    """A member of a closed vocabulary, by its word in any case, or by an alias."""
    members = _members(words)
    said = text.lower() if isinstance(text, str) else ""
    found: W | None = members.get(said)
    if found is None and aliases:
        found = aliases.get(said)
    if found is None:
        hint = nearest(str(text).lower(), [*members, *(aliases or ())])
        raise ValueError(f"{text!r} is not one of {', '.join(members)}{hint}")
    return found


@cache
def _members(words: type[W]) -> dict[str, W]:
    """Made once: a table has its words by the ten thousand."""
    return {str(member.value): member for member in words}


def parse_forwarding(text: object) -> Forwarding:
    """A forwarding method by our word or another tool's."""
    return parse_word(text, Forwarding, FORWARDING_ALIASES)


def parse_integer(value: object, low: int, high: int) -> int:
    """A whole number in low..high; digits in a string count, a boolean does not."""
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,20}\s*", value):
        number = int(value)
    if number is None:
        raise ValueError(f"{value!r} is not a whole number in {low}..{high}")
    if not low <= number <= high:
        raise ValueError(f"{number} is not in {low}..{high}")
    return number


class MappedAddress(ValueError):
    """An IPv4 address in the form of an IPv6 one, ``::ffff:192.0.2.1``.

    No packet on a wire has such an address: the kernel takes a service that has it, and nobody ever
    reaches that.
    """


def parse_address(value: object) -> str:
    """An IPv4 or IPv6 address, in canonical form; brackets around IPv6 are taken off."""
    address = parse_virtual_address(value)
    refuse_mapped(address, value)
    return address


def parse_virtual_address(value: object) -> str:
    """The same of a virtual service, which can be there already with an address that is mapped.

    It has to be named then, to be left as it is or removed. Who makes it anew is refused by wish.
    """
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not an IPv4 or IPv6 address")
    text = value.strip()
    if text.startswith("[") and text.endswith("]") and ":" in text:
        text = text[1:-1]
    return canonical_address(text)


def refuse_mapped(address: str, value: object) -> None:
    """Raises MappedAddress. value: how somebody has written this address."""
    packed = packed_address(address)
    if packed.startswith(_MAPPED):
        plain = canonical_address(".".join(map(str, packed[12:])))
        raise MappedAddress(f"{value!r} is an IPv4 address written as IPv6; say {plain}")


def parse_host_port(
    text: str, parse: Callable[[object], str] = parse_address
) -> tuple[str, int | None]:
    """``ADDRESS``, ``ADDRESS:PORT``, ``[ADDRESS6]``, ``[ADDRESS6]:PORT`` or a bare IPv6 address."""
    text = text.strip()
    if text.count(":") > 1 and not text.startswith("["):
        return parse(text), None
    match = _HOST_PORT.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not ADDRESS, ADDRESS:PORT or [IPV6-ADDRESS]:PORT")
    bracketed, bare, port = match.group("bracketed", "bare", "port")
    if bracketed is not None and ":" not in bracketed:
        raise ValueError(f"{text!r} has brackets around what is not an IPv6 address")
    address = parse(bracketed if bracketed is not None else bare)
    if port is None:
        return address, None
    try:
        return address, parse_integer(port, 0, 65535)
    except ValueError as error:
        raise ValueError(f"port {error}") from None


def parse_service_key(text: object, default_port: int = 0) -> ServiceKey:
    """The name of a virtual service; a missing port is default_port."""
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not the name of a virtual service: {_SERVICE_FORM}")
    name = text.strip().rstrip("/")
    scheme, separator, rest = name.partition("://")
    if separator:
        try:
            transport = Transport(scheme.lower())
        except ValueError:
            known = [word.value for word in Transport]
            raise ValueError(
                f"{text!r}: {scheme!r} is not one of {', '.join(known)}{nearest(scheme, known)}"
            ) from None
        try:
            if rest.count(":") > 1 and not rest.lstrip().startswith("["):
                # 2001:db8::1:53 is an address, and hardly ever the one that was meant.
                raise ValueError("an IPv6 address needs brackets, [2001:db8::1]:53")
            address, port = parse_host_port(rest, parse_virtual_address)
        except ValueError as error:
            raise ValueError(f"{text!r}: {error}") from None
        return Endpoint(transport, address, default_port if port is None else port)
    match = re.fullmatch(r"fwmark:([0-9]+)(?:/(\w+))?", name, re.IGNORECASE)
    if not match:
        raise ValueError(f"{text!r} is not the name of a virtual service: {_SERVICE_FORM}")
    try:
        mark = parse_integer(match.group(1), 1, 0xFFFFFFFF)
        family = parse_word(match.group(2) or "inet", Family)
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None
    return Firewallmark(mark, family)


def parse_netmask(value: object, family: Family) -> int:
    """Granularity: IPv4 a dotted mask or a prefix length 0..32, IPv6 a prefix length 1..128."""
    text = value.strip().lstrip("/") if isinstance(value, str) else value
    if family is Family.INET6:
        return parse_integer(text, 1, 128)
    if isinstance(text, str) and "." in text and ":" not in text:
        try:
            return int.from_bytes(packed_address(text), "big")
        except ValueError:
            raise ValueError(f"{value!r} is not a netmask like 255.255.255.0") from None
    length = parse_integer(text, 0, 32)
    return (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF


def format_netmask(netmask: int, family: Family) -> str:
    """The dotted mask of IPv4, the prefix length of IPv6."""
    if family is Family.INET6:
        return str(netmask)
    return canonical_address(".".join(str(byte) for byte in netmask.to_bytes(4, "big")))


def parse_flag(name: str, scheduler: str) -> ServiceFlags:
    """The bit that a flag name means for this scheduler."""
    if name in PLAIN_FLAGS:
        return PLAIN_FLAGS[name]
    if name not in SCHEDULER_FLAGS:
        hint = nearest(name, FLAG_NAMES)
        raise ValueError(f"{name!r} is not one of {', '.join(FLAG_NAMES)}{hint}")
    owner, flag = SCHEDULER_FLAGS[name]
    if owner != scheduler:
        raise ValueError(f"{name!r} is a flag of scheduler {owner!r}, not of {scheduler!r}")
    return flag


def format_flags(flags: ServiceFlags, scheduler: str) -> list[str]:
    """Names of the flags set, by the scheduler's own names where it has them."""
    names = {flag: name for name, flag in PLAIN_FLAGS.items()}
    names.update(
        {flag: name for name, (owner, flag) in SCHEDULER_FLAGS.items() if owner == scheduler}
    )
    return sorted(name for flag, name in names.items() if flag in flags)


def service_words(settings: ServiceSettings, family: Family) -> dict[str, str]:
    """What tells of a service's settings in one line each, defaults left out."""
    words = {"scheduler": settings.scheduler}
    if settings.flags:
        words["flags"] = ",".join(format_flags(settings.flags, settings.scheduler))
    if settings.persistence:
        words["persistence"] = str(settings.persistence)
    if settings.netmask != HOST_NETMASK[family]:
        words["netmask"] = format_netmask(settings.netmask, family)
    if settings.engine:
        words["engine"] = settings.engine
    return words


def destination_words(settings: DestinationSettings) -> dict[str, str]:
    """What tells of a destination's settings in one line each, defaults left out."""
    words = {"weight": str(settings.weight), "forwarding": settings.forwarding.value}
    if settings.upper:
        words["upper_threshold"] = str(settings.upper)
    if settings.lower:
        words["lower_threshold"] = str(settings.lower)
    tunnel = settings.tunnel
    if tunnel != PLAIN_TUNNEL:
        words["tunnel"] = tunnel.kind.value + (f":{tunnel.port}" if tunnel.port else "")
        if tunnel.checksum is not Checksum.NONE:
            words["tunnel"] += f"+{tunnel.checksum.value}"
    return words


def daemon_words(daemon: SyncDaemon) -> dict[str, str]:
    """What tells of a sync daemon in one line each."""
    return {
        "interface": daemon.interface,
        "sync_id": str(daemon.sync_id),
        "maxlen": str(daemon.maxlen),
        "group": daemon.group,
        "port": str(daemon.port),
        "ttl": str(daemon.ttl),
    }


def timeout_words(timeouts: Timeouts) -> dict[str, str]:
    """What tells of the time-outs in one line each."""
    return {
        "tcp": str(timeouts.tcp),
        "tcp_fin": str(timeouts.tcp_fin),
        "udp": str(timeouts.udp),
    }


def addresses_line(addresses: Iterable[str]) -> str:
    """``10.2.0.1, 10.2.0.2``, or ``none``."""
    return ", ".join(addresses) or "none"


def words_line(words: dict[str, str]) -> str:
    """``scheduler wlc, persistence 300``."""
    return ", ".join(f"{name} {value}" for name, value in words.items())


def words_difference(before: dict[str, str], after: dict[str, str]) -> str:
    """``weight 1 -> 0, upper_threshold none -> 100``: only what differs."""
    names = list(dict.fromkeys([*before, *after]))
    return ", ".join(
        f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}"
        for name in names
        if before.get(name) != after.get(name)
    )
