# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One frontend of a group: its virtual services, and each backend as it serves them."""

from __future__ import annotations

from collections.abc import Iterable

from ipvsman.ipvs.model import (
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    ServiceKey,
    Transport,
)

from .checks import PORTLESS, Inherited, complete, inherit, target_of
from .complaints import Complaints
from .model import AllDown, Backend, CheckKind, CheckTarget, Frontend, HealthCheck, OnDown
from .ports import PortNames, frontend_port
from .quorum import Quorum
from .rows import Row, notice_of_disabled
from .settings import Settings
from .shapes import Entry, Place


class Frontends:
    """Expands frontends one after the other, since a virtual service is of one of them only."""

    def __init__(self, names: PortNames, complaints: Complaints) -> None:
        self._names = names
        self._complaints = complaints
        self._services: dict[ServiceKey, str] = {}

    def expand(
        self,
        group: Entry,
        entry: Entry,
        rows: tuple[Row, ...],
        fallback: tuple[Row, ...],
        base: Inherited,
    ) -> tuple[Frontend, ...]:
        """What a frontend is, once per address family, since netmasks are of a family."""
        if entry.get("disabled"):
            notice_of_disabled(entry, self._complaints)
        transport: Transport | None = entry.get("proto")
        port = self._port(entry, transport)
        services = self._keys(group, entry, transport, port)
        settings = Settings(group, entry, self._complaints)
        check = self._check(group, entry, base)
        backends = _Backends(port or 0, transport, check, self._complaints)
        pool = tuple(backends.read(row) for row in rows)
        others = tuple(backends.read(row) for row in fallback)
        if services and (port or entry.has("fwmark") or settings.get("persistence")):
            self._ports_to_probe(entry, (*pool, *others))
        healthcheck = backends.of_frontend(used=not (pool or others))
        quorum = Quorum(settings, self._complaints)
        quorum.judge(rows, fallback, services)
        default = OnDown.REMOVE if transport is Transport.UDP else OnDown.ZERO
        found = []
        for family in Family:
            keys = tuple(key for key in services if key.family is family)
            if keys:
                frontend = Frontend(
                    group=group.get("group", ""),
                    name=entry.get("name", ""),
                    services=keys,
                    settings=settings.of(keys[0]),
                    backends=pool,
                    healthcheck=healthcheck,
                    on_down=settings.get("on_down") or default,
                    all_down=settings.get("all_down") or AllDown.ZERO,
                    fallback=others,
                    quorum=quorum.quorum,
                    hysteresis=quorum.hysteresis,
                    disabled=entry.get("disabled", False),
                    group_disabled=group.get("disabled", False),
                    origin=entry.place.origin,
                )
                found.append(frontend)
        return tuple(found)

    def _port(self, entry: Entry, transport: Transport | None) -> int | None:
        if "port" not in entry.values:
            return None
        try:
            return frontend_port(entry.values["port"], transport, self._names)
        except ValueError as error:
            self._fault(entry.at("port"), str(error))
            return None

    def _keys(
        self, group: Entry, entry: Entry, transport: Transport | None, port: int | None
    ) -> list[ServiceKey]:
        if entry.has("fwmark"):
            if entry.has("vip"):
                reason = "and fwmark are both said; a service has one of them"
                self._fault(entry.at("vip"), reason)
            if "fwmark" not in entry.values:
                return []
            mark = Firewallmark(entry.values["fwmark"], entry.get("family", Family.INET))
            return self._claimed([mark], group, entry)
        if entry.has("family"):
            self._fault(entry.at("family"), "is for fwmark; a vip says its family by itself")
        for name, what in (("proto", "tcp, udp or sctp"), ("port", "a number or a service's name")):
            if not entry.has(name):
                where = entry.at(name)
                self._complaints.fault(entry.place.origin, where.text, f"is needed: {what}")
        vips = entry.get("vip") or group.get("vip", ())
        if not vips and not {"vip"} & (entry.broken | group.broken):
            place = entry.at("vip")
            reason = "is said neither here nor in the group: this frontend makes no service"
            self._complaints.warn(entry.place.origin, place.text, reason)
        if transport is None or port is None:
            return []
        return self._claimed([Endpoint(transport, vip, port) for vip in vips], group, entry)

    def _claimed(self, said: Iterable[ServiceKey], group: Entry, entry: Entry) -> list[ServiceKey]:
        """Those that are not there yet."""
        owner = f"group={group.get('group')} frontend={entry.get('name')} ({entry.place.origin})"
        found = []
        for key in said:
            first = self._services.get(key)
            if first is None:
                self._services[key] = owner
                found.append(key)
            else:
                reason = f"duplicate virtual service {key}, first made by {first}"
                self._complaints.fault(entry.place.origin, entry.place.text, reason)
        return found

    def _check(self, group: Entry, entry: Entry, base: Inherited) -> Inherited:
        check = inherit(base, entry.get("healthcheck"), self._complaints)
        broken = check.broken or "healthcheck" in entry.broken
        return Inherited(check.kind, check.values, check.place or group.at("healthcheck"), broken)

    def _ports_to_probe(self, entry: Entry, pool: tuple[Backend, ...]) -> None:
        """Every port, or that of a firewall mark, is none that can be probed."""
        without = [
            backend
            for backend in pool
            if not (backend.port or backend.check.kind in PORTLESS)
            and not (backend.check.target or backend.check.disable)
        ]
        if without:
            first, others = without[0], len(without) - 1
            more = f" and {others} more" if others else ""
            reason = (
                f"gives no port to probe {first.address}{more} at by {first.check.kind.value};"
                " needed is a port, a check_target, type icmp or disable: true"
            )
            self._complaints.fault(entry.place.origin, entry.at("port").text, reason)

    def _fault(self, place: Place, reason: str) -> None:
        self._complaints.fault(place.origin, place.text, reason)


