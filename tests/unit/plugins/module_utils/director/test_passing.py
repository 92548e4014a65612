"""Waiting until it is well, and seeing that it stays so: by a clock of the test's own."""

from __future__ import annotations

from ansible_collections.lvs.ipvs.plugins.module_utils.director.daemon import Daemon
from ansible_collections.lvs.ipvs.plugins.module_utils.director.gate import absent
from ansible_collections.lvs.ipvs.plugins.module_utils.director.passing import look, passes

WELL = {
    "running": True,
    "ready": True,
    "reload_error": "",
    "apply_error": "",
    "services": {},
}
ILL = absent("no daemon listens")


class Time:
    def __init__(self, well):
        self.now = 0.0
        self.looks = 0
        self._well = well

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def look(self):
        self.looks += 1
        return WELL if self._well(self.now) else ILL


def run(well, wait=10.0, hold=3.0):
    time = Time(well)
    _picture, reasons = passes(
        WELL, time.look, 0, wait=wait, hold=hold, clock=time.clock, sleep=time.sleep
    )
    return reasons, time


def test_well_from_the_start():
    reasons, time = run(lambda _now: True)
    assert (reasons, time.now) == ([], 3.0)


def test_without_holding_one_look_is_enough():
    reasons, time = run(lambda _now: True, hold=0)
    assert (reasons, time.looks) == ([], 1)


def test_well_in_time():
    reasons, time = run(lambda now: now >= 9)
    assert (reasons, time.now) == ([], 12.0)


def test_not_in_time():
    reasons, time = run(lambda _now: False)
    assert (reasons, time.now) == (["no daemon listens"], 10.0)


def test_what_does_not_hold_does_not_pass():
    reasons, time = run(lambda now: now % 2 < 1)
    assert reasons == ["no daemon listens"]
    assert time.now >= 10


def test_a_host_without_the_daemon(tmp_path):
    picture = look(Daemon(str(tmp_path / "none")))
    assert not picture["running"]
    assert "no daemon listens" in picture["reason"]
