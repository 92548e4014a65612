from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils import task as task_file
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    Cause,
    Fault,
    InvalidValue,
    Refused,
    Unavailable,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.memory import (
    MemoryTable,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Role,
    Service,
    State,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import (
    Scope,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.table import (
    Outcome,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    DaemonWish,
    DestinationWish,
    ServiceWish,
    TableWish,
    TimeoutsWish,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.task import run
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)

WISH = TableWish((ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE),)),))
NO_IPVS = Unavailable(Cause.NO_IPVS, "this kernel has no IPVS")


class Ended(SystemExit):
    """The module has ended."""


class Module:
    """What a run needs of AnsibleModule."""

    def __init__(self, *, check_mode=False, diff=True, modprobe=(0, ""), **params):
        self.params = {"netns": None, **params}
        self.check_mode = check_mode
        self._diff = diff
        self.modprobe = modprobe
        self.commands = []
        self.warnings = []
        self.result = None

    def exit_json(self, **result):
        self.result = {**result, "failed": False}
        raise Ended

    def fail_json(self, **result):
        self.result = {**result, "failed": True}
        raise Ended

    def warn(self, text):
        self.warnings.append(text)

    def get_bin_path(self, name, opt_dirs):
        assert name == "modprobe"
        return None if self.modprobe is None else "/sbin/modprobe"

    def run_command(self, command):
        self.commands.append(command)
        return self.modprobe[0], "", self.modprobe[1]


class Kernel:
    """In place of KernelTable: gives out the table, or what stands against it."""

    def __init__(self):
        self.table = MemoryTable()
        self.against = []
        self.asked = []
        self.loads = []
        self.closed = 0
        self.table.close = self.close

    def close(self):
        self.closed += 1

    def __call__(self, netns, *, loads=True):
        self.asked.append(netns)
        self.loads.append(loads)
        if self.against:
            raise self.against.pop(0)
        return self.table


@pytest.fixture
def kernel(monkeypatch):
    stand_in = Kernel()
    monkeypatch.setattr(task_file, "KernelTable", stand_in)
    return stand_in


def do(module, work, **options):
    with pytest.raises(Ended):
        run(module, work, **options)
    return module.result


def reconcile(wish, scope=None):
    def work(task):
        plan = task.reconcile(wish, wish.scope() if scope is None else scope)
        task.exit(count=len(plan.changes))

    return work


def fails(error):
    def work(task):
        raise error

    return work


def test_what_was_done_is_told(kernel):
    result = do(Module(netns="blue"), reconcile(WISH))
    assert kernel.asked == ["blue"]
    assert result["failed"] is False
    assert result["changed"] is True
    assert result["count"] == 2
    assert [change["action"] for change in result["changes"]] == ["add_service", "add_destination"]
    assert result["diff"]["before"] == {}
    assert result["diff"]["after"] == {
        "tcp://192.0.2.1:80": "scheduler wlc",
        "tcp://192.0.2.1:80 -> 198.51.100.1:80": "weight 1, forwarding direct",
    }
    assert kernel.closed == 1


def test_a_second_run_changes_nothing(kernel):
    do(Module(), reconcile(WISH))
    result = do(Module(), reconcile(WISH))
    assert result["changed"] is False
    assert result["changes"] == []
    assert result["diff"]["before"] == result["diff"]["after"] == {}


def test_check_mode_says_the_same_and_writes_nothing(kernel):
    said = do(Module(check_mode=True), reconcile(WISH))
    assert kernel.table.calls["apply"] == 0
    assert said == do(Module(), reconcile(WISH))


def test_no_diff_unless_it_is_asked_for(kernel):
    assert "diff" not in do(Module(diff=False), reconcile(WISH))


def test_several_plans_are_one_diff_from_the_first_table_to_the_last(kernel):
    def work(task):
        for weight in (5, 0):
            wish = DestinationWish(eg.ONE, weight=weight)
            table = TableWish((ServiceWish(eg.WEB, destinations=(wish,)),))
            task.reconcile(table, table.scope())
        task.reconcile(TableWish(), Scope(destinations={eg.WEB: frozenset([eg.ONE])}))
        task.exit()

    do(Module(), reconcile(WISH))
    result = do(Module(), work)
    assert [change["action"] for change in result["changes"]] == [
        "edit_destination",
        "edit_destination",
        "remove_destination",
    ]
    assert result["diff"]["before"] == {
        "tcp://192.0.2.1:80 -> 198.51.100.1:80": "weight 1, forwarding direct"
    }
    assert result["diff"]["after"] == {}


