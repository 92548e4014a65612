from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Checksum,
    DestinationSettings,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    Role,
    ServiceFlags,
    ServiceSettings,
    SyncDaemon,
    Timeouts,
    Transport,
    Tunnel,
    TunnelKind,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.text import (
    FLAG_NAMES,
    FORWARDING_ALIASES,
    MappedAddress,
    daemon_words,
    destination_words,
    format_flags,
    format_netmask,
    nearest,
    parse_address,
    parse_flag,
    parse_forwarding,
    parse_host_port,
    parse_integer,
    parse_netmask,
    parse_service_key,
    parse_word,
    service_words,
    timeout_words,
    words_difference,
    words_line,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from hypothesis import example, given
from hypothesis import strategies as st

#: Text that comes near to a name, so that parsers are entered deeply.
near_names = st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            "tcp:// udp:// sctp:// :// fwmark: fwmark:7 /inet6 / : [ ] 192.0.2.1 2001:db8::1 ::"
            " 80 65536 -1 0 1 . nat tunnel sh-port 255.255.255.0 ::ffff:192.0.2.1".split()
        )
        | st.text(max_size=3),
        max_size=6,
    ),
)
texts = st.text(max_size=30) | near_names


# -- service keys


@given(draws.service_keys)
def test_the_name_of_a_service_is_read_back(key):
    assert parse_service_key(str(key)) == key


@pytest.mark.parametrize(
    "text, key",
    [
        ("tcp://192.0.2.1:80", Endpoint(Transport.TCP, "192.0.2.1", 80)),
        (" TCP://192.0.2.1:80/ ", Endpoint(Transport.TCP, "192.0.2.1", 80)),
        ("udp://[2001:DB8:0::1]:53", Endpoint(Transport.UDP, "2001:db8::1", 53)),
        ("sctp://[2001:db8::1]", Endpoint(Transport.SCTP, "2001:db8::1", 8080)),
        ("tcp://192.0.2.1", Endpoint(Transport.TCP, "192.0.2.1", 8080)),
        ("tcp://192.0.2.1:0", Endpoint(Transport.TCP, "192.0.2.1", 0)),
        ("fwmark:7", Firewallmark(7, Family.INET)),
        ("FWMARK:4294967295/INET6", Firewallmark(4294967295, Family.INET6)),
    ],
)
def test_a_service_may_be_named_in_more_ways_than_one(text, key):
    assert parse_service_key(text, default_port=8080) == key


@pytest.mark.parametrize(
    "text, reason",
    [
        (80, "80 is not the name of a virtual service: tcp://ADDRESS:PORT, udp://"),
        ("192.0.2.1:80", "'192.0.2.1:80' is not the name of a virtual service: tcp://"),
        ("tpc://192.0.2.1:80", "'tpc' is not one of tcp, udp, sctp; did you mean 'tcp'?"),
        ("icmp://192.0.2.1", "'icmp' is not one of tcp, udp, sctp"),
        ("tcp://www.example.com:80", "'www.example.com' is not an IPv4 or IPv6 address"),
        ("tcp://192.0.2.1:65536", "port 65536 is not in 0..65535"),
        ("tcp://192.0.2.1:http", "port 'http' is not a whole number in 0..65535"),
        ("tcp://192.0.2.1:", "port '' is not a whole number in 0..65535"),
        ("udp://2001:db8::1:53", "an IPv6 address needs brackets, [2001:db8::1]:53"),
        ("tcp://[192.0.2.1]:80", "has brackets around what is not an IPv6 address"),
        ("tcp://[2001:db8::1]80", "is not ADDRESS, ADDRESS:PORT or [IPV6-ADDRESS]:PORT"),
        ("fwmark:0", "0 is not in 1..4294967295"),
        ("fwmark:4294967296", "4294967296 is not in 1..4294967295"),
        ("fwmark:7/ipv6", "'ipv6' is not one of inet, inet6"),
        ("fwmark:x", "is not the name of a virtual service"),
    ],
)
def test_a_wrong_name_of_a_service_is_explained(text, reason):
    with pytest.raises(ValueError) as raised:
        parse_service_key(text)
    assert reason in str(raised.value)
    assert repr(text) in str(raised.value)


