from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.document import (
    NO_DEFAULTS,
    Defaults,
    Reader,
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
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    DaemonWish,
    DestinationWish,
    ServiceWish,
    TableWish,
    TimeoutsWish,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.documents import (
    document,
    pool,
    read,
)


@pytest.mark.parametrize(
    "data", [None, {}, {"services": None}, {"services": [], "sync_daemons": []}, {"defaults": None}]
)
def test_an_empty_document_wishes_for_nothing(data):
    assert read(data) == TableWish()


def test_a_document_says_rr_direct_and_weight_1_for_what_it_leaves_out():
    assert read(pool({"address": "198.51.100.1"})) == TableWish(
        (
            ServiceWish(
                eg.WEB,
                scheduler="rr",
                destinations=(DestinationWish(eg.ONE, weight=1, forwarding=Forwarding.DIRECT),),
            ),
        )
    )


def test_defaults_stand_in_for_what_an_entry_leaves_out():
    data = {
        "defaults": {"port": 8080, "weight": 5, "sched": "wlc", "forward": "nat"},
        "services": [
            {"address": "tcp://192.0.2.1", "destinations": [{"address": "198.51.100.1"}]},
            {
                "address": "udp://192.0.2.1:53",
                "sched": "sh",
                "destinations": [{"address": "198.51.100.1:53", "weight": 0, "forward": "tunnel"}],
            },
            {"address": "fwmark:7"},
        ],
    }
    first, second, third = read(data).services
    assert first == ServiceWish(
        Endpoint(Transport.TCP, "192.0.2.1", 8080),
        scheduler="wlc",
        destinations=(
            DestinationWish(
                DestinationKey("198.51.100.1", 8080), weight=5, forwarding=Forwarding.MASQUERADE
            ),
        ),
    )
    assert second == ServiceWish(
        eg.DNS,
        scheduler="sh",
        destinations=(
            DestinationWish(
                DestinationKey("198.51.100.1", 53), weight=0, forwarding=Forwarding.TUNNEL
            ),
        ),
    )
    assert third == ServiceWish(eg.MARK, scheduler="wlc")


def test_without_defaults_nothing_is_said_for_what_is_left_out():
    reader = Reader()
    data = {"service": "tcp://192.0.2.1:80", "destinations": [{"address": "198.51.100.1"}]}
    assert reader.service(data, "", NO_DEFAULTS) == ServiceWish(
        eg.WEB, destinations=(DestinationWish(eg.ONE),)
    )
    assert reader.faults == []


@pytest.mark.parametrize(
    "entry, service, defaults, port",
    [
        ({"address": "198.51.100.1:81"}, eg.WEB, Defaults(port=82), 81),
        ({"address": "198.51.100.1", "port": 81}, eg.WEB, Defaults(port=82), 81),
        ({"address": "198.51.100.1:81", "port": "81"}, eg.WEB, NO_DEFAULTS, 81),
        ({"address": "198.51.100.1", "port": 0}, eg.WEB, Defaults(port=82), 0),
        ({"address": "198.51.100.1"}, eg.WEB, Defaults(port=82), 82),
        ({"address": "198.51.100.1"}, eg.WEB, NO_DEFAULTS, 80),
        ({"address": "198.51.100.1"}, eg.MARK, NO_DEFAULTS, 0),
    ],
)
def test_the_port_of_a_destination_is_its_own_the_defaults_or_the_services(
    entry, service, defaults, port
):
    reader = Reader()
    assert reader.destination(entry, "", service, defaults).key == DestinationKey(
        "198.51.100.1", port
    )
    assert reader.faults == []


def test_every_option_of_a_service_is_read():
    (wish,) = read(
        document(
            scheduler="sh",
            flags=["sh-port", "flag-3"],
            persistence="300",
            netmask="/24",
            engine="sip",
        )
    ).services
    assert wish == ServiceWish(eg.WEB, "sh", ("sh-port", "flag-3"), 300, 0xFFFFFF00, "sip")
    assert wish.path == "services[0]"


@pytest.mark.parametrize(
    "flags, names",
    [
        (None, None),
        ([], ()),
        ("", ()),
        ("sh-port,sh-fallback", ("sh-port", "sh-fallback")),
        ("sh-port sh-fallback", ("sh-port", "sh-fallback")),
    ],
)
def test_flags_may_be_one_text_and_no_flags_differ_from_none_said(flags, names):
    (wish,) = read(document(flags=flags)).services
    assert wish.flags == names


@pytest.mark.parametrize("engine", ["", "none"])
def test_an_engine_may_be_taken_away(engine):
    (wish,) = read(document(engine=engine)).services
    assert wish.engine == ""


def test_every_option_of_a_destination_is_read():
    (service,) = read(
        pool(
            {
                "address": "[2001:db8::3]:80",
                "weight": 0,
                "forwarding": "Tunnel",
                "upper_threshold": 9,
                "lower_threshold": 3,
                "tunnel": {"type": "gue", "port": 6080, "checksum": "remcsum"},
            }
        )
    ).services
    (wish,) = service.destinations
    tunnel = Tunnel(TunnelKind.GUE, 6080, Checksum.REMCSUM)
    assert wish == DestinationWish(eg.THREE6, 0, Forwarding.TUNNEL, 9, 3, tunnel)
    assert wish.path == "services[0].destinations[0]"


@pytest.mark.parametrize("tunnel", [{}, {"type": None}, {"type": "ipip", "port": 0}])
def test_a_tunnel_is_ipip_when_nothing_else_is_said(tunnel):
    (service,) = read(pool({"address": "198.51.100.1", "tunnel": tunnel})).services
    assert service.destinations[0].tunnel == Tunnel()


def test_timeouts_and_sync_daemons_are_read():
    wish = read(
        {
            "timeouts": {"tcp": "900", "udp": 300},
            "sync_daemons": [
                {"role": "MASTER", "interface": "eth0"},
                {
                    "role": "backup",
                    "interface": "eth1",
                    "sync_id": 255,
                    "maxlen": 1400,
                    "group": "FF02::81",
                    "port": 1,
                    "ttl": 255,
                },
            ],
        }
    )
    assert wish == TableWish(
        timeouts=TimeoutsWish(900, None, 300),
        daemons=(
            DaemonWish(Role.MASTER, "eth0"),
            DaemonWish(Role.BACKUP, "eth1", 255, 1400, "ff02::81", 1, 255),
        ),
    )
    assert [daemon.path for daemon in wish.daemons] == ["sync_daemons[0]", "sync_daemons[1]"]


def test_a_short_name_may_stand_beside_an_empty_long_one():
    (wish,) = read(document(scheduler=None, sched="wlc")).services
    assert wish.scheduler == "wlc"


def test_a_mark_of_each_family_is_a_service_of_its_own():
    wish = read({"services": [{"service": "fwmark:7"}, {"service": "fwmark:7/inet6"}]})
    assert [service.key for service in wish.services] == [
        Firewallmark(7, Family.INET),
        Firewallmark(7, Family.INET6),
    ]


def test_parts_are_read_under_the_path_they_are_given():
    reader = Reader()
    found = reader.destinations([{"address": "x"}, {"address": "198.51.100.1"}], "pool", eg.WEB)
    assert [wish.path for wish in found] == ["pool[1]"]
    assert [fault.path for fault in reader.faults] == ["pool[0].address"]


def test_single_values_are_read_with_their_faults():
    reader = Reader()
    assert reader.integer("7", "seven", 1, 9) == 7
    assert reader.address("2001:DB8::1", "home") == "2001:db8::1"
    assert reader.faults == []
    assert reader.integer(0, "none", 1, 9) is None
    assert reader.address("home", "home") is None
    assert [str(fault) for fault in reader.faults] == [
        "none: 0 is not in 1..9",
        "home: 'home' is not an IPv4 or IPv6 address",
    ]


def test_a_reading_without_fault_finishes_quietly():
    Reader().finish()


def test_local_addresses_are_in_numeric_order_whatever_was_written():
    said = document(local_addresses=["10.2.0.10", "10.2.0.9"])
    assert read(said).services[0].local_addresses == ("10.2.0.9", "10.2.0.10")
    said = {"services": [{"address": "fwmark:7/inet6", "local_addresses": ["[FD02::1]"]}]}
    assert read(said).services[0].local_addresses == ("fd02::1",)


def test_no_local_addresses_is_something_else_than_nothing_said():
    assert read(document(local_addresses=[])).services[0].local_addresses == ()
    assert read(document()).services[0].local_addresses is None
    assert read(document(local_addresses=None)).services[0].local_addresses is None


@pytest.mark.parametrize("word", ["fnat", "FNAT"])
def test_full_nat_is_masquerade_with_a_condition(word):
    def pool(said, **defaults):
        data = document(destinations=[{"address": "198.51.100.1", **said}])
        (found,) = read({**data, "defaults": defaults}).services[0].destinations
        return found.forwarding, found.full_nat

    assert pool({"forwarding": word}) == (Forwarding.MASQUERADE, True)
    assert pool({"forward": word}, forwarding="dr") == (Forwarding.MASQUERADE, True)
    assert pool({}, forwarding=word) == (Forwarding.MASQUERADE, True)
    assert pool({"forwarding": "nat"}, forwarding=word) == (Forwarding.MASQUERADE, False)
    assert pool({"forwarding": "nat"}) == (Forwarding.MASQUERADE, False)