def test_what_has_no_word_is_a_warning(kernel):
    kernel.table.read = lambda _scope: State({}, unreadable=("a virtual service: protocol 99",))
    module = Module(check_mode=True)
    do(module, reconcile(TableWish()))
    assert module.warnings == ["left alone, not understood: a virtual service: protocol 99"]


@pytest.mark.parametrize("pretends", [False, True])
def test_in_check_mode_what_the_host_would_refuse_is_told(kernel, monkeypatch, pretends):
    """Also where there is no IPVS yet, of which nothing can be asked then."""
    asked = []

    def foresee(changes, netns=None):
        asked.append(([change.action for change in changes], netns))
        return ["there is no nft"]

    kernel.table.foresee = foresee
    if pretends:
        kernel.against = [NO_IPVS]
        monkeypatch.setattr(task_file, "foresee", foresee)
        monkeypatch.setattr(task_file, "elsewhere", lambda _addresses, _netns: ["10.2.0.1"])
    wish = TableWish((ServiceWish(eg.WEB, local_addresses=("10.2.0.1",)),))
    module = Module(check_mode=True)
    assert do(module, reconcile(wish))["changed"]
    assert "this would fail: there is no nft" in module.warnings
    ((actions, _netns),) = asked
    assert ("track_connections" in actions) is not pretends
    assert "set_local_addresses" in actions
    assert any("not this host's: 10.2.0.1" in line for line in module.warnings) is pretends
    asked.clear()
    do(Module(), reconcile(wish))
    assert asked == []


def test_faults_of_the_input_are_told_without_asking_the_kernel(kernel):
    faults = [Fault("service", "no"), Fault("destinations[0].weight", "70000 is too much")]
    result = do(Module(), fails(InvalidValue(faults)))
    assert result == {
        "failed": True,
        "changed": False,
        "changes": [],
        "msg": "service: no\ndestinations[0].weight: 70000 is too much",
        "faults": [
            {"path": "service", "reason": "no"},
            {"path": "destinations[0].weight", "reason": "70000 is too much"},
        ],
    }
    assert kernel.asked == []


def test_one_refusal_of_one_change(kernel):
    wish = TableWish((ServiceWish(eg.WEB, scheduler="nosuch"),))
    result = do(Module(), reconcile(wish))
    assert result["failed"] is True
    assert result["changed"] is False
    assert result["changes"] == []
    (refused,) = result["refused"]
    assert refused["errno"] == 2
    assert refused["change"]["service"] == "tcp://192.0.2.1:80"
    assert refused["reason"] == result["msg"]
    assert "nosuch" in result["msg"]
    assert kernel.closed == 1


def test_a_refusal_after_something_was_done(kernel):
    wish = TableWish((ServiceWish(eg.WEB), ServiceWish(eg.DNS, scheduler="nosuch")))
    result = do(Module(), reconcile(wish))
    assert result["failed"] is True
    assert result["changed"] is True
    assert [change["service"] for change in result["changes"]] == ["tcp://192.0.2.1:80"]
    assert [one["change"]["service"] for one in result["refused"]] == ["udp://192.0.2.1:53"]


def test_what_an_earlier_plan_did_is_told_in_a_failure(kernel):
    def work(task):
        task.reconcile(WISH, WISH.scope())
        raise Unavailable(Cause.NO_ANSWER, "no answer")

    result = do(Module(), work)
    assert result["failed"] is True
    assert result["msg"] == "no answer"
    assert result["changed"] is True
    assert len(result["changes"]) == 2


def test_a_table_that_does_not_keep_what_it_takes(kernel):
    kernel.table.apply = lambda changes: Outcome(tuple(changes))
    result = do(Module(), reconcile(WISH))
    assert result["failed"] is True
    assert [change["action"] for change in result["differences"]] == [
        "add_service",
        "add_destination",
    ]


def test_a_table_that_cannot_be_read_back(kernel):
    read = kernel.table.read

    def read_once(scope):
        kernel.table.read = fails(Unavailable(Cause.NO_ANSWER, "no answer"))
        return read(scope)

    kernel.table.read = read_once
    result = do(Module(), reconcile(WISH))
    assert result["failed"] is True
    assert result["changed"] is True
    assert result["msg"] == "no answer\nchanges made before that: 2"
    assert [change["action"] for change in result["changes"]] == [
        "add_service",
        "add_destination",
    ]


def test_a_plan_that_goes_beyond_its_limits(kernel):
    def review(plan):
        raise Refused(plan, "too much")

    def work(task):
        task.reconcile(WISH, WISH.scope(), review=review)

    result = do(Module(), work)
    assert result["msg"] == "too much; nothing was changed"
    assert result["changed"] is False
    assert [change["action"] for change in result["refused_changes"]] == [
        "add_service",
        "add_destination",
    ]
    assert kernel.table.calls["apply"] == 0


