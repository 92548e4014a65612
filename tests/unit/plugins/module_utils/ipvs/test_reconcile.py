from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import errors
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    StartDaemon,
    StopDaemon,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.memory import (
    MemoryTable,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Role,
    State,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import (
    reconcile,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    EVERYTHING,
    SERVICES,
    Scope,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.table import (
    Outcome,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from hypothesis import given

# -- tables that are not alone, or not honest


class Contested(MemoryTable):
    """Another writer does its part right before each of our first applies."""

    def __init__(self, *rivals):
        super().__init__(draws.INTERFACES)
        self.rivals = list(rivals)

    def apply(self, changes):
        if self.rivals:
            rival = self.rivals.pop(0)
            assert not super().apply(rival).refused
        return super().apply(changes)


class Forgetful(MemoryTable):
    """Says yes to everything, and does nothing."""

    def apply(self, changes):
        return Outcome(tuple(changes))


class Muffled(MemoryTable):
    """The answers to the first applies are lost; what is done is done."""

    def __init__(self, losses, done=True):
        super().__init__(draws.INTERFACES)
        self.losses, self.done = losses, done

    def apply(self, changes):
        if self.losses <= 0:
            return super().apply(changes)
        self.losses -= 1
        if self.done:
            super().apply(changes)
        return Outcome((), (), tuple(changes))


class Refusing(Exception):
    """What a review raises."""


def contested(held, *rivals):
    table = Contested()
    eg.fill(table, held)
    table.rivals = list(rivals)
    return table


# -- laws


@given(draws.states(), draws.states())
def test_a_second_run_has_nothing_to_do_and_writes_nothing(current, desired):
    table = eg.table_holding(current)
    first = reconcile(table, desired, EVERYTHING)
    assert table.read(EVERYTHING) == desired
    assert bool(first) == (current != desired)
    table.calls.clear()
    assert not reconcile(table, desired, EVERYTHING)
    assert table.calls == {"read": 1}


@given(draws.states(), draws.states())
def test_a_dry_run_writes_nothing_and_says_what_a_real_one_does(current, desired):
    table = eg.table_holding(current)
    tried = reconcile(table, desired, EVERYTHING, dry_run=True)
    assert table.calls == {"read": 1}
    assert table.read(EVERYTHING) == current
    done = reconcile(table, desired, EVERYTHING)
    assert tried.changes == done.changes
    assert (tried.current, tried.target) == (done.current, done.target) == (current, desired)
    assert (tried.before(), tried.after()) == (done.before(), done.after())


@given(draws.states())
def test_an_empty_scope_asks_for_nothing(current):
    table = eg.table_holding(current)
    assert not reconcile(table, eg.EMPTY, Scope())
    assert table.calls == {"read": 1}
    assert table.read(EVERYTHING) == current


# -- what is desired, and the review of it

WISHED = eg.state(eg.service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT}))


def test_what_is_desired_may_be_made_out_of_what_there_is():
    table = eg.table_holding(WISHED)
    seen = []

    def without_destinations(current):
        seen.append(current)
        return eg.state(eg.service(eg.WEB, current.services[eg.WEB].settings))

    work = reconcile(table, without_destinations, SERVICES)
    assert seen == [State(WISHED.services, None, {})]
    assert work.changes == (RemoveDestination(eg.WEB, eg.ONE, eg.DIRECT),)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_review_that_refuses_leaves_the_table_as_it_is(dry_run):
    table = eg.table_holding(eg.EMPTY)
    reviewed = []

    def review(work):
        reviewed.append(work.counts())
        raise Refusing

    with pytest.raises(Refusing):
        reconcile(table, WISHED, EVERYTHING, dry_run=dry_run, review=review)
    assert reviewed == [{"add_service": 1, "add_destination": 1}]
    assert table.calls == {"read": 1}
    assert table.read(EVERYTHING) == eg.EMPTY


def test_each_new_plan_is_reviewed():
    table = contested(eg.EMPTY, [AddService(eg.WEB, eg.RR)])
    reviewed = []
    reconcile(table, WISHED, EVERYTHING, review=lambda work: reviewed.append(work.counts()))
    assert reviewed == [
        {"add_service": 1, "add_destination": 1},
        {"edit_service": 1, "add_destination": 1},
    ]


# -- another writer


def test_what_another_writer_added_meanwhile_is_edited():
    table = contested(eg.EMPTY, [AddService(eg.WEB, eg.RR)])
    work = reconcile(table, WISHED, EVERYTHING)
    assert table.read(EVERYTHING) == WISHED
    assert work.changes == (
        EditService(eg.WEB, eg.RR, eg.WLC),
        AddDestination(eg.WEB, eg.ONE, eg.DIRECT),
    )
    assert (work.current, work.target) == (eg.EMPTY, WISHED)


def test_what_another_writer_did_for_us_is_no_change_of_ours():
    table = contested(
        eg.EMPTY, [AddService(eg.WEB, eg.WLC), AddDestination(eg.WEB, eg.ONE, eg.DIRECT)]
    )
    assert not reconcile(table, WISHED, EVERYTHING)
    assert table.read(EVERYTHING) == WISHED


def test_what_another_writer_removed_meanwhile_is_added():
    heavier = replace(eg.DIRECT, weight=9)
    desired = eg.state(eg.service(eg.WEB, eg.WLC, {eg.ONE: heavier}))
    table = contested(WISHED, [RemoveDestination(eg.WEB, eg.ONE, eg.DIRECT)])
    work = reconcile(table, desired, EVERYTHING)
    assert work.changes == (AddDestination(eg.WEB, eg.ONE, heavier),)
    assert table.read(EVERYTHING) == desired


def test_what_was_done_before_another_writer_came_is_told_once():
    two = eg.state(eg.service(eg.WEB), eg.service(eg.DNS, eg.RR))
    table = contested(eg.EMPTY, [AddService(eg.WEB, eg.WLC)])
    assert reconcile(table, two, EVERYTHING).changes == (AddService(eg.DNS, eg.RR),)
    assert table.read(EVERYTHING) == two


def test_a_writer_that_is_always_faster_wins_in_the_end():
    added = [AddService(eg.WEB, eg.WLC)]
    removed = [RemoveService(eg.WEB, eg.service(eg.WEB))]
    rivals = [added, removed, added, removed, added, removed]
    table = contested(eg.EMPTY, *rivals)

    # What is there is to go, what is not is to come.
    def contrary(current):
        return eg.EMPTY if current.services else eg.state(eg.service(eg.WEB))

    with pytest.raises(errors.KernelRefused) as raised:
        reconcile(table, contrary, EVERYTHING)
    assert isinstance(raised.value, (errors.AlreadyThere, errors.NotThere))
    assert table.calls["read"] == 5
    assert len(table.rivals) == 1


def test_what_was_done_before_a_review_refused_is_told_and_counts_in_it():
    one = [AddService(eg.WEB, eg.WLC)]
    table = contested(eg.EMPTY, one)
    reviewed = []

    def review(work):
        reviewed.append(work.counts())
        if len(reviewed) == 2:
            raise errors.Refused(work, "too much")

    two = eg.state(eg.service(eg.WEB, eg.RR), eg.service(eg.DNS, eg.RR))
    with pytest.raises(errors.Refused) as raised:
        reconcile(table, two, EVERYTHING, review=review)
    assert raised.value.done == (AddService(eg.DNS, eg.RR),)
    assert str(raised.value) == "too much\nchanges made before that: 1"
    assert reviewed == [{"add_service": 2}, {"add_service": 1, "edit_service": 1}]


def test_what_was_done_before_the_input_became_wrong_is_told():
    table = contested(eg.EMPTY, [AddService(eg.WEB, eg.WLC)])

    def desired(current):
        if current.services:
            raise errors.InvalidValue([errors.Fault("services[0]", "is there")])
        return eg.state(eg.service(eg.WEB), eg.service(eg.DNS, eg.RR))

    with pytest.raises(errors.InvalidValue) as raised:
        reconcile(table, desired, EVERYTHING)
    assert raised.value.done == (AddService(eg.DNS, eg.RR),)
    assert str(raised.value) == "services[0]: is there\nchanges made before that: 1"


def test_what_was_done_before_the_table_could_not_be_read_back_is_told():
    class Silent(MemoryTable):
        def read(self, scope):
            if self.calls["apply"]:
                raise errors.Unavailable(errors.Cause.NO_ANSWER, "no answer")
            return super().read(scope)

    with pytest.raises(errors.Unavailable) as raised:
        reconcile(Silent(), WISHED, EVERYTHING)
    assert raised.value.done == (
        AddService(eg.WEB, eg.WLC),
        AddDestination(eg.WEB, eg.ONE, eg.DIRECT),
    )
    assert str(raised.value) == "no answer\nchanges made before that: 2"


def test_a_writer_that_undoes_what_was_accepted_is_found_by_reading_back():
    class Undone(MemoryTable):
        def read(self, scope):
            if self.calls["apply"]:
                self.flush()
            return super().read(scope)

    with pytest.raises(errors.NotConverged) as raised:
        reconcile(Undone(), eg.state(eg.service(eg.WEB)), EVERYTHING)
    assert raised.value.plan.changes == (AddService(eg.WEB, eg.WLC),)


def test_what_a_read_back_passes_over_once_is_looked_for_again():
    class Skipping(MemoryTable):
        """Its second read lacks a destination that is there."""

        def read(self, scope):
            state = super().read(scope)
            if self.calls["read"] != 2:
                return state
            (service,) = state.services.values()
            return replace(state, services={eg.WEB: replace(service, destinations={})})

    table = Skipping()
    done = reconcile(table, WISHED, EVERYTHING)
    assert len(done.changes) == 2
    assert table.calls["read"] == 3


def test_a_table_that_takes_all_and_does_nothing_has_not_converged():
    table = Forgetful()
    with pytest.raises(errors.NotConverged) as raised:
        reconcile(table, WISHED, EVERYTHING)
    both = (AddService(eg.WEB, eg.WLC), AddDestination(eg.WEB, eg.ONE, eg.DIRECT))
    assert raised.value.plan.changes == both
    assert raised.value.done == both
    assert str(raised.value).splitlines() == [
        "changes accepted by the kernel: 2, and yet to be made: 2"
        " (another program is writing to this table, or the kernel ignored a setting)",
        "- add service tcp://192.0.2.1:80: scheduler wlc",
        "- add destination 198.51.100.1:80 to tcp://192.0.2.1:80: weight 1, forwarding direct",
    ]


# -- refusals

NO_SUCH = replace(eg.WLC, scheduler="zzz")


def test_one_change_that_the_kernel_refuses_is_its_error():
    table = eg.table_holding(eg.EMPTY)
    with pytest.raises(errors.NotThere) as raised:
        reconcile(table, eg.state(eg.service(eg.WEB, NO_SUCH)), EVERYTHING)
    assert raised.value.change == AddService(eg.WEB, NO_SUCH)
    # A scheduler that is missing now is missing the next time, too.
    assert table.calls == {"read": 1, "apply": 1}


def test_what_was_done_before_a_refusal_is_told():
    desired = eg.state(
        eg.service(eg.DNS, eg.RR, {eg.ONE: eg.DIRECT}),
        eg.service(eg.WEB, NO_SUCH, {eg.ONE: eg.DIRECT, eg.TWO: eg.DIRECT}),
    )
    table = eg.table_holding(eg.EMPTY)
    with pytest.raises(errors.PartlyApplied) as raised:
        reconcile(table, desired, EVERYTHING)
    error = raised.value
    assert error.done == (AddService(eg.DNS, eg.RR),)
    assert [refusal.change for refusal in error.failed] == [AddService(eg.WEB, NO_SUCH)]
    assert len(error.plan.changes) == 5
    assert error.plan.changes[0] == error.done[0]
    assert set(error.plan.changes) > {AddService(eg.WEB, NO_SUCH)}
    # A phase that was not accepted whole is the last.
    assert table.read(SERVICES).services == {eg.DNS: eg.service(eg.DNS, eg.RR)}
    lines = str(error).splitlines()
    assert lines[0].startswith("changes planned: 5, applied: 1, refused: 1, not attempted: 3;")
    assert "refused to add service tcp://192.0.2.1:80: scheduler zzz: ENOENT" in lines[1]
    assert "no scheduler 'zzz'" in lines[1]


def test_several_refusals_at_once_are_all_told():
    services = [eg.service(key, NO_SUCH) for key in (eg.WEB, eg.DNS)]
    with pytest.raises(errors.PartlyApplied) as raised:
        reconcile(eg.table_holding(eg.EMPTY), eg.state(*services), EVERYTHING)
    assert raised.value.done == ()
    assert {refusal.change.service for refusal in raised.value.failed} == {eg.WEB, eg.DNS}


def test_what_was_done_in_an_earlier_attempt_is_told_with_a_later_refusal():
    desired = eg.state(
        eg.service(eg.DNS, eg.RR), eg.service(eg.WEB, eg.WLC, {eg.THREE6: eg.DIRECT})
    )
    table = contested(eg.EMPTY, [AddService(eg.WEB, eg.WLC)])
    with pytest.raises(errors.PartlyApplied) as raised:
        reconcile(table, desired, EVERYTHING)
    refused = AddDestination(eg.WEB, eg.THREE6, eg.DIRECT)
    assert raised.value.done == (AddService(eg.DNS, eg.RR),)
    assert [refusal.change for refusal in raised.value.failed] == [refused]
    assert raised.value.plan.changes == (AddService(eg.DNS, eg.RR), refused)


# -- answers that are lost


def test_a_lost_answer_is_made_up_for_by_reading():
    table = Muffled(losses=1)
    work = reconcile(table, WISHED, EVERYTHING)
    assert table.read(EVERYTHING) == WISHED
    assert work.changes == (
        AddService(eg.WEB, eg.WLC),
        AddDestination(eg.WEB, eg.ONE, eg.DIRECT),
    )


def test_what_was_lost_with_its_answer_is_done_again():
    table = Muffled(losses=1, done=False)
    work = reconcile(table, WISHED, EVERYTHING)
    assert table.read(EVERYTHING) == WISHED
    assert [change.action for change in work.changes] == ["add_service", "add_destination"]


def test_the_last_attempt_counts_although_its_answer_is_lost():
    phases = [
        EditService(eg.WEB, eg.WLC, eg.RR),
        AddDestination(eg.WEB, eg.THREE6, eg.TUNNELLED),
        EditDestination(eg.WEB, eg.ONE, eg.DIRECT, eg.QUIET),
        RemoveDestination(eg.WEB, eg.TWO, eg.DIRECT),
        RemoveService(eg.DNS, eg.service(eg.DNS)),
    ]
    table = Muffled(losses=0)
    eg.fill(
        table,
        eg.state(
            eg.service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT, eg.TWO: eg.DIRECT}),
            eg.service(eg.DNS),
        ),
    )
    table.losses = 5
    desired = eg.state(eg.service(eg.WEB, eg.RR, {eg.ONE: eg.QUIET, eg.THREE6: eg.TUNNELLED}))
    assert list(reconcile(table, desired, EVERYTHING).changes) == phases
    assert table.read(EVERYTHING) == desired


