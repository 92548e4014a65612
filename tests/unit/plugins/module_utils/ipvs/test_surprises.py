"""What the kernel accepts and then does otherwise than one would think."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Firewallmark,
    Forwarding,
    Service,
    ServiceFlags,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.surprises import surprises

from . import examples as eg

MASQUERADED = DestinationSettings(1, Forwarding.MASQUERADE)


def of(key, settings, pool, local_addresses=()):
    return list(surprises(Service(key, settings, pool), local_addresses))


def test_a_plain_service_surprises_nobody():
    assert of(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT, eg.TWO: eg.DIRECT}) == []


def test_every_port_needs_persistence():
    everything = Endpoint(Transport.TCP, "192.0.2.1", 0)
    (told,) = of(everything, eg.WLC, {})
    assert told.startswith("tcp://192.0.2.1 has every port and no persistence")
    assert of(everything, replace(eg.WLC, persistence=60), {}) == []
    assert of(eg.MARK, eg.WLC, {}) == []


def test_the_scheduler_none_schedules_nothing():
    (told,) = of(eg.WEB, replace(eg.WLC, scheduler="none"), {eg.ONE: eg.DIRECT})
    assert told == "tcp://192.0.2.1:80 has scheduler none: the kernel schedules no connection to it"


def test_hashing_goes_on_choosing_what_is_quiesced_unless_told_to_fall_back():
    pool = {eg.ONE: eg.DIRECT, eg.TWO: eg.QUIET}
    for name in ("mh", "sh"):
        hashing = replace(eg.WLC, scheduler=name)
        (told,) = of(eg.WEB, hashing, pool)
        assert f"{name}-fallback" in told
        assert of(eg.WEB, replace(hashing, flags=ServiceFlags.FLAG_1), pool) == []
        assert of(eg.WEB, hashing, {eg.ONE: eg.DIRECT}) == []


def test_a_port_is_only_changed_by_masquerading():
    elsewhere = DestinationKey("198.51.100.7", 8080)
    for forwarding in (Forwarding.DIRECT, Forwarding.TUNNEL):
        (told,) = of(eg.WEB, eg.WLC, {elsewhere: replace(MASQUERADED, forwarding=forwarding)})
        assert "198.51.100.7:8080" in told
        assert told.endswith("its packets arrive at port 80")
    assert of(eg.WEB, eg.WLC, {elsewhere: MASQUERADED}) == []
    assert isinstance(eg.MARK, Firewallmark)
    assert of(eg.MARK, eg.WLC, {elsewhere: eg.DIRECT}) == []


def test_local_addresses_are_for_masquerading():
    some = ("10.2.0.1",)
    (told,) = of(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT, eg.TWO: eg.QUIET}, some)
    assert told.startswith("tcp://192.0.2.1:80 has local addresses and no destination by masquer")
    assert of(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT, eg.TWO: MASQUERADED}, some) == []
    assert of(eg.WEB, eg.WLC, {}, some) == []


def test_one_packet_has_no_replies_from_a_local_address():
    one_packet = replace(eg.RR, flags=ServiceFlags.ONE_PACKET)
    (told,) = of(eg.DNS, one_packet, {eg.ONE: MASQUERADED}, ("10.2.0.1",))
    assert told.startswith("udp://192.0.2.1:53 has the flag one-packet and local addresses")
    assert of(eg.DNS, one_packet, {eg.ONE: MASQUERADED}) == []


def test_of_a_mark_direct_routing_is_translated_too():
    pool = {eg.ONE: eg.DIRECT, eg.TWO: MASQUERADED}
    for some in (pool, {eg.ONE: eg.DIRECT}):
        (told,) = of(eg.MARK, eg.WLC, some, ("10.2.0.1",))
        assert told.startswith("fwmark:7 has local addresses and destinations by direct routing")
    assert of(eg.MARK, eg.WLC, {eg.TWO: MASQUERADED}, ("10.2.0.1",)) == []
    assert of(eg.MARK, eg.WLC, pool) == []
