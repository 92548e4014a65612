"""A real server leaves all directors, is worked on and comes back; slow clients are waited for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plays import Played, Site
from remote import on_all, wait_until
from scene import DIRECT_4, WAITING, Fleet, is_out, weights
from traffic import Traffic, hold

# A restart that the health checks do not notice is no reason to bring it in before it serves.
WORK = """\
- name: Deploy
  become: true
  ansible.builtin.shell: |
    systemctl restart web
    until bash -c ': </dev/tcp/localhost/80'; do sleep 0.1; done
- name: Say so
  become: true
  ansible.builtin.file:
    path: /run/worked-on
    state: touch
    mode: "0644"
"""


class Drained:
    """One run of the playbook, and what was seen at its turns."""

    def __init__(self, fleet: Fleet, site: Site, work: Path) -> None:
        with Traffic(DIRECT_4) as self.traffic:
            self._held = hold(DIRECT_4, "real1")
            extra = {"drain_work": str(work), "ansible_user": "admin"}
            with site.playing("drain", "--limit", "real1", extra=extra) as process:
                wait_until("real1 is out", lambda: is_out(fleet.directors, fleet.real1))
                self.answers_while_out = [self._held.ask() for _time in range(3)]
                # Of 20 requests it would have had half.
                self.answered_while_out = self.traffic.answers(20)
                self.worked_while_held = fleet.real1.succeeds("test -e /run/worked-on")
                self._held.close()
                output, _none = process.communicate()
            site.told = output
            self.played = Played(process.returncode, output)
            self.answered_afterwards = self.traffic.answers(20)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("work") / "deploy.yml"
    path.write_text(WORK)
    return path


@pytest.fixture(scope="module")
def drained(fleet: Fleet, site: Site, work: Path) -> Drained:
    return Drained(fleet, site, work)


def all_are_in(fleet: Fleet) -> bool:
    return all(
        weight == 1 or (service, server) == WAITING
        for table in on_all(fleet.directors, weights).values()
        for service, destinations in table.items()
        for server, weight in destinations.items()
    )


class TestDrain:
    def test_succeeds(self, drained: Drained) -> None:
        assert drained.played.status == 0

    def test_slow_client_keeps_its_connection(self, drained: Drained) -> None:
        assert drained.answers_while_out == ["real1"] * 3

    def test_work_waits_for_it(self, drained: Drained, fleet: Fleet) -> None:
        assert not drained.worked_while_held
        assert fleet.real1.succeeds("test -e /run/worked-on")

    def test_new_clients_go_elsewhere(self, drained: Drained) -> None:
        assert set(drained.answered_while_out) == {"real2"}

    def test_it_is_back(self, drained: Drained, fleet: Fleet) -> None:
        assert set(drained.answered_afterwards) == {"real1", "real2"}
        assert all_are_in(fleet)

    def test_no_request_was_lost(self, drained: Drained) -> None:
        assert drained.traffic.lost == []


class TestDirectorAway:
    @pytest.mark.usefixtures("drained")
    def test_no_work_is_done_and_the_server_is_back(
        self, fleet: Fleet, site: Site, work: Path
    ) -> None:
        extra = {"drain_work": str(work), "lvs_directors": "directors:missing"}
        told = site.play("drain", "--limit", "real2", extra=extra, fails=True).output
        assert "could not be reached: director9" in told
        assert "No work was done on the server." in told
        assert re.search(r"^ *director1: in$", told, re.MULTILINE)
        assert not fleet.real2.succeeds("test -e /run/worked-on")
        wait_until("it has weight", lambda: all_are_in(fleet))


class TestLastOne:
    @pytest.mark.usefixtures("drained")
    def test_stays_in(self, fleet: Fleet, site: Site, work: Path) -> None:
        # As if both were one.
        extra = {"drain_work": str(work), "drain_addresses": [fleet.real1.v4, fleet.real2.v4]}
        told = site.play("drain", "--limit", "real2", extra=extra, fails=True).output
        assert re.search(r"director1: nobody else serves tcp://10\.77\.0\.100:80, tcp://", told)
        assert not fleet.real2.succeeds("test -e /run/worked-on")
        assert all_are_in(fleet)
