"""What a command that asks no kernel has to load."""

from __future__ import annotations

import pytest

from ..test_frame import loaded


@pytest.mark.parametrize(
    "words",
    [
        ("service", "string", "--vip", "192.0.2.1", "--vport", "80"),
        ("connection", "show", "--path", "/dev/null"),
        ("service", "add"),
        ("flush",),
        ("help", "server", "add"),
    ],
)
def test_no_netlink_where_no_kernel_is_asked(words):
    names = loaded(*words)
    assert "ipvsman.ctl.imperative.flags" in names or words[0] == "help"
    assert "ipvsman.ipvs.kernel" not in names
    assert not names & {"yaml", "asyncio", "subprocess", "ssl"}


def test_one_verb_is_loaded_and_no_other():
    names = loaded("timeout", "show", "--output=x")
    assert "ipvsman.ctl.imperative.timeout" in names
    assert not names & {f"ipvsman.ctl.imperative.{verb}" for verb in ("service", "server", "help")}
