from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    SetLocalAddresses,
    SetTimeouts,
    StartDaemon,
    StopDaemon,
    TrackConnections,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    FullNat,
    Role,
    Service,
    State,
    Timeouts,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plan import (
    plan,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    EVERYTHING,
    SERVICES,
    Scope,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from hypothesis import assume, given
from hypothesis import strategies as st


def apply(table, changes):
    """Every change is accepted, one by one."""
    for change in changes:
        outcome = table.apply([change])
        assert not outcome.refused


@st.composite
def tasks(draw):
    """A table, what is desired, and a scope in which the kernel can be asked for that."""
    mixed = draw(st.booleans())
    current, desired = draw(draws.states(mixed)), draw(draws.states(mixed))
    scope = draw(draws.scopes(current, desired))
    # Destinations alone can be added only to what is there: who asks sees to that (wish.resolve).
    possible = {
        key: service
        for key, service in desired.services.items()
        if key in current.services or scope.has_service(key)
    }
    return current, replace(desired, services=possible), scope


def shuffled(draw, state):
    """The same state, its parts put in in another order."""
    keys = draw(st.permutations(list(state.services)))
    pools = {
        key: draw(st.permutations(list(state.services[key].destinations.items()))) for key in keys
    }
    services = {key: replace(state.services[key], destinations=dict(pools[key])) for key in keys}
    roles = draw(st.permutations(list(state.daemons)))
    daemons = {role: state.daemons[role] for role in roles}
    translated = draw(st.permutations(list(state.full_nat.local_addresses.items())))
    return State(services, state.timeouts, daemons, full_nat=FullNat(True, dict(translated)))


# -- laws


@given(draws.states())
def test_from_a_table_to_itself_there_is_nothing_to_do(table):
    nothing = plan(table, table, EVERYTHING)
    assert not nothing
    assert nothing.phases == ()
    assert nothing.changes == ()
    assert nothing.target == table


@given(draws.states(), draws.states())
def test_a_plan_leads_from_any_table_to_any_other(current, desired):
    table = eg.table_holding(current)
    work = plan(current, desired, EVERYTHING)
    apply(table, work.changes)
    assert table.read(EVERYTHING) == desired
    assert work.target == desired
    assert bool(work) == (current != desired)


@given(draws.states(), draws.states())
def test_no_change_of_a_phase_waits_for_another_of_it(current, desired):
    table = eg.table_holding(current)
    for phase in plan(current, desired, EVERYTHING).phases:
        assert phase
        apply(table, reversed(phase))
    assert table.read(EVERYTHING) == desired


def wanted(current, desired, scope):
    """What the table shall be, told in the words of the law, not of the plan."""
    services = {}
    for key in current.services.keys() | desired.services.keys():
        have, want = current.services.get(key), desired.services.get(key)
        owner = want if scope.has_service(key) else have
        if owner is None:
            continue
        pool = dict(have.destinations) if have else {}
        owned = scope.pool(key)
        for name in [*pool] if owned is ALL else owned:
            pool.pop(name, None)
        for name, settings in (want.destinations if want else {}).items():
            if owned is ALL or name in owned:
                pool[name] = settings
        services[key] = Service(key, owner.settings, pool)
    daemons = {
        role: table.daemons[role]
        for role in Role
        for table in [desired if role in scope.daemons else current]
        if role in table.daemons
    }
    have, want = current.full_nat.local_addresses, desired.full_nat.local_addresses
    local_addresses = {
        key: owner[key]
        for key in have.keys() | want.keys()
        for owner in [want if scope.has_local_addresses(key) else have]
        if key in owner
    }
    timeouts = (desired if scope.timeouts else current).timeouts
    return State(services, timeouts, daemons, full_nat=FullNat(True, local_addresses))


@given(tasks())
def test_a_plan_does_all_that_is_in_scope_and_nothing_else(task):
    current, desired, scope = task
    table = eg.table_holding(current)
    work = plan(table.read(scope), desired, scope)
    apply(table, work.changes)
    assert table.read(EVERYTHING) == wanted(current, desired, scope)
    assert work.target == table.read(scope)
    assert not plan(table.read(scope), desired, scope)


@given(tasks())
def test_every_change_is_about_something_in_scope(task):
    current, desired, scope = task
    for change in plan(current, desired, scope).changes:
        if isinstance(change, (AddService, EditService, RemoveService)):
            assert scope.has_service(change.service)
        elif isinstance(change, SetLocalAddresses):
            assert scope.has_local_addresses(change.service)
        elif isinstance(change, SetTimeouts):
            assert scope.timeouts
        elif isinstance(change, StartDaemon):
            assert change.after.role in scope.daemons
        elif isinstance(change, StopDaemon):
            assert change.before.role in scope.daemons
        else:
            owned = scope.pool(change.service)
            assert owned is ALL or change.destination in owned


@given(tasks())
def test_what_lies_out_of_scope_makes_no_difference(task):
    current, desired, scope = task
    whole, part = plan(current, desired, scope), plan(scope.restrict(current), desired, scope)
    assert whole.phases == part.phases
    assert scope.restrict(whole.target) == part.target


@given(st.data())
def test_the_order_does_not_hang_on_the_order_of_what_was_read(data):
    current, desired = data.draw(draws.states()), data.draw(draws.states())
    one = plan(current, desired, EVERYTHING)
    other = plan(shuffled(data.draw, current), shuffled(data.draw, desired), EVERYTHING)
    assert one.phases == other.phases
    assert list(one.before().items()) == list(other.before().items())
    assert list(one.after().items()) == list(other.after().items())


def rank(change):
    """Its place on the way: first what quiesces, then what adds, then what removes.

    Local addresses are around all that.
    """
    if isinstance(change, SetLocalAddresses):
        return -1 if change.after else 4.5
    if isinstance(change, EditDestination):
        return 0 if change.after.weight == 0 != change.before.weight else 2
    if isinstance(change, StopDaemon):
        return 6 if change.restarts else 0
    ranks = {
        AddService: 1,
        EditService: 1,
        AddDestination: 2,
        RemoveDestination: 3,
        RemoveService: 4,
        SetTimeouts: 5,
        StartDaemon: 7,
    }
    return ranks[type(change)]


@given(draws.states(), draws.states())
def test_phases_quiesce_then_make_then_break(current, desired):
    ranks = [
        {rank(change) for change in phase} for phase in plan(current, desired, EVERYTHING).phases
    ]
    assert all(len(of_phase) == 1 for of_phase in ranks)
    order = [min(of_phase) for of_phase in ranks]
    # Pools that nothing else carries are quiesced once their successors are there.
    order = [
        2.5 if rank == 0 and max(order[:place], default=0) > 0 else rank
        for place, rank in enumerate(order)
    ]
    assert order == sorted(set(order))


def serves(service):
    return any(settings.weight for settings in service.destinations.values())


@given(st.data())
def test_a_pool_is_never_empty_on_the_way_from_one_full_pool_to_another(data):
    key = data.draw(draws.service_keys)
    one, other = data.draw(draws.services(key)), data.draw(draws.services(key))
    assume(one.destinations and other.destinations)
    if data.draw(st.booleans()):
        apart = {
            name: settings
            for name, settings in other.destinations.items()
            if name not in one.destinations
        }
        other = replace(other, destinations=apart)
        assume(apart)
    table = eg.table_holding(eg.state(one))
    for change in plan(eg.state(one), eg.state(other), EVERYTHING).changes:
        apply(table, [change])
        pool = table.read(EVERYTHING).services[key].destinations
        assert pool
        # What serves before and after serves on the way.
        assert not serves(one) or not serves(other) or any(entry.weight for entry in pool.values())
    assert table.read(EVERYTHING) == eg.state(other)


@given(draws.states(), draws.states())
def test_counts_and_removals_are_of_what_the_table_loses(current, desired):
    work = plan(current, desired, EVERYTHING)
    assert sum(work.counts().values()) == len(work.changes)
    assert 0 not in work.counts().values()
    lost = current.services.keys() - desired.services.keys()
    destinations = sum(
        name not in desired.services[key].destinations if key in desired.services else True
        for key, service in current.services.items()
        for name in service.destinations
    )
    assert work.removals() == (len(lost), destinations)


@given(draws.states(), draws.states())
def test_before_and_after_tell_what_changes_and_only_that(current, desired):
    work = plan(current, desired, EVERYTHING)
    before, after = work.before(), work.after()
    back = plan(desired, current, EVERYTHING)
    added = {
        f"{change.service} -> {change.destination}"
        for change in work.changes
        if isinstance(change, AddDestination)
    }
    for subject in before.keys() & after.keys():
        assert before[subject] != after[subject]
    assert added <= after.keys() - before.keys()
    assert bool(before or after) == bool(work)
    assert before == back.after()
    assert after == back.before()


# -- examples

POOL = {eg.ONE: eg.DIRECT, eg.TWO: eg.QUIET}


def test_a_new_service_comes_before_its_destinations():
    work = plan(eg.EMPTY, eg.state(eg.service(eg.WEB, eg.WLC, POOL)), EVERYTHING)
    assert work.phases == (
        (AddService(eg.WEB, eg.WLC),),
        (AddDestination(eg.WEB, eg.ONE, eg.DIRECT), AddDestination(eg.WEB, eg.TWO, eg.QUIET)),
    )
    assert work.counts() == {"add_service": 1, "add_destination": 2}
    assert work.removals() == (0, 0)
    assert work.before() == {}
    assert work.after() == {
        "tcp://192.0.2.1:80": "scheduler wlc",
        "tcp://192.0.2.1:80 -> 198.51.100.1:80": "weight 1, forwarding direct",
        "tcp://192.0.2.1:80 -> 198.51.100.2:80": "weight 0, forwarding direct",
    }


def test_a_service_that_goes_takes_its_destinations_along_in_one_change():
    full = eg.service(eg.WEB, eg.WLC, POOL)
    work = plan(eg.state(full), eg.EMPTY, EVERYTHING)
    assert work.phases == ((RemoveService(eg.WEB, full),),)
    assert work.counts() == {"remove_service": 1}
    assert work.removals() == (1, 2)
    assert work.after() == {}
    assert work.before() == {
        "tcp://192.0.2.1:80": "scheduler wlc",
        "tcp://192.0.2.1:80 -> 198.51.100.1:80": "weight 1, forwarding direct",
        "tcp://192.0.2.1:80 -> 198.51.100.2:80": "weight 0, forwarding direct",
    }


def test_what_stays_is_edited_in_place():
    current = eg.state(eg.service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT}))
    heavier = replace(eg.DIRECT, weight=5)
    work = plan(current, eg.state(eg.service(eg.WEB, eg.RR, {eg.ONE: heavier})), EVERYTHING)
    assert work.phases == (
        (EditService(eg.WEB, eg.WLC, eg.RR),),
        (EditDestination(eg.WEB, eg.ONE, eg.DIRECT, heavier),),
    )
    assert work.before() == {
        "tcp://192.0.2.1:80": "scheduler wlc",
        "tcp://192.0.2.1:80 -> 198.51.100.1:80": "weight 1, forwarding direct",
    }
    assert work.after() == {
        "tcp://192.0.2.1:80": "scheduler rr",
        "tcp://192.0.2.1:80 -> 198.51.100.1:80": "weight 5, forwarding direct",
    }


