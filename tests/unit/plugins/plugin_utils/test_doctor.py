"""The doctor's report: whole texts."""

from __future__ import annotations

from textwrap import dedent

from ansible_collections.lvs.ipvs.plugins.plugin_utils.doctor import doctor
from fleet import director


def told(directors, **more):
    return {"directors": directors, "now": 1_000_000.0, **more}


def test_all_is_well():
    report = doctor(told({"lb1": director(sync_daemons=[])}))
    assert (report["faults"], report["warnings"], report["notes"]) == (0, 0, 0)
    assert report["text"] == dedent(
        """\
        1 director, 0 real servers: 0 faults, 0 warnings, 0 notes


        director  kernel          ipvsman  services  destinations  connections      sync
        lb1       6.1.0-13-amd64  0.1.0    1         2             0 own, 0 synced  -
        """
    )


def test_findings_of_all_kinds():
    reuse = {"sysctls": {"net.ipv4.vs.conn_reuse_mode": "0"}}
    report = doctor(
        told(
            {"lb1": director(**reuse), "lb2": director(**reuse), "lb3": None},
            probe={
                "hosts": [
                    {"name": "10.0.0.11", "answered": ["192.0.2.1"], "proven": True, "reason": ""},
                    {"name": "10.0.0.12", "answered": [], "proven": False, "reason": "far away"},
                    {"name": "10.0.0.13", "answered": [], "proven": True, "reason": ""},
                ]
            },
            realservers={
                "real1": {"rc": 1, "stdout": "to do: link tunl0: down -> up"},
                "real2": {"rc": 0, "stdout": "all is so"},
                "real3": None,
            },
        )
    )
    assert (report["faults"], report["warnings"], report["notes"]) == (4, 1, 1)
    assert report["text"] == dedent(
        """\
        3 directors, 3 real servers: 4 faults, 1 warning, 1 note

        FAULT    lb3: could not be asked
                 -> see above, in the play's output
        FAULT    10.0.0.11: answers ARP for 192.0.2.1, and takes it from the director
                 -> lvs.ipvs.realserver sets arp_ignore and arp_announce there
        FAULT    real1: is not set up as it was: to do: link tunl0: down -> up
                 -> systemctl reload lvs-realserver
        FAULT    real3: could not be asked
                 -> is it up?
        WARNING  lb1, lb2: a client that reuses a port goes where its old connection went, up or not
                 -> sysctl net.ipv4.vs.conn_reuse_mode=1
        NOTE     10.0.0.12: whether it answers ARP is not known: far away
                 -> ask from a host on its network

        director  kernel          ipvsman  services  destinations  connections      sync
        lb1       6.1.0-13-amd64  0.1.0    1         2             0 own, 0 synced  -
        lb2       6.1.0-13-amd64  0.1.0    1         2             0 own, 0 synced  -
        """
    )


def test_what_all_directors_have_is_said_of_all():
    reuse = {"sysctls": {"net.ipv4.vs.conn_reuse_mode": "0"}}
    text = doctor(told({"lb1": director(**reuse), "lb2": director(**reuse)}))["text"]
    assert "WARNING  all directors: a client that reuses a port" in text


def test_a_director_without_ipvs():
    without = {
        "available": False,
        "reason": "no IPVS",
        "release": "6.1",
        "daemon": {"running": False},
    }
    report = doctor(told({"lb1": without}))
    assert report["faults"] == 1
    assert report["text"].splitlines()[-1].split() == ["lb1", "6.1", *"-----"]
