from __future__ import annotations

import asyncio
import logging
import resource
import signal

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import foreign
from ipvsman import service
from ipvsman.config.model import Complaint, Origin
from ipvsman.ipvs.errors import Cause, Unavailable
from ipvsman.ipvs.memory import MemoryTable

GROUP = """\
group: web
vip: 192.0.2.1
healthcheck: {type: tcp, interval: 60}
frontends: [{name: front, proto: tcp, port: 80, scheduler: rr}]
backends: [{address: 127.0.0.1}]
"""


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "etc" / "groups").mkdir(parents=True)
    (tmp_path / "etc" / "groups" / "web.yaml").write_text(GROUP)
    before = signal.getsignal(signal.SIGHUP)
    yield service.Settings(
        config_dir=tmp_path / "etc",
        state_dir=tmp_path / "state",
        lock_file=str(tmp_path / "lock"),
        faces=service.Faces(tmp_path / "etc", None),
    )
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def table(monkeypatch):
    """A table in memory in the kernel's place."""
    made = MemoryTable()
    monkeypatch.setattr(service, "KernelTable", lambda netns: made)
    return made


def test_an_unchanged_configuration_has_its_warnings_once(settings, monkeypatch):
    warning = Complaint(Origin("x"), "", "the kernel does otherwise")
    monkeypatch.setattr(service, "kernel_warnings", lambda config, sysctls: (warning,))
    config = service._read_config(settings)
    assert config.warnings == (warning,)
    for _unused in range(3):
        config = service._read_config(settings, config)
    assert config.warnings == (warning,)
    (settings.config_dir / "groups" / "web.yaml").write_text(
        GROUP.replace("192.0.2.1", "192.0.2.2")
    )
    assert service._read_config(settings, config).warnings == (warning,)


def ended_by(work):
    """Something that is done a moment after the daemon has begun."""

    class Daemon(service._Daemon):
        def _listen(self, desk):
            super()._listen(desk)
            work(self)

    return Daemon


def run(settings, monkeypatch, work):
    monkeypatch.setattr(service, "_Daemon", ended_by(work))
    return service.run(settings)


def test_a_signal_ends_it_well(settings, table, monkeypatch):
    foreign(table, "tcp://203.0.113.9:25", "10.0.0.1")
    assert run(settings, monkeypatch, lambda daemon: signal.raise_signal(signal.SIGTERM)) == 0
    # Its own service may be there by now or not; nothing was removed.
    assert "tcp://203.0.113.9:25" in map(str, table.services())


@pytest.mark.parametrize(
    "soft, hard, wanted",
    [
        (1024, 524288, 65536),
        (1024, 4096, 4096),
        (1024, resource.RLIM_INFINITY, 65536),
        (100000, 524288, None),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None),
    ],
)
def test_it_may_have_as_many_descriptors_as_it_can_need(
    settings, table, monkeypatch, soft, hard, wanted
):
    said = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: said.append(limits))
    assert run(settings, monkeypatch, lambda daemon: signal.raise_signal(signal.SIGTERM)) == 0
    assert said == ([] if wanted is None else [(wanted, hard)])


def test_a_timer_that_dies_ends_it_with_a_status_that_has_it_started_anew(
    settings, table, monkeypatch, caplog
):
    async def die():
        raise ZeroDivisionError("a fault of ours")

    assert run(settings, monkeypatch, lambda daemon: daemon._go(die())) == service.INTERNAL
    assert "ending: internal error" in caplog.text
    assert "a fault of ours" in caplog.text


def test_a_dead_keeper_ends_it_too(settings, table, monkeypatch, caplog):
    monkeypatch.setattr(service, "_TICK", 0.01)
    assert run(settings, monkeypatch, lambda daemon: daemon._keeper.stop(5.0)) == service.INTERNAL
    assert "the thread that keeps the kernel's table has ended" in caplog.text


def test_a_keeper_that_is_stuck_does_not_feed_the_watchdog(settings, table, monkeypatch):
    fed = []
    monkeypatch.setattr(service.Notifier, "alive", lambda self: fed.append(1))
    monkeypatch.setattr(service.Keeper, "is_stuck", True)

    def work(daemon):
        for _unused in range(3):
            daemon._tick()
        assert fed == []
        monkeypatch.setattr(service.Keeper, "is_stuck", False)
        daemon._tick()
        daemon._ending.set()

    assert run(settings, monkeypatch, work) == 0
    assert fed == [1]


def test_many_signals_to_reload_make_two_reloads(settings, table, monkeypatch):
    reloads = []

    class Desk:
        async def reload(self):
            reloads.append(1)
            await asyncio.sleep(0)

    def work(daemon):
        desk = Desk()
        for _unused in range(100):
            daemon._ask_for_reload(desk)

        async def look():
            while daemon._reloads_wanted:
                await asyncio.sleep(0)
            daemon._ending.set()

        daemon._go(look())

    assert run(settings, monkeypatch, work) == 0
    assert len(reloads) == 2


def test_a_signal_to_reload_before_there_is_anybody_to_take_it_ends_nothing(settings, monkeypatch):
    def table(netns):
        signal.raise_signal(signal.SIGHUP)
        raise Unavailable(Cause.NO_IPVS, "no ip_vs")

    monkeypatch.setattr(service, "KernelTable", table)
    assert service.run(settings) == service.NO_KERNEL


def test_why_it_does_not_start_is_told_in_one_line(settings, monkeypatch, caplog):
    def table(netns):
        raise Unavailable(Cause.NO_PRIVILEGE, "the kernel does not let us")

    monkeypatch.setattr(service, "KernelTable", table)
    with caplog.at_level(logging.INFO):
        assert service.run(settings) == service.NO_KERNEL
    (record,) = caplog.records
    assert record.getMessage().startswith("not started: the kernel does not let us; ")


class TestLastGood:
    """A start that finds faulty drop-ins."""

    @pytest.fixture
    def faulty(self, settings, table, monkeypatch):
        with monkeypatch.context() as patch:
            run(settings, patch, lambda daemon: signal.raise_signal(signal.SIGTERM))
        file = settings.config_dir / "groups" / "web.yaml"
        file.write_text(GROUP.replace("192.0.2.1", "not an address"))
        return file

    def test_goes_on_with_what_was_good_and_says_so(
        self, settings, table, monkeypatch, faulty, caplog
    ):
        seen = []

        def look(daemon):
            director = daemon._director
            seen.append((director.config.frontends[0].group, director.reloads.last.error))
            signal.raise_signal(signal.SIGTERM)

        assert run(settings, monkeypatch, look) == 0
        [(group, error)] = seen
        assert group == "web"
        assert "web.yaml" in error
        assert "not an address" in error
        [alert] = [record for record in caplog.records if record.levelno == logging.CRITICAL]
        assert "last good" in alert.getMessage()

    def test_ends_when_the_drop_ins_are_mended(self, settings, table, monkeypatch, faulty):
        reloads = []

        def mend(daemon):
            async def reload():
                reloads.append(await daemon._director.reload())
                faulty.write_text(GROUP)
                reloads.append(await daemon._director.reload())
                daemon._ending.set()

            daemon._go(reload())

        assert run(settings, monkeypatch, mend) == 0
        assert [bool(reload.error) for reload in reloads] == [True, False]

    def test_is_none_without_a_good_one(self, settings, table, monkeypatch, faulty):
        (settings.state_dir / "last-good").unlink()
        assert service.run(settings) == service.BAD_CONFIG
