"""Probes that are no longer wanted, and the end of them all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.health.owner import (
    Owner,
    listening,
    tcp,
)
from ansible_collections.lvs.ipvs.tests.daemon.health.servers import (
    black_hole,
    children,
    is_silent,
    serving,
)
from ipvsman.health.spec import (
    Check,
    CommandProbe,
    DnsProbe,
    HttpProbe,
    IcmpProbe,
    TcpProbe,
    Timing,
    Tls,
    TlsProbe,
    UdpProbe,
)

HANGING = [
    lambda port: TcpProbe("127.0.0.1", port, expect=b"x"),
    lambda port: HttpProbe("127.0.0.1", port),
    lambda port: HttpProbe("127.0.0.1", port, tls=Tls()),
    lambda port: TlsProbe("127.0.0.1", port, Tls()),
    lambda port: DnsProbe("127.0.0.1", port, "www.example", over_tcp=True),
]


@pytest.mark.parametrize("hanging", HANGING)
def test_what_is_no_longer_wanted_is_stopped_at_once(hanging):
    async def main():
        loop = asyncio.get_running_loop()
        owner = Owner(loop)
        async with serving(is_silent) as port:
            with black_hole() as hole:
                probes = [hanging(port), TcpProbe("127.0.0.1", hole)]
                checks = [Check(probe, Timing(timeout=0.5)) for probe in probes]
                owner.prober.assign(dict.fromkeys(checks, 0.001))
                async with asyncio.timeout(10):
                    while owner.prober.running < 2:
                        await asyncio.sleep(0.005)
                owner.prober.assign({})
                assert owner.prober.running == 0
                await asyncio.sleep(0.8)
        assert owner.verdicts == owner.refused == []
        assert sum(tally.stopped for tally in owner.prober.tallies.values()) == 2
        await owner.prober.close()

    asyncio.run(main())


def test_a_plain_connect_leaves_no_time_wait():
    async def main():
        owner = Owner(asyncio.get_running_loop())
        with listening() as port:
            owner.prober.assign({tcp(port): 0.001})
            async with asyncio.timeout(10):
                while not owner.verdicts:
                    await asyncio.sleep(0.01)
            await owner.prober.close()
            rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        to_it = [row[3] for row in rows if row[2].endswith(f":{port:04X}")]
        assert "06" not in to_it  # TIME_WAIT

    asyncio.run(main())


def test_close_leaves_nothing():
    async def main():
        loop = asyncio.get_running_loop()
        owner = Owner(loop, command_slots=2)
        async with serving(is_silent) as port:
            with black_hole() as hole:
                probes = [make(port) for make in HANGING]
                probes += [TcpProbe("127.0.0.1", hole), TcpProbe("127.0.0.1", hole, expect=b"x")]
                probes += [UdpProbe("127.0.0.1", port, b"x", b"y"), IcmpProbe("127.0.0.1")]
                probes += [CommandProbe(("/bin/sleep", "60"), port=n) for n in range(5)]
                timing = Timing(timeout=60.0)
                checks = {Check(probe, timing): 0.001 for probe in probes}
                owner.prober.assign(checks)
                async with asyncio.timeout(10):
                    while owner.prober.running < 9:
                        await asyncio.sleep(0.01)
                assert len(children()) == 2
                async with asyncio.timeout(10):
                    await owner.prober.close()
                assert children() == []
                assert owner.prober.running == 0
                assert not owner.prober._tasks
        verdicts = list(owner.verdicts)
        await asyncio.sleep(0.1)
        assert owner.verdicts == verdicts
        with pytest.raises(RuntimeError):
            owner.prober.assign(checks)
        await owner.prober.close()

    asyncio.run(main())
