"""Local addresses that are wished, left out, or needed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    InvalidValue,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    FullNat,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    DestinationWish,
    ServiceWish,
    TableWish,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.wishes import (
    meant,
    web,
)

HERE = ("10.2.0.1",)


def translated(*services):
    return replace(eg.state(*services), full_nat=FullNat(True, {eg.WEB: HERE}))


def test_local_addresses_left_out_stay_as_they_are():
    current = translated(eg.service(eg.WEB))
    assert meant(web(), current).full_nat == FullNat(True, {eg.WEB: HERE})
    assert meant(web(local_addresses=()), current).full_nat == FullNat(True, {})
    two = ("10.2.0.1", "10.2.0.2")
    assert meant(web(local_addresses=two), current).full_nat == FullNat(True, {eg.WEB: two})


def test_a_new_service_does_not_take_over_what_a_former_one_has_left():
    assert meant(web(), translated()).full_nat == FullNat(True, {})


def test_who_wants_local_addresses_wants_connections_tracked():
    assert meant(web(local_addresses=HERE)).full_nat == FullNat(True, {eg.WEB: HERE})
    assert meant(web()).full_nat == FullNat(False, {})


def fnat(**options):
    destination = DestinationWish(eg.ONE, full_nat=True, path="it")
    return ServiceWish(eg.WEB, destinations=(destination,), path="service", **options)


def test_full_nat_needs_local_addresses_said_or_there():
    current = translated(eg.service(eg.WEB))
    assert meant(TableWish((fnat(local_addresses=HERE),))).full_nat.local_addresses
    assert meant(TableWish((fnat(),)), current).full_nat.local_addresses == {eg.WEB: HERE}
    for wish, held in [(fnat(), eg.EMPTY), (fnat(local_addresses=()), current)]:
        with pytest.raises(InvalidValue) as raised:
            meant(TableWish((wish,)), held)
        (fault,) = raised.value.faults
        assert fault.path == "it.forwarding"
        assert fault.reason.startswith("'fnat' needs local_addresses of the service")


def test_local_addresses_that_an_earlier_task_would_set_are_taken_for_there():
    told = []
    meant(TableWish((fnat(exists=True),)), eg.state(eg.service(eg.WEB)), absent=told.append)
    assert [fault.path for fault in told] == ["it.forwarding"]


def test_who_names_full_nat_looks_at_the_local_addresses():
    assert TableWish((fnat(exists=True),)).scope().local_addresses == {eg.WEB}
    plain = ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE),), exists=True)
    assert TableWish((plain,)).scope().local_addresses == frozenset()