@given(texts)
def test_any_text_names_a_service_or_is_a_value_error(text):
    try:
        key = parse_service_key(text)
    except ValueError:
        return
    assert parse_service_key(str(key)) == key


# -- addresses and ports


@given(draws.destination_keys())
def test_the_name_of_a_destination_is_read_back(key):
    assert parse_host_port(str(key)) == (key.address, key.port)


@pytest.mark.parametrize(
    "text, found",
    [
        ("192.0.2.1", ("192.0.2.1", None)),
        (" 192.0.2.1:80 ", ("192.0.2.1", 80)),
        ("2001:DB8::1", ("2001:db8::1", None)),
        ("[2001:db8::1]", ("2001:db8::1", None)),
        ("[2001:db8::1]:0", ("2001:db8::1", 0)),
    ],
)
def test_a_port_may_be_left_out(text, found):
    assert parse_host_port(text) == found


@given(texts)
def test_any_text_is_a_host_and_port_or_a_value_error(text):
    try:
        address, port = parse_host_port(text)
    except ValueError:
        return
    assert parse_address(address) == address
    assert port is None or 0 <= port <= 65535


def test_brackets_and_blanks_come_off_an_address():
    assert parse_address(" [2001:DB8::1] ") == "2001:db8::1"


@pytest.mark.parametrize("value", [None, 80, ["192.0.2.1"], "[192.0.2.1]", "[[::1]]", ""])
def test_what_is_no_address_is_named(value):
    with pytest.raises(ValueError, match="is not an IPv4 or IPv6 address"):
        parse_address(value)


@pytest.mark.parametrize("value", ["::ffff:192.0.2.1", "[::FFFF:c000:201]", " ::ffff:192.0.2.1"])
def test_an_ipv4_address_is_not_to_be_written_as_an_ipv6_one(value):
    with pytest.raises(MappedAddress, match=r"written as IPv6; say 192\.0\.2\.1$"):
        parse_address(value)
    with pytest.raises(MappedAddress, match=r"say 192\.0\.2\.1$"):
        parse_host_port("[::ffff:192.0.2.1]:80")
    # What is like it and is none: NAT64's prefix, and the form that has long been given up.
    for other in ("64:ff9b::c000:201", "::c000:201"):
        assert parse_address(other)


def test_a_service_that_is_there_can_be_named_whatever_its_address():
    key = Endpoint(Transport.TCP, "::ffff:192.0.2.1", 80)
    assert parse_service_key(str(key)) == key


@given(texts)
def test_any_text_is_an_address_or_a_value_error(text):
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert parse_address(address) == address


# -- numbers


@given(st.integers(-70000, 70000))
def test_a_number_counts_within_its_bounds_as_digits_too(number):
    for value in (number, str(number), f" {number} "):
        if 0 <= number <= 65535:
            assert parse_integer(value, 0, 65535) == number
        else:
            with pytest.raises(ValueError) as raised:
                parse_integer(value, 0, 65535)
            assert str(raised.value) == f"{number} is not in 0..65535"


@pytest.mark.parametrize("value", [True, False, None, 1.0, "1.0", "", "ten", "0x10", "1_0", [1]])
def test_what_is_no_whole_number_is_named(value):
    with pytest.raises(ValueError) as raised:
        parse_integer(value, 0, 65535)
    assert str(raised.value) == f"{value!r} is not a whole number in 0..65535"


@given(texts | st.text("0123456789- ٣", max_size=25))
def test_any_text_is_a_number_or_a_value_error(text):
    try:
        number = parse_integer(text, -5, 5)
    except ValueError:
        return
    assert -5 <= number <= 5


# -- words


@pytest.mark.parametrize("method", list(Forwarding))
def test_a_forwarding_method_is_read_in_any_case(method):
    assert parse_forwarding(method.value) is method
    assert parse_forwarding(method.value.upper()) is method


@pytest.mark.parametrize(
    "word, method",
    [
        ("nat", Forwarding.MASQUERADE),
        ("masq", Forwarding.MASQUERADE),
        ("DR", Forwarding.DIRECT),
        ("tun", Forwarding.TUNNEL),
        ("route", Forwarding.DIRECT),
    ],
)
def test_other_tools_words_for_forwarding_are_understood(word, method):
    assert parse_forwarding(word) is method


