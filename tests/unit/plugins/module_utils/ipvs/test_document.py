from __future__ import annotations

import contextlib
import copy

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.document import (
    NO_DEFAULTS,
    Defaults,
    Reader,
)
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
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plain import (
    plain_table,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    DaemonWish,
    DestinationWish,
    ServiceWish,
    TableWish,
    TimeoutsWish,
    resolve,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from hypothesis import given
from hypothesis import strategies as st


def read(data):
    """What the document wishes for; it has no fault."""
    reader = Reader()
    wish = reader.table(data)
    reader.finish()
    return wish


def faults_of(data):
    """Path and reason of each fault of a document."""
    reader = Reader()
    reader.table(data)
    with pytest.raises(InvalidValue) as raised:
        reader.finish()
    return [(fault.path, fault.reason) for fault in raised.value.faults]


def document(**options):
    """One service with one destination, and these options of the service."""
    return {"services": [{"service": "tcp://192.0.2.1:80", **options}]}


def pool(*destinations):
    return document(destinations=list(destinations))


# -- laws

#: What stands nowhere in a document: every place wants a word, a whole number, a list or a mapping.
NEVER = 3.5


def places(data, path=""):
    """Path, container and key of everything inside of a document."""
    if isinstance(data, dict):
        for key in data:
            below = f"{path}.{key}" if path else key
            yield below, data, key
            yield from places(data[key], below)
    elif isinstance(data, list):
        for number in range(len(data)):
            below = f"{path}[{number}]"
            yield below, data, number
            yield from places(data[number], below)


@given(st.data())
def test_a_fault_is_found_where_it_is_and_nowhere_else(data):
    plain = plain_table(data.draw(draws.states()))
    path, container, key = data.draw(st.sampled_from(list(places(plain))))
    container[key] = NEVER
    ((found, reason),) = faults_of(plain)
    assert found == path
    assert "3.5" in reason


@given(st.data())
def test_an_unknown_option_is_found_where_it_is(data):
    plain = plain_table(data.draw(draws.states()))
    mappings = [("", plain)]
    mappings += [(path, box[key]) for path, box, key in places(plain) if isinstance(box[key], dict)]
    path, mapping = data.draw(st.sampled_from(mappings))
    mapping["zzz"] = data.draw(st.none() | st.integers())
    ((found, reason),) = faults_of(plain)
    assert found == (f"{path}.zzz" if path else "zzz")
    assert reason.startswith("is not known here, only ")
    for option in mapping.keys() - {"zzz"}:
        assert option in reason


@given(st.data())
def test_every_fault_is_told_at_once(data):
    plain = plain_table(data.draw(draws.states()))
    leaves = [place for place in places(plain) if not isinstance(place[1][place[2]], (dict, list))]
    chosen = data.draw(st.lists(st.sampled_from(leaves), unique_by=lambda place: place[0]))
    for _path, container, key in chosen:
        container[key] = NEVER
    if not chosen:
        read(plain)
        return
    found = [path for path, _reason in faults_of(plain)]
    expected = [path for path, _container, _key in chosen]
    # Whether these are right can be told of a named service only: it depends on its family.
    if any(path.endswith("].service") for path in expected):
        by_family = ("].netmask", "].local_addresses[")
        expected = [path for path in expected if not any(each in path for each in by_family)]
        found = [path for path in found if not any(each in path for each in by_family)]
    assert sorted(found) == sorted(expected)


WORDS = (
    "defaults services timeouts sync_daemons service address port weight scheduler sched forwarding"
    " forward flags persistence netmask engine destinations upper_threshold lower_threshold tunnel"
    " type checksum tcp tcp_fin udp role interface sync_id maxlen group ttl"
).split()
VALUES = (
    "tcp://192.0.2.1:80 fwmark:7 udp://[2001:db8::1]:53 192.0.2.1 192.0.2.1:80 2001:db8::1 nat gue"
    " sh-port one-packet,flag-1 rr sip none master backup eth0 224.0.0.81 255.255.255.0"
    " ::ffff:255.0.0.0 tunnel csum"
).split()
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 70000)
    | st.integers()
    | st.floats()
    | st.sampled_from(VALUES)
    | st.text(max_size=5)
    | st.binary(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS) | st.text(max_size=3) | st.integers() | st.none(),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@st.composite
def near_documents(draw):
    """A right document with some of its values changed for anything: faults lie deep."""
    plain = plain_table(draw(draws.states()))
    found = list(places(plain))
    for _path, container, key in draw(st.lists(st.sampled_from(found), max_size=3)):
        container[key] = draw(anything)
    return plain


@given(anything | near_documents())
def test_any_data_is_a_wish_or_an_invalid_value(data):
    untouched = copy.deepcopy(data)
    reader = Reader()
    wish = reader.table(data)
    assert repr(data) == repr(untouched)
    assert isinstance(wish, TableWish)
    if reader.faults:
        with pytest.raises(InvalidValue) as raised:
            reader.finish()
        assert list(raised.value.faults) == reader.faults
        assert all(fault.reason for fault in reader.faults)
    else:
        with contextlib.suppress(InvalidValue):
            resolve(wish, eg.EMPTY, draws.INTERFACES.get)


# -- what may be left out, and other ways to say it


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


# -- faults

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
        (document(sched="rr", scheduler="wlc"), "services[0].scheduler", "the same as 'scheduler'"),
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


def test_a_mark_of_each_family_is_a_service_of_its_own():
    wish = read({"services": [{"service": "fwmark:7"}, {"service": "fwmark:7/inet6"}]})
    assert [service.key for service in wish.services] == [
        Firewallmark(7, Family.INET),
        Firewallmark(7, Family.INET6),
    ]


def test_parts_are_read_under_the_path_they_are_given():
    reader = Reader()
    found = reader.destinations([{"address": "x"}, HERE], "pool", eg.WEB)
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


# -- local addresses


def test_local_addresses_are_in_numeric_order_whatever_was_written():
    said = document(local_addresses=["10.2.0.10", "10.2.0.9"])
    assert read(said).services[0].local_addresses == ("10.2.0.9", "10.2.0.10")
    said = {"services": [{"address": "fwmark:7/inet6", "local_addresses": ["[FD02::1]"]}]}
    assert read(said).services[0].local_addresses == ("fd02::1",)


def test_no_local_addresses_is_something_else_than_nothing_said():
    assert read(document(local_addresses=[])).services[0].local_addresses == ()
    assert read(document()).services[0].local_addresses is None
    assert read(document(local_addresses=None)).services[0].local_addresses is None


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
