"""A director and a real server reboot: connections go on by the other ones, and all comes back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from plays import Site
from remote import Remote, wait_until
from scene import DIRECT_4, DIRECT_6, SPARED, TUNNELLED, VIPS, WAITING, Fleet, is_out, weights
from traffic import hold

BOTH = {"real1": 3, "real2": 3}


class Failed:
    """What was seen while they were away."""

    def __init__(self, fleet: Fleet) -> None:
        self.before = {host.name: host.table() for host in fleet.directors}
        held = {vip: hold(vip, "real1") for vip in VIPS}
        ports = [connection.port for connection in held.values()]
        wait_until("the backup knows the connections", lambda: knows(fleet.director2, ports))
        # A new connection in the moment before a failure is noticed is lost with any health check;
        # whether there is such a moment in these few requests would be chance.
        fleet.real2.run("systemctl stop web")
        wait_until("real2 is out", lambda: is_out([fleet.director2], fleet.real2))
        spare, server = WAITING
        wait_until("its fallback is in", lambda: weights(fleet.director2)[spare][server])
        with ThreadPoolExecutor() as pool:
            rebooting = [pool.submit(host.reboot) for host in (fleet.director1, fleet.real2)]
            wait_until("it is away", lambda: not fleet.director1.succeeds("true"))
            fleet.route_by(fleet.director2)
            self.answers = {vip: held[vip].ask() for vip in VIPS}
            self.answered_new = fleet.who_answers(DIRECT_4, 3)
            self.answered_by_fallback = fleet.who_answers(SPARED, 3)
            for reboot in rebooting:
                reboot.result()
        for connection in held.values():
            connection.close()


def knows(director: Remote, ports: list[int]) -> bool:
    """Whether the client's connections of these ports are established, as far as it knows."""
    # What is left of earlier chapters is established there for a while, too.
    lines = director.run("ipvsadm -Lnc").splitlines()
    established = [line.split()[3] for line in lines if " ESTABLISHED " in line]
    return all(any(line.endswith(f":{port}") for line in established) for port in ports)


def sync_daemons(director: Remote) -> str:
    return director.run("ipvsadm -ln --daemon")


@pytest.fixture(scope="module")
def failed(fleet: Fleet) -> Failed:
    return Failed(fleet)


class TestTakeover:
    def test_established_connections_go_on(self, failed: Failed) -> None:
        assert failed.answers == dict.fromkeys(VIPS, "real1")

    def test_new_ones_are_served(self, failed: Failed) -> None:
        assert sum(failed.answered_new.values()) == 3

    def test_fallback_serves_who_has_no_other(self, failed: Failed) -> None:
        assert failed.answered_by_fallback == {"real1": 3}


class TestReboot:
    def test_all_units_are_well(self, failed: Failed, fleet: Fleet) -> None:
        for host in (fleet.director1, fleet.real2):
            assert host.run("systemctl is-system-running", check=False).strip() == "running"

    def test_director_s_table_is_back(self, failed: Failed, fleet: Fleet) -> None:
        wait_until("all are up", lambda: fleet.director1.table() == failed.before["director1"])
        # Sync daemons are the last change of a plan.
        wait_until("it sends", lambda: "master sync daemon" in sync_daemons(fleet.director1))
        assert fleet.director1.run("sysctl -n net.ipv4.vs.sync_threshold").split() == ["0", "1"]
        assert all(vip in fleet.director1.run("ip -brief address show dev lo") for vip in VIPS)

    def test_other_director_has_it_back(self, failed: Failed, fleet: Fleet) -> None:
        wait_until("real2 is up", lambda: fleet.director2.table() == failed.before["director2"])

    @pytest.mark.parametrize("vip", [DIRECT_4, DIRECT_6, TUNNELLED])
    def test_real_server_takes_its_share(self, failed: Failed, fleet: Fleet, vip: str) -> None:
        fleet.route_by(fleet.director1)
        assert fleet.who_answers(vip) == BOTH

    def test_fallback_is_needed_no_more(self, failed: Failed, fleet: Fleet) -> None:
        assert fleet.who_answers(SPARED, 3) == {"real2": 3}

    def test_nothing_is_left_to_do(self, failed: Failed, site: Site) -> None:
        assert not any(site.play("site").changed.values())
