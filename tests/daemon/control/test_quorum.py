from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    CHECK,
    DOWN,
    SETTINGS,
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
from ipvsman.control.overrides import Level
from ipvsman.control.quorum import has_quorum, is_falling_back
from ipvsman.control.reasons import Why, uses_fallback
from ipvsman.control.weights import effective, target
from ipvsman.ipvs.model import Forwarding, ServiceFlags

A, B, C, F, G = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.8", "10.0.0.9"
UNPROBED = replace(CHECK, disable=True)
SORRY = row(F, 1, check=UNPROBED)


def two(**options):
    return pool(row(A, 1), row(B, 1), **{"fallback": (SORRY,), **options})


def weights(where, current=None, overrides=None, cold=False, **health):
    around = circumstances(health_of(where, **health), overrides, cold)
    return effective(where, around, current)


def served(found):
    return {each.address: entry.weight for each, entry in found.items()}


def whys(found):
    return {each.address: entry.why for each, entry in found.items()}


class TestChoice:
    def test_the_backends_serve_while_they_can(self):
        found = weights(two(), _10_0_0_1=UP, _10_0_0_2=DOWN)
        assert served(found) == {A: 1, B: 0, F: 0}
        assert found[key(F)].why is Why.STANDBY
        assert found[key(F)].reason == "the backends serve; not probed"
        assert not uses_fallback(found)

    def test_the_fallback_serves_when_none_of_them_does(self):
        found = weights(two(), _10_0_0_1=DOWN, _10_0_0_2=DOWN)
        assert served(found) == {A: 0, B: 0, F: 1}
        assert found[key(F)].reason == "no quorum (0 of 1): not probed"
        assert uses_fallback(found)

    def test_quorum_is_counted_in_weights(self):
        where = pool(row(A, 3), row(B, 1), fallback=(SORRY,), quorum=3)
        assert served(weights(where, _10_0_0_1=UP, _10_0_0_2=DOWN)) == {A: 3, B: 0, F: 0}
        found = weights(where, _10_0_0_1=DOWN, _10_0_0_2=UP)
        assert served(found) == {A: 0, B: 0, F: 1}
        assert found[key(B)].why is Why.NO_QUORUM
        assert found[key(B)].reason == "no quorum (1 of 3); up: connected"

    def test_below_quorum_is_better_than_nothing(self):
        where = two(fallback=(row(F, 1),), quorum=2)
        found = weights(where, _10_0_0_1=UP, _10_0_0_2=DOWN, _10_0_0_8=DOWN)
        assert served(found) == {A: 1, B: 0, F: 0}
        assert found[key(F)].why is Why.DOWN

    def test_a_fallback_shares_by_weight_and_its_own_health(self):
        where = two(fallback=(row(F, 2), row(G, 3)))
        found = weights(where, _10_0_0_1=DOWN, _10_0_0_2=DOWN, _10_0_0_8=UP, _10_0_0_9=UP)
        assert served(found) == {A: 0, B: 0, F: 2, G: 3}
        found = weights(where, _10_0_0_1=DOWN, _10_0_0_2=DOWN, _10_0_0_8=UP, _10_0_0_9=DOWN)
        assert served(found) == {A: 0, B: 0, F: 2, G: 0}

    @pytest.mark.parametrize("all_down", AllDown)
    def test_it_comes_before_all_down(self, all_down):
        where = two(fallback=(row(F, 1),), all_down=all_down)
        down = {"_10_0_0_1": DOWN, "_10_0_0_2": DOWN}
        assert served(weights(where, **down, _10_0_0_8=UP)) == {A: 0, B: 0, F: 1}
        kept = int(all_down is AllDown.KEEP)
        assert served(weights(where, **down, _10_0_0_8=DOWN)) == {A: kept, B: kept, F: 0}