def test_a_weight_goes_to_zero_before_anything_else_while_another_destination_carries_the_pool():
    current = eg.state(eg.service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT, eg.TWO: eg.DIRECT}))
    desired = eg.state(
        eg.service(
            eg.WEB,
            eg.RR,
            {eg.ONE: eg.QUIET, eg.TWO: eg.DIRECT, eg.THREE6: eg.TUNNELLED},
        )
    )
    assert plan(current, desired, EVERYTHING).phases == (
        (EditDestination(eg.WEB, eg.ONE, eg.DIRECT, eg.QUIET),),
        (EditService(eg.WEB, eg.WLC, eg.RR),),
        (AddDestination(eg.WEB, eg.THREE6, eg.TUNNELLED),),
    )


def test_a_weight_goes_to_zero_after_its_successors_are_there_when_nothing_else_carries_the_pool():
    current = eg.state(eg.service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT, eg.TWO: eg.DIRECT}))
    desired = eg.state(eg.service(eg.WEB, eg.RR, {eg.ONE: eg.QUIET, eg.THREE6: eg.TUNNELLED}))
    assert plan(current, desired, EVERYTHING).phases == (
        (EditService(eg.WEB, eg.WLC, eg.RR),),
        (AddDestination(eg.WEB, eg.THREE6, eg.TUNNELLED),),
        (EditDestination(eg.WEB, eg.ONE, eg.DIRECT, eg.QUIET),),
        (RemoveDestination(eg.WEB, eg.TWO, eg.DIRECT),),
    )


