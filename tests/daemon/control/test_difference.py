from __future__ import annotations

from ansible_collections.lvs.ipvs.tests.daemon.control.keeping import (
    FOREIGN,
    ONE,
    A,
    B,
    Watched,
)
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import VIP, service, snapshot, vip
from ipvsman.control.difference import difference
from ipvsman.ipvs.scope import SERVICES

OURS = service({B: 5}, vip(2))


def changes(*owned):
    """In a table that has ours, one of no concern, and another weight than is wanted."""
    kernel = Watched(service({A: 1}), FOREIGN, OURS)
    found = difference(snapshot(ONE), owned, kernel.read(SERVICES))
    assert kernel.calls["apply"] == 0
    return found


def test_the_difference_is_told_without_a_change():
    found = changes()
    assert found.counts() == {"edit_destination": 1, "add_destination": 1}
    assert {change.service for change in found.changes} == {VIP}


def test_what_is_owned_and_no_longer_wanted_would_go():
    assert changes(OURS.key).counts()["remove_service"] == 1
    assert changes(OURS.key, vip(77)).counts()["remove_service"] == 1
