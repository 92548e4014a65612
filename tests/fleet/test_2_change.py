"""A variable is changed: the daemon reloads, and no client notices; or refuses, and nothing is."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from plays import Played, Site
from remote import Remote, on_all
from scene import DIRECT_4, Fleet, weights
from traffic import Traffic

HEAVIER = {"10.77.0.21:80": 5, "10.77.0.22:80": 1}


class Changed(NamedTuple):
    rehearsed: Played
    done: Played
    traffic: Traffic
    touched: dict[str, set[str]]


@pytest.fixture(scope="module")
def processes(fleet: Fleet) -> dict[str, str]:
    return on_all(fleet.directors, main_process)


def main_process(host: Remote) -> str:
    return host.show("ipvsman", "MainPID")


@pytest.fixture(scope="module")
def changed(processes: object, fleet: Fleet, site: Site) -> Changed:
    """Another weight: rehearsed, and done while a client goes on asking."""
    before = on_all(fleet.directors, Remote.picture)
    site.turn(web_weight=5)
    rehearsed = site.play("site", "--check", "--diff", "--limit", "directors")
    after = on_all(fleet.directors, Remote.picture)
    touched = {name: before[name] ^ after[name] for name in before}
    with Traffic(DIRECT_4) as traffic:
        done = site.play("site", "--diff", "--limit", "directors")
    return Changed(rehearsed, done, traffic, touched)


class TestChangedGroup:
    def test_check_mode_touches_nothing(self, changed: Changed) -> None:
        assert changed.touched == {"director1": set(), "director2": set()}

    def test_check_mode_says_what_changes(self, changed: Changed) -> None:
        assert changed.rehearsed.changes == changed.done.changes
        assert changed.rehearsed.changed == changed.done.changed
        for played in (changed.rehearsed, changed.done):
            assert re.search(r"^-\s+weight: 1$", played.output, re.MULTILINE)
            assert re.search(r"^\+\s+weight: 5$", played.output, re.MULTILINE)

    def test_is_in_the_kernel(self, changed: Changed, fleet: Fleet) -> None:
        for host in fleet.directors:
            assert weights(host)["10.77.0.100:80"] == HEAVIER

    def test_is_a_reload(self, changed: Changed, processes: object, fleet: Fleet) -> None:
        assert on_all(fleet.directors, main_process) == processes

    def test_no_request_was_lost(self, changed: Changed) -> None:
        assert changed.traffic.answered.total() > 50
        assert changed.traffic.lost == []


@pytest.fixture(scope="module")
def refused(changed: object, fleet: Fleet, site: Site) -> tuple[Played, dict[str, set[str]]]:
    """A weight that there is not; and what that did to the hosts."""
    before = on_all(fleet.directors, Remote.picture)
    site.turn(web_weight=70000)
    played = site.play("site", "--limit", "directors", fails=True)
    site.turn(web_weight=5)
    after = on_all(fleet.directors, Remote.picture)
    return played, {name: before[name] ^ after[name] for name in before}


class TestBadVariable:
    def test_is_refused_by_every_director(
        self, refused: tuple[Played, dict[str, set[str]]]
    ) -> None:
        assert refused[0].failed == {"director1", "director2"}

    def test_says_where_and_why(self, refused: tuple[Played, dict[str, set[str]]]) -> None:
        assert re.search(r"groups/ansible.yaml:\d+:\d+: .*70000", refused[0].output)
        assert "not in 0..65535" in refused[0].output

    def test_nothing_has_changed(self, refused: tuple[Played, dict[str, set[str]]]) -> None:
        assert refused[1] == {"director1": set(), "director2": set()}

    def test_daemon_is_the_same_and_well(
        self, refused: object, processes: object, fleet: Fleet
    ) -> None:
        assert all(host.is_active("ipvsman") for host in fleet.directors)
        assert on_all(fleet.directors, main_process) == processes
