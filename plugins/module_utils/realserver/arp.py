# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asking hosts by ARP for addresses that they shall not answer for.

Internal to this collection. First each host is asked for its own address: without an answer nothing
would be proven by silence. Then it alone is asked, at the hardware address that answered, so that
the director which rightly has a virtual address does not answer in its place.
"""

from __future__ import annotations

import ipaddress
import json
import select
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Callable, Protocol

from ..network.facts import Command, HostError

ETH_P_ARP = 0x0806
REQUEST, REPLY = 1, 2
BROADCAST = b"\xff" * 6
_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
#: How often a question is put, for packets get lost.
_TIMES = 3


@dataclass(frozen=True)
class Asked:
    """A host: addresses of its own, and those that it shall keep quiet about."""

    name: str
    addresses: Sequence[str]
    quiet: Sequence[str]


@dataclass
class Answers:
    """What came of asking a host. reason: why nothing is proven; empty = it is."""

    asked: Asked
    #: The one of its own addresses that it was asked for, and the interface.
    address: str = ""
    interface: str = ""
    mac: bytes | None = None
    answered: list[str] = field(default_factory=list)
    reason: str = ""


class Line(Protocol):
    """An interface to ask by."""

    def ask(self, address: str, mac: bytes) -> None:
        """Send a request for an address to a hardware address."""

    def answers(self, seconds: float) -> Iterator[tuple[bytes, str]]:
        """What comes in that time: the hardware address, and the address that it says it has."""

    def close(self) -> None:
        """Give it back."""


def probe(
    hosts: Sequence[Asked],
    route: Callable[[str], tuple[str, str, bool]],
    line: Callable[[str, str], Line],
    seconds: float,
) -> list[Answers]:
    """Ask them all, and wait `seconds` at the most for the answers to each of a few rounds.

    route: (interface, our address there, whether a gateway is between) on the way to an address.
    line: the line of an interface, with our address there. Raises HostError.
    """
    found = [Answers(host) for host in hosts]
    sources: dict[str, str] = {}
    for each in found:
        for address in each.asked.addresses:
            interface, source, is_routed = route(address)
            if source and not is_routed:
                each.address, each.interface = address, interface
                sources[interface] = source
                break
        else:
            each.reason = f"no network is shared with it ({', '.join(each.asked.addresses)})"
    for interface, source in sources.items():
        here = [each for each in found if each.interface == interface]
        own = line(interface, source)
        try:
            _ask_own(own, here, seconds)
            _ask_quiet(own, [each for each in here if each.mac], seconds)
        finally:
            own.close()
    return found


def _ask_own(line: Line, hosts: Sequence[Answers], seconds: float) -> None:
    waiting = {each.address: each for each in hosts}
    for _time in range(_TIMES):
        for address in waiting:
            line.ask(address, BROADCAST)
        for mac, address in line.answers(seconds):
            each = waiting.pop(address, None)
            if each is not None:
                each.mac = mac
            if not waiting:
                return
    for each in waiting.values():
        each.reason = f"it did not answer for its own {each.address} on {each.interface}"


def _ask_quiet(line: Line, hosts: Sequence[Answers], seconds: float) -> None:
    """Each host has answered when it answers the question after these: for its own address.

    Several hosts have the same virtual addresses, and are told apart by their hardware addresses.
    """
    by_mac = {each.mac: each for each in hosts}
    unproven = set(by_mac)
    for _time in range(_TIMES):
        waiting = set(by_mac)
        for each in hosts:
            for address in (*each.asked.quiet, each.address):
                line.ask(address, each.mac or BROADCAST)
        for mac, address in line.answers(seconds):
            one = by_mac.get(mac)
            if one and address in one.asked.quiet and address not in one.answered:
                one.answered.append(address)
            if one and address == one.address:
                waiting.discard(mac)
            if not waiting:
                break
        unproven &= waiting
    for mac_of_silent in unproven:
        each = by_mac[mac_of_silent]
        each.reason = f"it does not answer for its own {each.address} any more"


def request(source_mac: bytes, source: str, address: str, mac: bytes) -> bytes:
    """The frame that asks `mac` for an address."""
    return _ETHERNET.pack(mac, source_mac, ETH_P_ARP) + _ARP.pack(
        1, 0x0800, 6, 4, REQUEST, source_mac, _packed(source), b"\0" * 6, _packed(address)
    )


def reply_of(frame: bytes) -> tuple[bytes, str] | None:
    """Who answers for what, when the frame is an answer."""
    if len(frame) < _ETHERNET.size + _ARP.size:
        return None
    _hw, proto, _hw_length, _length, op, mac, address, _to, _for = _ARP.unpack_from(
        frame, _ETHERNET.size
    )
    if op != REPLY or proto != 0x0800:
        return None
    return mac, str(ipaddress.IPv4Address(address))


def _packed(address: str) -> bytes:
    return ipaddress.IPv4Address(address).packed


class Socket:
    """A line of the kernel's."""

    def __init__(self, interface: str, source: str, clock: Callable[[], float]) -> None:
        self._source = source
        self._clock = clock
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
        except OSError as error:
            raise HostError(f"no packets can be sent: {error.strerror}") from None
        try:
            self._socket.bind((interface, ETH_P_ARP))
        except OSError as error:
            self.close()
            raise HostError(f"no packets can be sent on {interface}: {error.strerror}") from None
        self._mac: bytes = self._socket.getsockname()[4]

    def ask(self, address: str, mac: bytes) -> None:
        """Send a request."""
        try:
            self._socket.send(request(self._mac, self._source, address, mac))
        except OSError as error:
            raise HostError(f"an ARP request could not be sent: {error.strerror}") from None

    def answers(self, seconds: float) -> Iterator[tuple[bytes, str]]:
        """What comes in that time."""
        deadline = self._clock() + seconds
        while (left := deadline - self._clock()) > 0:
            if not select.select([self._socket], [], [], left)[0]:
                return
            answer = reply_of(self._socket.recv(2048))
            if answer:
                yield answer

    def close(self) -> None:
        """Give it back."""
        self._socket.close()


def route_to(address: str, run: Callable[[Command], str]) -> tuple[str, str, bool]:
    """By which interface, from which address, and whether over a gateway. Raises HostError.

    Without a route, there is neither.
    """
    try:
        rows = json.loads(run(("ip", "-json", "route", "get", address)) or "[]")
    except HostError as error:
        if "RTNETLINK" not in str(error):
            raise
        # The kernel's word: unreachable, prohibited.
        rows = []
    if not rows:
        return "", "", False
    row: Mapping[str, str] = rows[0]
    # A host that asks itself has `lo` here.
    is_routed = "gateway" in row or row.get("dev") == "lo"
    return row["dev"], row.get("prefsrc", ""), is_routed
