"""Who has checks made, and hears of them; and a host with any number of servers."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from random import Random

from ipvsman.health.prober import Prober
from ipvsman.health.spec import (
    Check,
    TcpProbe,
    Timing,
)

EVERY_10 = Timing(interval=10.0, fast_interval=10.0, down_interval=10.0, timeout=3.0)


class Owner:
    """Takes the verdicts, answers with the check's interval."""

    def __init__(self, loop: asyncio.AbstractEventLoop, **options) -> None:
        self.loop = loop
        self.verdicts: list[tuple[float, Check, bool, str]] = []
        self.refused: list[tuple[float, str]] = []
        self.prober = Prober(self.judge, random=Random(1), unable=self.unable, loop=loop, **options)

    def judge(self, check, verdict):
        self.verdicts.append((self.loop.time(), check, verdict.ok, verdict.message))
        return check.timing.interval

    def unable(self, check, reason):
        self.refused.append((self.loop.time(), reason))
        return check.timing.interval

    def times(self, check):
        return [when for when, of, _unused, _unused in self.verdicts if of == check]


@contextmanager
def listening(host="0.0.0.0"):
    """A TCP port that accepts, by default on all of 127/8."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, backlog=4096) as listener:
        yield listener.getsockname()[1]


def tcp(port, address="127.0.0.1", timing=EVERY_10):
    return Check(TcpProbe(address, port), timing)


def distinct(count, port, timing=EVERY_10):
    return [tcp(port, f"127.0.{n // 250}.{n % 250 + 1}", timing) for n in range(count)]