class TestHysteresis:
    """Lost below quorum - hysteresis, regained at quorum + hysteresis; between, as it is."""

    where = pool(*(row(each, 1) for each in (A, B, C)), fallback=(SORRY,), quorum=2, hysteresis=1)
    before, after = service({A: 1, B: 1, C: 1, F: 0}), service({A: 0, B: 0, C: 0, F: 1})

    @pytest.mark.parametrize(
        "up,on_members,on_fallback",
        [
            (0, False, False),
            (1, True, False),
            (2, True, False),
            (3, True, True),
        ],
    )
    def test_between_it_stays_as_it_is(self, up, on_members, on_fallback):
        names = ("_10_0_0_1", "_10_0_0_2", "_10_0_0_3")
        health = {name: UP if number < up else DOWN for number, name in enumerate(names)}
        assert uses_fallback(weights(self.where, self.before, **health)) is not on_members
        assert uses_fallback(weights(self.where, self.after, **health)) is not on_fallback

    def test_one_who_is_new_does_not_keep_it_in_the_fallback(self):
        known = {"_10_0_0_1": UP, "_10_0_0_2": UP}
        there = service({A: 0, B: 0, F: 1})
        assert not uses_fallback(weights(self.where, there, **known, _10_0_0_3=UNKNOWN))
        assert uses_fallback(weights(self.where, there, **known, _10_0_0_3=DOWN))

    def test_what_the_table_says_of_both(self):
        both = two(fallback=(row(B, 1), row(F, 1)))
        assert not is_falling_back(both, None)
        assert not is_falling_back(both, service({}))
        assert not is_falling_back(both, service({A: 1, F: 1}))
        assert not is_falling_back(both, service({A: 0, B: 1, F: 0}))
        assert is_falling_back(both, service({A: 0, B: 1, F: 1}))
        assert not is_falling_back(pool(A), service({B: 1}))


class TestNothingIsKnown:
    def test_the_cold_start_trusts_the_backends(self):
        found = weights(two(quorum=2), cold=True)
        assert served(found) == {A: 1, B: 1, F: 0}

    @pytest.mark.parametrize("cold", [True, False])
    def test_a_restart_leaves_things_as_they_are(self, cold):
        for there in (service({A: 1, B: 1, F: 0}), service({A: 0, B: 0, F: 1})):
            found = weights(two(), there, cold=cold)
            assert target(two(), found, there).destinations == target_of(there)

    def test_a_new_service_waits_for_what_is_known_of_its_backends(self):
        assert served(weights(two())) == {A: 0, B: 0, F: 0}
        assert served(weights(two(), service({A: 0, B: 0, F: 0}))) == {A: 0, B: 0, F: 0}
        assert served(weights(two(), _10_0_0_1=DOWN)) == {A: 0, B: 0, F: 1}
        assert served(weights(two(), _10_0_0_1=UP)) == {A: 1, B: 0, F: 0}

    def test_what_cannot_be_known_is_not_waited_for(self):
        check = replace(CHECK, target=CheckTarget("check.example", 9))
        where = pool(row(A, 1, check=check), fallback=(SORRY,))
        assert served(weights(where)) == {A: 0, F: 1}

    def test_nor_is_who_cannot_be_probed(self):
        unmade = UNKNOWN.unmade("the Python package dnspython is not installed")
        nobody = {"_10_0_0_1": unmade, "_10_0_0_2": unmade}
        found = weights(two(), **nobody)
        assert served(found) == {A: 0, B: 0, F: 1}
        assert found[key(A)].reason.startswith("not known yet (cannot be probed: the Python pack")
        assert served(weights(two(), service({A: 1, B: 1, F: 0}), **nobody)) == {A: 1, B: 1, F: 0}
        assert served(weights(two(), cold=True, **nobody)) == {A: 1, B: 1, F: 0}
        assert served(weights(pool(A, B), **nobody)) == {A: 0, B: 0}
        known = {**nobody, "_10_0_0_2": UP}
        assert served(weights(two(), service({A: 0, B: 0, F: 1}), **known)) == {A: 0, B: 1, F: 0}

    def test_one_who_is_new_breaks_no_quorum_and_makes_none(self):
        where = two(quorum=2)
        there = service({A: 1, F: 0})
        assert served(weights(where, there, _10_0_0_1=UP)) == {A: 1, B: 0, F: 0}
        assert served(weights(where, service({A: 0, F: 1}), _10_0_0_1=UP)) == {A: 0, B: 0, F: 1}
        assert served(weights(where, there, _10_0_0_1=DOWN)) == {A: 0, B: 0, F: 1}

    def test_a_pool_that_is_exchanged_carries_on(self):
        found = weights(two(), service({C: 1, F: 0}), _10_0_0_1=UNKNOWN, _10_0_0_2=DOWN)
        assert served(found) == {A: 0, B: 0, C: 1, F: 0}

    def test_so_does_a_fallback_that_is_exchanged_in_use(self):
        where = two(fallback=(row(G, 1),))
        down = {"_10_0_0_1": DOWN, "_10_0_0_2": DOWN}
        there = service({A: 0, B: 0, F: 1})
        found = weights(where, there, **down)
        assert served(found) == {A: 0, B: 0, F: 1, G: 0}
        assert target(where, found, there).destinations[key(F)].weight == 1
        assert served(weights(where, there, **down, _10_0_0_9=UP)) == {A: 0, B: 0, G: 1}

    def test_the_memory_of_a_fallback_that_stands_by_is_believed(self):
        remembered = replace(UP, checked=None)
        where = two(fallback=(row(F, 1),))
        down = {"_10_0_0_1": DOWN, "_10_0_0_2": DOWN, "_10_0_0_8": remembered}
        assert served(weights(where, service({A: 1, B: 0, F: 0}), **down)) == {A: 0, B: 0, F: 1}


