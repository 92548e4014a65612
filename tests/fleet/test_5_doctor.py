"""A fleet that is well has nothing to hear; one that was worked on by hand hears what is wrong."""

from __future__ import annotations

import re

from plays import Site
from remote import Remote, wait_until
from scene import WAITING, Fleet, weights

SPOILED = "/etc/ipvsman/groups/spoiled.yaml"


def spared(director: Remote) -> list[int]:
    """The weights of the fallback and of the backend that it is for."""
    service, server = WAITING
    pool = weights(director)[service]
    return [pool.pop(server), *pool.values()]


class TestDoctor:
    def test_all_is_well(self, fleet: Fleet, site: Site) -> None:
        told = site.play("doctor", extra={"doctor_strict": True}).output
        assert re.search(r"2 directors, 2 real servers: 0 faults?, 0 warnings?", told)

    def test_what_is_wrong_is_found(self, fleet: Fleet, site: Site) -> None:
        # What is not put right here is so by the reboots of the next chapter.
        fleet.director1.run("sysctl -qw net.ipv4.vs.expire_quiescent_template=0")
        fleet.real2.run(
            "sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.all.arp_announce=0"
        )
        fleet.real2.run("systemctl stop web")
        wait_until("its fallback is in", lambda: spared(fleet.director1) == [1, 0])
        fleet.director1.write(SPOILED, "- group: spoiled\n  vip: nowhere\n")
        fleet.director2.run("systemctl stop ipvsman")
        extra = {"ansible_user": "admin", "ansible_pipelining": False}
        extra |= {"lvs_directors": "directors:missing"}
        told = site.play("doctor", fails=True, extra=extra).output
        fleet.director1.run(f"rm {SPOILED}")
        fleet.director2.run("systemctl start ipvsman")
        fleet.real2.run("systemctl start web")
        wait_until("it is back", lambda: all(spared(each) == [0, 1] for each in fleet.directors))
        assert re.search(rf"FAULT +director1: the drop-ins .* faulty.*{SPOILED}:", told)
        assert re.search(r"FAULT +director2: ipvsman is set up and does not run", told)
        assert re.search(r"FAULT +director1: spared/http: new connections go to its fallback", told)
        assert re.search(r"FAULT +10\.77\.0\.22: answers ARP for 10\.77\.0\.100\b", told)
        assert re.search(r"FAULT +real2: is not set up as it was: .*arp_ignore", told)
        assert re.search(r"FAULT +director9: could not be asked", told)
        assert re.search(
            r"WARNING +director1, director2: net\.ipv4\.vs\.expire_quiescent_template", told
        )
        assert not re.search(r"(FAULT|WARNING) +real1", told)
