# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kernel's IPVS table: what ``Table`` promises, spoken over generic netlink.

Local addresses are beside it, with netfilter.
"""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from . import decode, encode, hostaddresses, wire
from .changes import (
    Change,
    FullNatChange,
    SetLocalAddresses,
    TableChange,
    TrackConnections,
)
from .connections import Connection, parse_connections
from .conntrack import count, tracked
from .errors import Cause, KernelRefused, Unavailable
from .genetlink import Conversation, Refusal, namespace
from .loadable import lacking
from .model import (
    DestinationCounters,
    DestinationKey,
    DestinationSettings,
    Firewallmark,
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
)
from .netfilter import Netfilter
from .refusals import refusal
from .scope import ALL, Scope
from .table import Outcome

_SIOCGIFMTU = 0x8921
#: There in every network namespace as soon as ip_vs is loaded (ip_vs_control_net_init).
_SIGN = "/proc/thread-self/net/ip_vs"


def interface_mtu(name: str, netns: str | None = None) -> int | None:
    """MTU in bytes of a network interface, with or without IPVS; None = there is no such one."""
    with namespace(netns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            answer = fcntl.ioctl(sock, _SIOCGIFMTU, struct.pack("16sI12x", name.encode(), 0))
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
    return int(struct.unpack_from("16xI", answer)[0])


def foresee(changes: Sequence[Change], netns: str | None = None) -> list[str]:
    """Why changes would be refused, as far as that can be told, with or without IPVS."""
    translations = [
        change for change in changes if isinstance(change, (TrackConnections, SetLocalAddresses))
    ]
    refused = Netfilter(netns).foresee(translations) if translations else []
    return [*lacking(changes), *refused]


def elsewhere(addresses: Sequence[str], netns: str | None = None) -> tuple[str, ...]:
    """Those of the addresses that are not this host's, with or without IPVS."""
    with namespace(netns):
        try:
            return hostaddresses.elsewhere(addresses)
        except OSError as error:
            raise Unavailable(Cause.NO_ANSWER, f"no answer from rtnetlink: {error}") from None


