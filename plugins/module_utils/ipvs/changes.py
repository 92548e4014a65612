# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One change = one kernel command, with before and after.

A change is the value that is printed, counted, limited, applied and reported: ``str(change)`` is
the line an operator reads, ``action`` the word that options and counts use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Union

from .model import (
    DestinationKey,
    DestinationSettings,
    Service,
    ServiceKey,
    ServiceSettings,
    SyncDaemon,
    Timeouts,
)
from .text import (
    addresses_line,
    daemon_words,
    destination_words,
    service_words,
    timeout_words,
    words_difference,
    words_line,
)


@dataclass(frozen=True)
class AddService:
    """``IPVS_CMD_NEW_SERVICE``; its destinations are changes of their own."""

    service: ServiceKey
    after: ServiceSettings
    action: ClassVar[str] = "add_service"

    def __str__(self) -> str:
        words = words_line(service_words(self.after, self.service.family))
        return f"add service {self.service}: {words}"


@dataclass(frozen=True)
class EditService:
    """``IPVS_CMD_SET_SERVICE``: in place, connections go on."""

    service: ServiceKey
    before: ServiceSettings
    after: ServiceSettings
    action: ClassVar[str] = "edit_service"

    def __str__(self) -> str:
        family = self.service.family
        words = words_difference(
            service_words(self.before, family), service_words(self.after, family)
        )
        return f"edit service {self.service}: {words}"


@dataclass(frozen=True)
class RemoveService:
    """``IPVS_CMD_DEL_SERVICE``: takes the destinations that before names along."""

    service: ServiceKey
    before: Service
    action: ClassVar[str] = "remove_service"

    def __str__(self) -> str:
        count = len(self.before.destinations)
        tail = f" with its {count} destination{'s' if count != 1 else ''}" if count else ""
        return f"remove service {self.service}{tail}"


# Changes of destinations come by the ten thousand: without a dict each they touch half the memory.


@dataclass(frozen=True)
class AddDestination:
    """``IPVS_CMD_NEW_DEST``."""

    __slots__ = ("after", "destination", "service")

    service: ServiceKey
    destination: DestinationKey
    after: DestinationSettings
    action: ClassVar[str] = "add_destination"

    def __str__(self) -> str:
        words = words_line(destination_words(self.after))
        return f"add destination {self.destination} to {self.service}: {words}"


@dataclass(frozen=True)
class EditDestination:
    """``IPVS_CMD_SET_DEST``: in place, connections go on."""

    __slots__ = ("after", "before", "destination", "service")

    service: ServiceKey
    destination: DestinationKey
    before: DestinationSettings
    after: DestinationSettings
    action: ClassVar[str] = "edit_destination"

    def __str__(self) -> str:
        words = words_difference(destination_words(self.before), destination_words(self.after))
        return f"edit destination {self.destination} of {self.service}: {words}"


@dataclass(frozen=True)
class RemoveDestination:
    """``IPVS_CMD_DEL_DEST``."""

    __slots__ = ("before", "destination", "service")

    service: ServiceKey
    destination: DestinationKey
    before: DestinationSettings
    action: ClassVar[str] = "remove_destination"

    def __str__(self) -> str:
        return f"remove destination {self.destination} from {self.service}"


@dataclass(frozen=True)
class SetTimeouts:
    """``IPVS_CMD_SET_CONFIG``."""

    before: Timeouts
    after: Timeouts
    action: ClassVar[str] = "set_timeouts"

    def __str__(self) -> str:
        words = words_difference(timeout_words(self.before), timeout_words(self.after))
        return f"set timeouts: {words}"


@dataclass(frozen=True)
class StartDaemon:
    """``IPVS_CMD_NEW_DAEMON``; replaces: the daemon of that role which was stopped for it."""

    after: SyncDaemon
    replaces: SyncDaemon | None = None
    action: ClassVar[str] = "start_sync_daemon"

    def __str__(self) -> str:
        return f"start {self.after.role.value} sync daemon: {words_line(daemon_words(self.after))}"


@dataclass(frozen=True)
class StopDaemon:
    """``IPVS_CMD_DEL_DAEMON``; restarts: whether a StartDaemon of the same role follows."""

    before: SyncDaemon
    restarts: bool = False
    action: ClassVar[str] = "stop_sync_daemon"

    def __str__(self) -> str:
        why = " (to start it anew: the kernel cannot change a running one)" if self.restarts else ""
        return f"stop {self.before.role.value} sync daemon on {self.before.interface}{why}"


@dataclass(frozen=True)
class TrackConnections:
    """``net.ipv4.vs.conntrack=1``: IPVS tells netfilter of its connections from now on."""

    action: ClassVar[str] = "track_connections"

    def __str__(self) -> str:
        return "set net.ipv4.vs.conntrack: 0 -> 1"


@dataclass(frozen=True)
class SetLocalAddresses:
    """One transaction of netfilter: what a service's connections to its destinations come from."""

    service: ServiceKey
    before: tuple[str, ...]
    after: tuple[str, ...]
    action: ClassVar[str] = "set_local_addresses"

    def __str__(self) -> str:
        words = f"{addresses_line(self.before)} -> {addresses_line(self.after)}"
        return f"set local addresses of {self.service}: {words}"


ServiceChange = Union[AddService, EditService, RemoveService]
DestinationChange = Union[AddDestination, EditDestination, RemoveDestination]
DaemonChange = Union[StartDaemon, StopDaemon]
FullNatChange = Union[TrackConnections, SetLocalAddresses]
#: What IPVS itself is told.
TableChange = Union[ServiceChange, DestinationChange, SetTimeouts, DaemonChange]
Change = Union[TableChange, FullNatChange]

#: Words of all actions, in the order in which a plan uses them.
ACTIONS: tuple[str, ...] = tuple(
    kind.action
    for kind in (
        TrackConnections,
        SetLocalAddresses,
        AddService,
        EditService,
        AddDestination,
        EditDestination,
        RemoveDestination,
        RemoveService,
        SetTimeouts,
        StopDaemon,
        StartDaemon,
    )
)


def subject(change: Change) -> str:
    """What the change is about: the same for an add, an edit and a removal of one thing."""
    if isinstance(change, (AddService, EditService, RemoveService)):
        return str(change.service)
    if isinstance(change, (AddDestination, EditDestination, RemoveDestination)):
        return f"{change.service} -> {change.destination}"
    if isinstance(change, SetTimeouts):
        return "timeouts"
    if isinstance(change, TrackConnections):
        return "net.ipv4.vs.conntrack"
    if isinstance(change, SetLocalAddresses):
        return f"{change.service} local addresses"
    daemon = change.after if isinstance(change, StartDaemon) else change.before
    return f"sync daemon {daemon.role.value}"
