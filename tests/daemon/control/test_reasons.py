from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import key
from ipvsman.control.reasons import Effective, Why, uses_fallback


@pytest.mark.parametrize(
    "weight, fallback, used",
    [(5, True, True), (0, True, False), (None, True, False), (5, False, False)],
)
def test_the_fallback_is_used_when_one_of_it_has_weight(weight, fallback, used):
    weights = {
        key("10.0.0.1"): Effective(0, Why.DOWN, "down"),
        key("10.0.0.2"): Effective(weight, Why.UP, "up", fallback),
    }
    assert uses_fallback(weights) is used


def test_nobody_is_no_fallback():
    assert not uses_fallback({})