class KernelTable:
    """The IPVS table of one network namespace. Not for use by several threads at a time.

    netns: name of a network namespace (``ip netns``) or path of one; None = where we are.
    """

    def __init__(self, netns: str | None = None, *, loads: bool = True) -> None:
        """loads: whether the kernel may load ip_vs for this, if it is not there.

        Raises Unavailable: no such namespace, no IPVS in this kernel.
        """
        self._netns = netns
        sign = None if loads else _SIGN
        self._netfilter = Netfilter(netns)
        self._kernel = Conversation(wire.FAMILY_NAME, wire.VERSION, netns, sign=sign)

    def read(self, scope: Scope) -> State:
        """See Table.read. What the kernel holds and no word exists for is named in unreadable."""
        keys = scope.service_keys()
        rows = decode.Rows(decode.SERVICE_IDENTITY, decode.SERVICE_SETTINGS)
        unreadable: list[str] = []
        settings: dict[ServiceKey, ServiceSettings] = {}
        for data in self._services(keys):
            try:
                identity, described = rows.row(data)
                key = decode.service_key(identity)
                settings[key] = decode.service_settings(described, key.family)
            except decode.UnknownValue as unknown:
                unreadable.append(f"a virtual service: {unknown}")
        rows = decode.Rows(
            decode.DESTINATION_IDENTITY, decode.DESTINATION_SETTINGS, decode.DESTINATION_FAMILY
        )
        services = {
            key: Service(key, settings[key], self._pool(key, rows, unreadable)) for key in settings
        }
        timeouts = decode.timeouts(self._kernel.ask(wire.GET_CONFIG)) if scope.timeouts else None
        daemons: dict[Role, SyncDaemon] = {}
        if scope.daemons:
            for data in self._kernel.dump(wire.GET_DAEMON):
                try:
                    daemon = decode.daemon(data[4:])
                except decode.UnknownValue as unknown:
                    unreadable.append(f"a sync daemon: {unknown}")
                else:
                    daemons[daemon.role] = daemon
        full_nat = FullNat()
        if scope.local_addresses:
            full_nat, strange = self._netfilter.read()
            unreadable += strange
        return scope.restrict(State(services, timeouts, daemons, tuple(unreadable), full_nat))

    def services(self) -> frozenset[ServiceKey]:
        """See Table.services. What no word exists for is left out."""
        rows = decode.Rows(decode.SERVICE_IDENTITY, decode.SERVICE_SETTINGS)
        found = set()
        for data in self._services(None):
            try:
                found.add(decode.service_key(rows.row(data)[0]))
            except decode.UnknownValue:
                continue
        return frozenset(found)

    def apply(self, changes: Sequence[Change]) -> Outcome:
        """See Table.apply."""
        done: list[Change] = []
        refused: list[KernelRefused] = []
        unknown: list[Change] = []
        commands: list[TableChange] = []
        translations: list[FullNatChange] = []
        for change in changes:
            if isinstance(change, (TrackConnections, SetLocalAddresses)):
                translations.append(change)
            else:
                commands.append(change)
        if translations:
            refused += self._netfilter.apply(translations)
            failed = {id(error.change) for error in refused}
            done += [change for change in translations if id(change) not in failed]
        for start in range(0, len(commands), self._kernel.commands_a_send):
            chunk = commands[start : start + self._kernel.commands_a_send]
            errors, lost = self._kernel.tell([encode.command(change) for change in chunk])
            if not errors and not lost:
                done += chunk
                continue
            for number, command in enumerate(chunk):
                if number in errors:
                    refused.append(refusal(command, errors[number]))
                elif lost:
                    unknown.append(command)
                else:
                    done.append(command)
        return Outcome(tuple(done), tuple(refused), tuple(unknown))

    def counters(
        self, services: Iterable[ServiceKey] | None = None
    ) -> Mapping[ServiceKey, ServiceCounters]:
        """See Table.counters."""
        rows = decode.Rows(decode.SERVICE_IDENTITY, decode.SERVICE_COUNTERS)
        traffic = {}
        for data in self._services(services):
            try:
                identity, counted = rows.row(data)
                key = decode.service_key(identity)
            except decode.UnknownValue:
                continue
            traffic[key] = decode.service_counters(counted)
        rows = decode.Rows(
            decode.DESTINATION_IDENTITY, decode.DESTINATION_COUNTERS, decode.DESTINATION_FAMILY
        )
        return {
            key: ServiceCounters(traffic[key], self._pool_counters(key, rows)) for key in traffic
        }

    def connections(self) -> Iterator[Connection]:
        """See Table.connections."""
        with namespace(self._netns):
            try:
                # Opened in the namespace, read line by line outside of it. What a persistence
                # engine shows came from a client (ip_vs_sip_show_pe_data), and may be any bytes.
                lines = Path("/proc/thread-self/net/ip_vs_conn").open(  # noqa: SIM115
                    encoding="ascii", errors="backslashreplace"
                )
            except OSError as error:
                raise Unavailable(Cause.NO_IPVS, f"no connection table: {error}") from None
        with lines:
            yield from parse_connections(lines)

    def info(self) -> KernelInfo:
        """See Table.info."""
        return decode.info(self._kernel.ask(wire.GET_INFO))

    def zero(self, service: ServiceKey | None = None) -> None:
        """See Table.zero."""
        try:
            self._kernel.ask(wire.ZERO, encode.service_name(service) if service else b"")
        except Refusal as answer:
            if service is not None and answer.errno == errno.ESRCH:
                raise KeyError(service) from None
            raise

    def flush(self) -> None:
        """See Table.flush."""
        self._kernel.ask(wire.FLUSH)

    def full_nat(self) -> FullNat:
        """See Table.full_nat."""
        return self._netfilter.read()[0]

    def local_connections(self) -> Mapping[ServiceKey, Mapping[str, LocalUse]]:
        """See Table.local_connections."""
        addresses = self.full_nat().local_addresses
        if not addresses:
            return {}
        marks = [key for key in addresses if isinstance(key, Firewallmark)]
        services = self.read(Scope(destinations=dict.fromkeys(marks, ALL))).services
        pools = {key: services[key].destinations.keys() for key in marks if key in services}
        return count(tracked(self._netfilter.connections()), addresses, pools)

    def foresee(self, changes: Sequence[Change], /) -> Sequence[str]:
        """See Table.foresee."""
        return foresee(changes, self._netns)

    def elsewhere(self, addresses: Sequence[str]) -> Sequence[str]:
        """See Table.elsewhere."""
        return elsewhere(addresses, self._netns)

    def mtu(self, interface: str) -> int | None:
        """See Table.mtu."""
        return interface_mtu(interface, self._netns)

    def close(self) -> None:
        """See Table.close."""
        self._kernel.close()

    # -- services and destinations

    def _services(self, keys: Iterable[ServiceKey] | None) -> Iterable[bytes]:
        """The named services, those that exist; None = all."""
        if keys is None:
            return self._kernel.dump(wire.GET_SERVICE)
        names = [encode.service_name(key) for key in sorted(keys, key=lambda key: key.order())]
        return self._kernel.ask_each(wire.GET_SERVICE, names, missing=errno.ESRCH)

    def _pool(
        self, key: ServiceKey, rows: decode.Rows, unreadable: list[str]
    ) -> dict[DestinationKey, DestinationSettings]:
        family = key.family
        pool = {}
        for data in self._kernel.dump(wire.GET_DEST, encode.service_name(key)):
            try:
                identity, settings, af = rows.row(data)
                name = decode.destination_key(identity, af, family)
                pool[name] = decode.destination_settings(settings)
            except decode.UnknownValue as unknown:
                unreadable.append(f"a destination of {key}: {unknown}")
        return pool

    def _pool_counters(
        self, key: ServiceKey, rows: decode.Rows
    ) -> dict[DestinationKey, DestinationCounters]:
        family = key.family
        pool = {}
        for data in self._kernel.dump(wire.GET_DEST, encode.service_name(key)):
            identity, counted, af = rows.row(data)
            try:
                name = decode.destination_key(identity, af, family)
            except decode.UnknownValue:
                continue
            pool[name] = decode.destination_counters(counted)
        return pool
