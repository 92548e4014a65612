"""What of ipvs_config needs no kernel."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.modules.ipvs_config import says_services


@pytest.mark.parametrize("data", [None, {}, {"services": None}, {"timeouts": {"tcp": 1}}, [], "x"])
def test_a_document_that_does_not_say_its_services_purges_none(data):
    assert not says_services(data)


@pytest.mark.parametrize("services", [[], [{"address": "fwmark:7"}]])
def test_a_document_says_its_services_and_be_it_none(services):
    assert says_services({"services": services})
