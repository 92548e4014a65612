from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import model
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Counters,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Firewallmark,
    Forwarding,
    State,
    Transport,
    Tunnel,
    TunnelKind,
    canonical_address,
    family_of,
    host_port,
    packed_address,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "text, canonical",
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:0db8::0001", "2001:db8::1"),
        ("::ffff:c000:201", "::ffff:192.0.2.1"),
        ("0:0:0:0:0:0:0:0", "::"),
    ],
)
def test_an_address_has_one_form(text, canonical):
    assert canonical_address(text) == canonical


@given(st.ip_addresses())
def test_every_address_is_read_whichever_way_it_is_written(address):
    canonical = canonical_address(address.exploded)
    assert canonical == canonical_address(address.compressed)
    assert ipaddress.ip_address(canonical) == address
    assert packed_address(canonical) == address.packed
    assert family_of(canonical) is (Family.INET if address.version == 4 else Family.INET6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2.3",
        "1.2.3.4.5",
        "256.0.0.1",
        "01.2.3.4",
        "localhost",
        "::1%lo",
        "[::1]",
        "1.2.3.4/8",
    ],
)
def test_what_is_no_address_is_said_so(text):
    with pytest.raises(ValueError, match=r"is not an IPv4 or IPv6 address$") as raised:
        canonical_address(text)
    assert repr(text) in str(raised.value)


@given(st.text(max_size=20) | st.text("0123456789abcdef.:[]%/", max_size=40))
def test_any_text_is_an_address_or_a_value_error(text):
    try:
        canonical = canonical_address(text)
    except ValueError:
        return
    assert canonical_address(canonical) == canonical


def test_a_port_is_told_from_an_ipv6_address_by_brackets():
    assert host_port("192.0.2.1", 80) == "192.0.2.1:80"
    assert host_port("2001:db8::1", 80) == "[2001:db8::1]:80"


@pytest.mark.parametrize(
    "key, text, family",
    [
        (Endpoint(Transport.TCP, "192.0.2.1", 80), "tcp://192.0.2.1:80", Family.INET),
        (Endpoint(Transport.UDP, "2001:db8::1", 53), "udp://[2001:db8::1]:53", Family.INET6),
        (Endpoint(Transport.SCTP, "192.0.2.1", 0), "sctp://192.0.2.1", Family.INET),
        (Endpoint(Transport.TCP, "2001:db8::1", 0), "tcp://[2001:db8::1]", Family.INET6),
        (Firewallmark(7, Family.INET), "fwmark:7", Family.INET),
        (Firewallmark(7, Family.INET6), "fwmark:7/inet6", Family.INET6),
        (DestinationKey("192.0.2.1", 0), "192.0.2.1:0", Family.INET),
        (DestinationKey("2001:db8::1", 80), "[2001:db8::1]:80", Family.INET6),
    ],
)
def test_a_key_says_its_name_and_family(key, text, family):
    assert str(key) == text
    assert key.family is family


def test_services_are_in_the_order_of_their_numbers():
    in_order = [
        Endpoint(Transport.TCP, "192.0.2.9", 443),
        Endpoint(Transport.TCP, "192.0.2.10", 80),
        Endpoint(Transport.UDP, "192.0.2.10", 80),
        Endpoint(Transport.SCTP, "192.0.2.10", 80),
        Endpoint(Transport.TCP, "192.0.2.10", 443),
        Endpoint(Transport.TCP, "2001:db8::9", 80),
        Endpoint(Transport.TCP, "2001:db8::10", 80),
        Firewallmark(9, Family.INET),
        Firewallmark(10, Family.INET),
        Firewallmark(9, Family.INET6),
    ]
    backwards = in_order[::-1]
    assert sorted(backwards, key=lambda key: key.order()) == in_order


def test_destinations_are_in_the_order_of_their_numbers():
    in_order = [
        DestinationKey("192.0.2.9", 443),
        DestinationKey("192.0.2.10", 80),
        DestinationKey("192.0.2.10", 443),
        DestinationKey("2001:db8::9", 80),
        DestinationKey("2001:db8::10", 80),
    ]
    backwards = in_order[::-1]
    assert sorted(backwards, key=DestinationKey.order) == in_order


@given(draws.service_keys, draws.service_keys)
def test_only_equal_services_share_a_place_and_a_name(one, other):
    assert (one.order() == other.order()) == (str(one) == str(other)) == (one == other)


@given(draws.destination_keys(), draws.destination_keys())
def test_only_equal_destinations_share_a_place_and_a_name(one, other):
    assert (one.order() == other.order()) == (str(one) == str(other)) == (one == other)


def test_what_is_unreadable_does_not_make_two_tables_differ():
    assert State(unreadable=("a virtual service: of tomorrow",)) == State()


@pytest.mark.parametrize(
    "value, name",
    [
        (eg.WEB, "port"),
        (eg.MARK, "mark"),
        (eg.ONE, "port"),
        (eg.WLC, "scheduler"),
        (eg.DIRECT, "weight"),
        (eg.DIRECT.tunnel, "kind"),
        (eg.service(eg.WEB), "settings"),
        (eg.EMPTY, "timeouts"),
        (eg.EMPTY.timeouts, "tcp"),
        (eg.MASTER, "port"),
        (Counters(), "connections"),
    ],
)
def test_values_do_not_change(value, name):
    with pytest.raises(AttributeError):
        setattr(value, name, None)


def test_what_is_not_said_of_a_destination_is_none():
    assert DestinationSettings(1, Forwarding.DIRECT, 0, 0, Tunnel(TunnelKind.IPIP, 0)) == eg.DIRECT


def test_nothing_was_counted_where_nothing_is_said():
    assert Counters() == Counters(*[0] * 10)


def test_a_host_netmask_tells_every_client_apart():
    assert model.HOST_NETMASK == {Family.INET: 2**32 - 1, Family.INET6: 128}
