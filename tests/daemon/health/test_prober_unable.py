"""Probes that cannot be made, or not yet: what this host lacks is no verdict."""

from __future__ import annotations

import asyncio
import errno
import logging
import resource

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
    in_a_hurry,
)
from ipvsman.health import kinds
from ipvsman.health.spec import (
    Check,
    CommandProbe,
    HttpProbe,
    IcmpProbe,
    Timing,
)


def test_without_descriptors_there_is_no_verdict(caplog):
    async def main(loop: Hurry):
        owner = Owner(loop)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with listening() as port:
            checks = [*distinct(50, port), Check(HttpProbe("127.0.0.1", port), EVERY_10)]
            kinds.maker(checks[-1].probe)
            owner.prober.assign(dict.fromkeys(checks, 0.0))
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                await asyncio.sleep(25)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert owner.verdicts == []
            assert len(owner.refused) >= 2 * len(checks)
            assert {why for _unused, why in owner.refused} == {
                "this process has no file descriptors left"
            }
            owner.prober.assign(dict.fromkeys(checks[:50], 0.0))
            await asyncio.sleep(12)
        await owner.prober.close()
        assert {check for _unused, check, _unused, _unused in owner.verdicts} == set(checks[:50])
        assert owner.prober.tallies["tcp"].finished["unable"] >= 100

    with caplog.at_level(logging.WARNING):
        in_a_hurry(main)
    # Thousands of checks must not flood the log.
    assert 1 <= len([record for record in caplog.records if "cannot probe" in record.message]) <= 3


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, errno.ENOBUFS])
def test_what_this_host_lacks_is_no_verdict(number, monkeypatch):
    async def main(loop: Hurry):
        owner = Owner(loop)

        def start(target, *_unused):
            owner.prober._connected(target, number)

        monkeypatch.setattr(owner.prober._connects, "start", start)
        owner.prober.assign({tcp(1): 0.0})
        await asyncio.sleep(25)
        await owner.prober.close()
        assert owner.verdicts == []
        assert len(owner.refused) >= 2

    in_a_hurry(main)


def test_a_fault_of_ours_is_no_verdict_and_stops_nothing_else(monkeypatch, caplog):
    async def main(loop: Hurry):
        owner = Owner(loop)

        async def broken(*_unused):
            raise ZeroDivisionError("oops")

        monkeypatch.setattr("ipvsman.health.checks.icmp.check", broken)
        with listening() as port:
            bad, good = Check(IcmpProbe("127.0.0.1"), EVERY_10), tcp(port)
            judge = owner.judge

            def faulty(check, verdict):
                judge(check, verdict)
                raise RuntimeError("the owner's fault")

            owner.prober._judge = faulty
            owner.prober.assign({bad: 0.0, good: 0.0})
            await asyncio.sleep(55)
            verdict = await owner.prober.probe_once(bad.probe, 1.0)
            assert verdict.message.startswith("cannot be probed: fault of this program")
        await owner.prober.close()
        assert len(owner.times(good)) >= 4
        assert owner.times(bad) == []
        assert len(owner.refused) >= 4

    in_a_hurry(main)
    assert "ZeroDivisionError" in caplog.text
    assert "the owner's fault" in caplog.text


def test_only_so_many_commands_at_once(tmp_path):
    file = tmp_path / "log"
    script = f"echo + >> {file}; sleep 0.2; echo - >> {file}"
    timing = Timing(interval=100, fast_interval=100, timeout=10)

    async def main():
        owner = Owner(asyncio.get_running_loop(), command_slots=2)
        checks = [Check(CommandProbe(("/bin/sh", "-c", script), port=n), timing) for n in range(6)]
        owner.prober.assign(dict.fromkeys(checks, 0.001))
        async with asyncio.timeout(60):
            while len(owner.verdicts) < 6:
                await asyncio.sleep(0.02)
                assert owner.prober.running <= 2
        await owner.prober.close()
        assert all(ok for _unused, _unused, ok, _unused in owner.verdicts)
        # The last two waited for two others each time: late, not slow.
        assert owner.prober.lateness.count == 6
        assert owner.prober.lateness.cumulative()[3][1] <= 4

    asyncio.run(main())
    running = 0
    for line in file.read_text().splitlines():
        running += 1 if line == "+" else -1
        assert 0 <= running <= 2
