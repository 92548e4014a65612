"""Tables of thousands: read whole, and changed in few messages."""

from __future__ import annotations

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Endpoint,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    SERVICES,
    Scope,
)
from fresh import FreshHost
from samples import (
    WEB,
    WEB6,
    A,
    B,
    direct,
    do,
    many,
    service,
    services_of,
    state,
)
from wrap import CountingSocket


def test_a_pool_of_five_thousand_is_read_whole(host: FreshHost, kernel: KernelTable) -> None:
    desired = state(service(WEB, many(5000)))
    assert len(reconcile(kernel, desired, SERVICES).changes) == 5001
    assert len(services_of(kernel)[WEB].destinations) == 5000
    assert host.run("ipvsadm -Sn").count("-a ") == 5000
    assert len(kernel.counters([WEB])[WEB].destinations) == 5000


def test_a_table_of_thousands_of_services_is_read_whole(
    host: FreshHost, kernel: KernelTable
) -> None:
    desired = state(
        *(service(Endpoint(Transport.UDP, "192.0.2.1", port)) for port in range(1, 4501))
    )
    assert len(reconcile(kernel, desired, SERVICES).changes) == 4500
    assert host.run("ipvsadm -Sn").count("-A ") == 4500
    # The same table, asked for by name: no fewer questions than services, in few sends.
    assert kernel.read(Scope(frozenset(desired.services))) == desired


def test_a_weight_in_a_large_table_takes_few_messages(host: FreshHost, kernel: KernelTable) -> None:
    services = [service(Endpoint(Transport.TCP, "192.0.2.1", port)) for port in range(1, 1001)]
    reconcile(kernel, state(service(WEB6, how=None), *services), SERVICES)
    do(kernel, AddDestination(services[0].key, A, direct()))
    do(kernel, AddDestination(services[0].key, B, direct()))
    table = KernelTable(host.name)
    counting = CountingSocket(table._kernel._socket)
    table._kernel._socket = counting
    key = services[0].key
    plan = reconcile(
        table, state(service(key, {A: direct(9)})), Scope(destinations={key: frozenset([A])})
    )
    assert len(plan.changes) == 1
    # Service and pool, before and after, and the change. Opening the table asked for the family.
    assert counting.messages == 5
    assert services_of(kernel)[key].destinations == {A: direct(9), B: direct()}
    table.close()