def test_answers_that_are_always_lost_come_to_an_end():
    table = Muffled(losses=100, done=False)
    with pytest.raises(errors.NotConverged) as raised:
        reconcile(table, WISHED, EVERYTHING)
    assert table.losses == 95
    assert raised.value.done == ()
    assert len(raised.value.plan.changes) == 2


# -- sync daemons

ROLES = Scope(daemons=frozenset(Role))


def test_a_changed_sync_daemon_is_started_anew():
    table = eg.table_holding(eg.state(daemons=(eg.MASTER, eg.BACKUP)))
    other = replace(eg.MASTER, sync_id=9)
    work = reconcile(table, eg.state(daemons=(other, eg.BACKUP)), ROLES)
    assert work.changes == (
        StopDaemon(eg.MASTER, restarts=True),
        StartDaemon(other, replaces=eg.MASTER),
    )
    assert table.read(ROLES).daemons == {Role.MASTER: other, Role.BACKUP: eg.BACKUP}


def test_a_sync_daemon_goes_on_as_it_was_when_its_successor_does_not_start():
    table = eg.table_holding(eg.state(daemons=(eg.MASTER,)))
    other = replace(eg.MASTER, interface="eth9")
    with pytest.raises(errors.NotThere) as raised:
        reconcile(table, eg.state(daemons=(other,)), ROLES)
    assert table.read(ROLES).daemons == {Role.MASTER: eg.MASTER}
    assert raised.value.change == StartDaemon(other, replaces=eg.MASTER)


def test_a_stop_counts_as_done_when_it_cannot_be_undone():
    class Unplugged(MemoryTable):
        def apply(self, changes):
            if any(isinstance(change, StopDaemon) for change in changes):
                self._interfaces.clear()
            return super().apply(changes)

    table = Unplugged(draws.INTERFACES)
    eg.fill(table, eg.state(daemons=(eg.MASTER,)))
    other = replace(eg.MASTER, sync_id=9)
    with pytest.raises(errors.PartlyApplied) as raised:
        reconcile(table, eg.state(daemons=(other,)), ROLES)
    assert raised.value.done == (StopDaemon(eg.MASTER, restarts=True),)
    assert table.read(ROLES).daemons == {}


def test_a_pool_may_be_owned_without_its_service():
    table = eg.table_holding(WISHED)
    scope = Scope(frozenset(), {eg.WEB: ALL})
    desired = eg.state(eg.service(eg.WEB, eg.RR, {eg.TWO: eg.QUIET}))
    reconcile(table, desired, scope)
    assert table.read(EVERYTHING) == eg.state(eg.service(eg.WEB, eg.WLC, {eg.TWO: eg.QUIET}))
