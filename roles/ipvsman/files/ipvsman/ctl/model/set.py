# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""set weight: of one destination, at once or little by little. Nothing else is read or touched."""

from __future__ import annotations

import re
import time
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator
from dataclasses import replace

from ipvsman.ctl.frame import Context, Failed, Parser, Status
from ipvsman.ipvs.errors import IpvsError, Unavailable
from ipvsman.ipvs.model import DestinationKey, Endpoint, Service, ServiceKey, State
from ipvsman.ipvs.reconcile import reconcile
from ipvsman.ipvs.scope import Scope
from ipvsman.ipvs.table import Table
from ipvsman.ipvs.text import parse_host_port, parse_service_key

from .asking import reading

_HEAVIEST = 65535
_HINT = "in the active configuration, which `ipvsctl get` prints"


def parser(parser: Parser) -> None:
    """Its commands: there is one."""
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    weight = commands.add_parser("weight", help="set the weight of a destination")
    weight.add_argument("weight", metavar="WEIGHT", type=_whole, help="0..65535")
    weight.add_argument(
        "-s", "--service", metavar="HANDLE", default="", help="its service, as get prints it"
    )
    weight.add_argument(
        "-d", "--destination", metavar="HANDLE", default="", help="itself, as get prints it"
    )
    weight.add_argument(
        "-t",
        "--time",
        metavar="SECONDS",
        type=_whole,
        default=0,
        help="take that long, with a step each second",
    )


def run(options: Namespace, context: Context) -> int:
    """Set it. Raises Failed, Unavailable."""
    faults = list(_faults(options))
    if faults:
        raise Failed(Status.BAD_VALUE, *faults)
    service, destination = _keys(options.service, options.destination)
    with context.table() as table, reading():
        one = _One(table, service, destination)
        # Only who goes there step by step has to know from where.
        now = one.weight() if options.time > 1 else options.weight
        begun = time.monotonic()
        reached = ""
        try:
            for second, weight in steps(now, options.weight, options.time):
                time.sleep(max(0.0, begun + second - time.monotonic()))
                one.set(weight)
                reached = f" at weight {weight} of service {service}/{destination}"
                context.note(f"Updated weight to {weight} for service {service}/{destination}")
        except KeyboardInterrupt:
            raise Failed(Status.INTERRUPTED, f"interrupted{reached}") from None
    return Status.DONE


def _whole(text: str) -> int:
    """Digits alone: int() takes those of all scripts, and blanks and lines between them."""
    if not re.fullmatch(r"[-+]?[0-9]{1,20}", text):
        raise ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _faults(options: Namespace) -> Iterator[str]:
    """What is wrong with values that were said, whatever the table has."""
    if not 0 <= options.weight <= _HEAVIEST:
        yield f"Invalid weight: {options.weight} is not in 0..{_HEAVIEST}"
    for name in ("service", "destination"):
        if not getattr(options, name).strip():
            yield f"Invalid {name}: --{name} needs a handle as get prints"


def steps(now: int, then: int, seconds: int) -> Iterator[tuple[int, int]]:
    """After how many seconds which weight is due: a straight line, cut to whole numbers."""
    if seconds <= 1:
        yield 0, then
        return
    for second in range(1, seconds):
        yield second, int(now + (then - now) * second / seconds)
    yield seconds, then


class _One:
    """One destination of one service, which both have to be there."""

    def __init__(self, table: Table, service: ServiceKey, destination: DestinationKey) -> None:
        self._table = table
        self._service = service
        self._destination = destination
        self._scope = Scope(frozenset(), {service: frozenset([destination])})

    def weight(self) -> int:
        """As it is. Raises Failed, Unavailable."""
        _pool, weight = self._found(self._table.read(self._scope))
        return weight

    def set(self, weight: int) -> None:
        """Change it. Raises Failed, Unavailable."""

        def desired(current: State) -> State:
            service, _weight = self._found(current)
            settings = replace(service.destinations[self._destination], weight=weight)
            pool = {self._destination: settings}
            return State({self._service: Service(self._service, service.settings, pool)})

        try:
            reconcile(self._table, desired, self._scope)
        except Unavailable:
            raise
        except IpvsError as error:
            raise Failed(Status.NOT_SET, f"Unable to set weight: {error}") from None

    def _found(self, current: State) -> tuple[Service, int]:
        service = current.services.get(self._service)
        if service is None:
            raise Failed(Status.NOT_SET, f"service {self._service} is not found {_HINT}")
        settings = service.destinations.get(self._destination)
        if settings is None:
            raise Failed(
                Status.NOT_SET,
                f"destination {self._destination} of service {self._service} is not found {_HINT}",
            )
        return service, settings.weight


def _keys(service: str, destination: str) -> tuple[ServiceKey, DestinationKey]:
    """What cannot be named is not there. Raises Failed."""
    try:
        key = parse_service_key(service)
    except ValueError as error:
        reason = f"service {service} is not found {_HINT}: {error}"
        raise Failed(Status.NOT_SET, reason) from None
    try:
        address, port = parse_host_port(destination)
    except ValueError as error:
        reason = f"destination {destination} is not found {_HINT}: {error}"
        raise Failed(Status.NOT_SET, reason) from None
    if port is None:
        port = key.port if isinstance(key, Endpoint) else 0
    return key, DestinationKey(address, port)
