"""Addresses of this host: what every Linux has, and what none has."""

from __future__ import annotations

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.hostaddresses import (
    elsewhere,
)


def test_loopback_is_here_and_examples_are_not():
    # 127.9.9.9 is on no interface: its whole network is here.
    assert elsewhere(["127.0.0.1", "192.0.2.77", "127.9.9.9"]) == ("192.0.2.77",)
    assert elsewhere(["2001:db8::77"]) == ("2001:db8::77",)


def test_no_address_is_no_question():
    assert elsewhere([]) == ()
