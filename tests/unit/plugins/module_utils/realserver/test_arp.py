"""Asking by ARP, with a network in memory; and the frames."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import HostError
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.arp import (
    BROADCAST,
    Asked,
    probe,
    reply_of,
    request,
    route_to,
)

OWN, OTHER, ASKER = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02", b"\x02\0\0\0\0\xff"
VIP = "192.0.2.1"


class Network:
    """Hosts by hardware address, and what each answers for; a broadcast reaches all of them."""

    def __init__(self, **answers):
        self.hosts = {bytes.fromhex(mac[1:]): answers[mac] for mac in answers}
        self.pending = []
        self.closed = False

    def ask(self, address, mac):
        for own, addresses in self.hosts.items():
            if mac in (own, BROADCAST) and address in addresses:
                self.pending.append((own, address))

    def answers(self, _seconds):
        while self.pending:
            yield self.pending.pop(0)

    def close(self):
        self.closed = True


def ask(network, *hosts):
    found = probe(
        hosts,
        lambda address: ("eth0", "10.0.0.1", not address.startswith("10.0.0.")),
        lambda _interface, _source: network,
        0.3,
    )
    return [(each.answered, each.reason) for each in found]


def test_who_answers_and_who_does_not():
    network = Network(
        m020000000001=["10.0.0.11"],
        m020000000002=["10.0.0.12", VIP],
        m020000000003=["10.0.0.1", VIP],  # a director, which may
    )
    quiet, loud = Asked("quiet", ["10.0.0.11"], [VIP]), Asked("loud", ["10.0.0.12"], [VIP])
    assert ask(network, quiet, loud) == [([], ""), ([VIP], "")]
    assert network.closed


def test_without_an_answer_for_its_own_address_nothing_is_proven():
    network = Network(m020000000002=[VIP])
    says = "it did not answer for its own 10.0.0.11 on eth0"
    assert ask(network, Asked("down", ["10.0.0.11"], [VIP])) == [([], says)]


def test_one_that_falls_silent_altogether_proves_nothing():
    network = Network(m020000000001=["10.0.0.11"])
    ask_once = network.ask

    def first_only(address, mac):
        if mac == BROADCAST:
            ask_once(address, mac)

    network.ask = first_only
    says = "it does not answer for its own 10.0.0.11 any more"
    assert ask(network, Asked("gone", ["10.0.0.11"], [VIP])) == [([], says)]


def test_the_address_on_a_shared_network_is_used():
    network = Network(m020000000001=["10.0.0.11", VIP])
    host = Asked("loud", ["198.51.100.1", "10.0.0.11"], [VIP])
    far = Asked("far", ["198.51.100.1"], [VIP])
    assert ask(network, host, far) == [
        ([VIP], ""),
        ([], "no network is shared with it (198.51.100.1)"),
    ]


def test_frames():
    frame = request(ASKER, "10.0.0.1", VIP, OWN)
    assert frame.hex(" ") == (
        "02 00 00 00 00 01 02 00 00 00 00 ff 08 06 00 01 08 00 06 04 00 01"
        " 02 00 00 00 00 ff 0a 00 00 01 00 00 00 00 00 00 c0 00 02 01"
    )
    assert reply_of(frame) is None
    reply = bytearray(request(OWN, VIP, "10.0.0.1", ASKER))
    reply[21] = 2
    assert reply_of(bytes(reply)) == (OWN, VIP)
    assert reply_of(bytes(reply[:41])) is None


@pytest.mark.parametrize(
    "said, route",
    [
        ('[{"dst":"10.0.0.11","dev":"eth0","prefsrc":"10.0.0.1"}]', ("eth0", "10.0.0.1", False)),
        (
            '[{"dst":"1.2.3.4","gateway":"10.0.0.9","dev":"eth0","prefsrc":"10.0.0.1"}]',
            ("eth0", "10.0.0.1", True),
        ),
        (
            '[{"type":"local","dst":"10.0.0.1","dev":"lo","prefsrc":"10.0.0.1"}]',
            ("lo", "10.0.0.1", True),
        ),
    ],
)
def test_route(said, route):
    assert route_to("x", lambda _command: said) == route


def test_no_route():
    def refused(_command):
        raise HostError("ip route get x: RTNETLINK answers: Network is unreachable")

    assert route_to("x", refused) == ("", "", False)
    assert route_to("x", lambda _command: "") == ("", "", False)


def test_without_ip_nothing_can_be_said():
    def missing(_command):
        raise HostError("ip route get x: No such file or directory")

    with pytest.raises(HostError, match="No such file"):
        route_to("x", missing)
