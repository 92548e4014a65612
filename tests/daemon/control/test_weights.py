from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    CHECK,
    DOWN,
    UNKNOWN,
    UP,
    circumstances,
    desired,
    frontend,
    health_of,
    key,
    pool,
    row,
    said,
    service,
)
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.config.model import AllDown, CheckTarget, OnDown
from ipvsman.control.overrides import Level, Override, Subject
from ipvsman.control.reasons import Why
from ipvsman.control.weights import effective, target, told

A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"
UNPROBED = replace(CHECK, disable=True)


def only(where, around=None, current=None):
    """The one destination's weight and why."""
    (entry,) = effective(where, around or circumstances(), current).values()
    return entry.weight, entry.why


def test_up_has_the_configured_weight():
    where = pool(A)
    assert only(where, circumstances(health_of(where, _10_0_0_1=UP))) == (5, Why.UP)


@pytest.mark.parametrize(
    "on_down,weight", [(OnDown.ZERO, 0), (OnDown.REMOVE, None)], ids=["zero", "remove"]
)
def test_down_has_none(on_down, weight):
    where = pool(A, on_down=on_down)
    around = circumstances(health_of(where, _10_0_0_1=DOWN))
    assert only(where, around) == (weight, Why.DOWN)
    made = target(where, effective(where, around, None), None)
    assert [each.weight for each in made.destinations.values()] == ([0] if weight == 0 else [])


def test_the_reason_has_the_probe_s_own_words():
    where = pool(A)
    (entry,) = effective(where, circumstances(health_of(where, _10_0_0_1=DOWN)), None).values()
    assert entry.reason == "down: connection refused"


def test_what_is_not_probed_counts_as_up():
    assert only(pool(row(A, check=UNPROBED))) == (5, Why.NOT_PROBED)


@pytest.mark.parametrize("known", [{}, {"_10_0_0_1": UNKNOWN}], ids=["nothing", "unknown"])
class TestUnknown:
    def test_keeps_the_weight_that_the_kernel_has(self, known):
        where = pool(A)
        around = circumstances(health_of(where, **known), cold_start=True)
        assert only(where, around, service({A: 3})) == (3, Why.KEPT)
        assert only(where, around, service({A: 0})) == (0, Why.KEPT)

    def test_is_trusted_in_the_cold_start(self, known):
        where = pool(A)
        around = circumstances(health_of(where, **known), cold_start=True)
        assert only(where, around) == (5, Why.COLD_START)
        assert only(where, around, service({})) == (5, Why.COLD_START)

    def test_has_to_prove_itself_where_somebody_serves_also_in_the_cold_start(self, known):
        where = pool(A)
        around = circumstances(health_of(where, **known), cold_start=True)
        found = effective(where, around, service({B: 1}))
        assert found[key(A)].why is Why.UNPROVEN
        assert found[key(A)].weight == 0
        assert found[key(B)].weight == 1

    def test_gets_nothing_after_it(self, known):
        where = pool(A)
        assert only(where, circumstances(health_of(where, **known))) == (0, Why.UNPROVEN)


REMEMBERED_UP, REMEMBERED_DOWN = replace(UP, checked=None), replace(DOWN, checked=None)


class TestRemembered:
    """What a daemon that has just started remembers may be older than what is in the kernel."""

    @pytest.mark.parametrize(
        "health,there,found",
        [
            (REMEMBERED_UP, 0, (0, Why.KEPT)),
            (REMEMBERED_DOWN, 3, (3, Why.KEPT)),
            (REMEMBERED_UP, 3, (5, Why.UP)),
            (REMEMBERED_DOWN, 0, (0, Why.DOWN)),
            (UP, 0, (5, Why.UP)),
            (DOWN, 3, (0, Why.DOWN)),
        ],
    )
    def test_the_kernel_knows_better_until_it_is_checked(self, health, there, found):
        where = pool(A)
        around = circumstances(health_of(where, _10_0_0_1=health))
        assert only(where, around, service({A: there})) == found

    def test_memory_decides_where_the_kernel_knows_nothing(self):
        where = pool(A)
        up = circumstances(health_of(where, _10_0_0_1=REMEMBERED_UP))
        down = circumstances(health_of(where, _10_0_0_1=REMEMBERED_DOWN), cold_start=True)
        assert only(where, up) == (5, Why.UP)
        assert only(where, down) == (0, Why.DOWN)

    def test_a_weight_of_zero_by_configuration_is_no_contradiction(self):
        where = pool(row(A, 0))
        around = circumstances(health_of(where, _10_0_0_1=REMEMBERED_UP))
        assert only(where, around, service({A: 0})) == (0, Why.UP)


