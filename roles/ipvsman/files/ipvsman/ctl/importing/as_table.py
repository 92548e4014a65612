# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was found -> the table document, read back by its own reader before anybody sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ipvsman.ipvs.document import Reader
from ipvsman.ipvs.errors import Fault, InvalidValue
from ipvsman.ipvs.model import (
    PLAIN_TUNNEL,
    DestinationKey,
    DestinationSettings,
    Forwarding,
    ServiceKey,
    State,
)
from ipvsman.ipvs.wish import resolve

from ..written import destination
from .found import Found, FoundServer, FoundService
from .ledger import Directive, Ledger

_MTU = 1500


def table(found: Found, ledger: Ledger) -> dict[str, Any]:
    """The document; what it has no words for is lost. Raises Unreadable for what is impossible."""
    for directive in ledger.probing:
        ledger.lose(
            directive, "a table has no health checks", "--to drop-ins makes files that have them"
        )
    for directive in ledger.fallbacks:
        ledger.lose(directive, "a table has no fallback", "--to drop-ins makes files that have one")
    places: dict[str, Directive] = {}
    document = _document(found, ledger, places)
    _judge(document, places, ledger)
    return document


def judge(found: Found, ledger: Ledger) -> None:
    """Whether there can be such a table, whatever is made of it. Raises Unreadable."""
    places: dict[str, Directive] = {}
    _judge(_document(found, Ledger(), places), places, ledger)


def _document(found: Found, ledger: Ledger, places: dict[str, Directive]) -> dict[str, Any]:
    """places: what each path of it comes from, filled in."""
    document: dict[str, Any] = {}
    services = list(_services(found, ledger, places))
    if services:
        document["services"] = services
    if found.timeouts:
        document["timeouts"] = dict(found.timeouts)
    if found.daemons:
        document["sync_daemons"] = [
            {"role": role, **said} for role, said in sorted(found.daemons.items(), reverse=True)
        ]
    return document


def _services(
    found: Found, ledger: Ledger, places: dict[str, Directive]
) -> Iterator[dict[str, Any]]:
    """Each with its pool."""
    first: dict[ServiceKey, FoundService] = {}
    number = 0
    for service in found.services:
        for key in service.keys:
            if key in first:
                reason = f"{key} is there already, from line {first[key].said.place.line}"
                ledger.lose(service.said, reason)
                continue
            first[key] = service
            path = f"services[{number}]"
            places[path] = service.said
            number += 1
            yield _service(key, service, ledger, path, places)


def _service(
    key: ServiceKey,
    service: FoundService,
    ledger: Ledger,
    path: str,
    places: dict[str, Directive],
) -> dict[str, Any]:
    written = {"address": str(key), "sched": service.scheduler, **service.settings()}
    servers: dict[DestinationKey, FoundServer] = {}
    for server in () if service.off else service.servers:
        name = DestinationKey(server.address, service.port(key, server))
        if server.family is None:
            reason = f"{server.address!r} is a name, and a table has addresses"
            ledger.lose(server.said, reason, "--resolve asks for its address, once and now")
        elif server.family is not key.family and server.forwarding is not Forwarding.TUNNEL:
            reason = f"its address is of another family than {key}, which takes a tunnel"
            ledger.lose(server.said, reason)
        elif name in servers:
            reason = f"{name} is in this pool already, from {servers[name].said.place}"
            ledger.lose(server.said, reason)
        else:
            places[f"{path}.destinations[{len(servers)}]"] = server.said
            servers[name] = server
    if servers:
        written["destinations"] = [_destination(*item) for item in servers.items()]
    return written


def _destination(key: DestinationKey, server: FoundServer) -> dict[str, Any]:
    """As `get` writes it, and with the weight in any case: not everybody takes 0 for none."""
    tunnel = server.tunnel if server.forwarding is Forwarding.TUNNEL else PLAIN_TUNNEL
    how = DestinationSettings(
        server.weight, server.forwarding, server.upper or 0, server.lower or 0, tunnel
    )
    plain = destination(key, how)
    return {"address": plain.pop("address"), "weight": server.weight, **plain}


def _judge(document: dict[str, Any], places: dict[str, Directive], ledger: Ledger) -> None:
    """What a document cannot be, told where it comes from."""
    reader = Reader()
    wish = reader.table(document)
    try:
        reader.finish()
        resolve(wish, State(), lambda _interface: _MTU)
    except InvalidValue as invalid:
        for fault in invalid.faults:
            _fault(fault, places, ledger)
    ledger.stand()


def _fault(fault: Fault, places: dict[str, Directive], ledger: Ledger) -> None:
    paths = [path for path in places if fault.path.startswith(path)]
    if paths:
        path = max(paths, key=len)
        directive = places[path]
        rest = fault.path.removeprefix(path).lstrip(".")
        subject = f"{directive}: {rest}" if rest else str(directive)
        ledger.fault(directive.place, subject, fault.reason)
    else:
        ledger.fault(None, fault.path, fault.reason)