@pytest.mark.parametrize(
    "cause, hint",
    [
        (Cause.NO_PRIVILEGE, " (become: true)"),
        (Cause.NO_NAMESPACE, ""),
        (Cause.NO_ANSWER, ""),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_what_keeps_from_the_table_is_a_failure(kernel, cause, hint, check_mode):
    kernel.against = [Unavailable(cause, "no way")]
    module = Module(check_mode=check_mode)
    assert do(module, reconcile(WISH))["msg"] == f"no way{hint}"
    assert module.commands == []


def test_without_ip_vs_check_mode_plans_against_an_empty_table_and_loads_nothing(kernel):
    kernel.against = [NO_IPVS]
    module = Module(check_mode=True)
    result = do(module, reconcile(WISH))
    assert result["changed"] is True
    assert module.warnings == ["this kernel has no IPVS; compared with an empty table instead"]
    assert module.commands == []
    assert kernel.asked == [None]
    assert kernel.loads == [False]


def test_without_ip_vs_it_is_loaded(kernel):
    kernel.against = [NO_IPVS]
    module = Module(netns="blue")
    assert do(module, reconcile(WISH))["changed"] is True
    assert module.commands == [["/sbin/modprobe", "ip_vs"]]
    assert kernel.asked == ["blue", "blue"]
    assert kernel.loads == [True, True]
    assert module.warnings == []


def test_who_only_reads_does_not_load_it(kernel):
    kernel.against = [NO_IPVS]
    module = Module()
    result = do(module, reconcile(WISH), loads=False)
    assert result["msg"] == "this kernel has no IPVS"
    assert module.commands == []
    assert kernel.loads == [False]


@pytest.mark.parametrize(
    "modprobe, said",
    [
        (None, "there is no modprobe on this host"),
        ((1, "not found\n"), "modprobe ip_vs said: not found"),
        ((5, ""), "modprobe ip_vs said: exit status 5"),
    ],
)
def test_where_it_cannot_be_loaded_the_reason_is_told(kernel, modprobe, said):
    kernel.against = [NO_IPVS]
    result = do(Module(modprobe=modprobe), reconcile(WISH))
    assert result["msg"] == f"this kernel has no IPVS; {said}"


def test_where_loading_it_did_not_help_that_is_told(kernel):
    kernel.against = [NO_IPVS, NO_IPVS]
    assert do(Module(), reconcile(WISH))["msg"] == "this kernel has no IPVS"


def test_an_interface_that_an_earlier_task_would_have_made(kernel):
    wish = TableWish(daemons=(DaemonWish(Role.MASTER, "eth9"),))
    module = Module(check_mode=True)
    result = do(module, reconcile(wish))
    assert [change["after"]["maxlen"] for change in result["changes"]] == [1472]
    (warning,) = module.warnings
    assert "there is no network interface 'eth9'" in warning
    result = do(Module(), reconcile(wish))
    assert [fault["path"] for fault in result["faults"]] == ["interface"]


def test_timeouts_are_planned_against_an_empty_table_too(kernel):
    kernel.against = [NO_IPVS]
    result = do(Module(check_mode=True), reconcile(TableWish(timeouts=TimeoutsWish(udp=60))))
    assert result["diff"]["before"] == {"timeouts": "tcp 900, tcp_fin 120, udp 300"}
    assert result["diff"]["after"] == {"timeouts": "tcp 900, tcp_fin 120, udp 60"}


def test_an_error_of_our_own_is_not_hidden(kernel):
    with pytest.raises(ZeroDivisionError):
        run(Module(), lambda task: task.table.read(Scope()) and 1 / 0)
    assert kernel.closed == 1


def test_weights_can_be_kept(kernel):
    def work(task):
        task.reconcile(wish, wish.scope(), keep_weights=True)
        task.exit()

    do(Module(), reconcile(WISH))
    wish = TableWish((ServiceWish(eg.WEB, destinations=(DestinationWish(eg.ONE, weight=9),)),))
    assert do(Module(), work)["changed"] is False
    assert kernel.table.read(Scope(services=frozenset([eg.WEB]))).services[eg.WEB] == Service(
        eg.WEB, eg.WLC, {eg.ONE: eg.DIRECT}
    )


def test_an_empty_name_of_a_namespace_is_not_the_hosts_own_table(kernel):
    result = do(Module(netns=""), reconcile(WISH))
    assert result["faults"] == [
        {"path": "netns", "reason": "is empty; leave it out for the host's own table"}
    ]
