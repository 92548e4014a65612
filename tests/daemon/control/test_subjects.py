from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    DOWN,
    UP,
    VIP,
    check_of,
    desired,
    frontend,
    row,
    said,
    snapshot,
    turned,
    vip,
)
from ipvsman.control.account import Account
from ipvsman.control.overrides import Level, Override, Overrides, Subject
from ipvsman.control.subjects import (
    astray,
    exists,
    left_alone,
    may_be_said,
    tell_astray,
    unknown,
)

A, B = "10.0.0.1", "10.0.0.2"
GROUP = Subject(Level.GROUP, "web")


@pytest.mark.parametrize(
    "level, name, there",
    [
        (Level.GROUP, "web", True),
        (Level.GROUP, "web/front", False),
        (Level.FRONTEND, "web/front", True),
        (Level.FRONTEND, "front", False),
        (Level.BACKEND, f"web/{A}", True),
        (Level.BACKEND, f"web/{A}:8080", True),
        (Level.BACKEND, f"web/{A}:81", False),
        (Level.BACKEND, A, False),
        (Level.BACKEND, f"mail/{A}", False),
        (Level.BACKEND, "web/rs1", True),
        (Level.BACKEND, "web/10.9.9.9", True),
    ],
)
def test_what_there_is_has_all_its_names(level, name, there):
    """Also what has no address yet, and who is of a fallback."""
    wanted = desired(frontend(A, "rs1", fallback=(row("10.9.9.9"),)))
    assert exists(Subject(level, name), wanted) is there


def test_what_was_said_can_be_taken_back_and_nothing_else_of_what_is_gone():
    gone, never = Subject(Level.GROUP, "old"), Subject(Level.GROUP, "never")
    wanted, overrides = desired(frontend(A)), said((Level.GROUP, "old", True))
    assert may_be_said(GROUP, True, wanted, Overrides())
    assert may_be_said(gone, False, wanted, overrides)
    assert not may_be_said(gone, True, wanted, overrides)
    assert not may_be_said(never, False, wanted, overrides)
    assert unknown(never) == "no such group: never"


def test_what_a_name_may_turn_out_to_mean_is_not_astray():
    overrides = said((Level.BACKEND, f"web/{B}", True), (Level.GROUP, "old", True))
    assert astray(overrides, desired(frontend(A))) == tuple(overrides.entries)
    assert astray(overrides, desired(frontend(A, "rs1"))) == (Subject(Level.GROUP, "old"),)


def test_what_is_astray_says_how_it_is_taken_back():
    told = tell_astray(Subject(Level.BACKEND, f"web/{B}"), Override(True, 1.0, "disk"))
    assert told.startswith(f"backend web/{B}, disabled by operator (disk), is not configured; ")
    assert told.endswith(f"until --enable-backend web/{B} takes it back")
    assert ", enabled by operator, " in tell_astray(GROUP, Override(False, 1.0))


class TestLeftAlone:
    def told(self, subject, before, after):
        return left_alone(subject, before, after, Account())

    def test_who_is_the_last_is_told_of_each_service_that_he_leaves(self):
        before = snapshot(desired(frontend(A, B), frontend(A, name="one", services=(vip(2),))))
        out = said((Level.BACKEND, f"web/{A}", True))
        after = snapshot(before.desired, overrides=out)
        assert self.told(Subject(Level.BACKEND, f"web/{A}"), before, after) == [
            f"{vip(2)} (web/one) has no backend left that gets connections"
        ]

    def test_what_nobody_served_before_is_no_news(self):
        up = snapshot(desired(frontend(A)))
        down = turned(up, check_of(up.desired, A), DOWN)
        out = snapshot(up.desired, overrides=said((Level.GROUP, "web", True)))
        assert self.told(GROUP, down, out) == []
        assert len(self.told(GROUP, up, out)) == 1

    def test_other_groups_are_not_looked_at(self):
        up = snapshot(desired(frontend(A, group="webmail"), frontend(B, services=(vip(3),))))
        none = turned(up, check_of(up.desired, A), DOWN)
        assert self.told(GROUP, up, none) == []

    def test_a_fallback_serves(self):
        wanted = desired(frontend(A, fallback=(row(B),)))
        health = {check_of(wanted, each): UP for each in (A, B)}
        before = snapshot(wanted, health=health)
        out = said((Level.BACKEND, f"web/{A}", True))
        after = snapshot(wanted, health=health, overrides=out)
        assert self.told(Subject(Level.BACKEND, f"web/{A}"), before, after) == []
        both = said((Level.GROUP, "web", True))
        gone = snapshot(wanted, health=health, overrides=both)
        assert self.told(GROUP, before, gone) == [
            f"{VIP} (web/front) has no backend left that gets connections"
        ]
