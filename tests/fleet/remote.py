"""A host of the fleet as a test sees it: by ssh, with the programs that any administrator has."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

Answer = TypeVar("Answer")

#: What changes by itself, or is a cache; and where Ansible and apt have their scratch.
VOLATILE = """
/run /tmp /root /var/cache /var/lib/apt /var/lib/ipvsman/* /var/lib/systemd /var/log /var/tmp
""".split()
#: What a role may touch that is not a file.
RUNNING = """
ip -brief address; ip rule; lsmod | cut -d ' ' -f 1; test -e /proc/net/ip_vs && ipvsadm -Sn
systemctl list-units --plain --no-legend --type service,socket,timer --state active,failed
grep -rs . /proc/sys/net/ipv4/conf /proc/sys/net/ipv4/vs /proc/sys/net/ipv4/ip_forward
"""


@dataclass(frozen=True)
class Remote:
    """One host."""

    name: str
    v4: str
    v6: str

    def run(self, command: str, *, given: str = "", check: bool = True) -> str:
        """Run a shell command there; what it writes to both outputs."""
        done = subprocess.run(
            ["ssh", self.name, command],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert not check or done.returncode == 0, f"{self.name}: {command}:\n{done.stdout}"
        return done.stdout

    def succeeds(self, command: str) -> bool:
        """Whether a shell command ends with 0 there."""
        return not subprocess.run(
            ["ssh", self.name, command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=300,
        ).returncode

    def write(self, path: str, text: str, mode: str = "0644") -> None:
        """Write a file there."""
        self.run(f"install -D -m {mode} /dev/stdin {shlex.quote(path)}", given=text)

    def table(self) -> str:
        """The rules of its kernel, as ipvsadm saves them."""
        return self.run("ipvsadm -Sn")

    def show(self, unit: str, name: str) -> str:
        """One property of a systemd unit."""
        return self.run(f"systemctl show --value --property {name} {unit}").strip()

    def is_active(self, unit: str) -> bool:
        """Whether a systemd unit is."""
        return self.run(f"systemctl is-active {unit}", check=False).strip() == "active"

    def picture(self) -> set[str]:
        """All that a role could change there, as lines: every file, and what runs."""
        pruned = " -o ".join(f"-path '{path}'" for path in VOLATILE)
        # A directory's time changes by what was in it for a moment.
        shown = r"-type d -printf '%p %m %u:%g\n' -o -printf '%p %m %u:%g %s %T@ %l\n'"
        find = rf"find / -xdev \( {pruned} \) -prune -o {shown}"
        return set(self.run(f"{find}; {RUNNING}", check=False).splitlines())

    def reboot(self) -> None:
        """Reboot it; returns once another boot of it answers and has all its units up."""
        before = self.run("cat /proc/sys/kernel/random/boot_id").strip()
        # The connection may go before the command's own end is told.
        self.run("systemctl reboot 2>/dev/null", check=False)
        wait_until(f"{self.name} is back", lambda: self.boot() not in ("", before))
        self.settle()

    def settle(self) -> None:
        """Wait until it has started all that it starts at boot."""
        self.run("systemctl is-system-running --wait", check=False)

    def boot(self) -> str:
        """What its kernel calls this boot; nothing while it does not answer."""
        done = subprocess.run(
            ["ssh", "-o", "ConnectTimeout=2", self.name, "cat /proc/sys/kernel/random/boot_id"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=60,
        )
        return done.stdout.strip()


def on_all(hosts: Iterable[Remote], ask: Callable[[Remote], Answer]) -> dict[str, Answer]:
    """The same of several hosts at once, by their names."""
    hosts = list(hosts)
    with ThreadPoolExecutor(len(hosts)) as pool:
        return dict(zip((host.name for host in hosts), pool.map(ask, hosts), strict=True))


def wait_until(what: str, holds: Callable[[], object], seconds: float = 120) -> None:
    """Wait for what is about to be the case in a kernel or on a host, where nobody tells."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)
