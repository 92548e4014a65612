"""A real server out of everything and back in, on a table and beside a daemon in memory."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.director.daemon import DaemonError, NoDaemon
from ansible_collections.lvs.ipvs.plugins.module_utils.director.maintenance import (
    Director,
    LastOne,
    Notes,
    NotesFile,
    backends_of,
    idle_backends,
    places,
    served_by_nobody_else,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.document import Reader
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.memory import MemoryTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import SERVICES
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import resolve

MINE = {"10.0.0.11", "fd00::11"}
TABLE = {
    "services": [
        {
            "service": "tcp://192.0.2.1:80",
            "destinations": [
                {"address": "10.0.0.11", "weight": 3},
                {"address": "10.0.0.12", "weight": 5},
            ],
        },
        {
            "service": "tcp://[2001:db8::1]:443",
            "destinations": [{"address": "fd00::11", "port": 443, "weight": 7}],
        },
        {"service": "udp://192.0.2.1:53", "destinations": [{"address": "10.0.0.12"}]},
        {"service": "tcp://192.0.2.1:25", "destinations": [{"address": "10.0.0.11", "weight": 0}]},
    ]
}


class FakeDaemon:
    """Has what it is told; None for services: no daemon."""

    def __init__(self, services=None, **said):
        self.services = services
        self.said = dict(said.get("said", {}))
        self.refuses = False
        self.warns = []

    def get(self, path, *_also):
        if self.services is None:
            raise NoDaemon("no daemon listens")
        if path.startswith("/v1/status"):
            return {"services": self.services}
        assert path == "/v1/overrides"
        return {
            "overrides": [
                {"level": "backend", "name": name, "disabled": out}
                for name, out in self.said.items()
            ]
        }

    def do(self, method, path, body=None, *also):
        if self.refuses:
            raise DaemonError("no")
        if method == "POST":
            self.said[body["name"]] = body["disabled"]
            return {"ok": True, "warnings": self.warns}
        if path.split("?")[0].removeprefix("/v1/overrides/backend/") in self.said:
            del self.said[path.split("?")[0].removeprefix("/v1/overrides/backend/")]
            return {"ok": True}
        assert 404 in also
        return {"error": "not found"}


WEB = {
    "group": "web",
    "frontend_name": "http",
    "service": "tcp://192.0.2.1:80",
    "backends": [
        {"ip": "10.0.0.11", "port": 80, "weight": 3, "live_weight": 3, "reason": "up"},
        {"ip": "10.0.0.12", "port": 80, "weight": 5, "live_weight": 0, "reason": "down: x"},
    ],
}


@pytest.fixture
def table():
    reader = Reader()
    wish = reader.table(TABLE)
    reader.finish()
    memory = MemoryTable()
    reconcile(memory, lambda now: resolve(wish, now, memory.mtu), SERVICES)
    return memory


def weights(table):
    return {
        f"{key} {name}": settings.weight
        for key, service in table.read(SERVICES).services.items()
        for name, settings in service.destinations.items()
    }


class Run:
    """Runs on one director, each as a process of its own would."""

    def __init__(self, table, daemon, folder, *, dry_run=False):
        self.plans = []
        self.file = NotesFile("real1", str(folder))

        def record(plan):
            self.plans.append(plan)
            return plan

        self.director = Director(table, daemon, dry_run, record)

    def out(self):
        return self.director.take_out(MINE, self.file.read(), self.file, "maintenance")

    def back(self):
        return self.director.bring_in(MINE, self.file.read(), self.file)

    def changed(self, told):
        return any(self.plans) or bool(told)


def test_without_a_daemon(table, tmp_path):
    before = weights(table)
    run = Run(table, FakeDaemon(), tmp_path)
    mine, told = run.out()
    assert sorted(map(str, mine)) == [
        "tcp://192.0.2.1:25",
        "tcp://192.0.2.1:80",
        "tcp://[2001:db8::1]:443",
    ]
    assert told == []
    assert weights(table) == {
        **before,
        "tcp://192.0.2.1:80 10.0.0.11:80": 0,
        "tcp://[2001:db8::1]:443 [fd00::11]:443": 0,
    }
    # Once more, which changes nothing and forgets nothing.
    again = Run(table, FakeDaemon(), tmp_path)
    _mine, told = again.out()
    assert not again.changed(told)
    # What was 0 before stays so.
    Run(table, FakeDaemon(), tmp_path).back()
    assert weights(table) == before
    assert list(tmp_path.iterdir()) == []
    last = Run(table, FakeDaemon(), tmp_path)
    _mine, told = last.back()
    assert not last.changed(told)


def test_what_is_the_daemons_is_left_to_it(table, tmp_path):
    daemon = FakeDaemon([WEB])
    before = weights(table)
    _mine, told = Run(table, daemon, tmp_path).out()
    assert told == ["web/10.0.0.11:80"]
    assert daemon.said == {"web/10.0.0.11:80": True}
    # Its service is not touched; the one that it does not have is.
    assert weights(table) == {**before, "tcp://[2001:db8::1]:443 [fd00::11]:443": 0}
    Run(table, daemon, tmp_path).back()
    assert daemon.said == {}
    assert weights(table) == before


def test_what_the_daemon_warns_of_is_told(table, tmp_path):
    daemon = FakeDaemon([WEB])
    daemon.warns = ["web/http has nothing left"]
    run = Run(table, daemon, tmp_path)
    run.out()
    assert run.director.warnings == daemon.warns
    again = Run(table, daemon, tmp_path)
    again.back()
    assert again.director.warnings == []


@pytest.mark.parametrize("said", [True, False])
def test_what_the_operator_said_before_is_said_again(table, tmp_path, said):
    daemon = FakeDaemon([WEB], said={"web/10.0.0.11:80": said})
    _mine, told = Run(table, daemon, tmp_path).out()
    assert told == ([] if said else ["web/10.0.0.11:80"])
    Run(table, daemon, tmp_path).back()
    assert daemon.said == {"web/10.0.0.11:80": said}


def test_what_somebody_took_back_meanwhile_is_no_fault(table, tmp_path):
    daemon = FakeDaemon([WEB])
    Run(table, daemon, tmp_path).out()
    daemon.said.clear()
    Run(table, daemon, tmp_path).back()
    assert daemon.said == {}


def test_a_rehearsal_changes_nothing(table, tmp_path):
    daemon = FakeDaemon([WEB])
    before = weights(table)
    run = Run(table, daemon, tmp_path, dry_run=True)
    _mine, told = run.out()
    assert run.changed(told)
    assert (weights(table), daemon.said, list(tmp_path.iterdir())) == (before, {}, [])


def test_who_is_in_a_fallback_is_taken_out_as_well():
    rows = [{**WEB, "fallback": [{"ip": "10.0.0.99", "port": 80}]}]
    assert backends_of(rows, {"10.0.0.99"}) == {"web/10.0.0.99:80": "tcp://192.0.2.1:80"}
    assert backends_of([WEB], {"10.0.0.99"}) == {}


def test_the_last_one_is_not_taken_out(table, tmp_path):
    before = weights(table)
    run = Run(table, FakeDaemon(), tmp_path)
    with pytest.raises(LastOne, match=r"^nobody else serves tcp://\[2001:db8::1\]:443$"):
        run.director.take_out(MINE, run.file.read(), run.file, "", keep_last=True)
    assert weights(table) == before
    assert list(tmp_path.iterdir()) == []
    # With weight there once more, by two; and the one that nobody serves anyway is no matter.
    run.director.take_out({"10.0.0.11"}, run.file.read(), run.file, "", keep_last=True)
    assert weights(table)["tcp://192.0.2.1:80 10.0.0.11:80"] == 0
    # Out is out: nothing is taken from anybody.
    run.director.take_out({"10.0.0.11"}, run.file.read(), run.file, "", keep_last=True)


@pytest.mark.parametrize(
    "entry, refused",
    [
        ({"ip": "10.0.0.99", "weight": 1, "why": "up"}, False),
        ({"ip": "10.0.0.99", "weight": 1, "why": "no_quorum"}, False),
        ({"ip": "10.0.0.99", "weight": 1, "why": "down"}, True),
        ({"ip": "10.0.0.99", "weight": 0, "why": "up"}, True),
        ({"ip": "10.0.0.12", "weight": 1, "why": "up"}, True),
    ],
)
def test_a_fallback_is_somebody_else(table, entry, refused):
    both = {"10.0.0.11", "10.0.0.12"}
    state = table.read(SERVICES)
    mine = {key: names for key, names in places(state, both).items() if str(key) == WEB["service"]}
    rows = [{**WEB, "fallback": [{**entry, "port": 80}]}]
    assert bool(served_by_nobody_else(state, mine, rows, both)) is refused


def test_what_was_begun_is_noted_before(table, tmp_path):
    """A daemon that refuses half-way: a later run can undo what there is to undo."""
    daemon = FakeDaemon([WEB])
    daemon.refuses = True
    with pytest.raises(DaemonError):
        Run(table, daemon, tmp_path).out()
    assert NotesFile("real1", str(tmp_path)).read().overrides == {"web/10.0.0.11:80": None}


def test_a_name_is_no_path(tmp_path):
    file = NotesFile("../real/1", str(tmp_path))
    file.write(Notes({"a": None}))
    assert [path.parent for path in tmp_path.rglob("*.json")] == [tmp_path]
    assert file.read() == Notes({"a": None})


@pytest.mark.parametrize("text", ["", "[]", '{"overrides": {}}'])
def test_notes_that_cannot_be_read(tmp_path, text):
    (tmp_path / "real1.json").write_text(text, encoding="utf-8")
    with pytest.raises(DaemonError, match=r"real1\.json cannot be read"):
        NotesFile("real1", str(tmp_path)).read()


def test_where_it_has_no_weight_yet():
    assert idle_backends([WEB], MINE) == []
    assert idle_backends([WEB], {"10.0.0.12"}) == ["web/http: 10.0.0.12:80: down: x"]


def test_waiting(table):
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    director = Director(table, FakeDaemon(), False, lambda plan: plan, lambda: now[0], sleep)
    assert director.wait_until(lambda: now[0] >= 2, 3)
    assert not director.wait_until(lambda: False, 3)
    assert now[0] == 5.0
