# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One party doing one work, on a kernel that has just booted: party.py WORK PARTY.

Prints one JSON object: seconds, a list with one number for each time the work was done, and what
else there is to tell. What has to be there before the work begins is made outside of the clock.
Runs in the lab; `run` starts it there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent))
importlib.import_module("conftest")  # makes the collection importable

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import encode, wire  # noqa: E402
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (  # noqa: E402
    AddDestination,
    AddService,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable  # noqa: E402
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (  # noqa: E402
    DestinationKey,
    DestinationSettings,
    Endpoint,
    Forwarding,
    Service,
    ServiceFlags,
    ServiceKey,
    ServiceSettings,
    State,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plan import plan  # noqa: E402
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.reconcile import reconcile  # noqa: E402
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import SERVICES, Scope  # noqa: E402

Report = dict[str, Any]

SERVICE_COUNT, POOL_SIZE = 1000, 10
#: How often a work that leaves the kernel as it was is done in one boot.
TIMES = 5
WEIGHT_CHANGES = 20
TASK_DESTINATIONS = 1000
#: The loop does fewer, and its time is scaled: a thousand would take half an hour.
LOOP_DESTINATIONS = 50
IPVSADM = "/sbin/ipvsadm"
MESSAGES_A_SEND = 200


def table() -> State:
    """The table that is applied: every destination has an address of its own."""
    settings = ServiceSettings("wlc", ServiceFlags.NONE, 0, 0xFFFFFFFF, "")
    services: dict[ServiceKey, Service] = {}
    for number in range(SERVICE_COUNT):
        key = Endpoint(Transport.TCP, f"10.0.{number // 250}.{number % 250 + 1}", 80)
        pool = {
            DestinationKey(_address(member), 8080): DestinationSettings(1, Forwarding.MASQUERADE)
            for member in range(number * POOL_SIZE, (number + 1) * POOL_SIZE)
        }
        services[key] = Service(key, settings, pool)
    return State(services)


def _address(number: int) -> str:
    return f"10.{1 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def rules() -> str:
    """The same table in ipvsadm's words."""
    lines = []
    for service in table().services.values():
        name = str(service.key).removeprefix("tcp://")
        lines.append(f"-A -t {name} -s wlc")
        lines += [f"-a -t {name} -r {member} -m -w 1" for member in service.destinations]
    return "\n".join(lines) + "\n"


def clock(work: Callable[[], object]) -> float:
    """Seconds that work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ipvsadm(*arguments: str, stdin: str = "") -> None:
    """One ipvsadm, whose output nobody reads."""
    subprocess.run(
        [IPVSADM, *arguments], input=stdin.encode(), stdout=subprocess.DEVNULL, check=True
    )


def digest() -> str:
    """What the kernel holds, in one word: both parties have to end with the same."""
    found = subprocess.run([IPVSADM, "-S", "-n"], stdout=subprocess.PIPE, check=True).stdout
    lines = sorted(found.splitlines())
    return f"{len(lines)} rules, {hashlib.sha256(b'.'.join(lines)).hexdigest()[:12]}"


# -- the works: ours first, then the peer's


def apply_ours() -> Report:
    """Reconcile the table into an empty kernel, read-back included."""
    desired, kernel = table(), KernelTable()
    return {"seconds": [clock(lambda: reconcile(kernel, desired, SERVICES))], "end": digest()}


def apply_ipvsadm() -> Report:
    """Restore the same rules."""
    text = rules()
    return {"seconds": [clock(lambda: ipvsadm("-R", stdin=text))], "end": digest()}


def apply_floor() -> Report:
    """Send what is encoded already, and read the acknowledgements: nothing else."""
    changes = plan(State(), table(), SERVICES).changes
    commands = [
        encode.command(change)
        for change in changes
        if isinstance(change, (AddService, AddDestination))
    ]
    header = struct.Struct("=IHHIIBBH")
    with Wire() as sock:
        sends = []
        for start in range(0, len(commands), MESSAGES_A_SEND):
            chunk = commands[start : start + MESSAGES_A_SEND]
            last = len(chunk) - 1
            sends.append(
                b"".join(
                    header.pack(
                        20 + len(data), sock.family, 5 if place == last else 1, 1, 0, number, 1, 0
                    )
                    + data
                    for place, (number, data) in enumerate(chunk)
                )
            )

        def work() -> None:
            for data in sends:
                sock.ask(data)

        return {"seconds": [clock(work)], "end": digest()}


def again_ours() -> Report:
    """Reconcile a table that is there already."""
    desired, kernel = table(), KernelTable()
    reconcile(kernel, desired, SERVICES)

    def work() -> None:
        assert not reconcile(kernel, desired, SERVICES)

    return {"seconds": [clock(work) for _time in range(TIMES)], "end": digest()}


def again_ipvsadm() -> Report:
    """Save all rules."""
    ipvsadm("-R", stdin=rules())
    return {
        "seconds": [clock(lambda: ipvsadm("-S", "-n")) for _time in range(TIMES)],
        "end": digest(),
    }


def again_floor() -> Report:
    """Dump every pool, and look at nothing of it but where it ends."""
    desired, kernel = table(), KernelTable()
    reconcile(kernel, desired, SERVICES)
    header = struct.Struct("=IHHIIBBH")
    with Wire() as sock:
        asks = [
            header.pack(20 + len(name), sock.family, 0x301, 1, 0, wire.GET_DEST, 1, 0) + name
            for name in map(encode.service_name, desired.services)
        ]

        def work() -> None:
            for data in asks:
                sock.dump(data)

        return {"seconds": [clock(work) for _time in range(TIMES)], "end": digest()}


def weight_ours() -> Report:
    """Change one destination's weight, scoped to it; and count what passes over the socket."""
    desired, kernel = table(), KernelTable()
    reconcile(kernel, desired, SERVICES)
    service = list(desired.services.values())[SERVICE_COUNT // 2]
    member, settings = list(service.destinations.items())[POOL_SIZE // 2]
    scope = Scope(frozenset(), {service.key: frozenset([member])})

    def change(weight: int) -> None:
        pool = {member: dataclasses.replace(settings, weight=weight)}
        wanted = State({service.key: dataclasses.replace(service, destinations=pool)})
        assert len(reconcile(kernel, wanted, scope).changes) == 1

    seconds = [clock(partial(change, weight)) for weight in range(2, 2 + WEIGHT_CHANGES)]
    conversation = kernel._kernel  # noqa: SLF001
    counted = Counted(conversation._socket)  # noqa: SLF001
    setattr(conversation, "_socket", counted)  # noqa: B010 - what counts stands in for the socket
    change(1)
    return {"seconds": seconds, "end": digest(), **counted.counts()}


def weight_ipvsadm() -> Report:
    """Change it by one process."""
    ipvsadm("-R", stdin=rules())
    service = list(table().services.values())[SERVICE_COUNT // 2]
    member = str(list(service.destinations)[POOL_SIZE // 2])
    name = str(service.key).removeprefix("tcp://")

    def change(weight: int) -> None:
        ipvsadm("-e", "-t", name, "-r", member, "-m", "-w", str(weight))

    seconds = [clock(partial(change, weight)) for weight in range(2, 2 + WEIGHT_CHANGES)]
    change(1)
    return {"seconds": seconds, "end": digest()}


def task_ours() -> Report:
    """A pool of a thousand by one task."""
    seconds = playbook("one_task.yml", TASK_DESTINATIONS)
    return {"seconds": [seconds], "end": digest()}


def task_loop() -> Report:
    """The same by a loop, of which some are done."""
    seconds = playbook("loop.yml", LOOP_DESTINATIONS)
    scaled = seconds * TASK_DESTINATIONS / LOOP_DESTINATIONS
    return {"seconds": [scaled], "measured": seconds, "items": LOOP_DESTINATIONS}


def playbook(name: str, count: int) -> float:
    """Seconds that the task `Measured` of a playbook takes."""
    members = Path("/tmp/members.json")
    members.write_text(
        json.dumps(
            {
                "members": [
                    {"address": _address(number), "port": 8080, "forwarding": "masquerade"}
                    for number in range(count)
                ]
            }
        ),
        encoding="utf-8",
    )
    environment = {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": str(BENCH / "playbooks"),
        "ANSIBLE_CALLBACKS_ENABLED": "stopwatch",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_PIPELINING": "true",
        "STOPWATCH": "/tmp/stopwatch",
    }
    command = [
        "ansible-playbook",
        "-c",
        "local",
        "-e",
        f"@{members}",
        str(BENCH / "playbooks" / name),
    ]
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        sys.exit(done.stdout.decode())
    return float(Path("/tmp/stopwatch").read_text(encoding="utf-8"))


# -- the socket


class Wire:
    """A generic netlink socket without anything around it."""

    def __enter__(self) -> Wire:
        self._kernel = KernelTable()
        conversation = self._kernel._kernel  # noqa: SLF001
        self._socket, self.family = conversation._socket, conversation._family  # noqa: SLF001
        return self

    def __exit__(self, *_exception: object) -> None:
        self._kernel.close()

    def ask(self, data: bytes) -> None:
        """Send, and read the one acknowledgement."""
        self._socket.send(data)
        if struct.unpack_from("=i", self._socket.recv(65536), 16) != (0,):
            raise SystemExit("the kernel refused a command")

    def dump(self, data: bytes) -> None:
        """Send, and read up to the end of the dump."""
        self._socket.send(data)
        while struct.unpack_from("=IH", self._socket.recv(65536))[1] != 3:
            pass


class Counted:
    """A socket that counts the netlink messages which pass it."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._sent = self._received = self._calls = 0

    def counts(self) -> Report:
        """What has passed so far."""
        return {"sent": self._sent, "received": self._received, "calls": self._calls}

    def send(self, data: bytes) -> int:
        """See socket.send."""
        self._calls += 1
        self._sent += _messages(data)
        return self._socket.send(data)

    def close(self) -> None:
        """See socket.close."""
        self._socket.close()

    def recv(self, size: int, flags: int = 0) -> bytes:
        """See socket.recv."""
        data = self._socket.recv(size, flags)
        self._calls += 1
        self._received += _messages(data)
        return data


def _messages(data: bytes) -> int:
    count = offset = 0
    while offset < len(data):
        (length,) = struct.unpack_from("=I", data, offset)
        offset += (length + 3) & ~3
        count += 1
    return count


WORKS: dict[tuple[str, str], Callable[[], Report]] = {
    ("apply", "ours"): apply_ours,
    ("apply", "peer"): apply_ipvsadm,
    ("apply", "floor"): apply_floor,
    ("again", "ours"): again_ours,
    ("again", "peer"): again_ipvsadm,
    ("again", "floor"): again_floor,
    ("weight", "ours"): weight_ours,
    ("weight", "peer"): weight_ipvsadm,
    ("task", "ours"): task_ours,
    ("task", "peer"): task_loop,
}


if __name__ == "__main__":
    report = WORKS[sys.argv[1], sys.argv[2]]()
    report["seconds"] = statistics.median(report["seconds"])
    print(json.dumps(report))