def test_a_destination_that_was_quiet_and_stays_so_is_no_stop():
    tunnelled = replace(eg.TUNNELLED, weight=0)
    current = eg.state(eg.service(eg.WEB, eg.WLC, {eg.ONE: eg.QUIET}))
    desired = eg.state(eg.service(eg.WEB, eg.RR, {eg.ONE: tunnelled}))
    assert plan(current, desired, EVERYTHING).phases == (
        (EditService(eg.WEB, eg.WLC, eg.RR),),
        (EditDestination(eg.WEB, eg.ONE, eg.QUIET, tunnelled),),
    )


def test_services_are_worked_off_in_numeric_order():
    services = [eg.service(key) for key in (eg.MARK, eg.WEB6, eg.WEB, eg.DNS)]
    (phase,) = plan(eg.EMPTY, eg.state(*services), EVERYTHING).phases
    assert [change.service for change in phase] == [eg.DNS, eg.WEB, eg.WEB6, eg.MARK]


def test_a_changed_sync_daemon_is_a_stop_and_a_start_at_the_very_end():
    other = replace(eg.MASTER, sync_id=9)
    current = eg.state(daemons=(eg.MASTER,))
    desired = eg.state(eg.service(eg.WEB), timeouts=Timeouts(1, 2, 3), daemons=(other,))
    work = plan(current, desired, EVERYTHING)
    assert work.phases == (
        (AddService(eg.WEB, eg.WLC),),
        (SetTimeouts(current.timeouts, Timeouts(1, 2, 3)),),
        (StopDaemon(eg.MASTER, restarts=True),),
        (StartDaemon(other, replaces=eg.MASTER),),
    )
    assert work.before() == {
        "timeouts": "tcp 900, tcp_fin 120, udp 300",
        "sync daemon master": (
            "interface eth0, sync_id 1, maxlen 1472, group 224.0.0.81, port 8848, ttl 1"
        ),
    }
    assert work.after() == {
        "tcp://192.0.2.1:80": "scheduler wlc",
        "timeouts": "tcp 1, tcp_fin 2, udp 3",
        "sync daemon master": (
            "interface eth0, sync_id 9, maxlen 1472, group 224.0.0.81, port 8848, ttl 1"
        ),
    }