@pytest.mark.parametrize(
    "disabled,word",
    [
        ({"group_disabled": True}, "group"),
        ({"disabled": True}, "frontend"),
        ({}, "backend"),
    ],
)
def test_configuration_comes_before_health(disabled, word):
    where = pool(row(A, disabled=word == "backend"), **disabled)
    around = circumstances(health_of(where, _10_0_0_1=UP), cold_start=True)
    (entry,) = effective(where, around, service({A: 5})).values()
    assert (entry.weight, entry.why) == (0, Why.DISABLED)
    assert entry.reason == f"{word} disabled in the configuration"


LEVELS = [(Level.GROUP, "web"), (Level.FRONTEND, "web/front"), (Level.BACKEND, f"web/{A}")]


@pytest.mark.parametrize("level,name", LEVELS)
def test_the_operator_takes_out(level, name):
    where = pool(A)
    around = circumstances(health_of(where, _10_0_0_1=UP), said((level, name, True)))
    assert only(where, around) == (0, Why.OPERATOR)


@pytest.mark.parametrize(
    "level,name", [(Level.GROUP, "other"), (Level.FRONTEND, "web/x"), (Level.BACKEND, "web/1")]
)
def test_what_is_said_of_others_changes_nothing(level, name):
    where = pool(A)
    around = circumstances(health_of(where, _10_0_0_1=UP), said((level, name, True)))
    assert only(where, around) == (5, Why.UP)


@pytest.mark.parametrize("level,name", LEVELS)
def test_the_operator_lets_in_what_the_configuration_disables_at_that_level(level, name):
    where = pool(
        row(A, disabled=level is Level.BACKEND),
        group_disabled=level is Level.GROUP,
        disabled=level is Level.FRONTEND,
    )
    around = circumstances(health_of(where, _10_0_0_1=UP), said((level, name, False)))
    assert only(where, around) == (5, Why.UP)


@pytest.mark.parametrize("level,name", LEVELS[:2])
def test_letting_in_a_whole_does_not_let_in_what_is_disabled_in_it(level, name):
    # Taken out and let in again, a group is as before: one server of it under repair stays out.
    where = pool(row(A, disabled=True))
    around = circumstances(
        health_of(where, _10_0_0_1=UP), said((level, name, True), (level, name, False))
    )
    assert only(where, around) == (0, Why.DISABLED)


def test_out_is_out_whatever_is_let_in_inside():
    where = pool(A)
    words = said((Level.GROUP, "web", True), (Level.BACKEND, f"web/{A}", False))
    assert only(where, circumstances(health_of(where, _10_0_0_1=UP), words)) == (0, Why.OPERATOR)


@pytest.mark.parametrize("name", [A, f"{A}:8080", "rs1", "rs1:8080"])
def test_a_server_goes_by_each_of_its_names_and_the_last_word_counts(name):
    (where,) = desired(frontend("rs1"), rs1=(A,)).pools.values()
    up = health_of(where, _10_0_0_1=UP)
    out = said((Level.BACKEND, f"web/{name}", True))
    assert only(where, circumstances(up, out)) == (0, Why.OPERATOR)
    for other in (A, f"{A}:8080", "rs1", "rs1:8080"):
        words = said((Level.BACKEND, f"web/{name}", True), (Level.BACKEND, f"web/{other}", False))
        assert only(where, circumstances(up, words)) == (5, Why.UP)


def test_the_operator_s_reason_is_told():
    where = pool(A)
    words = said((Level.GROUP, "web", True))
    ((subject, override),) = words.entries.items()
    words = words.put(subject, replace(override, reason="disk swap"))
    (entry,) = effective(where, circumstances(overrides=words), None).values()
    assert entry.reason == "group disabled by operator: disk swap"


