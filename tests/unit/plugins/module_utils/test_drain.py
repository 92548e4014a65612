from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.drain import (
    drain,
    overlooked,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    EditDestination,
    RemoveDestination,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.memory import (
    MemoryTable,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Counters,
    DestinationCounters,
    DestinationKey,
    DestinationSettings,
    Forwarding,
    Service,
    ServiceCounters,
    State,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    SERVICES,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)

OLD = DestinationSettings(5, Forwarding.MASQUERADE, 100, 50)
AT_8080 = DestinationKey("198.51.100.77", 8080)
SIBLING = DestinationKey("198.51.100.99", 80)
HAVE = State(
    {
        eg.WEB: Service(eg.WEB, eg.WLC, {eg.ONE: OLD, eg.TWO: eg.QUIET, SIBLING: eg.DIRECT}),
        eg.DNS: Service(eg.DNS, eg.WLC, {eg.ONE: OLD}),
    }
)


class Busy(MemoryTable):
    """A table whose destinations have connections until their time is over."""

    def host(self, clock, **until):
        """until: name -> (time of the last connection, active, inactive, persistent)."""
        self.clock = clock
        self.until = {getattr(eg, name): (*values,) for name, values in until.items()}
        return self

    def counters(self, services=None):
        counts = super().counters(services)
        return {
            key: ServiceCounters(
                Counters(), {name: self._now(name) for name in counts[key].destinations}
            )
            for key in counts
        }

    def _now(self, name):
        end, *amounts = self.until.get(name, (0, 0, 0, 0))
        return DestinationCounters(*(amounts if self.clock.now < end else (0, 0, 0)), Counters())


class Clock:
    """Time that only passes while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.sleeps = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def table(clock):
    return Busy.holding(HAVE).host(clock)


def run(table, clock, *names, timeout=60.0, remove=True, dry_run=False, service=eg.WEB):
    plans = []

    def record(plan):
        plans.append(plan)
        return plan

    drained = drain(
        table,
        service,
        frozenset(names),
        timeout=timeout,
        remove=remove,
        dry_run=dry_run,
        clock=clock,
        sleep=clock.sleep,
        record=record,
    )
    return drained, [change for plan in plans for change in plan.changes]


def pool(table, service=eg.WEB):
    return table.read(SERVICES).services[service].destinations


def test_without_connections_it_goes_at_once(table, clock):
    drained, changes = run(table, clock, eg.ONE)
    quiet = DestinationSettings(0, Forwarding.MASQUERADE, 100, 50)
    assert changes == [
        EditDestination(eg.WEB, eg.ONE, OLD, quiet),
        RemoveDestination(eg.WEB, eg.ONE, quiet),
    ]
    assert clock.sleeps == []
    assert pool(table) == {eg.TWO: eg.QUIET, SIBLING: eg.DIRECT}
    assert pool(table, eg.DNS) == {eg.ONE: OLD}
    assert drained.state.services[eg.WEB].destinations == {}
    assert drained.left[eg.ONE].active == 0


def test_it_waits_until_the_last_connection_has_ended_and_no_longer(table, clock):
    table.host(clock, ONE=(1003.2, 0, 1, 0))
    drained, _changes = run(table, clock, eg.ONE)
    assert 1003.2 <= clock.now < 1004
    assert drained.left[eg.ONE].inactive == 0
    assert eg.ONE not in pool(table)


def test_nothing_new_arrives_while_it_waits(table, clock):
    weights = []
    table.host(clock, ONE=(1002, 1, 0, 0))
    sleep = clock.sleep

    def look(seconds):
        weights.append(pool(table)[eg.ONE].weight)
        sleep(seconds)

    clock.sleep = look
    run(table, clock, eg.ONE)
    assert set(weights) == {0}


def test_the_wait_ends_with_the_timeout_and_tells_what_is_left(table, clock):
    table.host(clock, ONE=(9999, 2, 3, 4))
    drained, _changes = run(table, clock, eg.ONE, timeout=7.3)
    assert clock.now == pytest.approx(1007.3)
    left = drained.left[eg.ONE]
    assert (left.active, left.inactive, left.persistent) == (2, 3, 4)
    assert eg.ONE not in pool(table)


def test_a_timeout_of_zero_does_not_wait(table, clock):
    table.host(clock, ONE=(9999, 1, 0, 0))
    drained, changes = run(table, clock, eg.ONE, timeout=0)
    assert clock.sleeps == []
    assert drained.left[eg.ONE].active == 1
    assert len(changes) == 2


def test_templates_of_persistence_are_not_waited_for(table, clock):
    table.host(clock, ONE=(9999, 0, 0, 7))
    drained, _changes = run(table, clock, eg.ONE)
    assert clock.sleeps == []
    assert drained.left[eg.ONE].persistent == 7


def test_connections_of_a_sibling_are_not_waited_for(table, clock):
    table.until[SIBLING] = (9999, 5, 5, 5)
    drained, _changes = run(table, clock, eg.ONE)
    assert clock.sleeps == []
    assert list(drained.left) == [eg.ONE]


def test_several_wait_for_the_last_of_them(table, clock):
    table.host(clock, ONE=(1002, 1, 0, 0), TWO=(1005, 1, 0, 0))
    drained, changes = run(table, clock, eg.ONE, eg.TWO)
    assert 1005 <= clock.now < 1006
    # One of them had weight 0 already.
    assert [type(change) for change in changes] == [
        EditDestination,
        RemoveDestination,
        RemoveDestination,
    ]
    assert list(drained.left) == [eg.ONE, eg.TWO]
    assert pool(table) == {SIBLING: eg.DIRECT}


def test_it_can_stay_with_weight_0(table, clock):
    table.host(clock, ONE=(1002, 1, 0, 0))
    drained, changes = run(table, clock, eg.ONE, remove=False)
    assert [type(change) for change in changes] == [EditDestination]
    assert 1002 <= clock.now < 1003
    assert pool(table)[eg.ONE].weight == 0
    assert drained.state.services[eg.WEB].destinations[eg.ONE].weight == 0
    assert run(table, clock, eg.ONE, remove=False)[1] == []


@pytest.mark.parametrize("remove", [True, False])
def test_a_dry_run_says_the_same_waits_for_nothing_and_changes_nothing(table, clock, remove):
    table.host(clock, ONE=(9999, 1, 0, 0))
    said, changes = run(table, clock, eg.ONE, eg.TWO, remove=remove, dry_run=True)
    assert clock.sleeps == []
    assert table.calls["apply"] == 0
    assert table.read(SERVICES).services == HAVE.services
    assert said.left[eg.ONE].active == 1
    done, changes_done = run(table, clock, eg.ONE, eg.TWO, remove=remove, timeout=0)
    assert changes == changes_done
    assert said.state.services == done.state.services


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_is_not_there_counts_as_drained(table, clock, dry_run):
    for service, name in ((eg.WEB, eg.THREE6), (eg.MARK, eg.ONE)):
        drained, changes = run(table, clock, name, service=service, dry_run=dry_run)
        assert changes == []
        assert dict(drained.left) == {}
    assert clock.sleeps == []


def test_one_that_is_removed_by_somebody_else_meanwhile_is_drained(table, clock):
    table.host(clock, ONE=(9999, 1, 0, 0))
    sleep = clock.sleep

    def remove(seconds):
        if eg.ONE in pool(table):
            table.apply([RemoveDestination(eg.WEB, eg.ONE, OLD)])
        sleep(seconds)

    clock.sleep = remove
    drained, changes = run(table, clock, eg.ONE)
    assert len(clock.sleeps) == 1
    assert [type(change) for change in changes] == [EditDestination]
    assert dict(drained.left) == {}


class TestOverlooked:
    """What is told before somebody takes a server for drained that has another port."""

    have = State({eg.WEB: Service(eg.WEB, eg.WLC, {eg.ONE: OLD, eg.TWO: OLD, AT_8080: OLD})})

    def told(self, *destinations, service=eg.WEB):
        return list(overlooked(MemoryTable.holding(self.have), service, destinations))

    def test_the_address_is_there_with_another_port(self):
        (warning,) = self.told(DestinationKey(AT_8080.address, eg.WEB.port))
        assert f"but {AT_8080} is; its port has to be said" in warning

    def test_what_is_there_is_and_what_is_not_is_gone(self):
        assert self.told(eg.ONE, DestinationKey("198.51.100.98", eg.WEB.port)) == []

    def test_whoever_says_a_port_means_it(self):
        assert self.told(DestinationKey(AT_8080.address, 8081)) == []

    def test_nobody_else_serves(self):
        (warning,) = self.told(eg.ONE, eg.TWO, AT_8080)
        assert (
            warning
            == f"no other destination of {eg.WEB} has a weight: its new connections are refused"
        )

    def test_what_is_quiet_takes_no_connections(self):
        self.have = State({eg.WEB: Service(eg.WEB, eg.WLC, {eg.ONE: OLD, eg.TWO: eg.QUIET})})
        assert len(self.told(eg.ONE)) == 1
        assert self.told(eg.TWO) == []
        self.have = State({eg.WEB: Service(eg.WEB, eg.WLC, {eg.ONE: eg.QUIET})})
        assert self.told(eg.ONE) == []

    def test_there_is_no_such_service(self):
        (warning,) = self.told(eg.ONE, eg.TWO, service=eg.DNS)
        assert warning.startswith(f"there is no virtual service {eg.DNS}")