def test_no_alias_takes_a_word_of_ours():
    assert not set(FORWARDING_ALIASES) & {method.value for method in Forwarding}


@pytest.mark.parametrize(
    "word, hint",
    [("tunel", "; did you mean 'tunnel'?"), ("masquerad", "; did you mean 'masquerade'?"), (7, "")],
)
def test_a_wrong_word_is_told_what_there_is(word, hint):
    with pytest.raises(ValueError) as raised:
        parse_forwarding(word)
    allowed = "masquerade, local, tunnel, direct, bypass"
    assert str(raised.value) == f"{word!r} is not one of {allowed}{hint}"


@given(texts)
def test_any_text_is_a_word_or_a_value_error(text):
    try:
        method = parse_forwarding(text)
    except ValueError:
        return
    assert text.lower() in {method.value, *FORWARDING_ALIASES}


def test_a_word_of_another_vocabulary_is_wrong():
    assert parse_word("Backup", Role) is Role.BACKUP
    with pytest.raises(ValueError, match="'direct' is not one of master, backup"):
        parse_word("direct", Role)


def test_only_a_near_word_is_proposed():
    assert nearest("wight", ["weight", "port"]) == "; did you mean 'weight'?"
    assert nearest("colour", ["weight", "port"]) == ""


# -- netmasks


@given(st.data())
def test_a_netmask_is_read_back(data):
    family = data.draw(draws.families)
    netmask = data.draw(draws.netmasks(family))
    assert parse_netmask(format_netmask(netmask, family), family) == netmask


@pytest.mark.parametrize(
    "value, family, netmask",
    [
        ("255.255.255.0", Family.INET, 0xFFFFFF00),
        ("/24", Family.INET, 0xFFFFFF00),
        (" 24 ", Family.INET, 0xFFFFFF00),
        (32, Family.INET, 0xFFFFFFFF),
        (0, Family.INET, 0),
        ("255.0.255.0", Family.INET, 0xFF00FF00),
        ("/64", Family.INET6, 64),
        (128, Family.INET6, 128),
    ],
)
def test_a_netmask_may_be_a_prefix_length(value, family, netmask):
    assert parse_netmask(value, family) == netmask


@pytest.mark.parametrize(
    "value, family, reason",
    [
        (33, Family.INET, "33 is not in 0..32"),
        (-1, Family.INET, "-1 is not in 0..32"),
        ("255.255.255", Family.INET, "'255.255.255' is not a netmask like 255.255.255.0"),
        ("::ffff:255.0.0.0", Family.INET, "'::ffff:255.0.0.0' is not a whole number in 0..32"),
        ("ffff::", Family.INET, "'ffff::' is not a whole number in 0..32"),
        (None, Family.INET, "None is not a whole number in 0..32"),
        (0, Family.INET6, "0 is not in 1..128"),
        (129, Family.INET6, "129 is not in 1..128"),
        ("255.255.255.0", Family.INET6, "is not a whole number in 1..128"),
    ],
)
def test_a_wrong_netmask_is_explained(value, family, reason):
    with pytest.raises(ValueError) as raised:
        parse_netmask(value, family)
    assert reason in str(raised.value)


@given(texts | st.text("0123456789abcdef.:/", max_size=20), draws.families)
@example("::ffff:255.0.0.0", Family.INET)
def test_any_text_is_a_netmask_or_a_value_error(text, family):
    try:
        netmask = parse_netmask(text, family)
    except ValueError:
        return
    assert parse_netmask(format_netmask(netmask, family), family) == netmask


# -- flags


@given(draws.held_flags, st.sampled_from(["rr", "sh", "mh"]))
def test_flags_are_read_back(flags, scheduler):
    names = format_flags(flags, scheduler)
    assert draws.union({parse_flag(name, scheduler) for name in names}) == flags
    assert names == sorted(names)