class TestTold:
    """Who lets something in takes back what he said, or says it against what takes it out."""

    HOST = desired(frontend("www.example"), **{"www.example": ("10.0.0.1", "10.0.0.2")})

    @staticmethod
    def after(wanted, level, name, *before):
        return told(said(*before), Subject(level, name), Override(False, 9.0), wanted).entries

    def test_what_nothing_else_takes_out_is_as_if_nothing_had_been_said(self):
        for level, name in [(Level.GROUP, "web"), (Level.BACKEND, "web/10.0.0.1")]:
            assert self.after(self.HOST, level, name, (level, name, True)) == {}

    def test_what_another_name_takes_out_is_let_in(self):
        before = (Level.BACKEND, "web/www.example", True)
        entries = self.after(self.HOST, Level.BACKEND, "web/10.0.0.1", before)
        assert [each.disabled for each in entries.values()] == [True, False]

    @pytest.mark.parametrize(
        "level, name, options",
        [
            (Level.GROUP, "web", {"group_disabled": True}),
            (Level.FRONTEND, "web/front", {"disabled": True}),
        ],
    )
    def test_what_the_configuration_takes_out_is_let_in(self, level, name, options):
        wanted = desired(frontend("10.0.0.1", **options))
        assert list(self.after(wanted, level, name)) == [Subject(level, name)]
        assert self.after(desired(frontend("10.0.0.1")), level, name) == {}


class TestTargetWithoutAddress:
    """What is to be probed for a destination cannot be: that is not the same as not to be."""

    CHECKED = replace(CHECK, target=CheckTarget("check.example", 9))
    WHERE = pool(row(A, check=CHECKED))

    def test_it_gets_no_traffic_unproven(self):
        found = effective(self.WHERE, circumstances(), None)[key(A)]
        assert (found.weight, found.why) == (0, Why.UNPROVEN)
        assert "(check.example, which is probed for it, has no address)" in found.reason
        assert self.WHERE.unresolved == ("check.example",)

    def test_it_keeps_what_it_has(self):
        found = effective(self.WHERE, circumstances(), service({A: 5}))[key(A)]
        assert (found.weight, found.why) == (5, Why.KEPT)

    def test_it_is_trusted_in_the_cold_start(self):
        found = effective(self.WHERE, circumstances(cold_start=True), None)[key(A)]
        assert (found.weight, found.why) == (5, Why.COLD_START)

    def test_what_is_not_to_be_probed_is_up(self):
        where = pool(row(A, check=replace(self.CHECKED, disable=True)))
        found = effective(where, circumstances(), None)[key(A)]
        assert (found.weight, found.why) == (5, Why.NOT_PROBED)


class TestAllDown:
    def test_all_stay_when_the_group_says_so(self):
        where = pool(A, row(B, 7), all_down=AllDown.KEEP, on_down=OnDown.REMOVE)
        around = circumstances(health_of(where, _10_0_0_1=DOWN, _10_0_0_2=DOWN))
        found = effective(where, around, None)
        assert {each.why for each in found.values()} == {Why.ALL_DOWN}
        assert [each.weight for each in found.values()] == [5, 7]

    @pytest.mark.parametrize("other", [UP, UNKNOWN], ids=["up", "unknown"])
    def test_one_that_is_not_down_is_enough_for_the_rest_to_go(self, other):
        where = pool(A, B, all_down=AllDown.KEEP)
        around = circumstances(health_of(where, _10_0_0_1=DOWN, _10_0_0_2=other))
        assert effective(where, around, None)[key(A)].weight == 0

    def test_what_is_out_on_purpose_stays_out_and_does_not_count(self):
        where = pool(A, row(B, disabled=True), all_down=AllDown.KEEP)
        around = circumstances(health_of(where, _10_0_0_1=DOWN, _10_0_0_2=UP))
        found = effective(where, around, None)
        assert (found[key(A)].weight, found[key(B)].weight) == (5, 0)

    def test_a_pool_that_is_out_on_purpose_is_not_all_down(self):
        where = pool(A, all_down=AllDown.KEEP, disabled=True)
        assert only(where, circumstances(health_of(where, _10_0_0_1=DOWN))) == (0, Why.DISABLED)

    def test_zero_is_the_default(self):
        where = pool(A)
        assert only(where, circumstances(health_of(where, _10_0_0_1=DOWN))) == (0, Why.DOWN)


class TestUnresolved:
    """A daemon that has just started does not know yet what a name means."""

    where = next(iter(desired(frontend("rs1", A)).pools.values()))

    def test_what_may_be_the_name_s_address_stays_in_the_cold_start(self):
        current = service({A: 5, B: 4})
        found = effective(self.where, circumstances(cold_start=True), current)
        assert found[key(B)].weight == 4
        assert found[key(B)].reason == "kept while rs1 has not been resolved"
        assert target(self.where, found, current).destinations == current.destinations

    def test_it_goes_after_it(self):
        assert set(effective(self.where, circumstances(), service({A: 5, B: 4}))) == {key(A)}

    def test_nothing_is_kept_once_all_is_resolved(self):
        (where,) = desired(frontend("rs1", A), rs1=("10.0.0.3",)).pools.values()
        found = effective(where, circumstances(cold_start=True), service({A: 5, B: 4}))
        assert set(found) == {key(A), key("10.0.0.3")}


