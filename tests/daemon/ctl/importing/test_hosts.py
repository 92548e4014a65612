"""Hosts with ports, and ranges of addresses."""

from __future__ import annotations

import pytest
from ipvsman.ctl.importing.hosts import MAX_RANGE, addresses, host_and_port


@pytest.mark.parametrize(
    "text, found",
    [
        ("192.0.2.1", ("192.0.2.1", None)),
        ("192.0.2.1:80", ("192.0.2.1", "80")),
        ("[2001:DB8::1]:80", ("2001:db8::1", "80")),
        ("[2001:db8::1]", ("2001:db8::1", None)),
        ("2001:db8::1", ("2001:db8::1", None)),
        ("web-1.example.net:http", ("web-1.example.net", "http")),
        ("host_name", ("host_name", None)),
    ],
)
def test_hosts(text, found):
    assert host_and_port(text) == found


@pytest.mark.parametrize(
    "text",
    ["", ":80", "192.0.2.300", "192.0.2.1:80:81", "[web]:80", "a b", "[2001:db8::1", "-x:80"],
)
def test_no_hosts(text):
    with pytest.raises(ValueError, match=r"address|is not ADDRESS"):
        host_and_port(text)


def test_a_range():
    assert addresses("10.0.0.254", "10.0.1.1") == [
        "10.0.0.254",
        "10.0.0.255",
        "10.0.1.0",
        "10.0.1.1",
    ]
    assert addresses("2001:db8::f", "2001:db8::10") == ["2001:db8::f", "2001:db8::10"]


@pytest.mark.parametrize(
    "first, last",
    [("10.0.0.2", "10.0.0.1"), ("10.0.0.1", "::1"), ("10.0.0.1", "web")],
)
def test_no_range(first, last):
    with pytest.raises(ValueError, match=r"is no range|has no IPv4"):
        addresses(first, last)


def test_a_range_is_bounded():
    assert len(addresses("10.0.0.0", "10.0.15.255")) == MAX_RANGE
    with pytest.raises(ValueError, match="are more than 4096"):
        addresses("10.0.0.0", "10.0.16.0")
