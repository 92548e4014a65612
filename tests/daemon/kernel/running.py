"""A daemon that runs in a director of the test network, and what can be seen of it from outside."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from ipvsman.client.unix import Daemon as Client
from ipvsman.client.unix import NotRunning, Refused
from ipvsman.ipvs.kernel import KernelTable
from ipvsman.ipvs.model import host_port
from ipvsman.ipvs.scope import SERVICES

from node import Node

Found = TypeVar("Found")

#: What the unit leaves to a daemon that runs as root.
UNIT = ("setpriv", "--bounding-set", "-all,+net_admin,+net_raw", "--inh-caps", "-all")

CHECK = {
    "type": "tcp",
    "interval": 0.2,
    "fast_interval": 0.1,
    "down_interval": 0.2,
    # Longer than the lab can be kept from the processor by a busy host.
    "timeout": 2,
    "rise": 2,
    "fall": 2,
}


def wait_for(look: Callable[[], Found], what: str, seconds: float = 60.0) -> Found:
    """What it finds, as soon as it finds something; a fault if it never does."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        pause.wait(0.01)


def group(
    *addresses: str,
    name: str = "web",
    vip: str = "10.1.0.100",
    check: Mapping[str, object] | None = None,
    **frontend: object,
) -> str:
    """A group with one frontend on port 80; addresses may be followed by a weight."""
    rows = []
    for each in addresses:
        address, _unused, weight = each.partition(" ")
        rows.append({"address": address, "weight": int(weight or 1)})
    front = {"name": "front", "proto": "tcp", "port": 80, "scheduler": "rr", **frontend}
    wanted = {
        "group": name,
        "vip": vip,
        "healthcheck": dict(CHECK if check is None else check),
        "frontends": [front],
        "backends": rows,
    }
    return yaml.safe_dump(wanted)


class Installed:
    """The package as it is installed, made of the checkout by links."""

    def __init__(self, directory: Path, checkout: Path) -> None:
        self.path = directory
        package = directory / "ipvsman"
        package.mkdir()
        for part in (checkout / "roles/ipvsman/files/ipvsman").iterdir():
            if part.name not in ("ipvs", "__pycache__"):
                (package / part.name).symlink_to(part)
        (package / "ipvs").symlink_to(checkout / "plugins/module_utils/ipvs")

    def environment(self, **more: str) -> dict[str, str]:
        """What a process needs to find it."""
        return {**os.environ, "PYTHONPATH": str(self.path), **more}


