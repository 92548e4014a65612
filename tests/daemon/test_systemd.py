from __future__ import annotations

import os
import socket

import pytest
from ipvsman.systemd import Notifier


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(1.0)
        yield sock


def test_it_is_told_each_thing_once(manager):
    notifier = Notifier({"NOTIFY_SOCKET": manager.getsockname()})
    notifier.status("a")
    notifier.status("a")
    notifier.status("b")
    notifier.ready("c")
    notifier.status("c")
    notifier.alive()
    notifier.alive()
    notifier.stopping()
    heard = [manager.recv(100).decode() for _unused in range(6)]
    assert heard == [
        "STATUS=a",
        "STATUS=b",
        "READY=1\nSTATUS=c",
        "WATCHDOG=1",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_a_reload_has_its_time(manager):
    Notifier({"NOTIFY_SOCKET": manager.getsockname()}).reloading()
    first, second = manager.recv(100).decode().splitlines()
    assert first == "RELOADING=1"
    assert second.removeprefix("MONOTONIC_USEC=").isdigit()


def test_an_abstract_socket_is_known_by_its_sign():
    name = f"ipvsman-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name)
        sock.settimeout(1.0)
        Notifier({"NOTIFY_SOCKET": "@" + name}).alive()
        assert sock.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nowhere/notify"}])
def test_without_a_manager_nobody_is_told(environment):
    notifier = Notifier(environment)
    notifier.ready("x")
    notifier.stopping()


@pytest.mark.parametrize(
    "environment,seconds",
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 1.5),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_wants_to_hear_us_twice_in_its_time(environment, seconds):
    assert Notifier(environment).watchdog == seconds
