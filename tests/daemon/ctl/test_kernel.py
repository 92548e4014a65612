"""Opening the table: ip_vs is loaded when it is missing, unless somebody else sees to it."""

from __future__ import annotations

import subprocess

import pytest
from ipvsman.ctl import kernel
from ipvsman.ctl.frame import Failed
from ipvsman.ipvs.errors import Cause, Unavailable
from ipvsman.ipvs.memory import MemoryTable


class Host:
    """Has ip_vs after so many attempts, or never; modprobe does as it is told."""

    def __init__(self, monkeypatch):
        self.opens = []
        self.probes = []
        self.missing = 1
        self.cause = Cause.NO_IPVS
        self.modprobe = subprocess.CompletedProcess([], 0, "", "")
        self.table = MemoryTable()
        monkeypatch.setattr(kernel, "KernelTable", self._open)
        monkeypatch.setattr(kernel.subprocess, "run", self._run)

    def _open(self, netns):
        self.opens.append(netns)
        if len(self.opens) <= self.missing:
            raise Unavailable(self.cause, "no table")
        return self.table

    def _run(self, words, **_settings):
        self.probes.append(words)
        if isinstance(self.modprobe, Exception):
            raise self.modprobe  # pylint: disable=raising-bad-type,raising-non-exception
        return self.modprobe


@pytest.fixture
def host(monkeypatch):
    return Host(monkeypatch)


def test_it_is_there(host):
    host.missing = 0
    assert kernel.open_table("blue", {}) is host.table
    assert (host.opens, host.probes) == (["blue"], [])


def test_it_is_loaded(host):
    assert kernel.open_table(None, {}) is host.table
    assert (host.opens, host.probes) == ([None, None], [["modprobe", "ip_vs"]])


@pytest.mark.parametrize(
    "modprobe, said",
    [
        (subprocess.CompletedProcess([], 1, "", "no such module\n"), "said: no such module"),
        (subprocess.CompletedProcess([], 7, "", ""), "said: exit status 7"),
        (FileNotFoundError(2, "No such file or directory"), "modprobe: No such file or directory"),
    ],
)
def test_it_cannot_be_loaded(host, modprobe, said):
    host.modprobe = modprobe
    with pytest.raises(Failed) as failed:
        kernel.open_table(None, {})
    assert failed.value.status == 1
    assert str(failed.value).startswith("no table; modprobe")
    assert str(failed.value).endswith(said)


def test_somebody_else_sees_to_it(host):
    with pytest.raises(Unavailable):
        kernel.open_table(None, {"SKIP_IPVSKERNELREQ": "1"})
    assert host.probes == []


@pytest.mark.parametrize("cause", [each for each in Cause if each is not Cause.NO_IPVS])
def test_what_no_module_helps_against(host, cause):
    host.cause = cause
    with pytest.raises(Unavailable):
        kernel.open_table(None, {})
    assert host.probes == []


def test_an_empty_name_is_not_this_host(host):
    with pytest.raises(Failed) as failed:
        kernel.open_table("", {})
    assert (failed.value.status, host.opens) == (2, [])