def test_a_sync_daemon_that_only_goes_stops_first_and_one_that_only_comes_starts_last():
    current = eg.state(daemons=(eg.MASTER,))
    desired = eg.state(eg.service(eg.WEB), daemons=(eg.BACKUP,))
    assert plan(current, desired, EVERYTHING).phases == (
        (StopDaemon(eg.MASTER),),
        (AddService(eg.WEB, eg.WLC),),
        (StartDaemon(eg.BACKUP),),
    )


@pytest.mark.parametrize("scope", [SERVICES, Scope(), Scope(daemons=frozenset([Role.BACKUP]))])
def test_timeouts_and_daemons_out_of_scope_stay(scope):
    current = eg.state(daemons=(eg.MASTER,))
    work = plan(current, eg.state(timeouts=Timeouts(1, 2, 3)), scope)
    assert not work
    assert work.target == current


def test_timeouts_that_nobody_asks_for_stay():
    assert not plan(eg.EMPTY, eg.state(timeouts=None), EVERYTHING)


def test_what_cannot_be_read_is_told_on():
    odd = replace(eg.EMPTY, unreadable=("odd",))
    assert plan(odd, eg.EMPTY, EVERYTHING).target.unreadable == ("odd",)


# -- local addresses


def translated(*services, **local_addresses):
    """A state with these services and their local addresses."""
    names = {"web": eg.WEB, "web6": eg.WEB6, "mark": eg.MARK}
    known = {names[name]: addresses for name, addresses in local_addresses.items()}
    return replace(eg.state(*services), full_nat=FullNat(bool(known), known))