def target_of(there):
    return target(two(), {}, there).destinations | there.destinations


class TestOnPurpose:
    def test_backends_that_are_taken_out_leave_it_to_the_fallback(self):
        words = said(*((Level.BACKEND, f"web/{each}", True) for each in (A, B)))
        found = weights(two(), overrides=words, _10_0_0_1=UP, _10_0_0_2=UP)
        assert served(found) == {A: 0, B: 0, F: 1}
        assert found[key(A)].why is Why.OPERATOR

    @pytest.mark.parametrize("level,name", [(Level.GROUP, "web"), (Level.FRONTEND, "web/front")])
    def test_a_whole_that_is_taken_out_is_out_with_its_fallback(self, level, name):
        found = weights(two(), overrides=said((level, name, True)), _10_0_0_1=UP)
        assert served(found) == {A: 0, B: 0, F: 0}

    def test_one_of_the_fallback_is_taken_out_like_any_other(self):
        where = two(fallback=(SORRY, row(G, 1, check=UNPROBED)))
        out = said((Level.BACKEND, f"web/{F}", True))
        down = {"_10_0_0_1": DOWN, "_10_0_0_2": DOWN}
        assert served(weights(where, overrides=out, **down)) == {A: 0, B: 0, F: 0, G: 1}

    def test_who_drains_stays_in_the_table(self):
        where = two(on_down=OnDown.REMOVE)
        out = said((Level.BACKEND, f"web/{A}", True))
        found = weights(where, overrides=out, _10_0_0_1=UP, _10_0_0_2=DOWN)
        assert served(found) == {A: 0, B: None, F: 1}


