"""What no word exists for in a table: it is told, and left alone."""

from __future__ import annotations

import struct

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import encode, wire
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Forwarding,
    ServiceKey,
    State,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    EVERYTHING,
    SERVICES,
    Scope,
)
from fresh import FreshHost
from samples import (
    WEB,
    A,
    B,
    direct,
    do,
    service,
    services_of,
    settings,
    state,
)


def foreign_service(kernel: KernelTable) -> None:
    """A service of a transport protocol that is none of ours."""
    number, attributes = encode.command(
        AddService(Endpoint(Transport.UDP, "192.0.2.1", 80), settings())
    )
    udp, other = (struct.pack("=HHHxx", 6, wire.SVC_PROTOCOL, n) for n in (17, 99))
    assert attributes.count(udp) == 1
    assert kernel._kernel.tell([(number, attributes.replace(udp, other))]) == ({}, False)


def foreign_destination(kernel: KernelTable, key: ServiceKey, name: DestinationKey) -> None:
    """A destination that is forwarded in a way that is none of ours."""
    how = DestinationSettings(1, Forwarding.BYPASS)
    number, attributes = encode.command(AddDestination(key, name, how))
    bypass, other = (struct.pack("=HHI", 8, wire.DEST_FORWARDING, n) for n in (4, 5))
    assert attributes.count(bypass) == 1
    assert kernel._kernel.tell([(number, attributes.replace(bypass, other))]) == ({}, False)


def test_a_foreign_service_is_told_and_left_alone(host: FreshHost, kernel: KernelTable) -> None:
    do(kernel, AddService(WEB, settings()), AddDestination(WEB, A, direct()))
    foreign_service(kernel)
    found = kernel.read(EVERYTHING)
    assert set(found.services) == {WEB}
    (unreadable,) = found.unreadable
    assert "transport protocol 99" in unreadable
    assert set(kernel.counters()) == {WEB}
    # Not in the way of what else is wanted, and no reason to try again for ever.
    reconcile(kernel, State(), SERVICES)
    assert services_of(kernel) == {}
    assert len(kernel.read(SERVICES).unreadable) == 1


def test_a_foreign_destination_is_told_and_left_alone(host: FreshHost, kernel: KernelTable) -> None:
    do(kernel, AddService(WEB, settings()), AddDestination(WEB, A, direct()))
    foreign_destination(kernel, WEB, B)
    found = kernel.read(EVERYTHING)
    assert found.services == {WEB: service(WEB, {A: direct()})}
    (unreadable,) = found.unreadable
    assert str(WEB) in unreadable
    assert "forwarding method 5" in unreadable
    reconcile(kernel, state(service(WEB)), SERVICES)
    assert services_of(kernel) == {WEB: service(WEB)}
    assert len(kernel.read(Scope(frozenset([WEB]))).unreadable) == 1
