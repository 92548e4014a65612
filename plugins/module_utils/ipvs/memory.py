# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A table in memory that keeps the kernel's rules.

It stands in where no kernel is wanted: in pure tests, and for a plan on a host that has no ip_vs
yet. What it accepts and refuses is held to the kernel by one contract suite that runs on both.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from .changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    FullNatChange,
    RemoveDestination,
    RemoveService,
    SetLocalAddresses,
    SetTimeouts,
    StartDaemon,
    StopDaemon,
    TrackConnections,
)
from .connections import Connection
from .model import (
    DEFAULT_TIMEOUTS,
    Counters,
    DestinationCounters,
    DestinationKey,
    DestinationSettings,
    Family,
    Forwarding,
    FullNat,
    KernelInfo,
    LocalUse,
    Role,
    Service,
    ServiceCounters,
    ServiceKey,
    ServiceSettings,
    State,
    SyncDaemon,
    Timeouts,
    TunnelKind,
    is_multicast,
    packed_address,
)
from .refusals import refusal
from .schedulers import SCHEDULERS
from .scope import Scope
from .table import Outcome

#: Persistence engines of a mainline kernel.
ENGINES = frozenset(["", "sip"])

#: INT_MAX / HZ for the slowest clock a kernel has (HZ=100).
_MAX_TIMEOUT = 21474836