class TestBoth:
    """The same address as a backend and in the fallback."""

    where = two(fallback=(row(B, 7, check=UNPROBED, forwarding=Forwarding.DIRECT),), quorum=2)

    def test_it_is_what_the_pool_in_use_says(self):
        found = weights(self.where, _10_0_0_1=UP, _10_0_0_2=UP)
        assert served(found) == {A: 1, B: 1}
        assert not found[key(B)].fallback
        made = target(self.where, found, None).destinations[key(B)]
        assert made.forwarding is Forwarding.MASQUERADE
        found = weights(self.where, _10_0_0_1=DOWN, _10_0_0_2=UP)
        assert served(found) == {A: 0, B: 7}
        assert found[key(B)].fallback
        made = target(self.where, found, None).destinations[key(B)]
        assert (made.weight, made.forwarding) == (7, Forwarding.DIRECT)

    def test_the_weight_that_it_has_as_a_fallback_is_no_sign_of_health(self):
        where = two(fallback=(row(B, 7, check=UNPROBED), SORRY))
        there = service({A: 0, B: 7, F: 1})
        found = weights(where, there, _10_0_0_1=DOWN)
        assert served(found) == {A: 0, B: 7, F: 1}


class TestAside:
    hashing = [replace(SETTINGS, scheduler=each) for each in ("sh", "mh", "dh")]

    @pytest.mark.parametrize("settings", hashing, ids=lambda each: each.scheduler)
    def test_a_scheduler_that_would_choose_who_has_no_weight_does_not_see_him(self, settings):
        where = two(settings=settings)
        found = weights(where, _10_0_0_1=UP, _10_0_0_2=DOWN)
        assert served(found) == {A: 1, B: 0, F: None}
        out = said((Level.BACKEND, f"web/{A}", True))
        found = weights(where, overrides=out, _10_0_0_1=UP, _10_0_0_2=DOWN)
        assert served(found) == {A: None, B: None, F: 1}
        flagged = replace(settings, flags=ServiceFlags.FLAG_1)
        found = weights(two(settings=flagged), _10_0_0_1=UP, _10_0_0_2=DOWN)
        assert found[key(F)].weight == (None if settings.scheduler == "dh" else 0)

    def test_nobody_persists_with_a_fallback_that_stands_by(self):
        where = two(settings=replace(SETTINGS, persistence=300), quorum=2)
        assert served(weights(where, _10_0_0_1=UP, _10_0_0_2=UP)) == {A: 1, B: 1, F: None}
        assert served(weights(where, _10_0_0_1=UP, _10_0_0_2=DOWN)) == {A: 0, B: 0, F: 1}

    def test_on_down_remove_is_for_both(self):
        where = two(on_down=OnDown.REMOVE, quorum=2)
        assert served(weights(where, _10_0_0_1=UP, _10_0_0_2=UP)) == {A: 1, B: 1, F: None}
        assert served(weights(where, _10_0_0_1=UP, _10_0_0_2=DOWN)) == {A: None, B: None, F: 1}


def test_an_unknown_name_of_a_fallback_leaves_the_backends_alone():
    (where,) = desired(frontend(A, fallback=("sorry.example",))).pools.values()
    assert where.unresolved == ("sorry.example",)
    there = service({A: 5, F: 0})
    found = weights(where, there, cold=True, _10_0_0_1=UP)
    assert served(found) == {A: 5, F: 0}
    assert served(weights(where, there, _10_0_0_1=UP)) == {A: 5}


STATES = st.sampled_from([UP, DOWN, UNKNOWN, None])
NAMES = (A, B, C, F, G)
TABLES = st.none() | st.dictionaries(st.sampled_from(NAMES), st.integers(0, 4))
POOLS = st.fixed_dictionaries(
    {
        "quorum": st.integers(1, 5),
        "hysteresis": st.integers(0, 2),
        "on_down": st.sampled_from(OnDown),
        "all_down": st.sampled_from(AllDown),
        "settings": st.sampled_from(
            [
                SETTINGS,
                replace(SETTINGS, persistence=60),
                *(replace(SETTINGS, scheduler=each) for each in ("sh", "mh", "dh")),
            ]
        ),
        "fallback": st.lists(st.sampled_from([row(B, 2), row(F, 1), row(G, 3)]), unique=True).map(
            tuple
        ),
    }
)
MEMBERS = st.tuples(*(st.integers(0, 3),) * 3).map(
    lambda found: [row(each, weight) for each, weight in zip((A, B, C), found, strict=True)]
)


