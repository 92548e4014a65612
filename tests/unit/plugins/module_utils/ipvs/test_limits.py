from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    InvalidValue,
    Refused,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.limits import (
    Limits,
    parse_limits,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Service,
    State,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plan import (
    Plan,
    plan,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    SERVICES,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)

HAVE = State(
    {
        eg.WEB: Service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT, eg.TWO: eg.DIRECT}),
        eg.DNS: Service(eg.DNS, eg.WLC, {}),
    }
)


def to(*services: Service) -> Plan:
    return plan(HAVE, State({service.key: service for service in services}), SERVICES)


#: Two of four entries go: a service, and a destination of another one.
FEWER = to(Service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT}))
#: Three of them go: a service with its two destinations.
WITHOUT_WEB = to(HAVE.services[eg.DNS])
#: None goes.
EDITED = to(Service(eg.WEB, eg.RR, HAVE.services[eg.WEB].destinations), HAVE.services[eg.DNS])


def test_no_limit_allows_everything():
    for step in (FEWER, WITHOUT_WEB, EDITED):
        parse_limits(None, None).review(step)


@pytest.mark.parametrize(
    "text, allows",
    [
        ("2", True),
        ("1", False),
        ("0", False),
        (" 2 ", True),
        ("50%", True),
        ("49 %", False),
        ("100%", True),
        ("0%", False),
    ],
)
def test_removals_are_a_number_or_a_share_of_what_is_there(text, allows):
    limits = parse_limits(None, text)
    if allows:
        limits.review(FEWER)
    else:
        with pytest.raises(Refused):
            limits.review(FEWER)


def test_destinations_that_go_with_their_service_count():
    parse_limits(None, "3").review(WITHOUT_WEB)
    with pytest.raises(Refused) as refused:
        parse_limits(None, "2").review(WITHOUT_WEB)
    assert str(refused.value) == (
        "max_removals allows 2 services and destinations to go, but this would remove 1 service and"
        " 2 destinations; nothing was changed"
    )
    assert refused.value.plan is WITHOUT_WEB


def test_a_share_is_told_with_what_it_is_a_share_of():
    with pytest.raises(Refused, match=r"max_removals allows 2 \(59 % of 4\) services"):
        parse_limits(None, "59%").review(WITHOUT_WEB)


def test_a_plan_that_removes_nothing_needs_no_allowance():
    parse_limits(None, "0").review(EDITED)
    parse_limits(None, "0%").review(plan(State({}), State({}), SERVICES))


def test_what_is_not_allowed_is_told_with_its_count():
    with pytest.raises(Refused) as refused:
        parse_limits(["edit_service", "add_service"], None).review(FEWER)
    assert str(refused.value) == (
        "allowed_changes has add_service, edit_service, but this would take 1 x remove_destination,"
        " 1 x remove_service; nothing was changed"
    )


def test_what_is_allowed_passes_and_an_empty_list_allows_nothing():
    parse_limits(["edit_service"], None).review(EDITED)
    parse_limits([], None).review(to(*HAVE.services.values()))
    with pytest.raises(Refused, match="allowed_changes has nothing, but"):
        parse_limits([], None).review(EDITED)


@pytest.mark.parametrize("text", ["", "%", "-1", "1.5", "101%", "ten", "10 percent", "1234567890"])
def test_what_is_no_number_is_a_fault(text):
    with pytest.raises(InvalidValue) as invalid:
        parse_limits(None, text)
    assert [fault.path for fault in invalid.value.faults] == ["max_removals"]


def test_parsed_limits_are_values():
    assert parse_limits(["add_service"], "10 %") == Limits(frozenset(["add_service"]), 10, True)
    assert parse_limits(None, "10") == Limits(None, 10, False)


def test_the_option_is_called_what_the_user_calls_it():
    with pytest.raises(Refused, match=r"^--max-removals allows 0 services"):
        parse_limits(None, "0", "--max-removals").review(FEWER)
    with pytest.raises(InvalidValue, match=r"^--max-removals: 'x' is neither"):
        parse_limits(None, "x", "--max-removals")
