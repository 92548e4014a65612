# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module options: the pieces of argument specifications, and what their values ask for.

Internal to this collection. Ansible checks the shape of options, one fault at a time; what they say
(ranges, addresses, combinations) is read by the core's document reader, all faults at once. Options
that describe a service or destination are spelled as in a document, so one reader does for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .ipvs.document import Reader
from .ipvs.model import Endpoint, Family, Firewallmark, Role, ServiceKey, Transport
from .ipvs.text import (
    FLAG_NAMES,
    FORWARDING_ALIASES,
    FULL_NAT,
    parse_service_key,
    parse_virtual_address,
)
from .ipvs.wish import DaemonWish, ServiceWish, TimeoutsWish

Params = Mapping[str, Any]

FORWARDING_WORDS = [
    "masquerade",
    "direct",
    "tunnel",
    "local",
    "bypass",
    *FORWARDING_ALIASES,
    FULL_NAT,
]


def common_spec() -> dict[str, Any]:
    """What every module takes."""
    return {"netns": {"type": "str"}}


def left_out_spec() -> dict[str, Any]:
    """What an option that is left out means, of modules that change what is there."""
    return {"left_out": {"type": "str", "choices": ["keep", "default"], "default": "keep"}}


def destination_spec() -> dict[str, Any]:
    """One destination."""
    return {
        "address": {"type": "str"},
        "port": {"type": "int"},
        "weight": {"type": "int"},
        "forwarding": {"type": "str", "choices": FORWARDING_WORDS},
        "upper_threshold": {"type": "int"},
        "lower_threshold": {"type": "int"},
        "tunnel": {
            "type": "dict",
            "options": {
                "type": {"type": "str", "choices": ["ipip", "gue", "gre"]},
                "port": {"type": "int"},
                "checksum": {"type": "str", "choices": ["none", "csum", "remcsum"]},
            },
        },
    }


def destinations_spec() -> dict[str, Any]:
    """A list of destinations."""
    element = destination_spec()
    element["address"] = {"type": "str", "required": True}
    return {"destinations": {"type": "list", "elements": "dict", "options": element}}


def service_spec() -> dict[str, Any]:
    """A virtual service: its name in one of three forms, and its settings."""
    return {
        "service": {"type": "str"},
        "address": {"type": "str"},
        "port": {"type": "int"},
        "protocol": {"type": "str", "choices": [word.value for word in Transport]},
        "fwmark": {"type": "int"},
        "family": {"type": "str", "choices": [word.value for word in Family]},
        "scheduler": {"type": "str"},
        "flags": {"type": "list", "elements": "str", "choices": list(FLAG_NAMES)},
        "persistence": {"type": "int"},
        "netmask": {"type": "str"},
        "engine": {"type": "str"},
        "local_addresses": {"type": "list", "elements": "str"},
    }


SERVICE_RULES: dict[str, Any] = {
    "required_one_of": [("service", "address", "fwmark")],
    "mutually_exclusive": [
        ("service", "address", "fwmark"),
        ("service", "port"),
        ("service", "protocol"),
        ("service", "family"),
        ("address", "family"),
        ("fwmark", "port"),
        ("fwmark", "protocol"),
    ],
    "required_by": {
        "address": ("port",),
        "port": ("address",),
        "protocol": ("address",),
        "family": ("fwmark",),
    },
}


def service_wish(params: Params) -> ServiceWish:
    """What the options of a whole service ask for. Raises InvalidValue."""
    reader = Reader()
    key = _service_key(reader, params)
    names = (
        "scheduler",
        "flags",
        "persistence",
        "netmask",
        "engine",
        "local_addresses",
        "destinations",
    )
    entry = {name: params.get(name) for name in names}
    # A fault of the name has been noted by its option; to find the others, any name will do. What a
    # netmask or a local address may be is up to the family, which the name says.
    entry["service"] = str(key) if key else "fwmark:1"
    if key is None:
        entry["netmask"] = entry["local_addresses"] = None
    wish = reader.service(entry, "")
    reader.finish()
    if key is None or wish is None:
        raise AssertionError("a service without a fault has a key")
    return wish


def pool_wish(params: Params) -> ServiceWish:
    """What options about destinations of an existing service ask for. Raises InvalidValue."""
    reader = Reader()
    key = _service_key(reader, params)
    if params.get("destinations") is not None:
        destinations = reader.destinations(params["destinations"], "destinations", key)
    else:
        entry = {name: params.get(name) for name in destination_spec()}
        single = reader.destination(entry, "", key)
        destinations = () if single is None else (single,)
    reader.finish()
    if key is None:
        raise AssertionError("a service without a fault has a key")
    return ServiceWish(key, destinations=destinations, exists=True, path="service")


def service_filter(names: list[str]) -> list[ServiceKey]:
    """The services named. Raises InvalidValue."""
    reader = Reader()
    keys = [
        reader.value(name, f"service[{number}]", parse_service_key)
        for number, name in enumerate(names)
    ]
    reader.finish()
    return [key for key in keys if key is not None]


def timeouts_wish(params: Params) -> TimeoutsWish:
    """What the options of time-outs ask for. Raises InvalidValue."""
    reader = Reader()
    wish = reader.timeouts({name: params.get(name) for name in ("tcp", "tcp_fin", "udp")}, "")
    reader.finish()
    return wish


def daemon_wish(params: Params) -> DaemonWish:
    """What the options of a sync daemon ask for. Raises InvalidValue."""
    names = ("role", "interface", "sync_id", "maxlen", "group", "port", "ttl")
    reader = Reader()
    wish = reader.daemon({name: params.get(name) for name in names}, "")
    reader.finish()
    return wish or DaemonWish(Role(params["role"]))


def _service_key(reader: Reader, params: Params) -> ServiceKey | None:
    if params.get("service") is not None:
        return reader.value(params["service"], "service", parse_service_key)
    if params.get("fwmark") is not None:
        mark = reader.integer(params["fwmark"], "fwmark", 1, 0xFFFFFFFF)
        return None if mark is None else Firewallmark(mark, Family(params.get("family") or "inet"))
    address = reader.value(params.get("address"), "address", parse_virtual_address)
    port = reader.integer(params.get("port"), "port", 0, 65535)
    if address is None or port is None:
        return None
    return Endpoint(Transport(params.get("protocol") or "tcp"), address, port)
