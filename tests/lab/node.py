"""A host of the test network: one network namespace, and what is run in it."""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


class Address(NamedTuple):
    """Where something is, in both families."""

    v4: str
    v6: str


def endpoint(address: str, port: int) -> str:
    """An address and a port, as ipvsadm and URLs write them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class CommandFailed(Exception):
    """A command in the test network ended with another status than zero."""

    def __init__(self, node: str, command: Sequence[str], status: int, output: str) -> None:
        super().__init__(f"{node}: {shlex.join(command)} ended with {status}:\n{output}")
        self.status = status
        self.output = output


class Node:
    """A host on the clients' network."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.front = Address(f"10.1.0.{number}", f"fd01::{number}")
        self._started: list[subprocess.Popen[str]] = []

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Have this thread, and what it starts, in the node's network.

        Sockets opened here belong to the node for good, and so does `/proc/sys/net`.  Compared with
        `ip netns exec` it saves a program start.
        """
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        away = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            _set_network(away)
            try:
                yield
            finally:
                _set_network(home)
        finally:
            os.close(away)
            os.close(home)

    def run(self, command: str | Sequence[str], *, given: str = "", timeout: float = 60) -> str:
        """Run a command to its end, with `given` on its standard input; what it writes to stdout.

        A string is split into words, without a shell.
        """
        words = shlex.split(command) if isinstance(command, str) else list(command)
        with self.inside():
            done = subprocess.run(
                words, input=given, capture_output=True, text=True, timeout=timeout, check=False
            )
        if done.returncode != 0:
            output = done.stdout + done.stderr
            raise CommandFailed(self.name, words, done.returncode, output)
        return done.stdout

    def start(
        self, command: str | Sequence[str], *, stdout: int = subprocess.DEVNULL
    ) -> subprocess.Popen[str]:
        """Start a command that `stop` will end, if it still runs by then."""
        words = shlex.split(command) if isinstance(command, str) else list(command)
        with self.inside():
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stdout, text=True)
        self._started.append(process)
        return process

    def stop(self) -> None:
        """End everything that was started here."""
        for process in self._started:
            process.kill()
        for process in self._started:
            process.wait()
            if process.stdout:
                process.stdout.close()
        self._started.clear()

    def ip(self, *commands: str) -> None:
        """Run `ip` commands, all in one process."""
        self.run(["ip", "-batch", "-"], given="".join(f"{command}\n" for command in commands))

    def sysctl(self, name: str, value: str | int) -> None:
        """Set a sysctl of the node; one outside of `net.` would be everybody's."""
        if not name.startswith("net."):
            raise ValueError(f"{name} is no sysctl of a network namespace")
        with self.inside(), open("/proc/sys/" + name.replace(".", "/"), "w") as file:
            file.write(str(value))


class InnerNode(Node):
    """A host on both networks: a director or a real server."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(name, number)
        self.back = Address(f"10.2.0.{number}", f"fd02::{number}")


def _set_network(descriptor: int) -> None:
    # os.setns came with Python 3.12.
    if _libc.setns(descriptor, CLONE_NEWNET) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")
