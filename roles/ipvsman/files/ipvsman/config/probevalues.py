# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Single values of health checks: how each is read, and how JSON Schema says the same."""

from __future__ import annotations

import re
import warnings
from typing import Any

from .values import STRING, WORDS, Value, matching, one_of, shown

_STATUSES = re.compile(r"\s*([0-9]{3})\s*(?:-\s*([0-9]{3})\s*)?")
_RDTYPES = (
    "A AAAA ANY CAA CNAME DNSKEY DS HINFO HTTPS LOC MX NAPTR NS NSEC NSEC3 OPENPGPKEY PTR RP RRSIG"
    " SMIMEA SOA SPF SRV SSHFP SVCB TLSA TXT URI"
).split()
_RCODES = (
    "NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE"
).split()


def _statuses(value: Any) -> tuple[tuple[int, int], ...]:
    allowed = "a status in 100..599, a range like 200-299, or a list of these"
    if isinstance(value, str):
        value = value.split(",")
    found = []
    for item in value if isinstance(value, list) else [value]:
        is_plain = isinstance(item, (int, float, str)) and not isinstance(item, bool)
        text = f"{item:g}" if isinstance(item, float) else str(item)
        match = _STATUSES.fullmatch(text) if is_plain else None
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 100 <= low <= high <= 599:
            raise ValueError(f"{shown(item)} is not {allowed}")
        found.append((low, high))
    if not found:
        raise ValueError(f"is empty; wanted is {allowed}")
    return tuple(found)


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is neither text nor !!binary")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{shown(value)} cannot be sent; say it as !!binary") from None


def _regex(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{shown(value)} is not a regular expression")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{shown(value)} is not a regular expression: {error}") from None
    return value


def _substring(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{shown(value)} is not text that a body can contain")
    _bytes(value)
    return value


def _query_name(value: Any) -> str:
    if isinstance(value, str) and value:
        labels = value.removesuffix(".").split(".")
        plain = value.isascii() and value.isprintable() and " " not in value and len(value) <= 254
        if value == "." or (plain and all(0 < len(label) <= 63 for label in labels)):
            return value
    raise ValueError(f"{shown(value)} is not a domain name")


def _command(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f'{shown(value)} is not a list like ["/usr/bin/check", "--fast"]')
    for item in value:
        if not isinstance(item, str) or "\0" in item:
            raise ValueError(f"{shown(item)} is not text; put it in quotes")
        _bytes(item)
    if not value[0]:
        raise ValueError("the name of the command is empty")
    return tuple(value)


def _carrier(value: Any) -> bool:
    if not isinstance(value, str) or value.lower() not in ("udp", "tcp"):
        raise ValueError(f"{shown(value)} is not one of udp, tcp")
    return value.lower() == "tcp"


_STATUS = {"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, STRING]}
STATUSES = Value(_statuses, {"anyOf": [*_STATUS["anyOf"], {"type": "array", "items": _STATUS}]})
BYTES = Value(_bytes, STRING)
METHOD = matching(r"[A-Z]+", "an HTTP method in capitals, like GET or HEAD")
REQUEST_PATH = matching(r"/[!-~]*", "a request path: / and what follows it, blanks as %20")
HOST_HEADER = matching(r"[!-~]+", "a host header: a name or an address, perhaps with :PORT")
FILE = matching(r"/[^\x00-\x1f\ud800-\udfff]+", "an absolute path", {**STRING, "pattern": "^/"})
REGEX = Value(_regex, {"type": "string", "format": "regex"})
SUBSTRING = Value(_substring, WORDS)
QUERY_NAME = Value(_query_name, WORDS)
QUERY_TYPE = one_of(_RDTYPES, r"TYPE[0-9]{1,5}")
RCODE = one_of(_RCODES)
COMMAND = Value(_command, {"type": "array", "items": STRING, "minItems": 1})
CARRIER = Value(_carrier, {"enum": ["udp", "tcp"]})
