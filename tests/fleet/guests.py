"""Boots the hosts of a fleet: systemd on User-Mode Linux, each with a disk of its own.

A guest that reboots becomes a new kernel by itself; its disk stays what it is.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import time
from pathlib import Path

import uml
from addresses import ROUTER_4, ROUTER_6, Host
from job import LabError

#: Private to the fleet: a file system in memory that nobody else sees.
STATE = Path("/run/fleet")
#: How long a host may take from power on to its first word of ssh; a busy machine is no fault.
BOOT_SECONDS = 180
DISK_MEBIBYTES = 4096
KERNEL = Path(__file__).with_name("kernel")
INIT = Path(__file__).with_name("host-init")
PROGRAMS = {**uml.PROGRAMS, "mkfs.ext4": "e2fsprogs", "taskset": "util-linux"}


class Guests:
    """All hosts of a fleet; they end with the pid namespace they are in."""

    def __init__(self, hosts: list[Host], base: Path, memory: int) -> None:
        self._hosts = hosts
        self._base = base
        self._memory = memory
        self._kernels: dict[str, subprocess.Popen[bytes]] = {}

    def boot(self) -> None:
        """Switch all of them on, and wait until one can log in."""
        self._seed()
        directory = uml.memory_directory(self._memory * len(self._hosts))
        environment = uml.kernel_environment(directory, str(STATE))
        cpus = sorted(os.sched_getaffinity(0))
        for number, host in enumerate(self._hosts):
            self._switch_on(host, cpus[number % len(cpus)], environment)
        deadline = time.monotonic() + BOOT_SECONDS
        for host in self._hosts:
            self._wait_for(host, deadline)

    def _seed(self) -> None:
        """What each host has from the start: its name, and who may log in."""
        (STATE / "uml").mkdir()
        _write(STATE / "seed/etc/ssh/authorized_keys", (STATE / "key.pub").read_text())
        names = "".join(f"{host.v4} {host.name}\n" for host in self._hosts)
        _write(STATE / "seed/etc/hosts", f"127.0.0.1 localhost\n{ROUTER_4} router\n{names}")
        for host in self._hosts:
            own = STATE / "hosts" / host.name
            _write(own / "seed/etc/hostname", f"{host.name}\n")
            _write(own / "seed/etc/machine-id", f"{0xF1EE7000 + host.number:032x}\n")
            settings = {
                "BASE": str(self._base),
                "ADDRESS_4": host.v4,
                "ADDRESS_6": host.v6,
                "ROUTER_4": ROUTER_4,
                "ROUTER_6": ROUTER_6,
            }
            lines = (f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
            _write(own / "settings", "".join(lines))
            disk = own / "disk"
            with disk.open("wb") as file:
                file.truncate(DISK_MEBIBYTES << 20)
            subprocess.run([uml.program("mkfs.ext4") or "mkfs.ext4", "-q", disk], check=True)

    def _switch_on(self, host: Host, cpu: int, environment: dict[str, str]) -> None:
        own = STATE / "hosts" / host.name
        with (own / "console").open("wb") as console:
            self._kernels[host.name] = subprocess.Popen(
                [
                    *("taskset", "--cpu-list", str(cpu)),
                    *(str(KERNEL), *uml.KERNEL_ARGUMENTS),
                    *(f"uml_dir={STATE}/uml/", f"umid={host.name}", f"mem={self._memory}M"),
                    *(f"ubd0={own}/disk", "con0=null,fd:1"),
                    f"vec0:transport=tap,ifname={host.name},mac={host.mac},depth=128,gro=1",
                    *(f"init={INIT}", f"FLEET_HOST={host.name}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=environment,
                start_new_session=True,
            )

    def _wait_for(self, host: Host, deadline: float) -> None:
        while not _answers(host.v4):
            if self._kernels[host.name].poll() is not None or time.monotonic() > deadline:
                console = (STATE / "hosts" / host.name / "console").read_text(errors="replace")
                raise LabError(f"{host.name} does not come up; its last words:\n{console[-4000:]}")
            time.sleep(0.1)


def _answers(address: str) -> bool:
    """Whether sshd says there what it is."""
    try:
        with socket.create_connection((address, 22), 2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
