"""Away with it all: the kernel's table only where that is asked for."""

from __future__ import annotations

import pytest

from plays import Played, Site
from remote import on_all
from scene import VIPS, Fleet, weights

ABSENT = {
    "ipvsman_state": "absent",
    "realserver_state": "absent",
    "ipvsman_clear_table": "{{ inventory_hostname == 'director1' }}",
}
GONE = """/usr/lib/ipvsman /usr/bin/ipvsman /usr/bin/ipvsctl /etc/ipvsman /etc/default/ipvsman
/var/lib/ipvsman /run/ipvsman /etc/systemd/system/ipvsman.service""".split()


@pytest.fixture(scope="module")
def table(fleet: Fleet) -> dict[str, dict[str, int]]:
    return weights(fleet.director2)


@pytest.fixture(scope="module")
def removed(table: object, site: Site) -> Played:
    return site.play("site", extra=ABSENT)


class TestRemoval:
    def test_directors_have_nothing_of_it(self, removed: Played, fleet: Fleet) -> None:
        for host in fleet.directors:
            assert not host.is_active("ipvsman")
            assert host.run(f"ls -d {' '.join(GONE)} 2>/dev/null", check=False) == ""
            assert host.run("grep -rls --exclude='*-' -e ipvsman /etc", check=False) == ""
            assert not host.succeeds("id ipvsman")

    def test_virtual_addresses_are_gone(self, removed: Played, fleet: Fleet) -> None:
        for addresses in on_all(fleet.all, lambda host: host.run("ip address")).values():
            assert not any(f" {vip}/" in addresses for vip in VIPS)

    def test_real_servers_are_as_before(self, removed: Played, fleet: Fleet) -> None:
        for host in fleet.reals:
            assert host.run("grep -rls -e realserver /etc", check=False) == ""
            assert host.run("sysctl -n net.ipv4.conf.all.arp_ignore").strip() == "0"

    def test_table_is_cleared_where_asked(
        self, removed: Played, table: dict[str, dict[str, int]], fleet: Fleet
    ) -> None:
        assert fleet.director1.table() == ""
        assert weights(fleet.director2) == table

    def test_again_changes_nothing(self, removed: Played, site: Site) -> None:
        assert not any(site.play("site", extra=ABSENT).changed.values())
