from __future__ import annotations

import pytest
from ipvsman.config.model import CheckKind, CheckTarget, HealthCheck
from ipvsman.control.desired import probe_of
from ipvsman.health.spec import DnsProbe, HttpProbe
from ipvsman.ipvs.model import DestinationKey, Family

HERE = DestinationKey("10.0.0.1", 80)


@pytest.mark.parametrize("path, asked", [("", "/"), ("/", "/"), ("/up", "/up")])
def test_what_is_asked_where_no_path_is_said(path, asked):
    probe = probe_of(HealthCheck(CheckKind.HTTP, path=path), HERE, Family.INET, {})
    assert isinstance(probe, HttpProbe)
    assert (probe.address, probe.port, probe.path) == ("10.0.0.1", 80, asked)


@pytest.mark.parametrize("said, asked", [("", "A"), ("NS", "NS")])
def test_what_is_asked_where_no_type_is_said(said, asked):
    check = HealthCheck(CheckKind.DNS, query_name="a.example", query_type=said)
    probe = probe_of(check, HERE, Family.INET, {})
    assert isinstance(probe, DnsProbe)
    assert (probe.name, probe.rdtype) == ("a.example", asked)


def test_a_target_is_probed_instead():
    target = HealthCheck(CheckKind.TCP, target=CheckTarget("check.example", 9))
    assert probe_of(target, HERE, Family.INET, {}) is None
    known = {("check.example", Family.INET): ("10.0.0.9", "10.0.0.8")}
    probe = probe_of(target, HERE, Family.INET, known)
    assert (probe.address, probe.port) == ("10.0.0.9", 9)
