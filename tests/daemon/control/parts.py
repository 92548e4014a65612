"""Small configurations, pools and parts of a daemon, made in one line each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ipvsman.config.model import Backend, CheckKind, CheckTarget, Config, Frontend, HealthCheck
from ipvsman.control.account import Snapshot
from ipvsman.control.desired import Desired, Pool, build
from ipvsman.control.journal import Entry, Journal, Kind
from ipvsman.control.overrides import Level, Override, Overrides, Subject
from ipvsman.control.weights import Circumstances
from ipvsman.health.spec import Check, Timing, Verdict
from ipvsman.health.state import Condition, Health
from ipvsman.ipvs.memory import MemoryTable
from ipvsman.ipvs.model import (
    HOST_NETMASK,
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Family,
    Forwarding,
    Service,
    ServiceFlags,
    ServiceSettings,
    State,
    Transport,
)
from ipvsman.ipvs.scope import SERVICES

TIMING = Timing(interval=10.0, fast_interval=1.0, down_interval=5.0, timeout=1.0, rise=2, fall=3)
CHECK = HealthCheck(CheckKind.TCP, TIMING)
SETTINGS = ServiceSettings("wrr", ServiceFlags.NONE, 0, HOST_NETMASK[Family.INET], "")


def vip(number: int = 1, port: int = 80) -> Endpoint:
    """A virtual service."""
    return Endpoint(Transport.TCP, f"192.0.2.{number}", port)


VIP = vip()


def row(address: str, weight: int = 5, **other: Any) -> Backend:
    """A backend."""
    return Backend(address, 8080, weight, other.pop("check", CHECK), **other)


def key(address: str) -> DestinationKey:
    """A destination's key."""
    return DestinationKey(address, 8080)


def frontend(*backends: Backend | str, **other: Any) -> Frontend:
    """A frontend; a text is a backend's address."""
    rows, fallback = (
        tuple(row(each) if isinstance(each, str) else each for each in some)
        for some in (backends, other.pop("fallback", ()))
    )
    values = {
        "group": "web",
        "name": "front",
        "services": (VIP,),
        "settings": SETTINGS,
        "healthcheck": CHECK,
        **other,
    }
    return Frontend(backends=rows, fallback=fallback, **values)


def config(*frontends: Frontend, digest: str = "", **other: Any) -> Config:
    """A configuration; its digest tells it from others."""
    return Config(frontends, digest=digest or repr((frontends, other)), **other)


def desired(*frontends: Frontend, **addresses: tuple[str, ...]) -> Desired:
    """What a configuration means."""
    known = {(name, Family.INET): found for name, found in addresses.items()}
    return build(config(*frontends), known)


def pool(*backends: Backend | str, **other: Any) -> Pool:
    """The one pool of a frontend."""
    (only,) = desired(frontend(*backends, **other)).pools.values()
    return only


def check_of(where: Pool | Desired, address: str) -> Check:
    """The check of a destination."""
    pools = where.pools.values() if isinstance(where, Desired) else [where]
    checks = [each.by_key[key(address)].check for each in pools if key(address) in each.by_key]
    assert checks[0] is not None
    return checks[0]


UP = Health(Condition.UP, 4, 0.0, 0.0, "connected")
DOWN = Health(Condition.DOWN, 0, 0.0, 0.0, "connection refused")
UNKNOWN = Health.unknown(TIMING, 0.0)

GOOD = Verdict(True, "connected", 0.001)
BAD = Verdict(False, "connection refused", 0.001)


def health_of(where: Pool | Desired, **states: Health) -> dict[Check, Health]:
    """Health by address; underscores stand for dots, with one in front."""
    return {check_of(where, name[1:].replace("_", ".")): health for name, health in states.items()}


def said(*words: tuple[Level, str, bool], since: float = 1.0) -> Overrides:
    """Overrides, each later than the one before."""
    overrides = Overrides()
    for number, (level, name, disabled) in enumerate(words):
        overrides = overrides.put(Subject(level, name), Override(disabled, since + number))
    return overrides


def circumstances(
    health: Mapping[Check, Health] | None = None,
    overrides: Overrides | None = None,
    cold_start: bool = False,
) -> Circumstances:
    """What weights depend on."""
    return Circumstances(health or {}, overrides or Overrides(), cold_start)


def service(weights: Mapping[str, int], which: Endpoint = VIP) -> Service:
    """A service as the kernel may have it."""
    return Service(
        which,
        SETTINGS,
        {key(each): DestinationSettings(weights[each], Forwarding.MASQUERADE) for each in weights},
    )


def table(*services: Service) -> MemoryTable:
    """A kernel's table."""
    return MemoryTable.holding(State({each.key: each for each in services}))


def weights_in(kernel: MemoryTable) -> dict[str, dict[str, int]]:
    """What a table has: service -> address -> weight."""
    return {
        str(name): {each.address: found.weight for each, found in one.destinations.items()}
        for name, one in kernel.read(SERVICES).services.items()
    }


def snapshot(wanted: Desired, **other: Any) -> Snapshot:
    """Everything that decides; without health, all is up."""
    if "health" not in other:
        other["health"] = dict.fromkeys(wanted.users, UP)
    return Snapshot(wanted, circumstances(**other))


def turned(before: Snapshot, check: Check, health: Health) -> Snapshot:
    """A snapshot after a probe."""
    beliefs = {**before.circumstances.health, check: health}
    return replace(before, circumstances=replace(before.circumstances, health=beliefs))


def messages(journal: Journal, *kinds: Kind) -> list[str]:
    """What was noted, of these kinds or of all."""
    return [entry.message for entry in entries(journal, *kinds)]


def entries(journal: Journal, *kinds: Kind) -> list[Entry]:
    """The same, whole."""
    return [entry for entry in journal.since() if not kinds or entry.kind in kinds]


def wait_for(met: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Come back as soon as it is so; a fault if it never is."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not met():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        pause.wait(0.002)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Probes:
    """A prober that only notes what it shall do."""

    def __init__(self) -> None:
        self.assigned: Mapping[Check, float] = {}
        self.calls = 0

    def assign(self, checks: Mapping[Check, float]) -> None:
        """Note it."""
        self.assigned = dict(checks)
        self.calls += 1


class Names:
    """A resolver that only notes what it shall watch."""

    def __init__(self) -> None:
        self.wanted: frozenset[tuple[str, Family]] = frozenset()

    def want(self, names: frozenset[tuple[str, Family]]) -> None:
        """Note it."""
        self.wanted = names


class Published:
    """A keeper that only notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[frozenset[Any] | None] = []
        self.last: Snapshot | None = None

    def publish(self, newest: Snapshot, services: Iterable[Any] | None = None) -> None:
        """Note it."""
        self.calls.append(None if services is None else frozenset(services))
        self.last = newest


TARGET = CheckTarget("10.0.0.9", 9)
