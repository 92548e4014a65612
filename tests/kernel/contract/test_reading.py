"""What every table tells: what the scope names, and what it has counted."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    StartDaemon,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Counters,
    DestinationCounters,
    Role,
    Service,
    ServiceCounters,
    State,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    ALL,
    EVERYTHING,
    SERVICES,
    Scope,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.table import Table
from samples import (
    A6,
    DNS,
    FRESH,
    MISSING,
    WEB,
    WEB6,
    A,
    B,
    C,
    daemon,
    direct,
    do,
    settings,
    settings6,
)


def filled(table: Table) -> None:
    do(
        table,
        AddService(WEB, settings()),
        AddService(DNS, settings()),
        AddService(WEB6, settings6()),
    )
    do(table, AddDestination(WEB, A, direct(1)), AddDestination(WEB, B, direct(2)))
    do(table, AddDestination(DNS, A, direct(3)), AddDestination(WEB6, A6, direct(4)))
    do(table, StartDaemon(daemon(Role.MASTER, "eth0")))
    do(table, StartDaemon(daemon(Role.BACKUP, "eth0")))


WHOLE_WEB = Service(WEB, settings(), {A: direct(1), B: direct(2)})
WHOLE_DNS = Service(DNS, settings(), {A: direct(3)})
WHOLE_WEB6 = Service(WEB6, settings6(), {A6: direct(4)})


@pytest.mark.parametrize(
    "scope, expected",
    [
        (Scope(), State()),
        (Scope(timeouts=True), State(timeouts=FRESH)),
        (
            Scope(daemons=frozenset([Role.BACKUP])),
            State(daemons={Role.BACKUP: daemon(Role.BACKUP, "eth0")}),
        ),
        (SERVICES, State({WEB: WHOLE_WEB, DNS: WHOLE_DNS, WEB6: WHOLE_WEB6})),
        # A service that is owned has its whole pool, since that goes with it.
        (Scope(frozenset([DNS, MISSING])), State({DNS: WHOLE_DNS})),
        (Scope(destinations={WEB: ALL}), State({WEB: WHOLE_WEB})),
        (
            Scope(destinations={WEB: frozenset([B, C]), MISSING: frozenset([A])}),
            State({WEB: Service(WEB, settings(), {B: direct(2)})}),
        ),
        (
            Scope(frozenset([WEB6]), {DNS: frozenset()}),
            State({WEB6: WHOLE_WEB6, DNS: Service(DNS, settings())}),
        ),
    ],
    ids=[
        "nothing",
        "timeouts",
        "one role",
        "all services",
        "one service",
        "one pool",
        "one destination",
        "one of each",
    ],
)
def test_what_is_read_is_what_the_scope_names(table: Table, scope: Scope, expected: State) -> None:
    filled(table)
    assert table.read(scope) == expected


def test_what_is_new_has_counted_nothing(table: Table) -> None:
    filled(table)
    still = DestinationCounters(0, 0, 0, Counters())
    of_web = ServiceCounters(Counters(), {A: still, B: still})
    assert table.counters([WEB]) == {WEB: of_web}
    assert table.counters()[WEB] == of_web
    assert set(table.counters()) == {WEB, DNS, WEB6}


def test_what_is_missing_has_no_counters(table: Table) -> None:
    filled(table)
    assert set(table.counters([MISSING, DNS])) == {DNS}
    assert table.counters([MISSING]) == {}
    assert table.counters([]) == {}


def test_zeroing_leaves_the_table_as_it_is(table: Table) -> None:
    filled(table)
    before = table.read(EVERYTHING)
    table.zero()
    table.zero(WEB)
    assert table.read(EVERYTHING) == before


def test_what_is_missing_cannot_be_zeroed(table: Table) -> None:
    with pytest.raises(KeyError) as missing:
        table.zero(MISSING)
    assert missing.value.args == (MISSING,)
