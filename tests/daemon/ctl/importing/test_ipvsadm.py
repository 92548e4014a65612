"""Commands of ipvsadm as the table that they make."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.ipvsadm import rules
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    HOST_NETMASK,
    DestinationKey,
    Endpoint,
    Forwarding,
    Service,
    State,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plain import plain_services
from ansible_collections.lvs.ipvs.tests.daemon.ctl.importing.conftest import import_of
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import strategies
from hypothesis import given
from ipvsman.ipvs import plain
from ipvsman.ipvs.document import Reader
from ipvsman.ipvs.model import State as OurState
from ipvsman.ipvs.wish import resolve


def tellable(drawn: State) -> State:
    """What ipvsadm can be told: see Export."""
    services = {}
    for key, one in drawn.services.items():
        how = one.settings
        if isinstance(key, Endpoint) and not key.port and not how.persistence:
            how = replace(how, persistence=60)
        if not how.persistence:
            how = replace(how, netmask=HOST_NETMASK[key.family])
        pool = {}
        for name, way in one.destinations.items():
            free = way.forwarding is Forwarding.MASQUERADE or not isinstance(key, Endpoint)
            pool[name if free else DestinationKey(name.address, key.port)] = way
        services[key] = Service(key, how, pool)
    return State(services)


@given(drawn=strategies.states())
def test_the_rules_of_a_table_are_imported_as_that_table(drawn):
    wanted = tellable(drawn)
    made, losses, notes, faults = import_of("ipvsadm", "\n".join(rules(wanted)))
    assert (losses, notes, faults) == ([], [], [])
    reader = Reader()
    wish = reader.table(made)
    reader.finish()
    state = resolve(wish, OurState(), lambda _interface: 1500)
    assert plain.plain_services(state) == plain_services(wanted)


@pytest.mark.parametrize("said, mark", [("-1", 4294967295), ("-2147483648", 2147483648)])
def test_a_large_mark_is_what_ipvsadm_prints_with_a_sign(said, mark, imported):
    found = imported("ipvsadm", f"-A -f {said} -s rr\n-a -f {said} -r 10.0.0.1:0 -g -w 1")
    assert (found.losses, found.faults) == ([], [])
    (service,) = found.made["services"]
    assert service["address"] == f"fwmark:{mark}"
    assert len(service["destinations"]) == 1


def test_names_stay_out_of_a_table_unless_they_are_resolved(imported):
    text = "-A -t ns1.example.net:http\n-a -t ns1.example.net:80 -r ns1.example.net"
    found = imported("ipvsadm", text)
    assert found.made == {}
    assert found.losses == [
        "file:1: -A -t ns1.example.net:http: not carried over: 'ns1.example.net' is a name, and a"
        " virtual service has an address; ipvsadm -S -n prints addresses; or --resolve",
        "file:2: -a -t ns1.example.net:80 -r ns1.example.net: not carried over: 'ns1.example.net'"
        " is a name, and a virtual service has an address; ipvsadm -S -n prints addresses; or"
        " --resolve",
    ]
    resolved = imported("ipvsadm", text, resolve=True)
    assert resolved.said == ""
    (service,) = resolved.made["services"]
    assert service["address"] == "tcp://10.0.0.53:80"
    assert service["destinations"][0]["address"] == "10.0.0.53:80"


def test_a_real_server_by_name_is_a_matter_of_the_document(imported):
    text = "-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r ns1.example.net -m"
    (loss,) = imported("ipvsadm", text).losses
    assert "is a name, and a table has addresses; --resolve" in loss
    files = imported("ipvsadm", text, to="drop-ins")
    assert files.said == ""
    (group,) = files.made.values()
    assert group["backends"] == [{"address": "ns1.example.net", "weight": 1, "method": "nat"}]


def test_a_name_that_cannot_be_resolved(imported):
    (fault,) = imported("ipvsadm", "-A -t nowhere.example.net:80", resolve=True).faults
    assert fault == "file:1:7: -t: 'nowhere.example.net' has no address of family inet here"


@pytest.mark.parametrize(
    "line, service",
    [
        ("-A -t 192.0.2.1:80", {"sched": "wlc"}),
        ("-A -t 192.0.2.1:80 -p", {"sched": "wlc", "persistence": 360}),
        ("-A -t 192.0.2.1:80 -M 255.255.0.0", {"sched": "wlc", "netmask": "255.255.0.0"}),
        ("-A -u 192.0.2.1:80 -o", {"sched": "wlc", "flags": ["one-packet"]}),
        ("-A -f 3 -s mh -b mh-port", {"sched": "mh", "flags": ["mh-port"]}),
    ],
)
def test_what_is_left_out_is_what_ipvsadm_does(imported, line, service):
    found = imported("ipvsadm", line)
    assert found.said == ""
    (made,) = found.made["services"]
    del made["address"]
    assert made == service


@pytest.mark.parametrize(
    "option, address, said",
    [
        ("-r 10.0.0.1", "10.0.0.1:80", ""),
        ("-r 10.0.0.1 -m", "10.0.0.1:80", ""),
        ("-r 10.0.0.1:8080 -m", "10.0.0.1:8080", ""),
        ("-r 10.0.0.1:0 -m", "10.0.0.1:0", ""),
        ("-r 10.0.0.1:8080 -g", "10.0.0.1:80", "port 80, since only masquerading"),
        ("-r 10.0.0.1:8080 -i", "10.0.0.1:80", "port 80, since only masquerading"),
    ],
)
def test_ports_of_real_servers(imported, option, address, said):
    found = imported("ipvsadm", f"-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 {option}")
    assert found.made["services"][0]["destinations"][0]["address"] == address
    assert said in found.said
    assert bool(said) == bool(found.said)


def test_commands_are_done_in_their_order(imported):
    text = """
