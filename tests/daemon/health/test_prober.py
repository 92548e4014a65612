from __future__ import annotations

import asyncio
import socket
from itertools import pairwise

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.health.owner import (
    EVERY_10,
    Owner,
    distinct,
    listening,
    tcp,
)
from ansible_collections.lvs.ipvs.tests.daemon.health.servers import (
    Hurry,
    black_hole,
    closed_port,
    in_a_hurry,
)
from ipvsman.health.prober import JITTER, TICK
from ipvsman.health.spec import (
    Timing,
)


def test_every_check_is_made_again_and_again_within_the_jitter():
    async def main(loop: Hurry):
        owner = Owner(loop)
        with listening() as port:
            checks = distinct(20, port)
            owner.prober.assign(dict.fromkeys(checks, 0.0))
            await asyncio.sleep(300)
        await owner.prober.close()
        for check in checks:
            times = owner.times(check)
            assert len(times) >= 27
            gaps = [later - earlier for earlier, later in pairwise(times)]
            assert all(10 * (1 - JITTER) - TICK <= gap <= 10 * (1 + JITTER) + TICK for gap in gaps)
            assert max(gaps) - min(gaps) > 0.5
            assert 9.5 < sum(gaps) / len(gaps) < 10.5
        assert {message for _unused, _unused, _unused, message in owner.verdicts} == {"connected"}

    in_a_hurry(main)


def test_the_first_probes_are_spread():
    async def main(loop: Hurry):
        owner = Owner(loop)
        with listening() as port:
            begin = loop.time()
            checks = distinct(500, port)
            owner.prober.assign(dict.fromkeys(checks[:250], 0.0) | dict.fromkeys(checks[250:], 4.0))
            await asyncio.sleep(10.1)
        await owner.prober.close()
        first = {check: owner.times(check)[0] - begin for check in checks}
        for part, within in ((checks[:250], 10.0), (checks[250:], 4.0)):
            spread = sorted(first[check] for check in part)
            assert spread[0] >= 0
            assert spread[-1] <= within + TICK
            # Of ten equal parts of the time, each gets its share.
            for tenth in range(10):
                low, high = within * tenth / 10, within * (tenth + 1) / 10
                assert 8 <= sum(low <= when < high for when in spread) <= 50

    in_a_hurry(main)


def test_equal_checks_are_one_and_go_on_undisturbed():
    async def main(loop: Hurry):
        owner, other = Owner(loop), Owner(loop)
        with listening() as port:
            # With the same random numbers, the one that is assigned again and again does the same.
            owner.prober.assign({tcp(port): 5.0})
            other.prober.assign({tcp(port): 5.0})
            for _unused in range(100):
                await asyncio.sleep(0.77)
                owner.prober.assign({tcp(port): 0.001})
        await owner.prober.close()
        await other.prober.close()
        assert len(owner.verdicts) >= 7
        assert owner.verdicts == other.verdicts

    in_a_hurry(main)


def test_one_under_way_goes_on_if_it_is_still_wanted():
    async def main(loop: Hurry):
        owner = Owner(loop)
        begin = loop.time()
        with black_hole() as port:
            owner.prober.assign({tcp(port): 0.001})
            await asyncio.sleep(1)
            assert owner.prober.running == 1
            owner.prober.assign({tcp(port): 0.001, tcp(closed_port()): 8.0})
            assert owner.prober.running == 1
            await asyncio.sleep(2.1)
        await owner.prober.close()
        first = [entry for entry in owner.verdicts if "refused" not in entry[3]]
        ((when, _unused, ok, message),) = first
        assert (ok, message) == (False, "timed out after 3 s while connecting")
        assert when - begin == pytest.approx(3, abs=3 * TICK)

    in_a_hurry(main)


def test_the_owner_may_assign_while_it_judges():
    async def main(loop: Hurry):
        owner = Owner(loop)
        with listening() as port, black_hole() as hole:
            checks = [*distinct(300, port), tcp(hole)]
            judge = owner.judge

            def and_drop_the_others(check, verdict):
                owner.prober.assign({check: 0.0})
                return judge(check, verdict)

            owner.prober._judge = and_drop_the_others
            owner.prober.assign(dict.fromkeys(checks, 0.004))
            await asyncio.sleep(60)
            # And itself, too.
            owner.prober._judge = lambda *_unused: owner.prober.assign({}) or 1.0
            await asyncio.sleep(60)
        assert len({check for _unused, check, _unused, _unused in owner.verdicts}) == 1
        assert len(owner.verdicts) >= 5
        assert owner.prober.running == 0
        await owner.prober.close()

    in_a_hurry(main)


