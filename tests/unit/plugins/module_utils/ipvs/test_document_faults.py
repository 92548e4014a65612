"""Every fault of a document, with its path and what is allowed."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.documents import (
    document,
    faults_of,
    pool,
)

SERVICE, DESTINATION = "services[0]", "services[0].destinations[0]"
HERE = {"address": "198.51.100.1"}


def daemon(**options):
    return {"sync_daemons": [{"role": "master", "interface": "eth0", **options}]}


@pytest.mark.parametrize(
    "data, path, reason",
    [
        ([], "", "[] is not a mapping with defaults, services, timeouts, sync_daemons"),
        ("services", "", "'services' is not a mapping with"),
        ({"service": []}, "service", "is not known here, only defaults, services, timeouts,"),
        ({"service": []}, "service", "; did you mean 'services'?"),
        ({7: 1}, "7", "is not known here"),
        ({"services": {}}, "services", "{} is not a list"),
        ({"services": [80]}, SERVICE, "80 is not a mapping with service, scheduler, flags,"),
        ({"services": [{}]}, "services[0].service", "is needed: the name of the virtual service"),
        ({"services": [{"address": ""}]}, "services[0].address", "is needed: the name of"),
        ({"services": [{"service": "web"}]}, "services[0].service", "'web' is not the name of"),
        ({"services": [{"address": "web"}]}, "services[0].address", "'web' is not the name of"),
        (document(address="fwmark:7"), "services[0].address", "says the same as 'service'"),
        (
            {"services": [{"address": "fwmark:7", "service": "fwmark:7"}]},
            "services[0].service",
            "says the same as 'address'",
        ),
        (document(sched="rr", scheduler="wlc"), "services[0].scheduler", "the same as 'sched'"),
        (document(shed="rr"), "services[0].shed", "did you mean 'sched'?"),
        (
            document(scheduler="a b"),
            "services[0].scheduler",
            "'a b' is not the name of a scheduler",
        ),
        (document(sched=""), "services[0].sched", "letters, digits, _ and -, at most 15"),
        (document(scheduler="a" * 16), "services[0].scheduler", "at most 15"),
        (document(scheduler="ünlü"), "services[0].scheduler", "is not the name of a scheduler"),
        (document(engine=1), "services[0].engine", "1 is not the name of a persistence engine"),
        (document(persistence=-1), "services[0].persistence", "-1 is not in 0..2678400"),
        (document(persistence=2678401), "services[0].persistence", "2678401 is not in 0..2678400"),
        (document(netmask=33), "services[0].netmask", "33 is not in 0..32"),
        (document(flags=3), "services[0].flags", "3 is not a list of flags out of one-packet,"),
        (document(flags=["ops"]), "services[0].flags[0]", "'ops' is not one of one-packet, flag-1"),
        (document(flags="sh-port sh-prot"), "services[0].flags[1]", "did you mean 'sh-port'?"),
        (document(flags=[["a"]]), "services[0].flags[0]", "['a'] is not one of"),
        (document(destinations={}), "services[0].destinations", "{} is not a list"),
        (pool("198.51.100.1"), DESTINATION, "'198.51.100.1' is not a mapping with address, port,"),
        (pool({}), f"{DESTINATION}.address", "is needed: the address of the real server"),
        (pool({"address": 1}), f"{DESTINATION}.address", "1 is not an IPv4 or IPv6 address"),
        (pool({"address": "web1"}), f"{DESTINATION}.address", "'web1' is not an IPv4 or IPv6"),
        (
            pool({"address": "1.2.3.4:x"}),
            f"{DESTINATION}.address",
            "port 'x' is not a whole number",
        ),
        (pool({**HERE, "port": 65536}), f"{DESTINATION}.port", "65536 is not in 0..65535"),
        (
            pool({"address": "198.51.100.1:80", "port": 81}),
            f"{DESTINATION}.port",
            "81 is not the port in address '198.51.100.1:80'",
        ),
        (pool({**HERE, "weight": 65536}), f"{DESTINATION}.weight", "65536 is not in 0..65535"),
        (pool({**HERE, "weight": True}), f"{DESTINATION}.weight", "True is not a whole number in"),
        (pool({**HERE, "wieght": 1}), f"{DESTINATION}.wieght", "did you mean 'weight'?"),
        (pool({**HERE, "forward": "tunel"}), f"{DESTINATION}.forward", "did you mean 'tunnel'?"),
        (pool({**HERE, "upper_threshold": -1}), f"{DESTINATION}.upper_threshold", "2147483647"),
        (pool({**HERE, "lower_threshold": 2**31}), f"{DESTINATION}.lower_threshold", "2147483647"),
        (pool({**HERE, "tunnel": "gue"}), f"{DESTINATION}.tunnel", "'gue' is not a mapping with"),
        (
            pool({**HERE, "tunnel": {"type": "gure"}}),
            f"{DESTINATION}.tunnel.type",
            "ipip, gue, gre",
        ),
        (
            pool({**HERE, "tunnel": {"type": "gue"}}),
            f"{DESTINATION}.tunnel.port",
            "is needed for a",
        ),
        (
            pool({**HERE, "tunnel": {"type": "gre", "port": 1}}),
            f"{DESTINATION}.tunnel.port",
            "1: only a gue tunnel has a port, not gre",
        ),
        (
            pool({**HERE, "tunnel": {"checksum": "csum"}}),
            f"{DESTINATION}.tunnel.checksum",
            "'csum' is for gue and gre tunnels, not ipip",
        ),
        (
            pool({**HERE, "tunnel": {"type": "gre", "checksum": "remcsum"}}),
            f"{DESTINATION}.tunnel.checksum",
            "'remcsum' is for gue tunnels, not gre",
        ),
        ({"defaults": []}, "defaults", "[] is not a mapping with port, weight, scheduler,"),
        ({"defaults": {"port": 0}}, "defaults.port", "0 is not in 1..65535"),
        ({"defaults": {"weight": -1}}, "defaults.weight", "-1 is not in 0..65535"),
        ({"defaults": {"sched": "a b"}}, "defaults.sched", "is not the name of a scheduler"),
        ({"defaults": {"forward": "x"}}, "defaults.forward", "'x' is not one of masquerade,"),
        ({"timeouts": 900}, "timeouts", "900 is not a mapping with tcp, tcp_fin, udp"),
        ({"timeouts": {"tcp": 0}}, "timeouts.tcp", "0 is not in 1..2147483"),
        ({"timeouts": {"tcp_fin": 2147484}}, "timeouts.tcp_fin", "2147484 is not in 1..2147483"),
        ({"timeouts": {"upd": 1}}, "timeouts.upd", "did you mean 'udp'?"),
        ({"sync_daemons": "master"}, "sync_daemons", "'master' is not a list"),
        ({"sync_daemons": [{}]}, "sync_daemons[0].role", "is needed: master or backup"),
        (daemon(role="slave"), "sync_daemons[0].role", "'slave' is not one of master, backup"),
        (daemon(interface=""), "sync_daemons[0].interface", "'' is not the name of a network"),
        (daemon(interface="a" * 16), "sync_daemons[0].interface", "at most 15 bytes"),
        (daemon(interface="ü" * 8), "sync_daemons[0].interface", "at most 15 bytes"),
        (daemon(interface="a/b"), "sync_daemons[0].interface", "'a/b' is not the name of"),
        (daemon(interface="a b"), "sync_daemons[0].interface", "'a b' is not the name of"),
        (daemon(sync_id=256), "sync_daemons[0].sync_id", "256 is not in 0..255"),
        (daemon(maxlen=0), "sync_daemons[0].maxlen", "0 is not in 1..65507"),
        (
            daemon(role="backup", maxlen=1023),
            "sync_daemons[0].maxlen",
            "1023 is not in 1024..65507",
        ),
        (daemon(group="192.0.2.1"), "sync_daemons[0].group", "not a multicast group (224.0.0.0/4"),
        (daemon(group="240.0.0.1"), "sync_daemons[0].group", "not a multicast group"),
        (daemon(group="2001:db8::1"), "sync_daemons[0].group", "or ff00::/8)"),
        (daemon(group="eth0"), "sync_daemons[0].group", "'eth0' is not an IPv4 or IPv6 address"),
        (daemon(port=0), "sync_daemons[0].port", "0 is not in 1..65535"),
        (daemon(ttl=0), "sync_daemons[0].ttl", "0 is not in 1..255"),
    ],
)
def test_a_fault_has_its_path_and_says_what_is_allowed(data, path, reason):
    ((where, why),) = faults_of(data)
    assert where == path
    assert reason in why


def test_long_data_is_shown_cut():
    ((_path, reason),) = faults_of(["x" * 99])
    assert reason.startswith("['" + "x" * 55 + "... is not a mapping with ")


def test_all_faults_of_a_document_are_told_in_its_order():
    data = {
        "defaults": {"weight": "heavy"},
        "services": [
            {"service": "tcp://192.0.2.1:80", "netmask": "x", "destinations": [{"weight": -1}]},
            {"service": "nothing", "persistence": "long", "destinations": [{"address": "x"}]},
        ],
        "timeouts": {"tcp": 0, "udp": 0},
        "sync_daemons": [{"ttl": 0}],
    }
    assert [path for path, _reason in faults_of(data)] == [
        "defaults.weight",
        "services[0].netmask",
        "services[0].destinations[0].address",
        "services[0].destinations[0].weight",
        "services[1].service",
        "services[1].persistence",
        "services[1].destinations[0].address",
        "timeouts.tcp",
        "timeouts.udp",
        "sync_daemons[0].role",
        "sync_daemons[0].ttl",
    ]


def test_what_is_there_twice_is_told_with_both_places_however_it_is_written():
    data = {
        "services": [
            {
                "service": "tcp://192.0.2.1:80",
                "destinations": [
                    {"address": "198.51.100.1"},
                    {"address": "198.51.100.2"},
                    {"address": "198.51.100.1:80"},
                ],
            },
            {"service": "udp://[2001:db8::1]:53"},
            {"address": "TCP://192.0.2.1:80/"},
            {"address": "udp://[2001:DB8:0::1]:53"},
        ],
        "sync_daemons": [{"role": "backup"}, {"role": "master"}, {"role": "Backup"}],
    }
    assert faults_of(data) == [
        (
            "services[0].destinations[2]",
            "the destination 198.51.100.1:80 is there already, as services[0].destinations[0]",
        ),
        (
            "services[2]",
            "the virtual service tcp://192.0.2.1:80 is there already, as services[0]",
        ),
        (
            "services[3]",
            "the virtual service udp://[2001:db8::1]:53 is there already, as services[1]",
        ),
        (
            "sync_daemons[2]",
            "the sync daemon of role backup is there already, as sync_daemons[0]",
        ),
    ]


def test_a_destination_whose_port_is_wrong_is_no_duplicate_of_another():
    data = pool({"address": "198.51.100.1"}, {"address": "198.51.100.1", "port": "http"})
    assert [path for path, _reason in faults_of(data)] == ["services[0].destinations[1].port"]


def test_every_local_address_that_cannot_be_one_is_told():
    wrong = ["10.2.0.1", "10.2.0.01", "10.2.0.1", "fd02::1", "0.0.0.0", "224.0.0.1", 7]
    wrong.append("255.255.255.255")
    assert faults_of(document(local_addresses=wrong)) == [
        ("services[0].local_addresses[1]", "'10.2.0.01' is not an IPv4 or IPv6 address"),
        (
            "services[0].local_addresses[2]",
            "10.2.0.1 is there already, as services[0].local_addresses[0]",
        ),
        (
            "services[0].local_addresses[3]",
            "fd02::1 is of the other address family than its service",
        ),
        ("services[0].local_addresses[4]", "0.0.0.0 is not the address of a host"),
        ("services[0].local_addresses[5]", "224.0.0.1 is not the address of a host"),
        ("services[0].local_addresses[6]", "7 is not an IPv4 or IPv6 address"),
        ("services[0].local_addresses[7]", "255.255.255.255 is not the address of a host"),
    ]
    assert faults_of(document(local_addresses="10.2.0.1")) == [
        ("services[0].local_addresses", "'10.2.0.1' is not a list")
    ]
