from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import loadable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddService,
    EditService,
    RemoveService,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import examples as eg

NEW = AddService(eg.WEB, replace(eg.STICKY, scheduler="wrrr", engine="sipp"))


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host of two folders, whose modprobe knows ip_vs_rr alone."""

    def place(first, *rest):
        return tmp_path.joinpath(str(first).lstrip("/"), *rest)

    program = tmp_path / "bin" / "modprobe"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\ntest "$*" = "-n -q ip_vs_rr"\n', encoding="ascii")
    program.chmod(0o755)
    listed = place("/lib/modules", os.uname().release, "modules.dep")
    listed.parent.mkdir(parents=True)
    listed.touch()
    monkeypatch.setattr(loadable, "Path", place)
    monkeypatch.setattr(loadable, "_PATH", str(program.parent))
    return tmp_path


def test_what_is_neither_loaded_nor_loadable_is_told_once(host):
    assert list(loadable.lacking([NEW, NEW])) == [
        "this kernel has no scheduler 'wrrr' (module ip_vs_wrrr; try: modprobe ip_vs_wrrr)"
        "; did you mean 'wrr'?",
        "this kernel has no persistence engine 'sipp' (module ip_vs_pe_sipp; try: modprobe"
        " ip_vs_pe_sipp)",
    ]


def test_what_is_loaded_is_there(host):
    for name in ("ip_vs_wrrr", "ip_vs_pe_sipp"):
        Path(host, "sys/module", name).mkdir(parents=True)
    assert list(loadable.lacking([NEW])) == []


@pytest.mark.parametrize("scheduler", ["rr", "none"])
def test_what_modprobe_finds_can_be_loaded_and_none_needs_not(host, scheduler):
    assert list(loadable.lacking([AddService(eg.WEB, replace(eg.WLC, scheduler=scheduler))])) == []


def test_a_name_that_is_right_is_not_corrected(host):
    (said,) = loadable.lacking([AddService(eg.WEB, replace(eg.WLC, scheduler="twos"))])
    assert "did you mean" not in said


@pytest.mark.parametrize("missing", ["bin/modprobe", "lib/modules/{}/modules.dep"])
def test_where_nobody_knows_nothing_is_said(host, missing):
    Path(host, missing.format(os.uname().release)).unlink()
    assert list(loadable.lacking([NEW])) == []


def test_what_a_service_has_already_is_not_asked_for(host):
    held = replace(NEW.after, persistence=9)
    assert list(loadable.lacking([EditService(eg.WEB, held, NEW.after)])) == []
    other = EditService(eg.WEB, replace(NEW.after, engine=""), NEW.after)
    (said,) = loadable.lacking([other, RemoveService(eg.WEB, eg.service(eg.WEB, NEW.after))])
    assert "'sipp'" in said
