"""What of ipvs_config needs no kernel."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import RemoveDestination
from ansible_collections.lvs.ipvs.plugins.modules.ipvs_config import emptied, read, says_services
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import examples as eg


@pytest.mark.parametrize("data", [None, {}, {"services": None}, {"timeouts": {"tcp": 1}}, [], "x"])
def test_a_document_that_does_not_say_its_services_purges_none(data):
    assert not says_services(data)


@pytest.mark.parametrize("services", [[], [{"address": "fwmark:7"}]])
def test_a_document_says_its_services_and_be_it_none(services):
    assert says_services({"services": services})


GONE = (RemoveDestination(eg.WEB, eg.ONE, eg.DIRECT), RemoveDestination(eg.WEB, eg.TWO, eg.DIRECT))


@pytest.mark.parametrize("entry", [{}, {"destinations": None}])
def test_whoever_says_no_destinations_and_loses_some_is_told(entry):
    data = {"services": [{"service": "fwmark:7"}, {"service": str(eg.WEB), **entry}]}
    (warning,) = emptied(data, read(data), GONE)
    assert warning.startswith(
        f"{eg.WEB} has no destinations in the document, and 2 in the table go"
    )
    assert emptied(data, read(data), ()) == []


def test_whoever_says_that_there_are_none_means_it():
    data = {"services": [{"service": str(eg.WEB), "destinations": []}]}
    assert emptied(data, read(data), GONE) == []
    assert emptied(None, read(None), GONE) == []
