# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of a virtual service: what a frontend says, else its group, judged by the core."""

from __future__ import annotations

from typing import Any

from ipvsman.ipvs.errors import InvalidValue
from ipvsman.ipvs.model import Endpoint, ServiceKey, ServiceSettings, State
from ipvsman.ipvs.schedulers import MAINLINE
from ipvsman.ipvs.text import nearest, parse_netmask
from ipvsman.ipvs.wish import ServiceWish, TableWish, resolve

from .complaints import Complaints
from .shapes import Entry, Place

DEFAULT_SCHEDULER = "wrr"


class Settings:
    """What a frontend says of its services, with what it has from its group."""

    def __init__(self, group: Entry, frontend: Entry, complaints: Complaints) -> None:
        self._group = group
        self._frontend = frontend
        self._complaints = complaints

    def get(self, name: str) -> Any:
        """A setting; None when neither level says it. Empty text counts as not said."""
        return self._owner(name).get(name)

    def of(self, key: ServiceKey) -> ServiceSettings:
        """The settings of a service, complete."""
        flags = list(self.get("flags") or ())
        if self.get("one_packet") and "one-packet" not in flags:
            flags.append("one-packet")
        engine = self.get("engine")
        wish = ServiceWish(
            key,
            self._scheduler(),
            tuple(flags),
            self.get("persistence") or 0,
            self._netmask(key),
            "" if engine in (None, "none") else engine,
        )
        try:
            return resolve(TableWish((wish,)), State(), lambda _unused: None).services[key].settings
        except InvalidValue as invalid:
            for fault in invalid.faults:
                name = "one_packet" if "'one-packet'" in fault.reason else fault.path
                self._fault(name if self._owner(name).has(name) else fault.path, fault.reason)
            plain = ServiceWish(key, wish.scheduler)
            return (
                resolve(TableWish((plain,)), State(), lambda _unused: None).services[key].settings
            )
        finally:
            self._every_port(key)

    def broken(self, name: str) -> bool:
        """Whether it is said, and cannot be taken."""
        return name in self._owner(name).broken

    def at(self, name: str) -> Place:
        """Where a setting is said."""
        return self._owner(name).at(name)

    def _owner(self, name: str) -> Entry:
        said = self._frontend.values.get(name, "")
        return self._frontend if said != "" or name in self._frontend.broken else self._group

    def _scheduler(self) -> str:
        said: str = self.get("scheduler") or DEFAULT_SCHEDULER
        if said not in MAINLINE:
            place = self._owner("scheduler").at("scheduler")
            known = ", ".join(MAINLINE)
            reason = f"{said!r} is not a scheduler of Linux: {known}{nearest(said, MAINLINE)}"
            self._complaints.warn(place.origin, place.text, reason)
        return said

    def _netmask(self, key: ServiceKey) -> int | None:
        said = (self.get("netmask") or {}).get(key.family)
        if said is None:
            return None
        try:
            return parse_netmask(said, key.family)
        except ValueError as error:
            self._fault("netmask", f"{error}; {key} is {key.family.value}")
            return None

    def _every_port(self, key: ServiceKey) -> None:
        if isinstance(key, Endpoint) and key.port == 0 and not self.get("persistence"):
            reason = "0 means every port, which the kernel serves with persistence only"
            self._fault("port", reason)

    def _fault(self, name: str, reason: str) -> None:
        place = self.at(name)
        self._complaints.fault(place.origin, place.text, reason)
