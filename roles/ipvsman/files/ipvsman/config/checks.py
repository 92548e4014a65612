# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Health checks: what each level of a configuration says, inherited, and complete in the end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ipvsman.health.spec import Timing, Tls, Verify

from .complaints import Complaints
from .model import CheckKind, CheckTarget, HealthCheck
from .schema import COMMON_OPTIONS, OPTIONS
from .shapes import Entry, Place
from .values import is_hostname

#: Kinds whose options mean the same, so that they outlive a change between them.
_ALIKE = {CheckKind.HTTP: CheckKind.HTTPS, CheckKind.HTTPS: CheckKind.HTTP}
#: Kinds that probe an address, not a port.
PORTLESS = frozenset({CheckKind.ICMP, CheckKind.COMMAND})
#: What is said where every default is: it is of no kind, and means nothing.
_FILLED_IN = {"expected_status": ((200, 200),)}
#: What a kind cannot do without.
_NEEDED = {CheckKind.DNS: "query_name", CheckKind.COMMAND: "command"}


@dataclass(frozen=True)
class Inherited:
    """What is said of a check, by a level and those around it.

    broken: some of it is not known, because it was wrong.
    """

    kind: CheckKind | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = None
    broken: bool = False


def inherit(base: Inherited, entry: Entry | None, complaints: Complaints) -> Inherited:
    """What a level says, on top of what it has from around it."""
    if entry is None:
        return base
    kind: CheckKind | None = entry.get("type", base.kind)
    broken = bool(entry.broken) or base.broken
    kept = dict(base.values)
    if kind is not base.kind and base.kind is not None:
        shared = OPTIONS[base.kind] if kind is not None and _ALIKE.get(kind) is base.kind else ()
        kept = {name: kept[name] for name in kept if name in COMMON_OPTIONS or name in shared}
    if kind is not None and "type" not in entry.broken:
        _warn_of_foreign(entry, kind, complaints)
    said = dict(entry.values)
    if "tls" in said:
        said["tls"] = {**kept.get("tls", {}), **said["tls"].values}
    for name, other in (("body", "body_regex"), ("body_regex", "body")):
        if name in said:
            kept.pop(other, None)
    return Inherited(kind, {**kept, **said}, entry.place, broken)


def target_of(
    entry: Entry | None, kind: CheckKind | None, complaints: Complaints
) -> CheckTarget | None:
    """Address and port that a check target names."""
    if entry is None:
        return None
    address = one_address(entry, complaints, strict=True)
    port = entry.get("port", 0)
    if not entry.has("port") and kind is not None and kind not in PORTLESS:
        path = entry.at("port").text
        complaints.fault(entry.place.origin, path, f"is needed to probe by {kind.value}: 1..65535")
    return CheckTarget(address, port) if address else None


def one_address(entry: Entry, complaints: Complaints, *, strict: bool) -> str | None:
    """The address that a mapping says by one of two names; None when it says none.

    strict: two that differ are a fault; otherwise ``ip`` gives way, as it always did.
    """
    address, ip = entry.get("address"), entry.get("ip")
    if address is not None and ip is not None and address != ip:
        place = entry.at("ip")
        if strict:
            reason = f"backend ip/address mismatch: {ip!r} here, and {address!r} as address"
            complaints.fault(place.origin, place.text, reason)
        else:
            reason = f"{ip!r} is not used, because address says {address!r}"
            complaints.warn(place.origin, place.text, reason)
    found: str | None = address if address is not None else ip
    if found is None and not entry.has("address") and not entry.has("ip"):
        reason = "is needed: an address or a host name"
        complaints.fault(entry.place.origin, entry.at("address").text, reason)
    return found


def complete(said: Inherited, target: CheckTarget | None, complaints: Complaints) -> HealthCheck:
    """The check, every option of it decided."""
    values = said.values
    kind = said.kind or CheckKind.TCP
    needed = _NEEDED.get(kind)
    if needed and needed not in values and not said.broken and not values.get("disable"):
        _fault(said, needed, f"is needed to probe by {kind.value}", complaints)
    if "body" in values and "body_regex" in values:
        _fault(said, "body_regex", "and body are both said; one of them is judged", complaints)
    certificates = values.get("tls", {})
    if "key" in certificates and "certificate" not in certificates and not said.broken:
        _fault(said, "tls", "has a key and no certificate", complaints)
    host = values.get("host", "")
    return HealthCheck(
        kind=kind,
        timing=_timing(values),
        target=target,
        disable=values.get("disable", False),
        send=values.get("send", b""),
        expect=values.get("expect", b""),
        method=values.get("method", "GET"),
        path=values.get("path", ""),
        host=host,
        statuses=values.get("expected_status", ((200, 200),)),
        body=values.get("body_regex", values.get("body", "")),
        body_is_regex="body_regex" in values,
        tls=_tls(certificates, host if kind is CheckKind.HTTPS else ""),
        days=values.get("days", 0),
        query_name=values.get("query_name", ""),
        query_type=values.get("query_type", ""),
        over_tcp=values.get("transport", False),
        rcode=values.get("expected_rcode", "NOERROR"),
        answers=values.get("expected_answers", ()),
        command=values.get("command", ()),
    )


def _timing(values: Mapping[str, Any]) -> Timing:
    interval = values.get("interval", 10.0)
    return Timing(
        interval,
        values.get("fast_interval", interval),
        values.get("down_interval", interval),
        values.get("timeout", 3.0),
        values.get("rise", 2),
        values.get("fall", 3),
    )


def _tls(said: Mapping[str, Any], host: str) -> Tls:
    """TLS of a probe. Who asks a server for a host wants the certificate of that host."""
    name = re.sub(r":[0-9]+$", "", host)
    return Tls(
        said.get("server_name", name if is_hostname(name) else ""),
        Verify.ON if said.get("verify", True) else Verify.OFF,
        said.get("ca_file", ""),
        said.get("certificate", ""),
        said.get("key", ""),
    )


def _warn_of_foreign(entry: Entry, kind: CheckKind, complaints: Complaints) -> None:
    own = COMMON_OPTIONS | OPTIONS[kind] | {"type", "ip", "address", "port"}
    for name, value in entry.values.items():
        if name not in own and _FILLED_IN.get(name) != value:
            place = entry.at(name)
            reason = f"has no effect, since the type is {kind.value}"
            complaints.warn(place.document.key_origin(place.path), place.text, reason)


def _fault(said: Inherited, name: str, reason: str, complaints: Complaints) -> None:
    if said.place is not None:
        place = said.place.at(name)
        complaints.fault(place.origin, place.text, reason)