def known(where, states):
    return {
        member.check: state
        for member in where.everybody
        if (state := states[NAMES.index(member.key.address)]) is not None
    }


@given(
    rows=MEMBERS,
    options=POOLS,
    states=st.tuples(*(STATES,) * 5),
    out=st.sets(st.sampled_from(NAMES)),
    cold=st.booleans(),
    there=TABLES,
)
def test_one_of_both_serves(rows, options, states, out, cold, there):
    where = pool(*rows, **options)
    words = said(*((Level.BACKEND, f"web/{each}", True) for each in sorted(out)))
    around = circumstances(known(where, states), words, cold)
    current = None if there is None else service(there)
    found = effective(where, around, current)
    assert set(found) >= {member.key for member in where.everybody}
    serving = {each for each, entry in found.items() if entry.weight}
    # Never both.
    assert len({found[each].fallback for each in serving}) <= 1
    used = uses_fallback(found)
    healthy = {
        member.key
        for member in where.fallback.values()
        if states[NAMES.index(member.key.address)] is UP and member.key.address not in out
    }
    if healthy and not serving:
        # Nobody serves although somebody of the fallback could: only where nothing is known yet.
        assert all(
            entry.why in (Why.UNPROVEN, Why.KEPT, Why.OPERATOR)
            for each, entry in found.items()
            if not entry.fallback
        )
    if used and where.frontend.settings.scheduler in ("sh", "mh", "dh"):
        assert not [
            each for each, entry in found.items() if entry.weight == 0 and not entry.fallback
        ]
    # What the kernel gets is what is said, and it comes to rest.
    made = target(where, found, current)
    assert {each: settings.weight for each, settings in made.destinations.items()} == {
        each: entry.weight for each, entry in found.items() if entry.weight is not None
    }
    again = effective(where, around, made)
    if all(state in (UP, DOWN) for state in states):
        assert uses_fallback(again) == used
        assert target(where, again, made) == made


@given(rows=MEMBERS, options=POOLS, states=st.tuples(*(STATES,) * 5), there=TABLES)
def test_another_server_that_comes_up_never_brings_the_fallback(rows, options, states, there):
    where = pool(*rows, **options)
    configured = {each.address: each.weight for each in rows}
    if there is not None:
        # Whose weight the configuration has lowered meanwhile is worth less when he is up; and who
        # has been replaced goes then.
        there = {
            each: configured.get(each, 1) if there[each] else 0
            for each in there
            if key(each) in where.by_key
        }
    current = None if there is None else service(there)
    before = effective(where, circumstances(known(where, states)), current)
    if uses_fallback(before):
        return
    for number in range(3):
        better = (*states[:number], UP, *states[number + 1 :])
        if any(states[NAMES.index(each)] is not better[NAMES.index(each)] for each in (F, G)):
            continue
        both = B in {each.key.address for each in where.fallback.values()}
        if number == 1 and both:
            continue
        after = effective(where, circumstances(known(where, better)), current)
        serving = any(entry.weight for entry in before.values())
        if serving:
            assert not uses_fallback(after)


@given(rows=MEMBERS, options=POOLS, states=st.tuples(*(STATES,) * 5), cold=st.booleans())
def test_with_quorum_the_fallback_makes_no_difference(rows, options, states, cold):
    with_it, without = pool(*rows, **options), pool(*rows, **{**options, "fallback": ()})
    around = circumstances(known(with_it, states), cold_start=cold)
    plain = effective(without, around, None)
    found = effective(with_it, around, None)
    if not uses_fallback(found):
        assert {each: entry for each, entry in found.items() if not entry.fallback} == plain
    serving = sum(entry.weight or 0 for entry in plain.values() if entry.why is not Why.ALL_DOWN)
    if serving >= with_it.frontend.quorum:
        assert has_quorum(with_it, plain, falling_back=False)
        assert not uses_fallback(found)