class TestReplaced:
    """A pool that is exchanged whole has somebody to serve until the first successor is proven."""

    where = pool(B, C)
    current = service({A: 5})

    @staticmethod
    def served(found):
        return {each.address: entry.weight for each, entry in found.items()}

    def after(self, where=None, current=None, **health):
        where = where or self.where
        now = circumstances(health_of(where, **health))
        return effective(where, now, self.current if current is None else current)

    def test_who_was_there_carries_on_while_nothing_is_known_of_the_others(self):
        found = self.after(_10_0_0_2=UNKNOWN, _10_0_0_3=DOWN)
        assert self.served(found) == {A: 5, B: 0, C: 0}
        assert found[key(A)].reason == "replaced, kept until one of the others is proven"
        assert key(A) in target(self.where, found, self.current).destinations

    def test_it_goes_when_one_of_them_is_proven(self):
        assert self.served(self.after(_10_0_0_2=UNKNOWN, _10_0_0_3=UP)) == {B: 0, C: 5}

    def test_it_goes_when_all_are_known_to_be_down(self):
        assert self.served(self.after(_10_0_0_2=DOWN, _10_0_0_3=DOWN)) == {B: 0, C: 0}

    def test_it_goes_at_once_when_somebody_stays(self):
        current = service({A: 5, B: 5})
        found = self.after(current=current, _10_0_0_2=UP, _10_0_0_3=UNKNOWN)
        assert self.served(found) == {B: 5, C: 0}

    def test_who_was_down_is_no_help(self):
        assert self.served(self.after(current=service({A: 0}))) == {B: 0, C: 0}

    def test_what_is_taken_out_on_purpose_has_no_stand_in(self):
        assert self.served(self.after(pool(B, group_disabled=True))) == {B: 0}


STATES = st.sampled_from([UP, DOWN, UNKNOWN, None])
SAYINGS = st.sampled_from([None, True, False])


@given(
    states=st.tuples(STATES, STATES),
    weights=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    said_of=st.tuples(SAYINGS, SAYINGS, SAYINGS),
    disabled=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    all_down=st.sampled_from(AllDown),
    on_down=st.sampled_from(OnDown),
    cold=st.booleans(),
    there=st.none() | st.dictionaries(st.sampled_from([A, B]), st.integers(0, 9)),
)
def test_operator_before_configuration_before_health(
    states, weights, said_of, disabled, all_down, on_down, cold, there
):
    where = pool(
        row(A, weights[0], disabled=disabled[2]),
        row(B, weights[1]),
        group_disabled=disabled[0],
        disabled=disabled[1],
        all_down=all_down,
        on_down=on_down,
    )
    health = {
        where.members[key(each)].check: state
        for each, state in zip((A, B), states, strict=True)
        if state is not None
    }
    words = [
        (*level, saying)
        for level, saying in zip(LEVELS, said_of, strict=True)
        if saying is not None
    ]
    around = circumstances(health, said(*words), cold)
    current = None if there is None else service(there)
    found = effective(where, around, current)
    assert found == effective(where, around, current)
    entry = found[key(A)]
    if True in said_of:
        assert (entry.weight, entry.why) == (0, Why.OPERATOR)
    elif any(off and word is not False for off, word in zip(disabled, said_of, strict=True)):
        assert (entry.weight, entry.why) == (0, Why.DISABLED)
    else:
        assert entry.why not in (Why.OPERATOR, Why.DISABLED)
        assert entry.weight in (weights[0], 0, None, (there or {}).get(A))
        if states[0] is UP:
            assert (entry.weight, entry.why) == (weights[0], Why.UP)
    for each, state in zip((A, B), states, strict=True):
        # Nobody who is down gets traffic, but where that is what the group says.
        if state is DOWN and found[key(each)].weight:
            assert all_down is AllDown.KEEP
    made = target(where, found, current)
    assert set(made.destinations) == {
        name for name, each in found.items() if each.weight is not None
    }
