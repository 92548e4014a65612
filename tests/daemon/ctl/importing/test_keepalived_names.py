"""Names of virtual servers of a keepalived.conf; more of them in test_keepalived_services."""

from __future__ import annotations

import pytest
from ipvsman.ctl.importing.keepalived_blocks import directives
from ipvsman.ctl.importing.keepalived_names import Names
from ipvsman.ctl.importing.ledger import Ledger, Unreadable
from ipvsman.ctl.importing.source import Source
from ipvsman.ipvs.model import Transport


def names(entries):
    ledger = Ledger()
    text = f"virtual_server_group G {{\n{entries}\n}}\nvirtual_server group G {{\n}}"
    said = directives(Source("file", text), ledger)
    found = Names(said, ledger)
    keys, label = found.of(said[1], None, Transport.TCP)
    found.settle()
    ledger.stand()
    assert label == "G"
    return [str(key) for key in keys]


@pytest.mark.parametrize(
    "entry, keys",
    [
        ("192.0.2.1 80", ["tcp://192.0.2.1:80"]),
        ("192.0.2.1", ["tcp://192.0.2.1"]),
        ("192.0.2.1-2 80", ["tcp://192.0.2.1:80", "tcp://192.0.2.2:80"]),
        ("192.0.2.2/31 80", ["tcp://192.0.2.2:80", "tcp://192.0.2.3:80"]),
        ("2001:db8::ff-100 80", ["tcp://[2001:db8::ff]:80", "tcp://[2001:db8::100]:80"]),
        ("fwmark 5", ["fwmark:5"]),
        ("fwmark 5 inet6", ["fwmark:5/inet6"]),
    ],
)
def test_entries(entry, keys):
    assert names(entry) == keys


@pytest.mark.parametrize(
    "entry, says",
    [
        ("192.0.2.1 80 81", "is an address or a range of them, and a port"),
        ("192.0.2.1 http", "'http' is not a whole number"),
        ("192.0.2.9-1 80", "is no range of addresses"),
        ("192.0.2.0/33 80", "does not appear to be an IPv4 or IPv6 network"),
        ("fwmark", "'' is not a whole number"),
        ("fwmark 5 inet7", "'inet7' is not one of inet, inet6"),
        ("fwmark 5 inet 6", "is a number, and inet or inet6"),
    ],
)
def test_what_is_no_entry(entry, says):
    with pytest.raises(Unreadable) as caught:
        names(entry)
    assert says in str(caught.value)