def test_local_addresses_come_before_the_service_that_needs_them():
    whole = eg.service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT})
    assert plan(eg.EMPTY, translated(whole, web=("10.2.0.1",)), EVERYTHING).phases == (
        (TrackConnections(),),
        (SetLocalAddresses(eg.WEB, (), ("10.2.0.1",)),),
        (AddService(eg.WEB, eg.WLC),),
        (AddDestination(eg.WEB, eg.ONE, eg.DIRECT),),
    )


def test_local_addresses_go_after_their_service():
    held = translated(eg.service(eg.WEB), eg.service(eg.MARK), web=("10.2.0.1",), mark=("::1",))
    wanted = replace(eg.state(eg.service(eg.MARK)), full_nat=FullNat())
    assert plan(held, wanted, EVERYTHING).phases == (
        (RemoveService(eg.WEB, eg.service(eg.WEB)),),
        (SetLocalAddresses(eg.WEB, ("10.2.0.1",), ()), SetLocalAddresses(eg.MARK, ("::1",), ())),
    )


def test_tracking_of_connections_is_never_turned_off():
    held = translated(eg.service(eg.WEB), web=("10.2.0.1",))
    work = plan(held, eg.state(eg.service(eg.WEB)), EVERYTHING)
    assert work.changes == (SetLocalAddresses(eg.WEB, ("10.2.0.1",), ()),)
    assert work.target.full_nat == FullNat(True, {})


def test_what_local_addresses_were_and_will_be_is_told():
    held = translated(eg.service(eg.WEB), web=("10.2.0.1",))
    work = plan(held, translated(eg.service(eg.WEB), web=("10.2.0.1", "10.2.0.2")), EVERYTHING)
    about = "tcp://192.0.2.1:80 local addresses"
    assert work.before() == {about: "10.2.0.1"}
    assert work.after() == {about: "10.2.0.1, 10.2.0.2"}
    first = plan(eg.state(eg.service(eg.WEB)), held, EVERYTHING)
    assert first.before() == {"net.ipv4.vs.conntrack": "0"}
    assert first.after() == {"net.ipv4.vs.conntrack": "1", about: "10.2.0.1"}


def test_local_addresses_out_of_scope_are_left_alone():
    held = translated(eg.service(eg.WEB), web=("10.2.0.1",))
    assert not plan(held, eg.state(eg.service(eg.WEB)), SERVICES)
    rules_alone = Scope(local_addresses=frozenset([eg.WEB]))
    assert plan(held, eg.EMPTY, rules_alone).counts() == {"set_local_addresses": 1}