def test_what_takes_longer_than_its_interval_is_never_made_twice_at_a_time():
    async def main(loop: Hurry):
        owner = Owner(loop)
        timing = Timing(interval=1.0, timeout=3.0)
        with black_hole() as port:
            owner.prober.assign({tcp(port, timing=timing): 0.001})
            for _unused in range(300):
                await asyncio.sleep(0.1)
                assert owner.prober.running <= 1
        await owner.prober.close()
        gaps = [b - a for a, b in pairwise(owner.times(tcp(port, timing=timing)))]
        assert gaps == pytest.approx([3.0] * len(gaps), abs=0.05)
        assert len(gaps) >= 8

    in_a_hurry(main)


def test_after_a_standstill_each_is_made_once():
    async def main(loop: Hurry):
        owner = Owner(loop)
        with listening() as port:
            checks = distinct(200, port)
            owner.prober.assign(dict.fromkeys(checks, 0.0))
            await asyncio.sleep(20)
            owner.verdicts.clear()
            loop.now += 1000.0
            stood = loop.time()
            await asyncio.sleep(5)
        await owner.prober.close()
        assert len(owner.verdicts) == len(checks)
        assert len({check for _unused, check, _unused, _unused in owner.verdicts}) == len(checks)
        assert all(when - stood < 1 for when, _unused, _unused, _unused in owner.verdicts)
        assert owner.prober.lateness.cumulative()[-2][1] == owner.prober.lateness.count - 200

    in_a_hurry(main)


def test_thousands_due_at_once_leave_the_loop_its_turns():
    async def main():
        loop = asyncio.get_running_loop()
        owner = Owner(loop)
        turns = []

        async def others():
            while True:
                turns.append(len(owner.verdicts))
                await asyncio.sleep(0)

        with listening() as port:
            task = loop.create_task(others())
            owner.prober.assign(dict.fromkeys(distinct(1000, port), 0.002))
            async with asyncio.timeout(20):
                while len(owner.verdicts) < 1000:
                    await asyncio.sleep(0.01)
            task.cancel()
        await owner.prober.close()
        assert max(b - a for a, b in pairwise(turns)) <= 256

    asyncio.run(main())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_refused_and_accepted(host):
    async def main(loop: Hurry):
        owner = Owner(loop)
        with listening("::1" if host == "::1" else "0.0.0.0") as port:
            good, bad = tcp(port, host), tcp(closed_port(host), host)
            owner.prober.assign({good: 0.0, bad: 0.0})
            await asyncio.sleep(25)
        await owner.prober.close()
        assert {(check, ok, message) for _unused, check, ok, message in owner.verdicts} == {
            (good, True, "connected"),
            (bad, False, "connection refused"),
        }
        tally = owner.prober.tallies["tcp"]
        assert tally.finished["ok"] == len(owner.times(good))
        assert tally.finished["failed"] == len(owner.times(bad))
        assert tally.durations.count == tally.started == len(owner.verdicts)
        assert tally.running == 0

    in_a_hurry(main)


def test_accepted_and_reset_is_accepted():
    # Whether the reset is seen depends on who is quicker.
    async def main():
        loop = asyncio.get_running_loop()
        owner = Owner(loop)
        done = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            connects = owner.prober._connects
            connects._done = lambda _unused, number: done.append(number)
            connects.start(None, socket.AF_INET, listener.getsockname())
            peer, _unused = listener.accept()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            peer.close()
            async with asyncio.timeout(10):
                while not done:
                    await asyncio.sleep(0.01)
        await owner.prober.close()
        assert done == [0]

    asyncio.run(main())


def test_20_000_unchanged_checks_are_assigned_without_a_stir():
    async def main(loop: Hurry):
        owner = Owner(loop)

        def checks():
            return {
                tcp(80, f"10.{n // 60000}.{n // 250 % 250}.{n % 250}", EVERY_10): 10.0
                for n in range(20_000)
            }

        owner.prober.assign(checks())
        targets = dict(owner.prober._targets)
        owner.prober.assign(checks())
        assert all(owner.prober._targets[check] is target for check, target in targets.items())
        assert len(owner.prober._wheel) == 20_000
        owner.prober.assign({})
        assert len(owner.prober._wheel) == 0
        await owner.prober.close()

    in_a_hurry(main)
