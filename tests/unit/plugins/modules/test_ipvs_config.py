"""What of ipvs_config needs no kernel."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.modules.ipvs_config import unsaid

WEB = {"address": "fwmark:7"}


def paths(data, *, services=False, destinations=False):
    return [fault.path for fault in unsaid(data, services, destinations)]


@pytest.mark.parametrize("data", [None, {}, {"services": None}, {"timeouts": {"tcp": 1}}])
def test_a_document_that_does_not_say_its_services_purges_none(data):
    assert paths(data, services=True) == ["services"]
    assert paths(data, destinations=True) == []


@pytest.mark.parametrize("services", [[], [WEB]])
def test_a_document_says_its_services_and_be_it_none(services):
    assert paths({"services": services}, services=True) == []


def test_a_service_that_does_not_say_its_destinations_purges_none():
    services = [WEB, {**WEB, "destinations": []}, {**WEB, "destinations": None}]
    expected = ["services[0].destinations", "services[2].destinations"]
    assert paths({"services": services}, destinations=True) == expected
    assert paths({"services": services}) == []
