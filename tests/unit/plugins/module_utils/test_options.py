from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    InvalidValue,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Checksum,
    DestinationKey,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    Role,
    Transport,
    Tunnel,
    TunnelKind,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    Scope,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.text import (
    FORWARDING_ALIASES,
    FULL_NAT,
    parse_forwarding,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    DaemonWish,
    DestinationWish,
    ServiceWish,
    TableWish,
    TimeoutsWish,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.options import (
    FORWARDING_WORDS,
    daemon_wish,
    destination_spec,
    pool_wish,
    service_filter,
    service_spec,
    service_wish,
    timeouts_wish,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)


def service(**params):
    """Parameters of ipvs_service as Ansible hands them on: None for what is not said."""
    return {**dict.fromkeys([*service_spec(), "destinations"]), **params}


def destination(**params):
    return {**dict.fromkeys([*destination_spec(), "service", "destinations"]), **params}


def faults(read, params):
    with pytest.raises(InvalidValue) as invalid:
        read(params)
    return [fault.path for fault in invalid.value.faults]


@pytest.mark.parametrize(
    "params, key",
    [
        ({"service": "tcp://192.0.2.1:80"}, eg.WEB),
        ({"service": "fwmark:7/inet6"}, Firewallmark(7, Family.INET6)),
        ({"address": "192.0.2.1", "port": 80}, eg.WEB),
        ({"address": "192.0.2.1", "port": 53, "protocol": "udp"}, eg.DNS),
        ({"address": "2001:0DB8::1", "port": 80, "protocol": "tcp"}, eg.WEB6),
        (
            {"address": "192.0.2.1", "port": 0, "protocol": "sctp"},
            Endpoint(Transport.SCTP, "192.0.2.1", 0),
        ),
        ({"fwmark": 7}, eg.MARK),
        ({"fwmark": 0xFFFFFFFF, "family": "inet6"}, Firewallmark(0xFFFFFFFF, Family.INET6)),
    ],
)
def test_a_service_has_a_name_in_one_of_three_forms(params, key):
    assert service_wish(service(**params)) == ServiceWish(key)


def test_what_is_not_said_is_not_wished_for():
    assert service_wish(service(service="tcp://192.0.2.1:80", destinations=[])) == ServiceWish(
        eg.WEB
    )


def test_everything_about_a_service():
    wish = service_wish(
        service(
            address="192.0.2.1",
            port=80,
            scheduler="sh",
            flags=["sh-port"],
            persistence=300,
            netmask="24",
            engine="none",
            destinations=[{"address": "198.51.100.1", "weight": 0, "tunnel": None, "port": None}],
        )
    )
    assert wish == ServiceWish(
        eg.WEB, "sh", ("sh-port",), 300, 0xFFFFFF00, "", (DestinationWish(eg.ONE, weight=0),)
    )
    assert not wish.exists


def test_faults_of_the_name_and_of_the_rest_are_told_together():
    wrong = {"scheduler": "", "persistence": -1, "destinations": [{"address": "x"}]}
    rest = ["scheduler", "persistence", "destinations[0].address"]
    assert faults(service_wish, service(service="x", **wrong)) == ["service", *rest]
    assert faults(service_wish, service(address="x", port=70000, **wrong)) == (
        ["address", "port", *rest]
    )
    assert faults(service_wish, service(fwmark=0, **wrong)) == ["fwmark", *rest]


def test_without_a_name_nobody_knows_what_a_netmask_may_be():
    assert faults(service_wish, service(address="2001:db8::x", port=80, netmask="64")) == (
        ["address"]
    )


@pytest.mark.parametrize("mark", [0, -1, 2**32])
def test_a_firewall_mark_has_32_bits_and_is_not_0(mark):
    assert faults(service_wish, service(fwmark=mark)) == ["fwmark"]


def test_one_destination():
    wish = pool_wish(
        destination(
            service="tcp://192.0.2.1:80",
            address="198.51.100.1",
            weight=65535,
            forwarding="tun",
            upper_threshold=2,
            lower_threshold=1,
            tunnel={"type": "gue", "port": 6080, "checksum": "remcsum"},
        )
    )
    tunnel = Tunnel(TunnelKind.GUE, 6080, Checksum.REMCSUM)
    assert wish.key == eg.WEB
    assert wish.destinations == (DestinationWish(eg.ONE, 65535, Forwarding.TUNNEL, 2, 1, tunnel),)


def test_a_pool_wish_does_not_own_the_service():
    wish = pool_wish(destination(service="tcp://192.0.2.1:80", address="198.51.100.1"))
    assert wish.exists
    assert TableWish((wish,)).scope() == Scope(destinations={eg.WEB: frozenset([eg.ONE])})


def test_several_destinations_each_with_the_port_of_the_service():
    wish = pool_wish(
        destination(
            service="tcp://192.0.2.1:80",
            destinations=[{"address": "198.51.100.1"}, {"address": "198.51.100.2", "port": 8080}],
        )
    )
    keys = [asked.key for asked in wish.destinations]
    assert keys == [eg.ONE, DestinationKey("198.51.100.2", 8080)]


def test_a_destination_of_a_firewall_mark_service_keeps_the_port_of_the_packet():
    wish = pool_wish(destination(service="fwmark:7", address="198.51.100.1"))
    assert wish.destinations[0].key == DestinationKey("198.51.100.1", 0)


def test_faults_of_destinations_are_told_together():
    params = destination(service="x", address="y", port=-1, weight=65536)
    assert sorted(faults(pool_wish, params)) == ["address", "port", "service", "weight"]
    pool = [{"address": "198.51.100.1"}, {"address": "198.51.100.1", "weight": -1}]
    params = destination(service="tcp://192.0.2.1:80", destinations=pool)
    assert faults(pool_wish, params) == ["destinations[1].weight", "destinations[1]"]


def test_names_of_services_to_look_at():
    assert service_filter(["tcp://192.0.2.1:80", "fwmark:7"]) == [eg.WEB, eg.MARK]
    assert service_filter([]) == []
    assert faults(service_filter, ["x", "tcp://192.0.2.1:80", "y"]) == ["service[0]", "service[2]"]


def test_timeouts():
    assert timeouts_wish({"tcp": 1, "tcp_fin": None, "udp": 2147483}) == TimeoutsWish(
        1, None, 2147483
    )
    assert faults(timeouts_wish, {"tcp": 0, "tcp_fin": 2147484, "udp": 5}) == ["tcp", "tcp_fin"]


def test_a_sync_daemon():
    params = dict.fromkeys(("interface", "sync_id", "maxlen", "group", "port", "ttl"))
    assert daemon_wish({**params, "role": "backup"}) == DaemonWish(Role.BACKUP)
    said = {
        "role": "master",
        "interface": "eth0",
        "sync_id": 255,
        "maxlen": 1,
        "group": "FF02::81",
        "port": 1,
        "ttl": 255,
    }
    assert daemon_wish(said) == DaemonWish(Role.MASTER, "eth0", 255, 1, "ff02::81", 1, 255)
    wrong = {**said, "role": "backup", "sync_id": 256, "group": "192.0.2.1", "ttl": 0}
    assert faults(daemon_wish, wrong) == ["sync_id", "maxlen", "group", "ttl"]


def test_every_word_for_forwarding_that_ansible_lets_pass_is_understood():
    plain = {word.value for word in Forwarding} | set(FORWARDING_ALIASES)
    assert {parse_forwarding(word) for word in plain} == set(Forwarding)
    assert set(FORWARDING_WORDS) == plain | {FULL_NAT}
