"""validate: what is good and still not what it seems is told on stderr."""

from __future__ import annotations

import pytest

SILENT = """\
services:
- address: tcp://192.0.2.1:80
  destinations:
  - address: 10.0.0.1
  - address: 10.0.0.2
    weight: 0
  - address: 10.0.0.3
"""


@pytest.fixture
def validate(ctl):
    def run(text, *flags):
        return ctl.run(*flags, "validate", "-f", ctl.write(text))

    return run


def test_quiet(validate):
    said = validate(SILENT, "-q")
    assert (said.status, said.out, said.err) == (0, "", "")


def test_a_weight_that_is_left_out(validate):
    said = validate(SILENT)
    assert (said.status, said.out) == (0, "Configuration valid.\n")
    assert (
        ":4:5: services[0].destinations[0]: has no weight, nor is there defaults.weight" in said.err
    )
    assert "(and 1 more): that is 0 here" in said.err
    assert "in a task of lvs.ipvs.ipvs_config it is 1" in said.err
    assert validate("defaults: {weight: 1}\n" + SILENT).err == ""


def test_what_does_not_work_as_it_reads(validate):
    said = validate("services: [{address: 'tcp://192.0.2.1'}]\n")
    assert said.status == 0
    assert "every port and no persistence" in said.err


def test_what_an_empty_table_would_not_take(validate):
    said = validate("services:\n- address: tcp://192.0.2.1:80\n  engine: sip\n")
    assert said.status == 0
    assert ":3:11: services[0].engine: 'sip' needs persistence" in said.err
    assert "so it is in an empty table" in said.err


def test_no_table_is_opened(ctl, validate):
    validate(SILENT)
    assert ctl.netns == []
