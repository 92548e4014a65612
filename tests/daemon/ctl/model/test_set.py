"""set weight: at once, little by little, and what is not there."""

from __future__ import annotations

import errno
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.ctl.model import set as verb
from ipvsman.ctl.model.set import steps
from ipvsman.ipvs.errors import KernelRefused
from ipvsman.ipvs.memory import MemoryTable
from ipvsman.ipvs.scope import Scope
from ipvsman.ipvs.table import Outcome

WEB = """\
services:
- address: tcp://192.0.2.1:80
  sched: wlc
  destinations:
  - address: 10.0.0.1:8080
    weight: 5
    forward: nat
  - address: 10.0.0.2:80
    weight: 5
    forward: nat
- address: tcp://[2001:db8::1]:80
  sched: wlc
  destinations:
  - address: "[2001:db8::2]:80"
    forward: direct
"""
ONE = ("-s", "tcp://192.0.2.1:80", "-d", "10.0.0.1:8080")


class Watched(MemoryTable):
    """Notes what is read."""

    def __init__(self):
        super().__init__()
        self.scopes = []

    def read(self, scope: Scope):
        self.scopes.append(scope)
        return super().read(scope)


@pytest.fixture
def weight(ctl):
    ctl.table = Watched()
    ctl.run("apply", "-f-", stdin=WEB)
    ctl.table.scopes.clear()
    return lambda *words, globals_=(): ctl.run(*globals_, "set", "weight", *words)


@pytest.fixture
def clock(monkeypatch):
    """Time passes when somebody sleeps."""
    made = types.SimpleNamespace(now=100.0, slept=[])

    def sleep(seconds):
        made.slept.append(seconds)
        made.now += seconds

    monkeypatch.setattr(
        verb, "time", types.SimpleNamespace(monotonic=lambda: made.now, sleep=sleep)
    )
    return made


def test_at_once(ctl, weight):
    said = weight("100", *ONE)
    assert (said.status, said.out, said.err) == (0, "", "")
    assert ctl.run("get").out == WEB.replace("weight: 5", "weight: 100", 1)


@pytest.mark.parametrize(
    "words",
    [
        ["7", "--service=tcp://[2001:db8:0::1]:80/", "--destination", "[2001:db8::2]"],
        ["-s", "tcp://[2001:db8::1]:80", "-d", "2001:db8::2", "7"],
    ],
)
def test_handles_are_compared_by_what_they_mean(ctl, weight, words):
    assert weight(*words).status == 0
    assert "weight: 7\n" in ctl.run("get").out


def test_verbose(weight):
    said = weight("100", *ONE, globals_=["-v"])
    assert said.err == ("INFO Updated weight to 100 for service tcp://192.0.2.1:80/10.0.0.1:8080\n")


def test_one_service_is_read_and_one_destination_of_it_written(ctl, weight):
    ctl.table.calls.clear()
    weight("100", *ONE)
    for scope in ctl.table.scopes:
        assert [str(key) for key in scope.service_keys()] == ["tcp://192.0.2.1:80"]
        assert scope.services == frozenset()
    assert ctl.table.calls == {"read": 2, "apply": 1}


@pytest.mark.parametrize("value", ["-1", "65536", "70000"])
def test_a_weight_out_of_range(ctl, weight, value):
    said = weight(value, *ONE)
    assert said.status == 33
    assert said.err == f"Invalid weight: {value} is not in 0..65535\n"
    assert ctl.table.scopes == []


@pytest.mark.parametrize(
    "words", [[], ["many", *ONE], ["1.5", *ONE], ["5", *ONE, "-t", "x"], ["5", "6", *ONE]]
)
def test_usage(ctl, weight, words):
    said = weight(*words)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("Error: ")


@pytest.mark.parametrize("value", ["five", "1.5", "0x5", "1_0", " 5", "\uff15", "", "9" * 30])
def test_what_is_no_number(weight, value):
    for words in ((value, *ONE), ("5", *ONE, f"--time={value}")):
        said = weight(*words)
        assert (said.status, said.out) == (2, "")
        assert f": {value!r} is not a whole number\nusage: " in said.err


