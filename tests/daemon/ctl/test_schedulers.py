"""Schedulers: those of a mainline kernel, and those that this host has modules for."""

from __future__ import annotations

import os

import pytest
from ipvsman.ctl import schedulers
from ipvsman.ctl.schedulers import is_known
from ipvsman.ipvs.schedulers import SCHEDULERS


@pytest.fixture
def host(monkeypatch, tmp_path):
    """A host without modules."""
    monkeypatch.setattr(schedulers, "LOADED", str(tmp_path / "sys"))
    monkeypatch.setattr(schedulers, "INSTALLED", str(tmp_path / "lib"))
    place = tmp_path / "lib" / os.uname().release
    place.mkdir(parents=True)
    (tmp_path / "sys").mkdir()
    return tmp_path


def test_those_of_mainline_are_known_everywhere(host):
    assert all(map(is_known, SCHEDULERS))
    assert not is_known("wrrr")


def test_one_that_is_loaded(host):
    (host / "sys" / "ip_vs_own").mkdir()
    assert is_known("own")
    assert not is_known("ow")


@pytest.mark.parametrize(
    "listed, line",
    [
        ("modules.dep", "extra/ip_vs_own-one.ko.xz: kernel/net/netfilter/ipvs/ip_vs.ko.xz"),
        ("modules.dep", "extra/ip_vs_own_one.ko:"),
        ("modules.builtin", "kernel/net/netfilter/ipvs/ip_vs_own_one.ko"),
    ],
)
@pytest.mark.parametrize("name", ["own_one", "own-one"])
def test_one_that_can_be_loaded(host, listed, line, name):
    assert not is_known(name)
    (host / "lib" / os.uname().release / listed).write_text(f"kernel/other.ko:\n{line}\n")
    assert is_known(name)
    assert not is_known("one")
