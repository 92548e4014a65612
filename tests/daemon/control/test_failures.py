from __future__ import annotations

import errno

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    SETTINGS,
    VIP,
    key,
    service,
    vip,
)
from ipvsman.control.failures import reasons, refusals, refused_parts
from ipvsman.ipvs.changes import AddDestination, AddService, RemoveService
from ipvsman.ipvs.errors import Cause, KernelRefused, NotConverged, PartlyApplied, Unavailable
from ipvsman.ipvs.model import State
from ipvsman.ipvs.plan import Plan

A, B = "10.0.0.1", "10.0.0.2"
OTHER = vip(2)
SERVER = AddDestination(VIP, key(A), service({A: 5}).destinations[key(A)])
WHOLE = AddService(OTHER, SETTINGS)


def no(change):
    return KernelRefused(change, errno.EINVAL)


def partly(*changes):
    plan = Plan(State(), State(), (changes,))
    return PartlyApplied(plan, [], [no(change) for change in changes])


def test_what_was_refused_is_found_in_errors_of_every_kind():
    alone = no(SERVER)
    assert refusals(alone) == (alone,)
    assert [each.change for each in refusals(partly(SERVER, WHOLE))] == [SERVER, WHOLE]
    assert refusals(Unavailable(Cause.NO_IPVS, "no ip_vs")) == ()
    assert refusals(ZeroDivisionError()) == ()


def test_a_service_can_be_without_a_server_and_not_without_itself():
    failure = partly(SERVER, WHOLE, RemoveService(VIP, service({})))
    assert refused_parts(failure, VIP) == [SERVER]
    assert refused_parts(failure, OTHER) == []


def test_each_service_has_its_first_reason():
    found = reasons(partly(SERVER, WHOLE, RemoveService(VIP, service({}))), {VIP, OTHER})
    assert found == {VIP: str(no(SERVER)), OTHER: str(no(WHOLE))}


def test_what_does_not_read_back_is_named_with_both_causes():
    found = reasons(NotConverged(Plan(State(), State(), ((SERVER,),)), []), {VIP, OTHER})
    assert list(found) == [VIP]
    assert found[VIP].startswith("accepted by the kernel, and not so when read back (another")
    assert found[VIP].endswith(str(SERVER))


@pytest.mark.parametrize(
    "failure, text",
    [
        (ZeroDivisionError("a fault of ours"), "internal error: ZeroDivisionError: a fault of"),
        (Unavailable(Cause.NO_ANSWER, "no answer"), "no answer"),
        (partly(RemoveService(vip(9), service({}))), "changes planned: 1"),
    ],
    ids=["ours", "unavailable", "another service"],
)
def test_what_names_none_of_them_is_the_reason_of_all(failure, text):
    found = reasons(failure, {VIP, OTHER})
    assert found.keys() == {VIP, OTHER}
    assert all(reason.startswith(text) for reason in found.values())
