"""When a director is as well as before, and when it is not."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director.gate import (
    absent,
    is_picture,
    judge,
    picture,
)
from hypothesis import given
from hypothesis import strategies as st

ABOUT = {
    "version": "0.1.0",
    "program": "/usr/lib/ipvsman/versions/0.1.0-abc",
    "desired_generation": 3,
    "config_digest": "abc",
    "last_reload": {"error": ""},
}


def backend(live=1, why="up", weight=1, desired=None):
    return {
        "ip": "10.0.0.11",
        "port": 80,
        "weight": weight,
        "desired_weight": live if desired is None else desired,
        "live_weight": live,
        "why": why,
        "reason": f"because {why}",
    }


def seen(
    *backends,
    present=True,
    name="tcp://192.0.2.1:80",
    apply_error="",
    ready=True,
    fallback=False,
    **about,
):
    status = {
        "services": [
            {
                "service": name,
                "group": "web",
                "frontend_name": "http",
                "live_present": present,
                "backends": list(backends),
                "fallback_in_use": fallback,
            }
        ],
        "last_apply": {"error": apply_error},
    }
    return picture(status, {**ABOUT, **about}, ready)


UP, DOWN = backend(), backend(0, "down")
OPERATOR, DISABLED = backend(0, "operator"), backend(0, "disabled", weight=0)


def test_as_well_as_before():
    assert judge(seen(UP, UP), seen(UP, UP), 0) == []


@pytest.mark.parametrize(
    "before, now, max_drop, passes",
    [
        ((UP, UP), (UP, DOWN), 0, False),
        ((UP, UP), (UP, DOWN), 50, True),
        ((UP, UP), (UP, DOWN), 49, False),
        ((UP, DOWN), (UP, DOWN), 0, True),
        ((UP, DOWN), (UP, UP), 0, True),
        ((UP, DOWN), (DOWN, DOWN), 0, False),
        # Fewer backends, of which as large a share serves.
        ((UP, UP, DOWN), (UP,), 0, True),
        ((UP, UP), (UP, UP, DOWN), 0, False),
        # What has weight on trust has to prove itself first.
        ((UP, UP), (UP, UP, backend(1, "unproven")), 0, False),
        ((UP, UP), (UP, backend(1, "cold_start")), 0, False),
        ((UP, backend(1, "kept")), (UP, backend(1, "kept")), 0, True),
        # What is out on purpose is not missed.
        ((UP, UP), (UP, OPERATOR), 0, True),
        ((UP, UP), (UP, DISABLED), 0, True),
        ((UP, UP), (OPERATOR, OPERATOR), 0, True),
        # All down and kept: the kernel forwards, and nobody answers.
        ((UP,), (backend(1, "all_down"),), 0, False),
        ((UP,), (backend(1, "not_probed"),), 0, True),
        ((UP,), (backend(None, "unproven"),), 0, False),
    ],
)
def test_the_share_that_serves(before, now, max_drop, passes):
    assert (judge(seen(*before), seen(*now), max_drop) == []) == passes


def test_it_says_what_is_missing():
    (fault,) = judge(seen(UP, UP), seen(UP, DOWN), 0)
    assert fault == (
        "web/http (tcp://192.0.2.1:80): 1 of 2 backends serve, before 2 of 2"
        " (10.0.0.11:80: because down)"
    )


def test_a_fallback_that_has_come_into_use_is_no_passing():
    short, aside = backend(0, "down"), backend(0, "no_quorum")
    faults = judge(seen(UP, UP), seen(short, aside, fallback=True), 100)
    assert faults == [
        "web/http (tcp://192.0.2.1:80): its fallback is in use (10.0.0.11:80: because down;"
        " 10.0.0.11:80: because no_quorum)"
    ]
    assert judge(seen(OPERATOR), seen(OPERATOR, fallback=True), 100) != []
    assert judge(seen(name="x"), seen(OPERATOR, fallback=True), 100) != []
    assert judge(seen(short, fallback=True), seen(short, fallback=True), 0) == []


def test_a_new_service_is_held_to_all_its_backends():
    before = seen(UP, name="tcp://192.0.2.9:80")
    assert judge(before, seen(UP, UP), 0) == []
    (fault,) = judge(before, seen(UP, DOWN), 0)
    assert "it is new" in fault
    assert judge(absent("no daemon"), seen(UP), 0) == []


def test_faults_of_the_whole():
    now = seen(
        UP, apply_error="EPERM", ready=False, present=False, last_reload={"error": "a.yaml:1: no"}
    )
    assert judge(seen(UP), now, 100) == [
        "the kernel has not been made what it shall be (/readyz)",
        "the drop-ins were refused: a.yaml:1: no",
        "the kernel refused something: EPERM",
        "web/http (tcp://192.0.2.1:80) is not in the kernel",
    ]
    assert judge(seen(UP), absent("no daemon listens"), 100) == ["no daemon listens"]


backends = st.lists(st.sampled_from([UP, DOWN, OPERATOR, DISABLED]), max_size=5)


@given(backends)
def test_nothing_is_worse_than_itself(given_backends):
    now = seen(*given_backends)
    assert judge(now, now, 0) == []


@given(backends, backends, st.integers(0, 100))
def test_who_passes_passes_a_wider_gate(before, now, max_drop):
    if not judge(seen(*before), seen(*now), max_drop):
        assert judge(seen(*before), seen(*now), 100) == []


@pytest.mark.parametrize(
    "given_instead",
    [
        {},
        {"picture": absent("x"), "changed": False},
        {**absent("x"), "services": None},
        {**absent("x"), "services": {"tcp://192.0.2.1:80": {}}},
        {**absent("x"), "running": "yes"},
    ],
)
def test_what_is_no_picture(given_instead):
    assert not is_picture(given_instead)


def test_what_is_one():
    assert is_picture(absent("x"))
    assert is_picture(seen(backend()))
