"""Each known trap is found where it is, and not where it is not."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.plugin_utils.findings import Level, of_director
from fleet import WEB, director, row, service

NOW = 1_000_000.0
FAULT, WARNING, NOTE = Level.FAULT, Level.WARNING, Level.NOTE
IDLE = {"managers": [], "daemon": {"running": False, "reason": "no daemon listens"}}
PERSISTENT = {**WEB, "persistence": 300}
DNS = service("udp://192.0.2.1:53", row("10.0.0.11", port=53))


def vs(**values):
    return {"sysctls": {f"net.ipv4.vs.{name}": str(values[name]) for name in values}}


def hashed(*weights, flags=()):
    rows = [row(f"10.0.0.{n}", weight) for n, weight in enumerate(weights, 11)]
    return {"services": [service("tcp://192.0.2.1:80", *rows, scheduler="mh", flags=list(flags))]}


def found(**changed):
    return [(each.level, each.what) for each in of_director(director(**changed), NOW)]


def test_nothing_is_wrong():
    assert found() == []


def test_a_director_without_the_daemon_is_fine_too():
    assert found(**IDLE) == []


@pytest.mark.parametrize(
    "changed, level, says",
    [
        ({"available": False, "reason": "no IPVS"}, FAULT, "no IPVS"),
        ({"services": [service("tcp://192.0.2.1:80")]}, FAULT, "no destination at all: tcp://192"),
        (
            {"services": [service("tcp://192.0.2.1:80", row("10.0.0.11", 0))]},
            FAULT,
            "every weight is 0",
        ),
        (
            {
                "services": [service("tcp://192.0.2.1:80", row("10.0.0.11", 1, "masquerade"))],
                "sysctls": {"net.ipv4.ip_forward": "0"},
            },
            FAULT,
            "masquerading without net.ipv4.ip_forward",
        ),
        (
            {
                "services": [service("tcp://[2001:db8::1]:80", row("fd00::11", 1, "masquerade"))],
                "sysctls": {"net.ipv6.conf.all.forwarding": "0"},
            },
            FAULT,
            "masquerading without net.ipv6.conf.all.forwarding",
        ),
        (hashed(1, 0), FAULT, "clients that hash to a destination of weight 0"),
        (hashed(1, 1), WARNING, "a weight of 0 will refuse clients"),
        (
            {"services": [service("tcp://192.0.2.1", row("10.0.0.11"))]},
            FAULT,
            "a service of all ports without persistence",
        ),
        (
            {"services": [PERSISTENT], **vs(expire_quiescent_template=0)},
            WARNING,
            "clients keep coming to a drained destination",
        ),
        ({"services": [DNS], **vs(expire_nodest_conn=0)}, WARNING, "UDP to a removed destination"),
        (vs(conn_reuse_mode=0), WARNING, "a client that reuses a port goes where its old"),
        (
            {**vs(conn_reuse_mode=1, conntrack=1), "release": "5.4.0-1"},
            WARNING,
            "with conntrack, a client that reuses a port waits for a second",
        ),
        (
            {"services": [{**WEB, "local_addresses": ["10.0.0.1"]}]},
            FAULT,
            "full NAT without connection tracking",
        ),
        (
            {
                "services": [{**WEB, "local_addresses": ["10.0.0.1", "10.0.0.2"]}],
                "elsewhere": ["10.0.0.2"],
                **vs(conntrack=1),
            },
            WARNING,
            "local addresses of tcp://192.0.2.1:80 are not this host's: 10.0.0.2",
        ),
        (
            {"leftovers": [{"service": "tcp://192.0.2.9:80", "local_addresses": ["10.0.0.1"]}]},
            WARNING,
            "tcp://192.0.2.9:80 is gone, and rules for its local addresses are left",
        ),
        (
            {
                "sysctls": {
                    "net.netfilter.nf_conntrack_count": "90",
                    "net.netfilter.nf_conntrack_max": "100",
                }
            },
            FAULT,
            "the table of conntrack is nearly full: 90 of 100",
        ),
        ({"entries": {"local": 40000, "synced": 1}}, NOTE, "40001 connection entries in 4096"),
        (vs(run_estimation=0), NOTE, "rates are not estimated"),
        (vs(drop_entry=3), WARNING, "net.ipv4.vs.drop_entry is 3"),
        ({"managers": ["ipvsman", "keepalived"]}, WARNING, "several programs write to the table"),
        (
            {
                **IDLE,
                "services": [service("tcp://192.0.2.1:80", row("10.0.0.11"), row("10.0.0.12", 0))],
            },
            NOTE,
            "weight 0, and no program that would bring it back",
        ),
        ({"daemon": {"running": False, "reason": "nobody listens"}}, FAULT, "nobody listens"),
        (
            {"daemon": {"running": False, "reason": "is mad", "broken": True}, "managers": []},
            FAULT,
            "is mad",
        ),
        ({"daemon": {"reload_error": "a.yaml:1: no"}}, FAULT, "the drop-ins were refused"),
        ({"daemon": {"apply_error": "EPERM"}}, FAULT, "the kernel refused something: EPERM"),
        ({"daemon": {"ready": False}}, FAULT, "the kernel has not been made what it shall be"),
        ({"daemon": {"drift": ["add service x"]}}, WARNING, "drift: add service x"),
        ({"daemon": {"warnings": ["a.yaml:3: odd"]}}, WARNING, "drop-ins: a.yaml:3: odd"),
        (
            {
                "daemon": {
                    "services": [
                        {"name": "web/http", "unresolved": ["x.example"], "down": [], "backends": 1}
                    ]
                }
            },
            FAULT,
            "web/http: names without an address: x.example",
        ),
        (
            {
                "daemon": {
                    "services": [
                        {"name": "web/http", "unresolved": [], "down": ["a: no"], "backends": 2}
                    ]
                }
            },
            WARNING,
            "web/http: 1 of 2 down: a: no",
        ),
        (
            {
                "daemon": {
                    "services": [
                        {
                            "name": "web/http",
                            "unresolved": [],
                            "down": [],
                            "backends": 1,
                            "fallback": True,
                        }
                    ]
                }
            },
            FAULT,
            "web/http: new connections go to its fallback",
        ),
        (
            {
                "daemon": {
                    "services": [
                        {"name": "web/http", "unresolved": [], "down": ["a: no"], "backends": 1}
                    ]
                }
            },
            FAULT,
            "web/http: 1 of 1 down: a: no",
        ),
        (
            {
                "daemon": {
                    "overrides": [
                        {
                            "level": "group",
                            "name": "web",
                            "disabled": True,
                            "since": NOW - 3 * 86400,
                            "reason": "disk",
                        }
                    ]
                }
            },
            WARNING,
            "group web was taken out by hand, for 3 days (disk)",
        ),
        (
            {
                "daemon": {
                    "overrides": [
                        {
                            "level": "group",
                            "name": "web",
                            "disabled": True,
                            "since": NOW - 60,
                            "reason": "",
                        }
                    ]
                }
            },
            NOTE,
            "group web was taken out by hand, today",
        ),
        (
            {"daemon": {"running": False, "reason": "", "set_up": True}, "managers": []},
            FAULT,
            "ipvsman is set up and does not run",
        ),
        (
            {"daemon": {"on_disk": {"faults": ["web.yaml:1:1: no", "x"], "digest": None}}},
            FAULT,
            "the drop-ins have been changed and are faulty, and not loaded yet:"
            " web.yaml:1:1: no (and 1 more)",
        ),
        (
            {"daemon": {"on_disk": {"faults": [], "digest": "fedc"}}},
            WARNING,
            "the drop-ins have been changed, and not loaded yet",
        ),
    ],
)
def test_one_trap(changed, level, says):
    ((found_level, what),) = found(**changed)
    assert found_level is level
    assert what.startswith(says)


@pytest.mark.parametrize(
    "changed",
    [
        hashed(1, 0, flags=["mh-fallback", "mh-port"]),
        {"services": [PERSISTENT]},
        {"services": [{**DNS, "flags": ["one-packet"]}], **vs(expire_nodest_conn=0)},
        {"services": [service("tcp://192.0.2.1", row("10.0.0.11"), persistence=60)]},
        {"services": [service("fwmark:7/inet6", row("fd00::11"))]},
        vs(conn_reuse_mode=1, conntrack=1),
        # On no interface, and taken by a route of type local.
        {"services": [{**WEB, "local_addresses": ["10.0.0.9"]}], **vs(conntrack=1)},
        {
            "daemon": {
                "overrides": [
                    {"level": "group", "name": "web", "disabled": False, "since": 0.0, "reason": ""}
                ]
            }
        },
        {"entries": None},
        {"daemon": {"on_disk": {"faults": [], "digest": "0123456789abcdef"}}},
        {"daemon": {"on_disk": {"faults": [], "digest": None}}},
        {"daemon": {"on_disk": None}},
    ],
)
def test_no_trap(changed):
    assert found(**changed) == []


def test_of_many_services_a_few_are_named():
    services = [service(f"tcp://192.0.2.1:{port}") for port in range(80, 90)]
    ((_level, what),) = found(services=services)
    assert what.endswith("tcp://192.0.2.1:80, tcp://192.0.2.1:81, tcp://192.0.2.1:82 and 7 more")