class Director:
    """One daemon's place: its files, its processes, and the table of its network."""

    def __init__(self, node: Node, home: Path, installed: Installed) -> None:
        self.node = node
        self.home = home
        self.installed = installed
        self.etc = home / "etc"
        self.state = home / "state"
        self.socket = home / "run" / "socket"
        self.lock = home / "run" / "lock"
        self.client = Client(str(self.socket), timeout=20)
        self.process: subprocess.Popen[bytes] | None = None
        self._logs = 0
        self._log = home / "log"

    # -- drop-ins

    def drop_in(self, text: str, name: str = "groups/web.yaml") -> None:
        """Write a file as an editor does: at one stroke."""
        path = self.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        half.write_text(textwrap.dedent(text))
        half.replace(path)

    # -- the process

    def options(self, *more: str) -> list[str]:
        """Where everything is."""
        return [
            f"--config-dir={self.etc}",
            f"--state-dir={self.state}",
            f"--socket={self.socket}",
            f"--lock-file={self.lock}",
            *more,
        ]

    def start(
        self, *more: str, under: Sequence[str] = (), ready: bool = True, **environment: str
    ) -> None:
        """Start the daemon and wait until the kernel has what it shall have."""
        self.begin(*more, under=under, **environment)
        if ready:
            self.wait_ready()

    def begin(self, *more: str, under: Sequence[str] = (), **environment: str) -> None:
        """Start the daemon."""
        self._logs += 1
        self._log = self.home / f"log.{self._logs}"
        common = ["--interval=0.5", "--reload-interval=0", "--cold-start-sec=0"]
        words = [*under, sys.executable, "-m", "ipvsman", "--service", "--log-format=json"]
        with self._log.open("wb") as log, self.node.inside():
            self.process = subprocess.Popen(
                [*words, *self.options(*common, *more)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.installed.environment(**environment),
            )

    def wait_ready(self) -> None:
        """Until the kernel has it."""
        wait_for(lambda: self.ended() or self._is_ready(), "the daemon is ready")
        assert self.ended() is None, self.raw_log()

    def _is_ready(self) -> bool:
        try:
            self.client.get("/readyz")
        except (NotRunning, Refused):
            return False
        return True

    def ended(self) -> list[int] | None:
        """The exit status, in a list; None while it runs."""
        assert self.process
        status = self.process.poll()
        return None if status is None else [status]

    def wait_end(self, seconds: float = 15.0) -> int:
        """The exit status, once it has ended by itself."""
        return wait_for(self.ended, "the end of the daemon", seconds)[0]

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.process
        self.process.send_signal(number)

    def stop(self) -> int:
        """End it as the service manager does."""
        self.tell(signal.SIGTERM)
        return self.wait_end()

    def kill(self) -> None:
        """End it the hardest way."""
        self.tell(signal.SIGKILL)
        self.wait_end()

    def close(self) -> None:
        """End what still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def act(self, *words: str, status: int | None = 0) -> str:
        """Run a one-shot action to its end; what it prints."""
        with self.node.inside():
            done = subprocess.run(
                [sys.executable, "-m", "ipvsman", *self.options(*words), "--no-syslog"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
                check=False,
                env=self.installed.environment(),
            )
        assert status is None or done.returncode == status, done.stdout
        return done.stdout

    # -- what it says

    def raw_log(self) -> str:
        """All that it has written since its last start."""
        return self._log.read_text(errors="replace")

    def log(self, kind: str = "", containing: str = "") -> list[dict[str, Any]]:
        """Its log, of a kind or of all."""
        rows = [json.loads(line) for line in self.raw_log().splitlines()]
        rows = [each for each in rows if not kind or each.get("kind") == kind]
        return [each for each in rows if containing in each["message"]]

    def get(self, path: str) -> Any:
        """What the API answers."""
        return self.client.get(path)

    def remembered(self, name: str) -> str:
        """What it has written to disk under a name; empty when it has not yet."""
        path = self.state / f"{name}.json"
        return path.read_text() if path.exists() else ""

    # -- what there is

    def table(self) -> dict[str, dict[str, int]]:
        """The kernel's table: service -> destination -> weight, as ipvsadm -S -n tells it."""
        found: dict[str, dict[str, int]] = {}
        for line in self.node.run("ipvsadm -S -n").splitlines():
            service = re.match(r"-[Aa] -([tuf]|-sctp-service) (\S+)", line)
            assert service, line
            name = service[2] if service[1] == "t" else f"{service[1]} {service[2]}"
            pool = found.setdefault(name, {})
            destination = re.search(r" -r (\S+) .*-w (\d+)", line)
            if destination:
                pool[destination[1]] = int(destination[2])
        return found

    def wait_table(self, expected: dict[str, dict[str, int]], seconds: float = 15.0) -> None:
        """Until the kernel's table is this."""
        try:
            wait_for(lambda: self._weights() == expected, "the table", seconds)
        except AssertionError:
            assert self.table() == expected, self.raw_log()
            raise
        assert self.table() == expected

    def _weights(self) -> dict[str, dict[str, int]]:
        """The same without a program: a start takes longer than all that is waited for."""
        kernel = KernelTable(self.node.name)
        try:
            services = kernel.read(SERVICES).services
        finally:
            kernel.close()
        return {
            str(key).removeprefix("tcp://").replace("udp://", "u "): {
                host_port(*each): settings.weight for each, settings in one.destinations.items()
            }
            for key, one in services.items()
        }

    def processes(self) -> list[str]:
        """Command lines of the daemon's children."""
        assert self.process
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [Path(f"/proc/{each}/cmdline").read_text() for each in children]

    def descriptors(self) -> int:
        """How many it holds open; the least of some looks, since probes come and go."""
        assert self.process
        home = Path(f"/proc/{self.process.pid}/fd")
        pause = threading.Event()
        counts = []
        for _unused in range(20):
            counts.append(len(os.listdir(home)))
            pause.wait(0.005)
        return min(counts)

    def threads(self) -> int:
        """How many it has; those that write and load are started when they are needed."""
        assert self.process
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def memory(self) -> int:
        """Resident memory in kB."""
        assert self.process
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1])
