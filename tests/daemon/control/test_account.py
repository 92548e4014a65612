from __future__ import annotations

from ansible_collections.lvs.ipvs.tests.daemon.control.parts import vip
from ipvsman.control.account import Account


def broken(count):
    return {vip(number): f"reason {number}" for number in range(1, count + 1)}


def test_nothing_is_wrong_at_first():
    assert Account().error == ""


def test_what_is_wrong_as_a_whole_comes_first():
    account = Account(trouble="no ip_vs", broken=broken(1))
    assert account.error == "no ip_vs\nreason 1"


def test_of_many_only_the_first_are_named():
    assert Account(broken=broken(5)).error.splitlines() == [f"reason {n}" for n in range(1, 6)]
    lines = Account(broken=broken(7)).error.splitlines()
    assert lines[4:] == ["reason 5", "and 2 more services cannot be made as they shall be"]
