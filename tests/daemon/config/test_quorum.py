from __future__ import annotations

import textwrap

import pytest

ROWS = """\
- {address: 10.0.0.1, weight: 3}
- {address: 10.0.0.2}
"""
FALLBACK = "fallback: [{address: 10.0.9.9}]"


def group(drop_ins, more="", frontend="", rows=ROWS, vip="192.0.2.1"):
    return drop_ins.group(
        "\n".join(
            [
                "group: web",
                f"vip: {vip}",
                more,
                "frontends:",
                f"  - {{name: front, proto: tcp, port: 80, {frontend}}}",
                "backends:",
                textwrap.indent(rows, "  "),
                "healthcheck: {type: tcp}",
            ]
        )
    )


def test_nobody_has_one_who_says_nothing(drop_ins):
    found = group(drop_ins).frontend()
    assert (found.fallback, found.quorum, found.hysteresis) == ((), 1, 0)


def test_it_is_made_of_backends(drop_ins):
    own = "{address: 10.0.9.9, weight: 4, port_map: {80: 8080}, healthcheck: {disable: true}}"
    found = group(drop_ins, f"fallback: [{own}, 10.0.9.8]".replace(", 10.0.9.8", "")).frontend()
    (only,) = found.fallback
    assert (only.address, only.port, only.weight) == ("10.0.9.9", 8080, 4)
    assert only.check.disable
    assert not found.backends[0].check.disable


def test_a_frontend_has_that_of_its_group_or_its_own(drop_ins):
    more = FALLBACK + "\nquorum: 3\nhysteresis: 1"
    found = group(drop_ins, more).frontend()
    assert (found.fallback[0].address, found.quorum, found.hysteresis) == ("10.0.9.9", 3, 1)
    found = group(drop_ins, more, "fallback: [{address: 10.0.9.7}], quorum: 2").frontend()
    assert (found.fallback[0].address, found.quorum, found.hysteresis) == ("10.0.9.7", 2, 1)


@pytest.mark.parametrize(
    "more,told",
    [
        ("fallback: []", "3:11: fallback: is empty: it names backends, or is left out"),
        (
            "fallback:",
            "3:10: fallback: is said and left empty: backends that serve when the others"
            " have no quorum",
        ),
        ("fallback: {address: 10.0.9.9}", "3:11: fallback: {'address': '10.0.9.9'} is not a list"),
        ("fallback: [{adress: 10.0.9.9}]", "3:13: fallback[0].adress: is not known here, only"),
        ("fallback: [{address: 10.0.9.9, weight: x}]", "3:40: fallback[0].weight: 'x' is not a"),
        (f"{FALLBACK}\nquorum: 0", "4:9: quorum: 0 is not in 1..2147483647"),
        (f"{FALLBACK}\nquorum: 5", "4:9: quorum: 5 is more than the backends weigh together, 4:"),
        (
            f"{FALLBACK}\nquorum: 3\nhysteresis: 2",
            "5:13: hysteresis: and quorum together are more than the backends weigh together, 4:",
        ),
        (f"{FALLBACK}\nquorum: 2\nhysteresis: 2", "5:13: hysteresis: 2 is not below quorum, 2:"),
        (f"{FALLBACK}\nhysteresis: 1", "4:13: hysteresis: 1 is not below quorum, 1:"),
        (
            'fallback: [{address: "2001:db8::9"}]',
            "3:22: fallback[0].address: 2001:db8::9 is of"
            " another address family than every service of group web; that",
        ),
    ],
)
def test_faults(drop_ins, more, told):
    faults = group(drop_ins, more).faults()
    assert [fault for fault in faults if fault.startswith(f"groups/g.yaml:{told}")], faults


def test_a_fault_of_a_frontend_s_own_is_told_there(drop_ins):
    fault = group(drop_ins, FALLBACK, 'fallback: [{address: "2001:db8::9"}]').fault()
    assert fault.startswith("groups/g.yaml:5:62: frontends[0].fallback[0].address: 2001:db8::9 is")
    assert "every service of frontend front;" in fault


@pytest.mark.parametrize(
    "more,told",
    [
        ("quorum: 2", "3:9: quorum: has no effect without a fallback"),
        ("quorum: 2\nhysteresis: 1", "4:13: hysteresis: has no effect without a fallback"),
        ("fallback: [{address: 10.0.9.9, weight: 0}]", "3:11: fallback: has no weight at all: it"),
        (
            "fallback: [{address: 10.0.0.2}]\nquorum: 2\nhysteresis: 1",
            "5:13: hysteresis: has no effect, since the fallback is made of backends alone",
        ),
    ],
)
def test_warnings(drop_ins, more, told):
    warnings = group(drop_ins, more).warnings()
    assert [each for each in warnings if each.startswith(f"groups/g.yaml:{told}")], warnings


def test_a_family_without_a_fallback_is_told(drop_ins):
    rows = ROWS + '- {address: "2001:db8::1", weight: 3}\n'
    warning = group(drop_ins, FALLBACK, rows=rows, vip='[192.0.2.1, "2001:db8::80"]').warning()
    assert warning == (
        "groups/g.yaml:3:11: fallback: no fallback is of address family inet6, which"
        " tcp://[2001:db8::80]:80 needs"
    )


def test_a_name_may_stand_for_any_number(drop_ins):
    rows = "- {address: web.example.net}\n"
    assert group(drop_ins, f"{FALLBACK}\nquorum: 5\nhysteresis: 1", rows=rows).warnings() == []


def test_a_default_quorum_is_no_fault_where_nobody_has_weight(drop_ins):
    assert group(drop_ins, FALLBACK, rows="- {address: 10.0.0.1, weight: 0}\n").warnings() == []


def test_a_fallback_needs_a_port_to_probe_as_well(drop_ins):
    text = """\
        group: web
        frontends: [{name: front, fwmark: 7}]
        backends: [{address: 10.0.0.1, healthcheck: {type: icmp}}]
        fallback: [{address: 10.0.9.9}]
        healthcheck: {type: tcp}
        """
    assert "gives no port to probe 10.0.9.9 at by tcp" in drop_ins.group(text).fault()