-A -t 192.0.2.9:1
-C
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 10.0.0.1 -g
-a -t 192.0.2.1:80 -r 10.0.0.2 -g
-e -t 192.0.2.1:80 -r 10.0.0.1 -g -w 7
-d -t 192.0.2.1:80 -r 10.0.0.2
-E -t 192.0.2.1:80 -s wrr
-A -t 192.0.2.2:80
-D -t 192.0.2.2:80
--start-daemon master --mcast-interface eth1
--stop-daemon master
--set 10 0 0
--set 0 20 0
"""
    found = imported("ipvsadm", text)
    assert found.said == ""
    assert found.made == {
        "services": [
            {
                "address": "tcp://192.0.2.1:80",
                "sched": "wrr",
                "destinations": [{"address": "10.0.0.1:80", "weight": 7, "forward": "direct"}],
            }
        ],
        "timeouts": {"tcp": 10, "tcp_fin": 20},
    }


@pytest.mark.parametrize(
    "line, says",
    [
        ("-D -t 192.0.2.1:80", "nothing before it has added tcp://192.0.2.1:80"),
        ("-a -t 192.0.2.1:80 -r 10.0.0.1", "nothing before it has added tcp://192.0.2.1:80"),
        ("-d -t 192.0.2.2:80 -r 10.0.0.1", "nothing before it has added this real server"),
        ("--stop-daemon backup", "nothing before it has started that daemon"),
        ("-Z", "a document has no counters"),
        ("-L -n", "shows and changes nothing"),
        ("-A -t 192.0.2.3:80 --pe sip", "without persistence (-p) it does nothing"),
        ("-a -t 192.0.2.2:80 -r 10.0.0.1 -w 65536", "65536 is above 65535"),
    ],
)
def test_what_is_lost(imported, line, says):
    (loss,) = imported("ipvsadm", f"-A -t 192.0.2.2:80\n{line}").losses
    assert loss.startswith("file:2: ")
    assert says in loss


@pytest.mark.parametrize(
    "line, says",
    [
        ("-A -t 192.0.2.1:80", "file:2:1: -A -t 192.0.2.1:80: tcp://192.0.2.1:80 is there already"),
        ("-A -t 192.0.2.2", "file:2:1: tcp://192.0.2.2: port 0, which is every port, needs"),
        ("-A -t 192.0.2.256:80", "file:2:7: -t: '192.0.2.256:80' has no IPv4 or IPv6 address"),
        ("-A -t 192.0.2.2:nope", "file:2:7: -t: 'nope' is neither a port nor the name of one"),
        ("-A -f 0", "file:2:7: -f: 0 is not in 1..4294967295"),
        ("-A -f -0", "file:2:7: -f: 0 is not in 1..4294967295"),
        ("-A -f -2147483649", "file:2:7: -f: -2147483649 is not in 1..4294967295"),
        ("-A -s rr", "file:2:1: -A: names one service, by one of"),
        ("-A -f 1 -t 192.0.2.2:80", "file:2:1: -A: names one service, by one of"),
        ("-A -f 1 -p 0", "file:2:12: -p: 0 is not in 1..2678400"),
        ("-A -f 1 -M 255.255", "file:2:12: -M: '255.255' is not a netmask"),
        ("-A -f 1 -b mh-prot", "file:2:12: -b: 'mh-prot' is not one of"),
        ("-A -f 1 -s rr -b mh-port", "flags: 'mh-port' is a flag of scheduler 'mh', not of 'rr'"),
        ("-A -t 192.0.2.2:80 -o", "flags: 'one-packet' is for UDP"),
        ("-a -t 192.0.2.1:80", "file:2:1: -a: names a real server, by -r"),
        ("-a -t 192.0.2.1:80 -r 10.0.0.9 -g -m", "file:2:35: -m: and -g are two ways"),
        ("-a -t 192.0.2.1:80 -r 10.0.0.9 -w -1", "-w: -1 is not in 0..2147483647"),
        ("-a -t 192.0.2.1:80 -r 10.0.0.9 -y 5", "lower_threshold: the lower threshold 5 is above"),
        ("-a -t 192.0.2.1:80 -r 10.0.0.9 -i --tun-type foo", "'foo' is not one of ipip, gue, gre"),
        ("-a -t 192.0.2.1:80 -r 10.0.0.9 -i --tun-type gue", "tunnel.port: is needed for a gue"),
        ("--set 1 2 x", "file:2:1: --set 1 2 x: udp: 'x' is not a whole number"),
        ("--start-daemon boss", "'boss' is not one of master, backup"),
        ("--start-daemon master --syncid 256", "sync_id: 256 is not in 0..255"),
    ],
)
def test_faults(imported, line, says):
    found = imported("ipvsadm", f"-A -t 192.0.2.1:80\n{line}")
    assert found.made == {}
    (fault,) = found.faults
    assert says in fault


def test_a_real_server_twice(imported):
    line = "-a -t 192.0.2.1:80 -r 10.0.0.1"
    (fault,) = imported("ipvsadm", f"-A -t 192.0.2.1:80\n{line}\n{line}").faults
    assert "file:3:1:" in fault
    assert "10.0.0.1:80 of tcp://192.0.2.1:80 is there already" in fault


@pytest.mark.parametrize("option, port", [("", 0), (":99", 99), (":99 -g", 99), (":99 -m", 99)])
def test_behind_a_firewall_mark_a_port_is_as_it_is_said(imported, option, port):
    found = imported("ipvsadm", f"-A -f 1\n-a -f 1 -r 10.0.0.1{option}")
    assert found.said == ""
    assert found.made["services"][0]["destinations"][0]["address"] == f"10.0.0.1:{port}"
