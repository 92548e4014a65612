# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What conntrack knows of connections, as far as it takes to count them by local address. Pure.

Netfilter leaves a connection its client's port where that is free (``get_unique_tuple``), so one
that has another port met a conflict.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from .decode import attributes
from .model import DestinationKey, Endpoint, Firewallmark, LocalUse, ServiceKey
from .wire import PROTOCOL

# enum ctattr_type, ctattr_tuple, ctattr_ip, ctattr_l4proto
_ORIGINAL, _REPLY = 1, 2
_IP, _PROTO = 1, 2
_SOURCES, _TARGETS = (1, 3), (2, 4)
_NUMBER, _SOURCE_PORT, _TARGET_PORT = 1, 2, 3

_NOTHING = LocalUse()


class Tracked(NamedTuple):
    """A connection: where the client sent it, and how its replies go back.

    protocol: by number. server: who replies. local: whom it replies to. moved: whether that is
    another port than the client's.
    """

    protocol: int
    address: str
    port: int
    server: DestinationKey
    local: str
    moved: bool


def tracked(messages: Iterable[bytes]) -> Iterator[Tracked]:
    """Connections with ports, out of the attributes of each."""
    for message in messages:
        fields = dict(attributes(message))
        original, reply = _tuple(fields.get(_ORIGINAL, b"")), _tuple(fields.get(_REPLY, b""))
        if original and reply:
            protocol, _client, client_port, address, port = original
            _protocol, server, server_port, local, local_port = reply
            key = DestinationKey(server, server_port)
            yield Tracked(protocol, address, port, key, local, client_port != local_port)


def count(
    connections: Iterable[Tracked],
    local_addresses: Mapping[ServiceKey, Collection[str]],
    pools: Mapping[Firewallmark, Collection[DestinationKey]],
) -> dict[ServiceKey, dict[str, LocalUse]]:
    """What each local address of each service carries.

    pools: destinations of firewall marks. Conntrack knows nothing of marks: what comes from a local
    address of such a service and goes to one of its destinations is taken for its own.
    """
    found = {key: dict.fromkeys(these, _NOTHING) for key, these in local_addresses.items()}
    ports, marks = _by_port(found), [key for key in found if isinstance(key, Firewallmark)]
    for one in connections:
        named = ports.get((one.protocol, one.address, one.port))
        named = named or ports.get((one.protocol, one.address, 0))
        if named is not None and one.local in found[named]:
            _add(found[named], one)
            continue
        anywhere = DestinationKey(one.server.address, 0)
        for mark in marks:
            pool = pools.get(mark, ())
            if one.local in found[mark] and (one.server in pool or anywhere in pool):
                _add(found[mark], one)
                break
    return found


def _add(found: dict[str, LocalUse], one: Tracked) -> None:
    have = found[one.local]
    found[one.local] = LocalUse(have.connections + 1, have.conflicts + one.moved)


def _by_port(keys: Iterable[ServiceKey]) -> dict[tuple[int, str, int], ServiceKey]:
    return {
        (PROTOCOL[key.transport], key.address, key.port): key
        for key in keys
        if isinstance(key, Endpoint)
    }


def _tuple(data: bytes) -> tuple[int, str, int, str, int] | None:
    """Protocol, source and its port, target and its port; None for what has no ports."""
    fields = dict(attributes(data))
    addresses = dict(attributes(fields.get(_IP, b"")))
    proto = dict(attributes(fields.get(_PROTO, b"")))
    if not proto.get(_NUMBER) or _SOURCE_PORT not in proto or _TARGET_PORT not in proto:
        return None
    source, target = _address(addresses, _SOURCES), _address(addresses, _TARGETS)
    if not source or not target:
        return None
    ports = [int.from_bytes(proto[kind], "big") for kind in (_SOURCE_PORT, _TARGET_PORT)]
    return proto[_NUMBER][0], source, ports[0], target, ports[1]


def _address(fields: Mapping[int, bytes], kinds: Collection[int]) -> str:
    for kind in kinds:
        packed = fields.get(kind, b"")
        if len(packed) in (4, 16):
            family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
            return socket.inet_ntop(family, packed)
    return ""
