"""Other versions of the program, under traffic: up by a roll-out, down again by the link alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from plays import Played, Site
from remote import on_all, wait_until
from scene import DIRECT_4, Fleet, packets, running_version, weights
from traffic import Held, Traffic

COLLECTION = Path(__file__).resolve().parents[2]
ABOUT = "roles/ipvsman/files/ipvsman/__init__.py"
OLD = "0.1.0"
NEW = "0.1.1"


class Moved(NamedTuple):
    played: Played
    traffic: Traffic
    #: Of the connection that was open all the time: who answered before, and after.
    before: str
    after: str
    #: What the kernels had counted before.
    counted: dict[str, int]


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as its next version, where Ansible finds it."""
    collections = tmp_path_factory.mktemp("newer")
    copy = collections / "ansible_collections/lvs/ipvs"
    shutil.copytree(COLLECTION, copy, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    text = (copy / ABOUT).read_text()
    assert f'"{OLD}"' in text
    (copy / ABOUT).write_text(text.replace(f'"{OLD}"', f'"{NEW}"'))
    return collections


def move(fleet: Fleet, site: Site, collections: Path | None, **told: object) -> Moved:
    """Roll the version of that collection out, with a client at it."""
    held = Held(DIRECT_4)
    counted = on_all(fleet.directors, packets)
    with Traffic(DIRECT_4) as traffic:
        played = site.play("rollout", collections=collections, extra={"rollout_hold": 2, **told})
    moved = Moved(played, traffic, held.server, held.ask(), counted)
    held.close()
    return moved


@pytest.fixture(scope="module")
def upgraded(fleet: Fleet, site: Site, newer: Path) -> Moved:
    # By somebody who is not root there, in whose home the archive arrives.
    return move(fleet, site, newer, ansible_user="admin")


@pytest.fixture(scope="module")
def downgraded(upgraded: object, fleet: Fleet, site: Site) -> Moved:
    return move(fleet, site, None)


def assert_it_counts_on(moved: Moved, fleet: Fleet) -> None:
    """A service that is made anew counts from 0; the kernel adds up every two seconds."""
    # Each request is several packets.
    least = moved.counted["director1"] + 4 * moved.traffic.answered.total()
    wait_until("all are counted", lambda: packets(fleet.director1) >= least)


class TestUpgrade:
    def test_is_another_version(self, upgraded: Moved, fleet: Fleet) -> None:
        assert on_all(fleet.directors, running_version) == {"director1": NEW, "director2": NEW}

    def test_one_director_after_the_other(self, upgraded: Moved) -> None:
        assert upgraded.played.output.count("PLAY [One director first, then the others]") == 2

    def test_leaves_nothing_where_ansible_logs_in(self, upgraded: Moved, fleet: Fleet) -> None:
        for host in fleet.directors:
            assert host.run("ls -A ~admin/.ansible/tmp") == ""

    def test_kernel_s_table_stayed(self, upgraded: Moved, fleet: Fleet) -> None:
        assert_it_counts_on(upgraded, fleet)
        assert packets(fleet.director2) == upgraded.counted["director2"]
        assert weights(fleet.director1)["10.77.0.100:80"] == {
            "10.77.0.21:80": 5,
            "10.77.0.22:80": 1,
        }

    def test_no_request_was_lost(self, upgraded: Moved) -> None:
        assert upgraded.traffic.answered.total() > 50
        assert upgraded.traffic.lost == []
        assert upgraded.before == upgraded.after


class TestDowngrade:
    def test_is_the_version_before(self, downgraded: Moved, fleet: Fleet) -> None:
        assert on_all(fleet.directors, running_version) == {"director1": OLD, "director2": OLD}
        for host in fleet.directors:
            assert host.is_active("ipvsman")

    def test_was_still_there(self, downgraded: Moved, fleet: Fleet) -> None:
        for host in fleet.directors:
            versions = host.run("ls /usr/lib/ipvsman/versions").split()
            assert [name.partition("-")[0] for name in sorted(versions)] == [OLD, NEW]
        assert not [task for _host, task in downgraded.played.changes if "program" in task]

    def test_kernel_s_table_stayed(self, downgraded: Moved, fleet: Fleet) -> None:
        assert_it_counts_on(downgraded, fleet)

    def test_no_request_was_lost(self, downgraded: Moved) -> None:
        assert downgraded.traffic.answered.total() > 50
        assert downgraded.traffic.lost == []
        assert downgraded.before == downgraded.after


@pytest.fixture(scope="module")
def stopped(downgraded: object, fleet: Fleet, site: Site) -> tuple[Played, Traffic]:
    """A change that is well written, and wrong: there is no such real server."""
    site.turn(web_more=[{"address": "10.77.0.99", "method": "routing"}])
    with Traffic(DIRECT_4) as traffic:
        played = site.play("rollout", fails=True, extra={"rollout_wait": 15, "rollout_hold": 10})
    site.turn(web_more=None)
    return played, traffic


class TestCanary:
    def test_the_gate_says_why(self, stopped: tuple[Played, Traffic]) -> None:
        assert stopped[0].failed == {"director1"}
        assert re.search(r"10\.77\.0\.100:80\D.*\b2\b.*\b3\b", stopped[0].output)

    def test_the_others_are_left_alone(self, stopped: tuple[Played, Traffic], fleet: Fleet) -> None:
        assert "director2" not in stopped[0].changed
        assert "10.77.0.99:80" in weights(fleet.director1)["10.77.0.100:80"]
        assert "10.77.0.99:80" not in weights(fleet.director2)["10.77.0.100:80"]

    def test_no_request_was_lost(self, stopped: tuple[Played, Traffic]) -> None:
        assert stopped[1].answered.total() > 20
        assert stopped[1].lost == []


@pytest.fixture(scope="module")
def previewed(stopped: object, site: Site) -> Played:
    return site.play("preview", extra={"lvs_directors": "directors:missing"}, fails=True)


class TestPreview:
    def test_tells_who_differs(self, previewed: Played) -> None:
        assert re.search(r"director1\W.*differs", previewed.output)
        assert re.search(r"director2\W.*same", previewed.output)
        assert "director9: could not be asked" in previewed.output

    def test_shows_how(self, previewed: Played) -> None:
        assert re.search(r"^\s*\"?-.*10\.77\.0\.99", previewed.output, re.MULTILINE)

    def test_changes_nothing(self, previewed: Played, fleet: Fleet) -> None:
        assert "10.77.0.99:80" in weights(fleet.director1)["10.77.0.100:80"]


@pytest.fixture(scope="module")
def lost(previewed: object, site: Site) -> Played:
    """A director that cannot be reached any more when nearly all has been done."""
    away = "{{ '10.77.0.19' if _ipvsman_addresses is defined else inventory_hostname }}"
    site.turn(web_weight=2)
    return site.play("rollout", fails=True, extra={"ansible_host": away, "rollout_hold": 0})


class TestLostDirector:
    def test_how_things_stand_is_told_all_the_same(self, lost: Played) -> None:
        assert "director1: stopped, since it could not be reached" in lost.output
        assert "Not touched: director2." in lost.output

    def test_the_others_are_left_alone(self, lost: Played, fleet: Fleet) -> None:
        assert "director2" not in lost.changed
        assert weights(fleet.director2)["10.77.0.100:80"]["10.77.0.21:80"] != 2


class TestUndone:
    def test_all_are_the_same_again(self, lost: object, fleet: Fleet, site: Site) -> None:
        site.turn(web_weight=None)
        site.play("site", "--limit", "directors")
        assert weights(fleet.director1) == weights(fleet.director2)
        assert "10.77.0.99" not in fleet.director1.table()
