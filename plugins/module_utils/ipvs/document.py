# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain data (what YAML, JSON or module options give) -> wishes.

A reading collects every fault, each with its path as the user wrote it, before anything is raised.
The way back is ``plain``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from . import values
from .errors import under
from .intake import Fields, Intake
from .model import (
    Checksum,
    DestinationKey,
    Endpoint,
    Family,
    Forwarding,
    Role,
    ServiceKey,
    Tunnel,
    TunnelKind,
    packed_address,
)
from .text import (
    FLAG_NAMES,
    FULL_NAT,
    nearest,
    parse_forwarding,
    parse_integer,
    parse_netmask,
    parse_service_key,
    parse_word,
)
from .wish import DaemonWish, DestinationWish, ServiceWish, TableWish, TimeoutsWish

T = TypeVar("T")

#: ipvsadm's bound for persistence: 31 days.
MAX_PERSISTENCE = 31 * 86400
#: INT_MAX / HZ for the fastest clock a kernel has (HZ=1000).
MAX_TIMEOUT = 2147483
MAX_THRESHOLD = 2**31 - 1
#: ``start_sync_thread`` gives a backup at least this much.
MIN_BACKUP_MAXLEN = 1024

_TABLE_KEYS = ("defaults", "services", "timeouts", "sync_daemons")
_DEFAULTS_KEYS = ("port", "weight", "scheduler", "forwarding")
_SERVICE_KEYS = (
    "service",
    "scheduler",
    "flags",
    "persistence",
    "netmask",
    "engine",
    "local_addresses",
    "destinations",
)
_DESTINATION_KEYS = (
    "address",
    "port",
    "weight",
    "forwarding",
    "upper_threshold",
    "lower_threshold",
    "tunnel",
)
_TUNNEL_KEYS = ("type", "port", "checksum")
_TIMEOUT_KEYS = ("tcp", "tcp_fin", "udp")
_DAEMON_KEYS = ("role", "interface", "sync_id", "maxlen", "group", "port", "ttl")

#: Short names of the document format beside ours.
_SHORT = {"sched": "scheduler", "forward": "forwarding"}
_SERVICE_SHORT = {**_SHORT, "address": "service"}


@dataclass(frozen=True)
class Defaults:
    """What an entry takes for an option it leaves out; None = see ``wish``."""

    port: int | None = None
    weight: int | None = None
    scheduler: str | None = None
    forwarding: Forwarding | None = None
    full_nat: bool = False


NO_DEFAULTS = Defaults()
#: Of a whole document: an omission must not take traffic away, hence weight 1.
DOCUMENT_DEFAULTS = Defaults(weight=1, scheduler="rr", forwarding=Forwarding.DIRECT)