@pytest.mark.parametrize(
    "scheduler, names",
    [
        ("sh", ["one-packet", "sh-fallback", "sh-port"]),
        ("mh", ["mh-fallback", "mh-port", "one-packet"]),
        ("wlc", ["flag-1", "flag-2", "one-packet"]),
    ],
)
def test_flags_go_by_the_names_of_their_scheduler(scheduler, names):
    flags = ServiceFlags.FLAG_1 | ServiceFlags.FLAG_2 | ServiceFlags.ONE_PACKET
    assert format_flags(flags, scheduler) == names


def test_a_flag_of_another_scheduler_is_refused():
    assert parse_flag("sh-port", "sh") is ServiceFlags.FLAG_2
    with pytest.raises(ValueError, match="'sh-port' is a flag of scheduler 'sh', not of 'mh'"):
        parse_flag("sh-port", "mh")


@pytest.mark.parametrize("name", ["sh-prot", ""])
def test_a_flag_that_does_not_exist_is_a_value_error(name):
    with pytest.raises(ValueError) as raised:
        parse_flag(name, "sh")
    assert str(raised.value).startswith(f"{name!r} is not one of {', '.join(FLAG_NAMES)}")


# -- lines


def test_a_line_of_a_service_leaves_out_what_is_default():
    plain = ServiceSettings("wlc", ServiceFlags.NONE, 0, 0xFFFFFFFF, "")
    assert words_line(service_words(plain, Family.INET)) == "scheduler wlc"
    told = ServiceSettings(
        "sh", ServiceFlags.FLAG_2 | ServiceFlags.ONE_PACKET, 300, 0xFFFFFF00, "sip"
    )
    assert words_line(service_words(told, Family.INET)) == (
        "scheduler sh, flags one-packet,sh-port, persistence 300, netmask 255.255.255.0, engine sip"
    )
    assert words_line(
        service_words(ServiceSettings("wlc", ServiceFlags.NONE, 0, 64, ""), Family.INET6)
    ) == ("scheduler wlc, netmask 64")


@pytest.mark.parametrize(
    "settings, line",
    [
        (DestinationSettings(0, Forwarding.DIRECT), "weight 0, forwarding direct"),
        (
            DestinationSettings(1, Forwarding.LOCAL, 9, 3),
            "weight 1, forwarding local, upper_threshold 9, lower_threshold 3",
        ),
        (
            DestinationSettings(
                1, Forwarding.TUNNEL, tunnel=Tunnel(TunnelKind.GUE, 6080, Checksum.REMCSUM)
            ),
            "weight 1, forwarding tunnel, tunnel gue:6080+remcsum",
        ),
        (
            DestinationSettings(1, Forwarding.TUNNEL, tunnel=Tunnel(TunnelKind.GRE)),
            "weight 1, forwarding tunnel, tunnel gre",
        ),
    ],
)
def test_a_line_of_a_destination_leaves_out_what_is_default(settings, line):
    assert words_line(destination_words(settings)) == line


def test_a_line_of_a_sync_daemon_and_of_timeouts_says_all():
    daemon = SyncDaemon(Role.MASTER, "eth0", 3, 1472, "224.0.0.81", 8848, 1)
    assert words_line(daemon_words(daemon)) == (
        "interface eth0, sync_id 3, maxlen 1472, group 224.0.0.81, port 8848, ttl 1"
    )
    assert words_line(timeout_words(Timeouts(900, 120, 300))) == "tcp 900, tcp_fin 120, udp 300"


def test_a_difference_says_only_what_differs():
    before = {"weight": "1", "forwarding": "direct", "upper_threshold": "9"}
    after = {"weight": "0", "forwarding": "direct", "tunnel": "gre"}
    assert words_difference(before, after) == (
        "weight 1 -> 0, upper_threshold 9 -> none, tunnel none -> gre"
    )
    assert words_difference(before, dict(before)) == ""


@given(st.data())
def test_settings_that_differ_are_told_apart_by_their_words(data):
    family = data.draw(draws.families)
    one, other = (data.draw(draws.held_service_settings(family)) for _unused in range(2))
    same = service_words(one, family) == service_words(other, family)
    assert same == (one == other)
    here, there = (data.draw(draws.held_destination_settings) for _unused in range(2))
    assert (destination_words(here) == destination_words(there)) == (here == there)
