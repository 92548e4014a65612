# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Single changes of the table, with the answers that the kernel gives to single commands.

All go through the core: what is read is the one service, or the one role of sync daemon. What an
add meets and an edit misses is found there already, and answered as the kernel would: file exists,
no such process (for a service), no such file or directory (for a destination).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

from ipvsman.ctl.frame import Context, Failed, Status
from ipvsman.ipvs.errors import InvalidValue, KernelRefused, NotConverged, PartlyApplied
from ipvsman.ipvs.model import (
    DestinationKey,
    DestinationSettings,
    FullNat,
    Role,
    Service,
    ServiceKey,
    State,
    packed_address,
)
from ipvsman.ipvs.plan import Plan
from ipvsman.ipvs.reconcile import Desired, reconcile
from ipvsman.ipvs.remarks import remarks
from ipvsman.ipvs.scope import ALL, Scope
from ipvsman.ipvs.table import Table
from ipvsman.ipvs.wish import (
    DaemonWish,
    DestinationWish,
    ServiceWish,
    TableWish,
    TimeoutsWish,
    resolve,
)

from .naming import destination_name, is_full_nat, service_name
from .said import Said

#: Settings of a destination that is not there yet, or None.
Have = DestinationSettings | None


class Edits:
    """Changes of one table that one command asks for."""

    def __init__(
        self, table: Table, context: Context, said: Said, flags: Mapping[str, str]
    ) -> None:
        """flags: which flag says which key of a document."""
        self._table = table
        self._context = context
        self._said = said
        self._flags = flags

    # -- services

    def add_service(self, wish: ServiceWish) -> None:
        """One that is not there yet."""

        def desired(current: State) -> State:
            if wish.key in current.services:
                answer(errno.EEXIST, service_name(wish.key))
            return self._resolved(TableWish((wish,)), current)

        plan = self._reconcile(desired, _service_scope(wish.key))
        self._surprise(plan, wish.key)

    def edit_service(self, key: ServiceKey, wish: Callable[[Service], ServiceWish]) -> None:
        """One that is there. wish: what is wanted, given what there is."""

        def desired(current: State) -> State:
            return self._resolved(TableWish((wish(there(current, key)),)), current)

        plan = self._reconcile(desired, _service_scope(key))
        self._surprise(plan, key)

    def remove_service(self, key: ServiceKey) -> None:
        """One that is there, with its destinations and local addresses."""

        def desired(current: State) -> State:
            there(current, key)
            return State()

        self._reconcile(desired, _service_scope(key))

    def set_local_addresses(
        self, key: ServiceKey, wanted: Callable[[Sequence[str]], Sequence[str]]
    ) -> None:
        """Those of a service that is there. wanted: which, given what it has."""

        def desired(current: State) -> State:
            there(current, key)
            addresses = tuple(sorted(wanted(current.local_addresses(key)), key=packed_address))
            full_nat = FullNat(bool(addresses), {key: addresses} if addresses else {})
            return replace(current, full_nat=full_nat)

        mine = frozenset([key])
        plan = self._reconcile(desired, Scope(destinations={key: ALL}, local_addresses=mine))
        self._surprise(plan, key)

    def take_local_addresses(self, key: ServiceKey) -> None:
        """All of a service, also of one that is gone and has left them."""

        def desired(current: State) -> State:
            if not current.local_addresses(key):
                there(current, key)
            return replace(current, full_nat=FullNat())

        mine = frozenset([key])
        self._reconcile(desired, Scope(destinations={key: frozenset()}, local_addresses=mine))

    # -- destinations

    def add_destination(
        self, key: ServiceKey, name: DestinationKey, wish: Callable[[Have], DestinationWish]
    ) -> None:
        """One that its service does not have yet."""

        def desired(current: State) -> State:
            if name in there(current, key).destinations:
                answer(errno.EEXIST, destination_name(key, name))
            return self._resolved(_pool(key, wish(None)), current)

        self._put_destination(desired, key, name)

    def edit_destination(
        self, key: ServiceKey, name: DestinationKey, wish: Callable[[Have], DestinationWish]
    ) -> None:
        """One that is there. wish: what is wanted, given what there is."""

        def desired(current: State) -> State:
            have = _destination_there(current, key, name)
            return self._resolved(_pool(key, wish(have)), current)

        self._put_destination(desired, key, name)

    def _put_destination(self, desired: Desired, key: ServiceKey, name: DestinationKey) -> None:
        mine = frozenset([key])
        scope = Scope(destinations={key: frozenset([name])}, local_addresses=mine)
        plan = self._reconcile(desired, scope)
        # Of the others nothing was asked.
        self._surprise(plan, key, name)
        if is_full_nat(self._said.text("forward")) and not plan.target.local_addresses(key):
            self._context.warn(
                f"{service_name(key)} has no local addresses: until it has some (ipvsctl address"
                " add), fnat is nothing but masq"
            )

    def remove_destination(self, key: ServiceKey, name: DestinationKey) -> None:
        """One that is there."""

        def desired(current: State) -> State:
            _destination_there(current, key, name)
            return State({key: replace(current.services[key], destinations={})})

        self._reconcile(desired, Scope(destinations={key: frozenset([name])}))

    def remove_destinations(self, key: ServiceKey) -> None:
        """All that a service has."""

        def desired(current: State) -> State:
            return State({key: replace(there(current, key), destinations={})})

        self._reconcile(desired, Scope(destinations={key: ALL}))

    # -- what is no service

    def set_timeouts(self, wish: TimeoutsWish) -> None:
        """Those that were said."""
        self._reconcile(
            lambda current: self._resolved(TableWish(timeouts=wish), current), Scope(timeouts=True)
        )

    def start_daemon(self, wish: DaemonWish) -> None:
        """A sync daemon, where none of its role runs."""

        def desired(current: State) -> State:
            if wish.role in current.daemons:
                interface = current.daemons[wish.role].interface
                answer(errno.EEXIST, f"{wish.role.value} sync daemon, on {interface}")
            return self._resolved(TableWish(daemons=(wish,)), current)

        self._reconcile(desired, Scope(daemons=frozenset([wish.role])))

    def stop_daemon(self, role: Role) -> None:
        """The sync daemon of a role, which runs."""

        def desired(current: State) -> State:
            if role not in current.daemons:
                answer(errno.ESRCH, f"{role.value} sync daemon")
            return State()

        self._reconcile(desired, Scope(daemons=frozenset([role])))

    # -- how it goes

    def _resolved(self, wish: TableWish, current: State) -> State:
        # What is not there is the kernel's to miss.
        return resolve(wish, current, self._table.mtu, absent=lambda _fault: None)

    def _reconcile(self, desired: Desired, scope: Scope) -> Plan:
        """Raises Failed."""
        with self._answered():
            plan = reconcile(self._table, desired, scope)
        for change in plan.changes:
            self._context.note(str(change))
        return plan

    @contextmanager
    def _answered(self) -> Iterator[None]:
        try:
            yield
        except InvalidValue as invalid:
            self._said.faults(invalid.faults, self._flags)
            self._said.finish()
        except KernelRefused as refused:
            raise Failed(Status.FAILED, refusal_line(refused)) from None
        except PartlyApplied as partly:
            told = f"changes planned: {len(partly.plan.changes)}, applied: {len(partly.done)}"
            raise Failed(Status.FAILED, *map(refusal_line, partly.failed), told) from None
        except NotConverged as different:
            raise Failed(Status.FAILED, str(different)) from None

    def _surprise(self, plan: Plan, key: ServiceKey, name: DestinationKey | None = None) -> None:
        """Tell what will not work as it reads, of a service or of one destination of it."""
        services = plan.target.services
        if name is not None:
            pool = services[key].destinations
            services = {key: replace(services[key], destinations={name: pool[name]})}
        told = replace(plan, target=replace(plan.target, services=services))
        for remark in remarks(told, self._table, self._table.elsewhere):
            self._context.warn(remark)


