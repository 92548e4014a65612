# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts about a host's network: what each is now, and the commands that make or unmake it.

Internal to this collection. Nothing is run here. What is in this folder runs at boot, too, where
there is no Ansible: it has nothing but the standard library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Union

#: Words of one command. The first is `ip`, `modprobe`, or `sysctl` (name, value), which is a file.
Command = tuple[str, ...]


class HostError(Exception):
    """Something on the host did not go as it has to; the message says what."""


@dataclass(frozen=True)
class Link:
    """A network interface. kind: what `ip link add type` calls it, with what matters of it."""

    kind: str
    is_up: bool
    answers_arp: bool
    #: Addresses with their prefix lengths, and the scope of each.
    addresses: Mapping[str, str]


class Seen(Protocol):
    """What there is on a host."""

    links: Mapping[str, Link]
    fou_ports: frozenset[tuple[int, str]]

    def has_module(self, name: str) -> bool:
        """Whether the kernel has this module, loaded or built in."""

    def sysctl(self, name: str) -> str | None:
        """The value; None where there is no such sysctl."""


@dataclass(frozen=True)
class Module:
    """A module of the kernel. It stays when it is not needed any more: others may use it by then,
    and tunnels go with their module.
    """

    name: str

    @property
    def key(self) -> str:
        return f"module {self.name}"

    def now(self, seen: Seen) -> str | None:
        return "loaded" if seen.has_module(self.name) else None

    def is_so(self, now: str | None) -> bool:
        return now is not None

    def put(self, _now: str | None) -> list[Command]:
        return [("modprobe", self.name)]

    def back(self, _before: str | None) -> list[Command]:
        return []


@dataclass(frozen=True)
class Sysctl:
    """A sysctl. good: values that do as well and are left alone."""

    name: str
    value: str
    good: Sequence[str] = ()

    @property
    def key(self) -> str:
        return f"sysctl {self.name}"

    def now(self, seen: Seen) -> str | None:
        return seen.sysctl(self.name)

    def is_so(self, now: str | None) -> bool:
        return now == self.value or now in self.good

    def put(self, _now: str | None) -> list[Command]:
        return [("sysctl", self.name, self.value)]

    def back(self, before: str | None) -> list[Command]:
        return [] if before is None else [("sysctl", self.name, before)]


@dataclass(frozen=True)
class Up:
    """A link that the kernel made with its module, like tunl0, is up."""

    name: str

    @property
    def key(self) -> str:
        return f"link {self.name}"

    def now(self, seen: Seen) -> str | None:
        link = seen.links.get(self.name)
        return None if link is None else "up" if link.is_up else "down"

    def is_so(self, now: str | None) -> bool:
        return now == "up"

    def put(self, _now: str | None) -> list[Command]:
        return [("ip", "link", "set", self.name, "up")]

    def back(self, _before: str | None) -> list[Command]:
        return [("ip", "link", "set", self.name, "down")]


@dataclass(frozen=True)
class OwnLink:
    """A link of our own, up. kind: as in `ip link add NAME type KIND`."""

    name: str
    kind: str

    @property
    def key(self) -> str:
        return f"link {self.name}"

    def now(self, seen: Seen) -> str | None:
        link = seen.links.get(self.name)
        return None if link is None else f"{link.kind}, {'up' if link.is_up else 'down'}"

    def is_so(self, now: str | None) -> bool:
        return now == f"{self.kind}, up"

    def put(self, now: str | None) -> list[Command]:
        kind = self.kind.split()
        if now is not None and now.split()[0].strip(",") != kind[0]:
            raise HostError(f"there is a link {self.name} already, and it is {now}, not {kind[0]}")
        up = ("ip", "link", "set", self.name, "up")
        if now == f"{self.kind}, down":
            return [up]
        add = ("ip", "link", "add", self.name, "type", *kind)
        return [add, up] if now is None else [("ip", "link", "del", self.name), add, up]

    def back(self, before: str | None) -> list[Command]:
        if before is None:
            return [("ip", "link", "del", self.name)]
        return [("ip", "link", "set", self.name, "down")] if before.endswith("down") else []


@dataclass(frozen=True)
class FouPort:
    """A UDP port where GUE is unpacked. family: inet or inet6."""

    port: int
    family: str

    @property
    def key(self) -> str:
        return f"gue port {self.port} {self.family}"

    def now(self, seen: Seen) -> str | None:
        return "open" if (self.port, self.family) in seen.fou_ports else None

    def is_so(self, now: str | None) -> bool:
        return now is not None

    def put(self, _now: str | None) -> list[Command]:
        return [("ip", "fou", "add", "port", str(self.port), "gue", *self._six())]

    def back(self, _before: str | None) -> list[Command]:
        return [("ip", "fou", "del", "port", str(self.port), *self._six())]

    def _six(self) -> Command:
        return ("-6",) if self.family == "inet6" else ()


@dataclass(frozen=True)
class Address:
    """An address with its prefix length on a link. options: further words of `ip address add`."""

    address: str
    link: str
    options: str = ""

    @property
    def key(self) -> str:
        return f"address {self.address} dev {self.link}"

    def now(self, seen: Seen) -> str | None:
        link = seen.links.get(self.link)
        return "there" if link and self.address in link.addresses else None

    def is_so(self, now: str | None) -> bool:
        return now is not None

    def put(self, _now: str | None) -> list[Command]:
        words = self.options.split()
        return [("ip", "address", "replace", self.address, "dev", self.link, *words)]

    def back(self, _before: str | None) -> list[Command]:
        return [("ip", "address", "del", self.address, "dev", self.link)]


Fact = Union[Module, Sysctl, Up, OwnLink, FouPort, Address]
KINDS: Mapping[str, Any] = {
    "module": Module,
    "sysctl": Sysctl,
    "up": Up,
    "link": OwnLink,
    "gue": FouPort,
    "address": Address,
}


def to_plain(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Facts as they are written to a file."""
    names = {kind: name for name, kind in KINDS.items()}
    return [{"is": names[type(fact)], **asdict(fact)} for fact in facts]


def from_plain(rows: Iterable[Mapping[str, Any]]) -> list[Fact]:
    """Facts that `to_plain` wrote."""
    facts = []
    for row in rows:
        fields = {name: value for name, value in row.items() if name != "is"}
        facts.append(KINDS[row["is"]](**fields))
    return facts