class MemoryTable:
    """An IPVS table without a kernel. calls counts what was asked of it, by name of the method."""

    def __init__(
        self, interfaces: Mapping[str, int] | None = None, elsewhere: Collection[str] = ()
    ) -> None:
        """interfaces: name -> MTU of the network interfaces that sync daemons can use.
        elsewhere: addresses that are not this host's; all others are.
        """
        self.calls: Counter[str] = Counter()
        self._interfaces = dict({"lo": 65536} if interfaces is None else interfaces)
        self._elsewhere = frozenset(elsewhere)
        self._settings: dict[ServiceKey, ServiceSettings] = {}
        self._pools: dict[ServiceKey, dict[DestinationKey, DestinationSettings]] = {}
        self._timeouts = DEFAULT_TIMEOUTS
        self._daemons: dict[Role, SyncDaemon] = {}
        self._conntrack = False
        self._local_addresses: dict[ServiceKey, tuple[str, ...]] = {}

    @classmethod
    def holding(cls, state: State) -> MemoryTable:
        """A table that has what this state says: for trying out on a copy what comes next."""
        table = cls()
        for key, service in state.services.items():
            table._settings[key] = service.settings
            table._pools[key] = dict(service.destinations)
        table._timeouts = state.timeouts or DEFAULT_TIMEOUTS
        table._daemons = dict(state.daemons)
        table._conntrack = state.full_nat.conntrack
        table._local_addresses = dict(state.full_nat.local_addresses)
        return table

    def read(self, scope: Scope) -> State:
        """See Table.read."""
        self.calls["read"] += 1
        services = {
            key: Service(key, settings, dict(self._pools[key]))
            for key, settings in self._settings.items()
        }
        daemons = dict(self._daemons)
        state = State(services, self._timeouts, daemons, full_nat=self.full_nat())
        return scope.restrict(state)

    def services(self) -> frozenset[ServiceKey]:
        """See Table.services."""
        self.calls["services"] += 1
        return frozenset(self._settings)

    def apply(self, changes: Sequence[Change]) -> Outcome:
        """See Table.apply."""
        self.calls["apply"] += 1
        done, refused = [], []
        for change in changes:
            number = self._do(change)
            if number:
                refused.append(refusal(change, number))
            else:
                done.append(change)
        return Outcome(tuple(done), tuple(refused))

    def counters(
        self, services: Iterable[ServiceKey] | None = None
    ) -> Mapping[ServiceKey, ServiceCounters]:
        """See Table.counters: nothing ever passes through this table, so all are zero."""
        keys = list(self._settings) if services is None else services
        still = DestinationCounters(0, 0, 0, Counters())
        return {
            key: ServiceCounters(Counters(), dict.fromkeys(self._pools[key], still))
            for key in keys
            if key in self._pools
        }

    def connections(self) -> Iterator[Connection]:
        """See Table.connections."""
        return iter(())

    def info(self) -> KernelInfo:
        """See Table.info."""
        return KernelInfo("1.2.1", 4096)

    def zero(self, service: ServiceKey | None = None) -> None:
        """See Table.zero."""
        if service is not None and service not in self._settings:
            raise KeyError(service)

    def flush(self) -> None:
        """See Table.flush."""
        self._settings.clear()
        self._pools.clear()

    def full_nat(self) -> FullNat:
        """See Table.full_nat."""
        return FullNat(True, dict(self._local_addresses)) if self._conntrack else FullNat()

    def local_connections(self) -> Mapping[ServiceKey, Mapping[str, LocalUse]]:
        """See Table.local_connections: as still as the counters."""
        if not self._conntrack:
            return {}
        return {
            key: dict.fromkeys(these, LocalUse()) for key, these in self._local_addresses.items()
        }

    def foresee(self, _changes: Sequence[Change], /) -> Sequence[str]:
        """See Table.foresee: there is nothing around this table."""
        return ()

    def elsewhere(self, addresses: Sequence[str]) -> Sequence[str]:
        """See Table.elsewhere."""
        return [address for address in addresses if address in self._elsewhere]

    def mtu(self, interface: str) -> int | None:
        """See Table.mtu."""
        return self._interfaces.get(interface)

    def close(self) -> None:
        """See Table.close."""

    def _do(self, change: Change) -> int:
        """0, or the kernel's errno."""
        if isinstance(change, (AddService, EditService)):
            return self._put_service(change)
        if isinstance(change, RemoveService):
            if change.service not in self._settings:
                return errno.ESRCH
            del self._settings[change.service], self._pools[change.service]
            return 0
        if isinstance(change, SetTimeouts):
            return self._set_timeouts(change.after)
        if isinstance(change, StartDaemon):
            return self._start(change.after)
        if isinstance(change, StopDaemon):
            return 0 if self._daemons.pop(change.before.role, None) else errno.ESRCH
        if isinstance(change, (TrackConnections, SetLocalAddresses)):
            self._translate(change)
            return 0
        return self._put_destination(change)

    def _put_service(self, change: AddService | EditService) -> int:
        known = change.service in self._settings
        if isinstance(change, AddService) and known:
            return errno.EEXIST
        if isinstance(change, EditService) and not known:
            return errno.ESRCH
        if change.after.scheduler not in SCHEDULERS or change.after.engine not in ENGINES:
            return errno.ENOENT
        if change.service.family is Family.INET6 and not 1 <= change.after.netmask <= 128:
            return errno.EINVAL
        self._settings[change.service] = change.after
        self._pools.setdefault(change.service, {})
        return 0

    def _put_destination(self, change: AddDestination | EditDestination | RemoveDestination) -> int:
        pool = self._pools.get(change.service)
        if pool is None:
            return errno.ESRCH
        if isinstance(change, RemoveDestination):
            return 0 if pool.pop(change.destination, None) else errno.ENOENT
        after = change.after
        if change.destination.family is not change.service.family and (
            after.forwarding is not Forwarding.TUNNEL or self._daemons
        ):
            return errno.EINVAL
        if after.lower > after.upper or after.weight < 0:
            return errno.ERANGE
        if after.tunnel.kind is TunnelKind.GUE and not after.tunnel.port:
            return errno.EINVAL
        if isinstance(change, AddDestination) and change.destination in pool:
            return errno.EEXIST
        if isinstance(change, EditDestination) and change.destination not in pool:
            return errno.ENOENT
        if isinstance(change, AddDestination) and not _is_host(change.destination.address):
            return errno.EINVAL
        pool[change.destination] = after
        return 0

    def _set_timeouts(self, after: Timeouts) -> int:
        """A time-out of zero stays as it was (``ip_vs_set_timeout``)."""
        now = self._timeouts
        if max(after.tcp, after.tcp_fin, after.udp) > _MAX_TIMEOUT:
            return errno.EINVAL
        self._timeouts = Timeouts(
            after.tcp or now.tcp, after.tcp_fin or now.tcp_fin, after.udp or now.udp
        )
        return 0

    def _translate(self, change: FullNatChange) -> None:
        """Nothing of it asks whether there is such a service; see netfilter."""
        if isinstance(change, SetLocalAddresses):
            self._local_addresses.pop(change.service, None)
            if change.after:
                self._local_addresses[change.service] = change.after
        elif not self._conntrack:
            self._local_addresses.clear()
            self._conntrack = True

    def _start(self, daemon: SyncDaemon) -> int:
        mixed = any(
            destination.family is not key.family
            for key, pool in self._pools.items()
            for destination in pool
        )
        if mixed or not is_multicast(daemon.group):
            return errno.EINVAL
        if daemon.interface not in self._interfaces:
            return errno.ENODEV
        if daemon.role in self._daemons:
            return errno.EEXIST
        self._daemons[daemon.role] = _started(daemon, self._interfaces[daemon.interface])
        return 0


def _is_host(address: str) -> bool:
    """Whether a destination can have this address (``ip_vs_new_dest``)."""
    packed = packed_address(address)
    if len(packed) == 4:
        return packed != b"\xff" * 4 and 0 < packed[0] < 224
    link_local = packed[0] == 0xFE and packed[1] & 0xC0 == 0x80
    mapped = packed.startswith(b"\0" * 10 + b"\xff\xff")
    return any(packed) and packed[0] != 0xFF and not link_local and not mapped


def _started(daemon: SyncDaemon, mtu: int) -> SyncDaemon:
    """As the kernel runs it: zero is its default, maxlen has bounds (``start_sync_thread``)."""
    headers = 48 if ":" in daemon.group else 28
    backup = daemon.role is Role.BACKUP
    longest = min(max(mtu, 1500), 65535) if backup else 1500
    maxlen = daemon.maxlen or longest - headers
    return replace(
        daemon,
        maxlen=min(max(maxlen, 1024 if backup else 1), 65535 - headers),
        port=daemon.port or 8848,
        ttl=daemon.ttl or 1,
    )
