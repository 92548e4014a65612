"""Names of ports and hosts."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.ctl.importing.conftest import resolver, services
from ipvsman.ctl.importing.lookup import Lookup, ask
from ipvsman.ipvs.model import Family

NAMES = Lookup(None, services)
ADDRESSES = Lookup(resolver, services)


@pytest.mark.parametrize("text, port", [("80", 80), ("http", 80), ("0", 0), ("65535", 65535)])
def test_ports(text, port):
    assert NAMES.port(text, "tcp") == port


@pytest.mark.parametrize("text", ["65536", "-1", "gopher", ""])
def test_no_ports(text):
    with pytest.raises(ValueError, match=r"not in 0\.\.65535|neither a port nor the name of one"):
        NAMES.port(text, "tcp")


def test_names_stay_names_until_the_resolver_is_wanted():
    assert NAMES.host("ns1.example.net", Family.INET) == "ns1.example.net"
    assert ADDRESSES.host("ns1.example.net", Family.INET) == "10.0.0.53"
    assert ADDRESSES.host("web6.example.net", Family.INET6) == "2001:db8::80"


def test_addresses_are_canonical_and_nobody_is_asked():
    assert ADDRESSES.host("2001:DB8:0::1", Family.INET6) == "2001:db8::1"


def test_a_name_without_an_address_of_the_family():
    with pytest.raises(ValueError, match="has no address of family inet6"):
        ADDRESSES.host("ns1.example.net", Family.INET6)


def test_the_systems_resolver(monkeypatch):
    asked = []

    def answer(name, _port, family, kind):
        asked.append((name, family, kind))
        return [(family, kind, 6, "", ("127.0.0.9", 0)), (family, kind, 6, "", ("127.0.0.8", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert ask("some.example.net", Family.INET) == "127.0.0.9"
    assert asked == [("some.example.net", socket.AF_INET, socket.SOCK_STREAM)]
