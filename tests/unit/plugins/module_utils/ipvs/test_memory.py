"""The rules that laws lean on; that they are the kernel's is shown where there is a kernel."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest
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
    DEFAULT_TIMEOUTS,
    Counters,
    DestinationKey,
    State,
    Tunnel,
    TunnelKind,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plan import (
    plan,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    EVERYTHING,
    SERVICES,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from hypothesis import given

HELD = eg.state(
    eg.service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT}), eg.service(eg.DNS), daemons=(eg.BACKUP,)
)


@given(draws.states())
def test_what_was_put_in_is_read(held):
    assert eg.table_holding(held).read(EVERYTHING) == held


@given(draws.states())
def test_a_table_made_out_of_a_state_holds_it_and_leaves_it_alone(held):
    table = MemoryTable.holding(held)
    assert table.read(EVERYTHING) == held
    pools = {key: dict(service.destinations) for key, service in held.services.items()}
    table.apply(plan(held, eg.state(*map(eg.service, pools)), EVERYTHING).changes)
    assert {key: dict(service.destinations) for key, service in held.services.items()} == pools


def test_timeouts_that_a_state_does_not_say_are_the_kernels():
    assert MemoryTable.holding(State()).read(EVERYTHING).timeouts == DEFAULT_TIMEOUTS


def test_a_new_table_is_empty_and_has_the_kernels_timeouts():
    assert MemoryTable().read(EVERYTHING) == State({}, DEFAULT_TIMEOUTS, {})


GUE = replace(eg.TUNNELLED, tunnel=Tunnel(TunnelKind.GUE))


@pytest.mark.parametrize(
    "change, number",
    [
        (AddService(eg.WEB, eg.RR), errno.EEXIST),
        (AddService(eg.MARK, replace(eg.RR, scheduler="zzz")), errno.ENOENT),
        (AddService(eg.MARK, replace(eg.STICKY, engine="zzz")), errno.ENOENT),
        (EditService(eg.MARK, eg.WLC, eg.RR), errno.ESRCH),
        (EditService(eg.WEB, eg.WLC, replace(eg.RR, scheduler="zzz")), errno.ENOENT),
        (RemoveService(eg.MARK, eg.service(eg.MARK)), errno.ESRCH),
        (AddDestination(eg.MARK, eg.ONE, eg.DIRECT), errno.ESRCH),
        (AddDestination(eg.WEB, eg.ONE, eg.QUIET), errno.EEXIST),
        (AddDestination(eg.WEB, eg.TWO, replace(eg.DIRECT, lower=1)), errno.ERANGE),
        (AddDestination(eg.WEB, eg.TWO, replace(eg.DIRECT, weight=-1)), errno.ERANGE),
        (AddDestination(eg.WEB, eg.TWO, GUE), errno.EINVAL),
        (AddDestination(eg.WEB, DestinationKey("224.0.0.1", 80), eg.DIRECT), errno.EINVAL),
        (AddDestination(eg.WEB, eg.THREE6, eg.DIRECT), errno.EINVAL),
        # Beside a sync daemon there are no destinations of the other family.
        (AddDestination(eg.WEB, eg.THREE6, eg.TUNNELLED), errno.EINVAL),
        (EditDestination(eg.WEB, eg.TWO, eg.DIRECT, eg.QUIET), errno.ENOENT),
        (RemoveDestination(eg.WEB, eg.TWO, eg.DIRECT), errno.ENOENT),
        (RemoveDestination(eg.MARK, eg.TWO, eg.DIRECT), errno.ESRCH),
        (StartDaemon(eg.BACKUP), errno.EEXIST),
        (StartDaemon(replace(eg.MASTER, interface="eth9")), errno.ENODEV),
        (StopDaemon(eg.MASTER), errno.ESRCH),
    ],
    ids=str,
)
def test_what_the_kernel_refuses_is_refused_and_changes_nothing(change, number):
    table = eg.table_holding(HELD)
    outcome = table.apply([change])
    assert outcome.done == ()
    (refused,) = outcome.refused
    assert (refused.change, refused.errno) == (change, number)
    assert table.read(EVERYTHING) == HELD


def test_a_refused_change_does_not_stop_the_others():
    table = eg.table_holding(eg.EMPTY)
    wrong = RemoveService(eg.DNS, eg.service(eg.DNS))
    right = AddService(eg.WEB, eg.WLC), AddDestination(eg.WEB, eg.ONE, eg.DIRECT)
    outcome = table.apply([right[0], wrong, right[1]])
    assert outcome.done == right
    assert [refused.change for refused in outcome.refused] == [wrong]
    assert table.read(SERVICES).services == {
        eg.WEB: eg.service(eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT})
    }


def test_a_sync_daemon_does_not_start_beside_destinations_of_the_other_family():
    table = eg.table_holding(eg.state(eg.service(eg.WEB, eg.WLC, {eg.THREE6: eg.TUNNELLED})))
    (refused,) = table.apply([StartDaemon(eg.MASTER)]).refused
    assert refused.errno == errno.EINVAL


@pytest.mark.parametrize(
    "asked, started",
    [
        (
            replace(eg.MASTER, maxlen=0, port=0, ttl=0),
            replace(eg.MASTER, maxlen=1472, port=8848, ttl=1),
        ),
        (replace(eg.MASTER, interface="jumbo0", maxlen=0), replace(eg.MASTER, interface="jumbo0")),
        (
            replace(eg.BACKUP, interface="jumbo0", maxlen=0, port=9, ttl=9),
            replace(eg.BACKUP, interface="jumbo0", maxlen=8972, port=9, ttl=9),
        ),
        (replace(eg.BACKUP, maxlen=1), replace(eg.BACKUP, maxlen=1024)),
        (
            replace(eg.BACKUP, group="ff02::81", maxlen=65535),
            replace(eg.BACKUP, group="ff02::81", maxlen=65487),
        ),
    ],
)
def test_a_sync_daemon_starts_with_what_the_kernel_makes_of_it(asked, started):
    table = MemoryTable(draws.INTERFACES)
    assert not table.apply([StartDaemon(asked)]).refused
    assert table.read(EVERYTHING).daemons == {asked.role: started}


def test_what_is_asked_of_a_table_is_counted():
    table = MemoryTable()
    table.read(EVERYTHING)
    table.read(SERVICES)
    table.apply([])
    assert table.calls == {"read": 2, "apply": 1}


def test_what_was_read_does_not_change_with_the_table():
    table = eg.table_holding(HELD)
    before = table.read(EVERYTHING)
    table.apply([RemoveDestination(eg.WEB, eg.ONE, eg.DIRECT), StopDaemon(eg.BACKUP)])
    assert before == HELD


def test_a_flush_takes_services_alone():
    table = eg.table_holding(HELD)
    table.flush()
    assert table.read(EVERYTHING) == State({}, HELD.timeouts, HELD.daemons)


def test_nothing_was_ever_counted():
    table = eg.table_holding(HELD)
    counters = table.counters()
    assert set(counters) == {eg.WEB, eg.DNS}
    assert set(counters[eg.WEB].destinations) == {eg.ONE}
    assert counters[eg.WEB].traffic == counters[eg.WEB].destinations[eg.ONE].traffic == Counters()
    assert set(table.counters([eg.WEB, eg.MARK])) == {eg.WEB}
    assert list(table.connections()) == []


def test_only_a_service_that_is_there_can_be_zeroed():
    table = eg.table_holding(HELD)
    table.zero()
    table.zero(eg.WEB)
    with pytest.raises(KeyError):
        table.zero(eg.MARK)


def test_interfaces_have_an_mtu():
    table = MemoryTable({"eth0": 1500})
    assert table.mtu("eth0") == 1500
    assert table.mtu("lo") is None