@pytest.mark.parametrize("words", [[], ["frob"]])
def test_usage_without_weight(ctl, words):
    said = ctl.run("set", *words)
    assert (said.status, said.out) == (2, "")


@pytest.mark.parametrize(
    "words", [ONE[:2], ONE[2:], ("-s", "", *ONE[2:]), (*ONE[:2], "--destination=")]
)
def test_a_handle_that_is_empty(weight, words):
    said = weight("5", *words)
    assert said.status == 33
    assert said.err.startswith("Invalid ")


def test_all_that_is_wrong_with_the_command_line_at_once(weight):
    said = weight("65536", "-s", "")
    assert said.status == 33
    assert [line.partition(":")[0] for line in said.err.splitlines()] == [
        "Invalid weight",
        "Invalid service",
        "Invalid destination",
    ]


@pytest.mark.parametrize(
    "service, destination, what",
    [
        ("tcp://192.0.2.2:80", "10.0.0.1:8080", "service tcp://192.0.2.2:80"),
        ("tcp://192.0.2.1:80", "10.0.0.1:80", "destination 10.0.0.1:80 of service"),
        ("192.0.2.1:80", "10.0.0.1:80", "service 192.0.2.1:80"),
        ("tcp://192.0.2.1:80", "real1", "destination real1"),
    ],
)
def test_what_is_not_there(ctl, weight, service, destination, what):
    said = weight("5", "-s", service, "-d", destination)
    assert said.status == 34
    assert said.err.startswith(what)
    assert " is not found in the active configuration, which `ipvsctl get` prints" in said.err
    assert ctl.table.calls["apply"] <= 2


def test_the_kernel_refuses(ctl, weight):
    def refuse(changes):
        return Outcome((), tuple(KernelRefused(each, errno.ENOMEM) for each in changes))

    ctl.table.apply = refuse
    said = weight("9", *ONE)
    assert said.status == 34
    assert said.err.startswith("Unable to set weight: the kernel refused to edit destination")


def test_little_by_little(weight, clock):
    said = weight("11", *ONE, "--time", "4", globals_=["-v"])
    assert said.status == 0
    assert [line.split()[4] for line in said.err.splitlines()] == ["6", "8", "9", "11"]
    assert clock.now == 104.0
    assert clock.slept == [1.0] * 4


@pytest.mark.parametrize("seconds", ["1", "0", "-3"])
def test_no_time_to_take(weight, clock, seconds):
    assert weight("11", *ONE, "-t", seconds).status == 0
    assert clock.now == 100.0


def test_what_goes_meanwhile(ctl, weight, clock, monkeypatch):
    def sleep(seconds):
        ctl.table.flush()

    monkeypatch.setattr(verb.time, "sleep", sleep)
    said = weight("11", *ONE, "-t", "9")
    assert said.status == 34
    assert "service tcp://192.0.2.1:80 is not found" in said.err


def test_interrupted_it_says_how_far_it_came(weight, clock, monkeypatch):
    def interrupted(seconds):
        if clock.now >= 103:
            raise KeyboardInterrupt
        clock.now += seconds

    monkeypatch.setattr(verb.time, "sleep", interrupted)
    said = weight("105", *ONE, "--time", "10")
    assert (said.status, said.err) == (
        130,
        "interrupted at weight 35 of service tcp://192.0.2.1:80/10.0.0.1:8080\n",
    )
    clock.now = 103
    assert weight("105", *ONE, "--time", "10").err == "interrupted\n"


@given(st.integers(0, 65535), st.integers(0, 65535), st.integers(-2, 300))
def test_steps(now, then, seconds):
    found = list(steps(now, then, seconds))
    weights = [weight for _second, weight in found]
    assert found[-1] == (max(seconds, 0) if seconds > 1 else 0, then)
    assert weights == sorted(weights, reverse=then < now)
    assert all(min(now, then) <= weight <= max(now, then) for weight in weights)
    assert len(found) == max(seconds, 1)
