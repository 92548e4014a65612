from __future__ import annotations

from dataclasses import replace

from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    SETTINGS,
    VIP,
    key,
    pool,
    service,
)
from ipvsman.control.remainder import remainder
from ipvsman.ipvs.changes import AddDestination, EditDestination, EditService

A, B, OLD, NEW = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"
POOL = pool(A, B, NEW)
THERE = service({A: 5, B: 0, OLD: 5})
WANTED = replace(
    service({A: 0, B: 5, NEW: 5}), settings=replace(SETTINGS, scheduler="none of the kernel's")
)


def weights(made):
    return {each.address: found.weight for each, found in made.destinations.items()}


def made(*refused):
    return remainder(POOL, WANTED, THERE, refused)


def test_nothing_refused_is_all_that_is_wanted():
    assert made() == WANTED


def test_settings_that_are_refused_stay_and_destinations_follow():
    rest = made(EditService(VIP, THERE.settings, WANTED.settings))
    assert rest == replace(WANTED, settings=SETTINGS)


def test_a_destination_that_is_refused_is_left_out_and_the_one_before_stays():
    rest = made(AddDestination(VIP, key(NEW), WANTED.destinations[key(NEW)]))
    assert rest.settings == WANTED.settings
    assert weights(rest) == {A: 0, B: 5, OLD: 5}


def test_an_edit_that_is_refused_leaves_what_is_there():
    before, after = THERE.destinations[key(B)], WANTED.destinations[key(B)]
    rest = made(EditDestination(VIP, key(B), before, after))
    assert weights(rest) == {A: 0, B: 0, NEW: 5}


def test_one_that_is_down_goes_although_another_is_refused():
    """It is in the pool, and not wanted in the table."""
    wanted = service({A: 5, NEW: 5})
    refused = AddDestination(VIP, key(NEW), wanted.destinations[key(NEW)])
    assert weights(remainder(POOL, wanted, THERE, [refused])) == {A: 5, OLD: 5}


class TestFallback:
    """The other of two pools does not make room for one that cannot be had."""

    where = pool(A, fallback=(NEW,))

    def test_a_fallback_that_is_refused(self):
        there, wanted = service({A: 5}), service({A: 0, NEW: 5})
        refused = AddDestination(VIP, key(NEW), wanted.destinations[key(NEW)])
        assert weights(remainder(self.where, wanted, there, [refused])) == {A: 5}

    def test_a_fallback_that_has_another_beside_it(self):
        where = pool(A, fallback=(NEW, B))
        there, wanted = service({A: 5}), service({A: 0, NEW: 5, B: 5})
        refused = AddDestination(VIP, key(NEW), wanted.destinations[key(NEW)])
        assert weights(remainder(where, wanted, there, [refused])) == {A: 0, B: 5}
