"""A host with a network namespace, and so with an IPVS table, that nobody else has."""

from __future__ import annotations

import ctypes
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from namespaces import CLONE_NEWNET, mount, set_link_up, unshare
from node import Node

MS_BIND = 0x1000
MNT_DETACH = 2

#: Network interfaces beside lo, with their MTU.
INTERFACES = {"small0": 1280, "eth0": 1500, "jumbo0": 9000}

_numbers = itertools.count(1)
_libc = ctypes.CDLL(None, use_errno=True)


class FreshHost(Node):
    """The host, for as long as the `with` lasts; what `ip netns add` does, without a program."""

    def __init__(self) -> None:
        if "IPVS_LAB" not in os.environ:
            raise RuntimeError("this makes network namespaces: start it by tests/lab/run")
        super().__init__(f"fresh{next(_numbers)}", 0)
        self.path = Path("/run/netns", self.name)

    def __enter__(self) -> FreshHost:
        self.path.parent.mkdir(exist_ok=True)
        self.path.touch(exist_ok=False)
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            unshare(CLONE_NEWNET)
            mount("/proc/thread-self/ns/net", str(self.path), None, MS_BIND)
            _libc.setns(home, CLONE_NEWNET)
        finally:
            os.close(home)
        with self.inside():
            # Destinations have to be routable, and that is looked up by way of lo.
            set_link_up("lo")
        # An address that is being checked for duplicates cannot be used, for a second or two.
        self.sysctl("net.ipv6.conf.default.accept_dad", 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        _libc.umount2(os.fsencode(self.path), MNT_DETACH)
        self.path.unlink()

    def connect(self) -> None:
        """Add INTERFACES, with addresses of both families."""
        commands = []
        for number, (name, mtu) in enumerate(INTERFACES.items(), 1):
            commands += [
                f"link add {name} mtu {mtu} type dummy",
                f"link set {name} up",
                f"addr add 10.{number}.0.1/24 dev {name}",
                f"addr add fd00:{number}::1/64 dev {name} nodad",
            ]
        self.ip(*commands)


def eventually(condition: Callable[[], object], deadline: float = 30) -> None:
    """Wait until something is so; what the kernel does in its own time is waited for like this."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "what was waited for does not happen"
        time.sleep(0.005)


def await_sync_threads() -> None:
    """Wait until every sync daemon has begun to run: before that, it stops without an answer."""
    eventually(lambda: all(state == "S" for state in _sync_threads()))


def _sync_threads() -> list[str]:
    """Their states, as ps(1) abbreviates them; all of this machine, since they have no network."""
    states = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _unused, rest = (
                status.read_text(encoding="ascii").partition(" (")[2].rpartition(") ")
            )
        except FileNotFoundError:
            continue
        if name.startswith("ipvs-"):
            states.append(rest[0])
    return states
