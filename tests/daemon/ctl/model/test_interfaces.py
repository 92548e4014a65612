"""Addresses of interfaces: what this host says itself."""

from __future__ import annotations

import re
import subprocess

from ipvsman.ctl.model.interfaces import addresses


def test_they_are_those_that_ip_prints():
    # IPv4 before IPv6, and in each the order of the interfaces.
    shown = "".join(
        subprocess.run(
            ["ip", "-o", family, "address", "show"], capture_output=True, text=True, check=True
        ).stdout
        for family in ("-4", "-6")
    )
    told: dict[str, list[str]] = {}
    for name, address in re.findall(r"^\d+: (\S+)\s+inet6? ([^/\s]+)", shown, re.MULTILINE):
        told.setdefault(name, []).append(address)
    assert "127.0.0.1" in told["lo"]
    assert addresses() == told
