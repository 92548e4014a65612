"""Parameters: nested ones, what is no parameter, and documents with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.ctl.model.parameters import expand, expand_document, flat

VALUES = {
    "host.eth0": "192.0.2.1",
    "env.PORT": "80",
    "env.WHERE": "eth0",
    "env.ODD": "${env.PORT}}",
    "a.b}": "brace",
}


@pytest.mark.parametrize(
    "text, found",
    [
        ("tcp://${host.eth0}:${env.PORT}", "tcp://192.0.2.1:80"),
        ("${host.${env.WHERE}}", "192.0.2.1"),
        ("${env.ODD}", "${env.PORT}}"),
        ("$env.PORT ${env.PORT}$", "$env.PORT 80$"),
        ("a}b{c", "a}b{c"),
        ("", ""),
    ],
)
def test_expand(text, found):
    assert expand(text, VALUES) == found


@pytest.mark.parametrize(
    "text, reason",
    [
        ("${}", "names no parameter"),
        ("${env.PORT", "without its }"),
        ("${a ${env.PORT}", "without its }"),
        ("${env.NONE}", "there is no parameter 'env.NONE'"),
        ("${host.${env.PORT}}", "there is no parameter 'host.80'"),
    ],
)
def test_what_cannot_be_made_out(text, reason):
    with pytest.raises(ValueError, match=reason):
        expand(text, VALUES)


@given(st.text("ab}$", max_size=12))
def test_without_a_parameter_text_stays_as_it_is(text):
    assert expand(text, {}) == text


@given(st.text(max_size=9), st.text(max_size=9).filter(lambda text: "${" not in text))
def test_values_are_not_looked_at(value, around):
    text = around.removesuffix("$") + "${x}"
    assert expand(text, {"x": value}) == around.removesuffix("$") + value


def test_only_addresses_of_services_and_destinations():
    shared = {"address": "${a}", "weight": "${a}"}
    data = {
        "defaults": {"sched": "${a}"},
        "services": [
            {"address": "${b}:${a}", "destinations": [shared, shared, None, {"address": 5}]},
            {"service": "${c}", "sched": "${a}"},
            "${a}",
        ],
    }
    expanded, faults = expand_document(data, {"a": "${b}", "b": "x"})
    one = {"address": "${b}", "weight": "${a}"}
    assert expanded["services"][0] == {
        "address": "x:${b}",
        "destinations": [one, one, None, {"address": 5}],
    }
    assert expanded["services"][1:] == [{"service": "${c}", "sched": "${a}"}, "${a}"]
    assert expanded["defaults"] == {"sched": "${a}"}
    assert [str(fault) for fault in faults] == [
        "services[1].service: '${c}': there is no parameter 'c'"
    ]
    assert shared["address"] == "${a}"


@pytest.mark.parametrize("data", [None, [], "x", {"services": None}, {"services": "${a}"}])
def test_what_is_no_document_is_left_to_the_reader(data):
    assert expand_document(data, {}) == (data, [])


def test_what_is_nested_is_flat():
    assert flat({"a": {"b": [1, {"c": True}, None, "x"]}, "d": 1.5, "e": {}}) == {
        "a.b.0": "1",
        "a.b.1.c": "true",
        "a.b.3": "x",
        "d": "1.5",
    }
