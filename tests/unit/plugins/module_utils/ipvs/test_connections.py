from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.connections import (
    Connection,
    parse_connections,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
    Endpoint,
    Transport,
)

#: Lines as ip_vs_conn_seq_show prints them.
FILE = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP C0000205 C350 C0000201 0050 C6336401 1F90 ESTABLISHED     899
UDP C0000205 0000 C0000201 13C4 C6336401 13C4 UDP             297 sip 1234@192.0.2.5
TCP C0000205 0000 C0000201 0050 C6336401 0050 NONE            359
IP  C0000200 0000 00000007 0000 C6336402 0000 NONE             59
TCP 2001:0db8:0000:0000:0000:0000:0000:0005 C350 2001:0db8:0000:0000:0000:0000:0000:0001 01BB \
2001:0db8:0000:0000:0000:0000:0000:0003 01BB FIN_WAIT        12
SCTP 2001:0db8:0000:0000:0000:0000:0000:0005 C350 2001:0db8:0000:0000:0000:0000:0000:0001 01BB \
C6336401 01BB CLOSED           1
"""


def test_connections_are_read():
    plain, sip, template, mark, six, mixed = parse_connections(FILE.splitlines(keepends=True))
    assert plain == Connection(
        "tcp", "192.0.2.5", 50000, "192.0.2.1", 80, "198.51.100.1", 8080, "ESTABLISHED", 899
    )
    assert (sip.transport, sip.client_port, sip.virtual_port) == ("udp", 0, 5060)
    assert (sip.state, sip.expires, sip.engine, sip.engine_data) == (
        "UDP",
        297,
        "sip",
        "1234@192.0.2.5",
    )
    assert (template.client_port, template.state, template.engine) == (0, "NONE", "")
    assert mark.transport == "ip"
    assert (mark.client_address, mark.virtual_address) == ("192.0.2.0", "0.0.0.7")
    assert six == Connection(
        "tcp", "2001:db8::5", 50000, "2001:db8::1", 443, "2001:db8::3", 443, "FIN_WAIT", 12
    )
    # A destination of the other address family, tunnelled.
    assert (mixed.transport, mixed.virtual_address) == ("sctp", "2001:db8::1")
    assert mixed.destination_address == "198.51.100.1"


def test_a_heading_alone_is_no_connection():
    assert list(parse_connections(FILE.splitlines()[:1])) == []
    assert list(parse_connections([])) == []


def test_an_ipv6_address_without_colons():
    (found,) = parse_connections(
        [FILE.splitlines()[1].replace("C6336401", "20010DB8" + "0" * 23 + "3")]
    )
    assert found.destination_address == "2001:db8::3"


@pytest.mark.parametrize("word", ["C633640102", "C63364", "nonsense"])
def test_what_is_no_address_is_a_wrong_value(word):
    with pytest.raises(ValueError):
        list(parse_connections([FILE.splitlines()[1].replace("C6336401", word)]))


def test_a_line_that_is_cut_off_is_passed_over():
    lines = FILE.splitlines()
    cut = lines[1].rsplit(maxsplit=1)[0]
    assert [found.state for found in parse_connections([cut, "\n", lines[3]])] == ["NONE"]


@pytest.mark.parametrize("name, word", [("TCP", "tcp"), ("IP_47", "ip_47"), ("ICMP", "icmp")])
def test_a_transport_without_a_word_keeps_the_kernels(name, word):
    (found,) = parse_connections([FILE.splitlines()[1].replace("TCP", name)])
    assert found.transport == word


def test_an_engines_data_is_told_with_its_blanks():
    (found,) = parse_connections([FILE.splitlines()[2] + " and more"])
    assert found.engine_data == "1234@192.0.2.5 and more"


def test_lines_are_read_as_they_are_asked_for():
    def endless():
        while True:
            yield FILE.splitlines()[1]

    connections = parse_connections(endless())
    assert next(connections) == next(connections)


def to(virtual="192.0.2.1", destination=("10.0.0.1", 80)):
    return Connection("tcp", "198.51.100.5", 4711, virtual, 80, *destination, "ESTABLISHED", 899)


@pytest.mark.parametrize(
    "transport, address, port, its",
    [
        (Transport.TCP, "192.0.2.1", 80, True),
        (Transport.TCP, "192.0.2.1", 0, True),
        (Transport.TCP, "192.0.2.1", 81, False),
        (Transport.TCP, "192.0.2.2", 80, False),
        (Transport.UDP, "192.0.2.1", 80, False),
    ],
)
def test_a_connection_is_to_a_service(transport, address, port, its):
    assert to().is_to(Endpoint(transport, address, port)) is its


def test_a_connection_is_served_by_one_of_many():
    assert to().is_served_by({DestinationKey("10.0.0.1", 80), DestinationKey("10.0.0.2", 80)})
    # Every port.
    assert to().is_served_by([DestinationKey("10.0.0.1", 0)])
    assert not to().is_served_by([DestinationKey("10.0.0.1", 81), DestinationKey("10.0.0.2", 80)])


def test_plain_data_has_every_field():
    plain = to().plain()
    assert list(plain) == [
        *("protocol", "client_address", "client_port", "virtual_address", "virtual_port"),
        *("destination_address", "destination_port", "state", "expires", "engine", "engine_data"),
    ]
    assert (plain["protocol"], plain["expires"], plain["engine"]) == ("tcp", 899, "")
