from __future__ import annotations

import json

import pytest
import yaml

from .conftest import VS


@pytest.fixture
def watched(web, monkeypatch):
    """What is shown until somebody has seen enough, after the third look."""
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("ipvsman.ctl.imperative.pace.wait", sleep)
    web.pauses = pauses
    return web


def test_text_is_shown_again_and_again(watched):
    done = watched.run("service", "get", *VS, "--watch", "5")
    assert done.status == 130
    once = "Protocol Vip:Vport (Scheduler)\nTCP 192.0.2.1:80 (wrr)\n"
    assert done.out == "\n".join([once] * 3)
    assert watched.pauses == [5.0] * 3


def test_a_terminal_is_cleared(watched, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    out = watched.run("service", "get", *VS, "--watch", "0.5", terminal=True).out
    assert out.count("\033[H\033[2J") == 3
    assert "\n\n" not in out


def test_one_that_is_dumb_is_not(watched, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    out = watched.run("service", "get", *VS, "--watch", "0.5", terminal=True).out
    assert "\033" not in out
    assert out.count("\n\n") == 2


def test_nothing_is_cleared_without_watching(watched):
    assert "\033" not in watched.run("service", "list", terminal=True).out


def test_each_look_is_a_line_of_json(watched):
    lines = watched.run("server", "list", *VS, "--watch=1", "--stats", "-o=json").lines
    looks = [json.loads(line) for line in lines]
    assert [look["destinations"][0]["counters"]["connections"] for look in looks] == [110, 120, 130]


def test_each_look_is_a_document_of_yaml(watched):
    out = watched.run("timeout", "show", "--watch", "1", "-o", "yaml").out
    assert (
        list(yaml.safe_load_all(out))
        == [{"timeouts": {"tcp": 900, "tcp_fin": 120, "udp": 300}}] * 3
    )


def test_rates_are_from_one_look_to_the_next(watched, monkeypatch):
    times = iter([0.0, 2.0, 12.0, 17.0])
    monkeypatch.setattr("ipvsman.ctl.imperative.pace.now", lambda: next(times))
    out = watched.run("service", "get", *VS, "--watch=10", "--rate=2", "-o", "json").lines
    rates = [json.loads(line)["services"][0]["rates"] for line in out]
    assert [rate["seconds"] for rate in rates] == [2.0, 10.0]
    assert [rate["connections"] for rate in rates] == [5.0, 1.0]
    assert watched.table.looks == 3


@pytest.mark.parametrize("form", ["xml", "", "JSON"])
def test_a_form_that_there_is_not(form, web):
    done = web.run("service", "list", f"--output={form}", "--watch=x")
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines() == [
        f"--output: {form!r} is not one of text, json, yaml",
        "--watch: 'x' is not a number of seconds above 0, a day at the most",
    ]