def _service_scope(key: ServiceKey) -> Scope:
    """A service, with what goes when it does."""
    mine = frozenset([key])
    return Scope(services=mine, local_addresses=mine)


def there(current: State, key: ServiceKey) -> Service:
    """A service of a state. Raises Failed when it has none: no such process."""
    if key not in current.services:
        answer(errno.ESRCH, service_name(key))
    return current.services[key]


def answer(number: int, subject: str) -> NoReturn:
    """What the kernel answers with this errno, about a subject. Raises Failed."""
    raise Failed(Status.FAILED, f"{os.strerror(number).lower()}: {subject}")


def refusal_line(refused: KernelRefused) -> str:
    """The kernel's answer, what it is about, and what that means where it can be told."""
    line = f"{os.strerror(refused.errno).lower()}: {refused.change}"
    return f"{line}; {refused.explanation}" if refused.explanation else line


def _destination_there(
    current: State, key: ServiceKey, name: DestinationKey
) -> DestinationSettings:
    settings = there(current, key).destinations.get(name)
    if settings is None:
        answer(errno.ENOENT, destination_name(key, name))
    return settings


def _pool(key: ServiceKey, wish: DestinationWish) -> TableWish:
    return TableWish((ServiceWish(key, destinations=(wish,), exists=True),))
