from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import wire
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Checksum,
    Family,
    Forwarding,
    Role,
    ServiceFlags,
    Transport,
    TunnelKind,
)


@pytest.mark.parametrize(
    "words, numbers, back",
    [
        (Family, wire.AF, wire.FAMILIES),
        (Transport, wire.PROTOCOL, wire.TRANSPORTS),
        (Forwarding, wire.METHOD, wire.FORWARDINGS),
        (TunnelKind, wire.TUNNEL_KIND, wire.TUNNEL_KINDS),
        (Checksum, wire.CHECKSUM, wire.CHECKSUMS),
        (Role, wire.ROLE, wire.ROLES),
    ],
)
def test_every_word_is_a_number_of_its_own(words, numbers, back):
    assert set(numbers) == set(words)
    assert {back[numbers[word]]: numbers[word] for word in words} == numbers


def test_numbers_are_those_of_the_kernels_headers():
    # include/uapi/linux/ip_vs.h, in.h, socket.h
    assert {word.value: number for word, number in wire.METHOD.items()} == {
        "masquerade": 0,
        "local": 1,
        "tunnel": 2,
        "direct": 3,
        "bypass": 4,
    }
    assert {word.value: number for word, number in wire.AF.items()} == {"inet": 2, "inet6": 10}
    assert {word.value: number for word, number in wire.PROTOCOL.items()} == {
        "tcp": 6,
        "udp": 17,
        "sctp": 132,
    }


def test_persistence_is_no_flag_of_a_service():
    every = ServiceFlags.NONE
    for flag in ServiceFlags:
        every |= flag
    assert every.value == wire.F_SCHEDULING
    assert not every.value & wire.F_PERSISTENT
    assert every.value | wire.F_PERSISTENT == wire.F_SAID
