"""A fleet that is well has nothing to hear; one that was worked on by hand hears what is wrong."""

from __future__ import annotations

import re

from plays import Site
from scene import Fleet


class TestDoctor:
    def test_all_is_well(self, fleet: Fleet, site: Site) -> None:
        told = site.play("doctor", extra={"doctor_strict": True}).output
        assert re.search(r"2 directors, 2 real servers: 0 faults?, 0 warnings?", told)

    def test_what_is_wrong_is_found(self, fleet: Fleet, site: Site) -> None:
        # Both reboot in the next chapter, which puts it right.
        fleet.director1.run("sysctl -qw net.ipv4.vs.expire_quiescent_template=0")
        fleet.real2.run(
            "sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.all.arp_announce=0"
        )
        told = site.play("doctor", fails=True).output
        assert re.search(r"FAULT +10\.77\.0\.22: answers ARP for 10\.77\.0\.100\b", told)
        assert re.search(r"FAULT +real2: is not set up as it was: .*arp_ignore", told)
        assert re.search(r"WARNING +director.: net\.ipv4\.vs\.expire_quiescent_template", told)
        assert not re.search(r"(FAULT|WARNING) +real1", told)
