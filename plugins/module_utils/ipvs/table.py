# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be asked of an IPVS table, wherever it is: in the kernel or in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .changes import Change
from .connections import Connection
from .errors import KernelRefused
from .model import FullNat, KernelInfo, LocalUse, ServiceCounters, ServiceKey, State
from .scope import Scope


@dataclass(frozen=True)
class Outcome:
    """What became of some changes.

    done: accepted; refused: one error each; unknown: the answer was lost, only a new read can tell.
    """

    done: tuple[Change, ...]
    refused: tuple[KernelRefused, ...] = ()
    unknown: tuple[Change, ...] = ()


class Table(Protocol):
    """An IPVS table. Every method may raise errors.Unavailable."""

    def read(self, scope: Scope) -> State:
        """The part of the table that lies in scope, and nothing else asked of the kernel."""

    def services(self) -> frozenset[ServiceKey]:
        """Names of all virtual services; their pools are not asked for."""

    def apply(self, changes: Sequence[Change]) -> Outcome:
        """Do every change, also after one was refused: they must not depend on each other."""

    def counters(
        self, services: Iterable[ServiceKey] | None = None
    ) -> Mapping[ServiceKey, ServiceCounters]:
        """Counters of these services (those that exist), or of all."""

    def connections(self) -> Iterator[Connection]:
        """Entries of the connection table, persistence templates included."""

    def info(self) -> KernelInfo:
        """Version of the kernel's IPVS and size of its connection table."""

    def zero(self, service: ServiceKey | None = None) -> None:
        """Zero the counters of one service (KeyError when it is missing), or of all."""

    def flush(self) -> None:
        """Remove every service at one stroke. Time-outs and daemons stay."""

    def full_nat(self) -> FullNat:
        """Local addresses of all services; of services themselves nothing is asked."""

    def local_connections(self) -> Mapping[ServiceKey, Mapping[str, LocalUse]]:
        """What each local address carries now, of each service that has any."""

    def foresee(self, changes: Sequence[Change], /) -> Sequence[str]:
        """Why what is around the table would refuse these, as far as it can be asked without making
        them.
        """

    def elsewhere(self, addresses: Sequence[str]) -> Sequence[str]:
        """Those of the addresses that are not this host's."""

    def mtu(self, interface: str) -> int | None:
        """MTU in bytes of a network interface beside this table; None = there is no such one."""

    def close(self) -> None:
        """Give back what is open. The table itself stays as it is."""
