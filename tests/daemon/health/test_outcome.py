from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.health import outcome
from ipvsman.health.kinds import KINDS, kind_of, maker
from ipvsman.health.spec import (
    CommandProbe,
    DnsProbe,
    HttpProbe,
    IcmpProbe,
    TcpProbe,
    Tls,
    TlsProbe,
    UdpProbe,
)
from ipvsman.health.tally import Histogram, Tally


@given(st.text(max_size=300), st.integers(5, 100))
def test_foreign_text_is_one_printable_line(text, limit):
    line = outcome.one_line(text, limit)
    assert len(line) <= limit
    assert line.isprintable()
    assert line == line.strip()


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_each_error_number_has_words(number):
    words = outcome.in_words(number)
    assert words
    assert "\n" not in words
    meant = outcome.of_errno(number, "while sending")
    assert isinstance(meant, outcome.Unable if number in outcome.OURS else outcome.Failed)


def test_each_kind_has_a_name_and_a_maker():
    probes = [
        TcpProbe("::1", 1),
        HttpProbe("::1", 1),
        HttpProbe("::1", 1, Tls()),
        TlsProbe("::1", 1, Tls()),
        DnsProbe("::1", 1, "x"),
        UdpProbe("::1", 1),
        IcmpProbe("::1"),
        CommandProbe(("true",)),
    ]
    assert tuple(map(kind_of, probes)) == KINDS
    assert len(set(map(maker, probes))) == 7


@given(st.lists(st.floats(0, 100)))
def test_a_histogram_counts_at_or_below(values):
    histogram = Histogram((0.5, 1.0, 10.0))
    for value in values:
        histogram.observe(value)
    assert histogram.cumulative() == [
        (bound, sum(value <= bound for value in values)) for bound in (0.5, 1.0, 10.0, float("inf"))
    ]
    assert histogram.count == len(values)
    assert histogram.total == pytest.approx(sum(values))


def test_running_is_what_has_not_come_to_an_end():
    tally = Tally()
    tally.started = 5
    tally.finished["ok"] += 1
    tally.finished["unable"] += 1
    tally.stopped = 1
    assert tally.running == 2
