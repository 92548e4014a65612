from __future__ import annotations

import os
import struct

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.health.servers import FAMILIES, judged
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.health.checks import icmp
from ipvsman.health.spec import IcmpProbe

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="a raw socket wants CAP_NET_RAW")


@ROOT
@pytest.mark.parametrize("host", [*FAMILIES, "127.1.2.3"])
def test_answered(host):
    verdict = judged(IcmpProbe(host))
    assert (verdict.ok, verdict.message) == (True, "echo reply")


@ROOT
@pytest.mark.parametrize("host", FAMILIES)
def test_by_a_raw_socket_and_by_a_ping_socket(host, monkeypatch):
    opened = icmp.open_socket

    def not_this(kind):
        def opener(address, asked, protocol=0):
            if asked == kind:
                raise PermissionError
            return opened(address, asked, protocol)

        return opener

    monkeypatch.setattr(icmp, "open_socket", not_this(icmp.socket.SOCK_DGRAM))
    assert judged(IcmpProbe(host)).ok


def test_without_permission(monkeypatch):
    def refused(*_unused):
        raise PermissionError

    monkeypatch.setattr(icmp, "open_socket", refused)
    verdict = judged(IcmpProbe("127.0.0.1"))
    assert not verdict.ok
    assert verdict.message.startswith("cannot be probed: no permission to ping")


@given(st.binary(max_size=64).filter(lambda data: len(data) % 2 == 0))
def test_the_checksum_of_a_whole_is_zero(data):
    whole = data + struct.pack("!H", icmp.checksum(data))
    assert icmp.checksum(whole) == 0


@pytest.mark.parametrize("host", FAMILIES)
@given(packet=st.binary(max_size=80))
def test_no_packet_breaks_it(host, packet):
    echo = icmp.Echo(host)
    for is_raw in (False, True):
        assert not echo.is_reply(packet, b"t" * icmp.TOKEN, is_raw)


def test_the_reply_is_told_from_the_request_and_from_others():
    echo, token = icmp.Echo("::1"), b"t" * icmp.TOKEN
    request = echo.message(7, token)
    reply = b"\x81" + request[1:]
    assert not echo.is_reply(request, token, is_raw=True)
    assert echo.is_reply(reply, token, is_raw=True)
    assert not echo.is_reply(reply, b"o" * icmp.TOKEN, is_raw=True)
