from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    GOOD,
    VIP,
    config,
    frontend,
    messages,
    row,
    vip,
)
from ansible_collections.lvs.ipvs.tests.daemon.control.surroundings import A, B
from ipvsman.control.account import Account
from ipvsman.control.desk import Desk
from ipvsman.control.journal import Kind
from ipvsman.control.overrides import Level, Subject
from ipvsman.control.store import StoreError

GROUP = Subject(Level.GROUP, "web")


class Settling:
    """A keeper that has made everything true, or not yet."""

    def __init__(self):
        self.account = Account()
        self.alive = True
        self.published = self.settled = 0

    def publish(self, _newest, _services=None):
        self.published += 1

    def is_settled(self, number):
        return self.settled >= number


class Probe:
    """A prober for whom all is well."""

    async def probe_once(self, probe, timeout):
        self.asked = probe, timeout
        return GOOD


@pytest.fixture
def desk(around):
    # The director tells the same keeper as the desk asks.
    around.keeper = Settling()
    around.director._keeper = around.keeper
    around.prober = Probe()
    around.begin()
    parts = (around.director, around.keeper, None, around.journal, around.prober, None)
    return Desk(*parts, around.clock)


class TestReady:
    def test_is_when_a_pass_has_ended_without_a_fault_and_the_keeper_lives(self, around, desk):
        assert not desk.is_ready()
        around.keeper.account = account = Account(passed=1.0)
        assert desk.is_ready()
        around.keeper.account = replace(account, trouble="no ip_vs")
        assert not desk.is_ready()
        around.keeper.account, around.keeper.alive = account, False
        assert not desk.is_ready()

    def test_settled_is_what_was_published_before_one_asked(self, around, desk):
        async def ask():
            asked = asyncio.create_task(desk.settled(30.0))
            await asyncio.sleep(0)
            around.keeper.settled = around.keeper.published
            # What comes later is not waited for.
            around.keeper.publish(None)
            return await asked

        assert asyncio.run(ask())

    def test_who_has_waited_long_enough_is_told_no(self, desk):
        assert not asyncio.run(desk.settled(0.0))


class TestAsking:
    def test_who_takes_out_the_last_is_warned_and_told_that_it_is_forgotten(self, around, desk):
        def refuse(name, _data):
            raise StoreError(f"{name}.json cannot be written: No space left on device")

        around.store.write = refuse
        around.director.beliefs.judge(around.check(A), GOOD)
        alone, forgotten = desk.override(GROUP, True)
        assert alone == f"{VIP} (web/front) has no backend left that gets connections"
        assert forgotten.startswith("it is in force, and a restart forgets it: overrides.json")
        # The fault of the disk is told by the notes.
        assert messages(around.journal, Kind.OVERRIDE) == [
            "group web disabled by operator",
            alone,
        ]

    def test_what_nobody_has_said_cannot_be_taken_back(self, desk):
        assert desk.release(GROUP) is None
        desk.override(GROUP, True)
        assert desk.release(GROUP) == []
        assert desk.release(GROUP) is None

    def test_a_reload_waits_for_drop_ins_that_are_being_written(self, around, desk):
        written = threading.Event()
        order = []
        around.next = config(frontend(A))

        def write():
            order.append("write")
            assert written.wait(10.0)
            order.append("written")

        async def main():
            replacing = asyncio.create_task(desk.replace_config(write))
            reloading = asyncio.create_task(desk.reload())
            while not order:
                await asyncio.sleep(0.001)
            assert not reloading.done()
            assert desk.generation == 1
            written.set()
            return await replacing, await reloading

        replaced, reloaded = asyncio.run(main())
        assert order == ["write", "written"]
        assert (replaced.generation, reloaded.generation) == (2, 2)
        assert desk.reloads == (2, 0)

    def test_a_probe_beside_the_schedule_has_its_own_time(self, around, desk):
        ((_pool, member), *_others) = desk.members()
        assert asyncio.run(desk.probe(member)) == GOOD
        assert around.prober.asked == (member.check.probe, member.check.timing.timeout)
        assert asyncio.run(desk.probe(replace(member, check=None))) is None


def test_members_come_in_numeric_order_and_each_once(around, desk):
    second = frontend("10.0.0.10", "10.0.0.9", name="b", services=(vip(2),))
    first = frontend(B, fallback=(row(A), row(B)))
    around.reload(config(second, first))
    found = [(pool.service, member.key.address) for pool, member in desk.members()]
    assert found == [(VIP, A), (VIP, B), (vip(2), "10.0.0.9"), (vip(2), "10.0.0.10")]