class _Backends:
    """Rows as backends of one frontend."""

    def __init__(
        self,
        port: int,
        transport: Transport | None,
        check: Inherited,
        complaints: Complaints,
    ) -> None:
        self._port = port
        self._transport = transport
        self._check = check
        self._complaints = complaints
        self._shared: HealthCheck | None = None

    def read(self, row: Row) -> Backend:
        return Backend(
            address=row.address,
            port=self._mapped(row),
            weight=row.weight,
            check=self._of_row(row),
            forwarding=row.forwarding,
            tunnel=row.tunnel,
            upper=row.upper,
            lower=row.lower,
            disabled=row.disabled,
            origin=row.entry.place.origin,
        )

    def of_frontend(self, *, used: bool) -> HealthCheck:
        """The check of backends that say nothing of it. used: complain even if there are none."""
        if self._shared is None:
            complaints = self._complaints if used else Complaints()
            self._shared = self._complete(self._check, None, complaints)
        return self._shared

    def _mapped(self, row: Row) -> int:
        port = row.ports.find(self._port, self._transport)
        literally = row.ports.literally(self._port, self._transport)
        if port != literally:
            place = row.entry.at("port_map")
            reason = (
                f"maps {self._port} to {port}; tools that compare keys as text used {literally}"
            )
            self._complaints.notice("port_map", place.origin, place.text, reason)
        # A firewall mark has no port of its own: its packets keep theirs, whatever is said here.
        if self._transport and self._port not in (0, port):
            self._untranslated(row, port)
        return port

    def _untranslated(self, row: Row, port: int) -> None:
        if row.forwarding in (Forwarding.DIRECT, Forwarding.TUNNEL):
            place = row.entry.at("port_map")
            reason = (
                f"method {row.forwarding.value} leaves ports as they are: packets arrive at"
                f" {self._port}, not at {port}"
            )
            self._complaints.warn(place.origin, place.text, reason)

    def _of_row(self, row: Row) -> HealthCheck:
        own, target = row.entry.get("healthcheck"), row.target
        if own is None and target is None:
            return self.of_frontend(used=True)
        said = inherit(self._check, own, self._complaints)
        before = said.kind
        said = inherit(said, target, self._complaints)
        if target is not None and before not in (None, said.kind):
            place = target.at("type")
            reason = f"this type is used; tools that ignore it probe by {_word(before)}"
            self._complaints.notice("type", place.origin, place.text, reason)
        at = target_of(target, said.kind, self._complaints)
        return self._complete(said, at, self._complaints)

    def _complete(
        self, said: Inherited, target: CheckTarget | None, complaints: Complaints
    ) -> HealthCheck:
        unsaid = said.kind is None and not said.broken and not said.values.get("disable")
        if unsaid and said.place is not None:
            place = said.place.at("type")
            words = ", ".join(kind.value for kind in CheckKind)
            complaints.fault(said.place.origin, place.text, f"is needed: one of {words}")
        return complete(said, target, complaints)


def _word(kind: CheckKind | None) -> str:
    return kind.value if kind else "nothing"
