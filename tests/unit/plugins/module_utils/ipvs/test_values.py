"""Single values: what is taken, in which form, and what is refused."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import values
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import Family


@pytest.mark.parametrize(
    "parse, given, taken",
    [
        (values.host_port, "10.0.0.1", ("10.0.0.1", None)),
        (values.host_port, "[2001:DB8::1]:80", ("2001:db8::1", 80)),
        (lambda value: values.local_address(value, Family.INET), "10.0.0.1", "10.0.0.1"),
        (lambda value: values.name(value, "scheduler"), "a_b-1", "a_b-1"),
        (values.engine, "sip", "sip"),
        (values.engine, "none", ""),
        (values.interface, "eth0.100", "eth0.100"),
        (values.multicast, "FF02::1", "ff02::1"),
    ],
)
def test_taken(parse, given, taken):
    assert parse(given) == taken


@pytest.mark.parametrize(
    "parse, given, says",
    [
        (values.host_port, 10, "10 is not an IPv4 or IPv6 address"),
        (lambda value: values.local_address(value, Family.INET), "fd00::1", "the other address"),
        (lambda value: values.local_address(value, Family.INET), "224.0.0.1", "not the address"),
        (lambda value: values.local_address(value, Family.INET6), "::", "not the address"),
        (lambda value: values.name(value, "scheduler"), "", "not the name of a scheduler"),
        (lambda value: values.name(value, "scheduler"), "x" * 16, "at most 15"),
        (values.engine, "s p", "not the name of a persistence engine"),
        (values.interface, "a/b", "not the name of a network interface"),
        (values.interface, "x" * 16, "at most 15 bytes"),
        (values.multicast, "10.0.0.1", "not a multicast group"),
    ],
)
def test_refused(parse, given, says):
    with pytest.raises(ValueError, match=says):
        parse(given)