class Reader(Intake):
    """One reading of a document, or of a part of one."""

    #: What a service that is not named at all should have been named by.
    service_key = "service"

    # -- parts

    def table(self, data: Any, defaults: Defaults = DOCUMENT_DEFAULTS) -> TableWish:
        """A whole document. An empty one wishes for no services."""
        fields = self.mapping({} if data is None else data, "", _TABLE_KEYS, {}) or Fields()
        base = self._defaults(fields.get("defaults"), defaults)
        services = [
            self.service(entry, path, base)
            for entry, path in self.items(fields.get("services"), "services")
        ]
        timeouts = None
        if fields.get("timeouts") is not None:
            timeouts = self.timeouts(fields["timeouts"], "timeouts")
        daemons = [
            self.daemon(entry, path)
            for entry, path in self.items(fields.get("sync_daemons"), "sync_daemons")
        ]
        known_services = [service for service in services if service is not None]
        known_daemons = [daemon for daemon in daemons if daemon is not None]
        self.unique(known_services, lambda service: service.key, "the virtual service")
        self.unique(known_daemons, lambda daemon: daemon.role.value, "the sync daemon of role")
        return TableWish(tuple(known_services), timeouts, tuple(known_daemons))

    def service(self, data: Any, path: str, defaults: Defaults = NO_DEFAULTS) -> ServiceWish | None:
        """One virtual service with its destinations; None when it cannot even be named."""
        fields = self.mapping(data, path, _SERVICE_KEYS, _SERVICE_SHORT)
        if fields is None:
            return None
        name_path = under(path, fields.written.get("service", self.service_key))
        key: ServiceKey | None = None
        if fields.get("service") in (None, ""):
            self.fault(
                name_path, "is needed: the name of the virtual service, like tcp://192.0.2.1:80"
            )
        else:
            key = self.value(
                fields["service"], name_path, lambda v: parse_service_key(v, defaults.port or 0)
            )
        scheduler = self.optional(fields, "scheduler", path, self.scheduler)
        flags = None
        if fields.get("flags") is not None:
            flags = self._flags(fields["flags"], under(path, "flags"))
        persistence = self.optional(
            fields, "persistence", path, lambda value: parse_integer(value, 0, MAX_PERSISTENCE)
        )
        engine = self.optional(fields, "engine", path, values.engine)
        netmask = local_addresses = None
        if key is not None:
            family = key.family
            netmask = self.optional(
                fields, "netmask", path, lambda value: parse_netmask(value, family)
            )
            if fields.get("local_addresses") is not None:
                local_addresses = self.local_addresses(
                    fields["local_addresses"], under(path, "local_addresses"), family
                )
        destinations = self.destinations(
            fields.get("destinations"), under(path, "destinations"), key, defaults
        )
        if key is None:
            return None
        return ServiceWish(
            key,
            scheduler or defaults.scheduler,
            flags,
            persistence,
            netmask,
            engine,
            destinations,
            local_addresses,
            path=path,
        )

    def scheduler(self, value: Any) -> str:
        """The name of a scheduler. Which there are is up to the kernel."""
        return values.name(value, "scheduler")

    def local_addresses(self, data: Any, path: str, family: Family) -> tuple[str, ...]:
        """Local addresses of a service, each once, in numeric order."""
        found: dict[str, str] = {}
        for entry, where in self.items(data, path):
            address = self.value(entry, where, lambda value: values.local_address(value, family))
            if address in found:
                self.fault(where, f"{address} is there already, as {found[address]}")
            elif address is not None:
                found[address] = where
        return tuple(sorted(found, key=packed_address))

    def destinations(
        self, data: Any, path: str, service: ServiceKey | None, defaults: Defaults = NO_DEFAULTS
    ) -> tuple[DestinationWish, ...]:
        """A list of destinations, each at most once."""
        found = [
            self.destination(entry, where, service, defaults)
            for entry, where in self.items(data, path)
        ]
        known = [destination for destination in found if destination is not None]
        self.unique(known, lambda destination: destination.key, "the destination")
        return tuple(known)

    def destination(
        self, data: Any, path: str, service: ServiceKey | None, defaults: Defaults = NO_DEFAULTS
    ) -> DestinationWish | None:
        """One destination. Its port, when not said: the default's, else the service's."""
        fields = self.mapping(data, path, _DESTINATION_KEYS, _SHORT)
        if fields is None:
            return None
        key = self._destination_key(fields, path, service, defaults)
        weight = self.optional(fields, "weight", path, lambda value: parse_integer(value, 0, 65535))
        forwarding, full_nat = self._forwarding(fields, path)
        upper = self.optional(fields, "upper_threshold", path, _threshold)
        lower = self.optional(fields, "lower_threshold", path, _threshold)
        tunnel = None
        if fields.get("tunnel") is not None:
            tunnel = self._tunnel(fields["tunnel"], under(path, "tunnel"))
        if key is None:
            return None
        return DestinationWish(
            key,
            defaults.weight if weight is None else weight,
            forwarding or defaults.forwarding,
            upper,
            lower,
            tunnel,
            full_nat if forwarding else defaults.full_nat,
            path=path,
        )

    def timeouts(self, data: Any, path: str) -> TimeoutsWish:
        """Connection time-outs; one left out stays as it is."""
        fields = self.mapping(data, path, _TIMEOUT_KEYS, {}) or Fields()
        times = [
            self.optional(fields, name, path, lambda value: parse_integer(value, 1, MAX_TIMEOUT))
            for name in _TIMEOUT_KEYS
        ]
        return TimeoutsWish(*times)

    def daemon(self, data: Any, path: str) -> DaemonWish | None:
        """One connection synchronisation daemon."""
        fields = self.mapping(data, path, _DAEMON_KEYS, {})
        if fields is None:
            return None
        role = None
        if fields.get("role") is None:
            self.fault(under(path, "role"), "is needed: master or backup")
        else:
            role = self.value(
                fields["role"], under(path, "role"), lambda value: parse_word(value, Role)
            )
        least = MIN_BACKUP_MAXLEN if role is Role.BACKUP else 1
        wish = DaemonWish(
            role or Role.MASTER,
            self.optional(fields, "interface", path, values.interface),
            self.optional(fields, "sync_id", path, lambda value: parse_integer(value, 0, 255)),
            self.optional(fields, "maxlen", path, lambda value: parse_integer(value, least, 65507)),
            self.optional(fields, "group", path, values.multicast),
            self.optional(fields, "port", path, lambda value: parse_integer(value, 1, 65535)),
            self.optional(fields, "ttl", path, lambda value: parse_integer(value, 1, 255)),
            path=path,
        )
        return wish if role is not None else None

    # -- pieces

    def _defaults(self, data: Any, base: Defaults) -> Defaults:
        fields = (
            self.mapping({} if data is None else data, "defaults", _DEFAULTS_KEYS, _SHORT)
            or Fields()
        )
        path = "defaults"
        port = self.optional(fields, "port", path, lambda value: parse_integer(value, 1, 65535))
        weight = self.optional(fields, "weight", path, lambda value: parse_integer(value, 0, 65535))
        scheduler = self.optional(fields, "scheduler", path, self.scheduler)
        forwarding, full_nat = self._forwarding(fields, path)
        return Defaults(
            base.port if port is None else port,
            base.weight if weight is None else weight,
            scheduler or base.scheduler,
            forwarding or base.forwarding,
            full_nat if forwarding else base.full_nat,
        )

    def _forwarding(self, fields: Fields, path: str) -> tuple[Forwarding | None, bool]:
        """The forwarding method, and whether it is masquerade with source translation."""
        said = fields.get("forwarding")
        if isinstance(said, str) and said.lower() == FULL_NAT:
            return Forwarding.MASQUERADE, True
        return self.optional(fields, "forwarding", path, parse_forwarding), False

    def _destination_key(
        self,
        fields: Fields,
        path: str,
        service: ServiceKey | None,
        defaults: Defaults,
    ) -> DestinationKey | None:
        port = self.optional(fields, "port", path, lambda value: parse_integer(value, 0, 65535))
        text = fields.get("address")
        where = under(path, "address")
        if text in (None, ""):
            self.fault(where, "is needed: the address of the real server")
            return None
        found = self.value(text, where, values.host_port)
        if found is None or (port is None and fields.get("port") is not None):
            return None
        address, inline = found
        if inline is not None and port is not None and inline != port:
            self.fault(under(path, "port"), f"{port} is not the port in address {text!r}")
        port = inline if port is None else port
        if port is None:
            port = defaults.port
        if port is None:
            port = service.port if isinstance(service, Endpoint) else 0
        return DestinationKey(address, port)

    def _tunnel(self, data: Any, path: str) -> Tunnel | None:
        before = len(self.faults)
        fields = self.mapping(data, path, _TUNNEL_KEYS, {}) or Fields()
        kind = self.optional(fields, "type", path, lambda value: parse_word(value, TunnelKind))
        port = self.optional(fields, "port", path, lambda value: parse_integer(value, 0, 65535))
        checksum = self.optional(
            fields, "checksum", path, lambda value: parse_word(value, Checksum)
        )
        if len(self.faults) > before:
            return None
        kind, port, checksum = kind or TunnelKind.IPIP, port or 0, checksum or Checksum.NONE
        if kind is TunnelKind.GUE and not port:
            self.fault(under(path, "port"), "is needed for a gue tunnel: 1..65535")
        if kind is not TunnelKind.GUE and port:
            self.fault(
                under(path, "port"), f"{port}: only a gue tunnel has a port, not {kind.value}"
            )
        if kind is TunnelKind.IPIP and checksum is not Checksum.NONE:
            self.fault(
                under(path, "checksum"), f"{checksum.value!r} is for gue and gre tunnels, not ipip"
            )
        if kind is TunnelKind.GRE and checksum is Checksum.REMCSUM:
            self.fault(under(path, "checksum"), "'remcsum' is for gue tunnels, not gre")
        return Tunnel(kind, port, checksum)

    def _flags(self, data: Any, path: str) -> tuple[str, ...]:
        names = data.replace(",", " ").split() if isinstance(data, str) else data
        if not isinstance(names, (list, tuple)):
            self.fault(path, f"{data!r} is not a list of flags out of {', '.join(FLAG_NAMES)}")
            return ()
        flags = []
        for number, name in enumerate(names):
            if name in FLAG_NAMES:
                flags.append(str(name))
            else:
                hint = nearest(str(name), FLAG_NAMES)
                reason = f"{name!r} is not one of {', '.join(FLAG_NAMES)}{hint}"
                self.fault(f"{path}[{number}]", reason)
        return tuple(flags)


def _threshold(value: Any) -> int:
    return parse_integer(value, 0, MAX_THRESHOLD)
