"""The runner of the fleet from the outside: what it promises whoever starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FLEET = Path(__file__).resolve().parents[1]
RUN = [str(FLEET / "run"), "--directors", "1", "--reals", "0"]
sys.path.insert(0, str(FLEET.parent / "lab"))

from outside import NOBODY, descendants, start, wait_until_gone  # noqa: E402 - found by the line above


def finish(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def test_status_and_output_are_the_command_s() -> None:
    done = finish([*RUN, "--", "sh", "-c", "ssh director1 hostname; exit 7"])
    assert (done.returncode, done.stdout) == (7, "director1\n"), done.stderr


def test_a_reboot_keeps_the_disk_alone() -> None:
    script = """
    boot() { ssh -o ConnectTimeout=1 director1 cat /proc/sys/kernel/random/boot_id 2>/dev/null; }
    ssh director1 'ipvsadm -A -t 192.0.2.1:80; touch /run/mark /etc/mark'
    before=$(boot)
    ssh director1 systemctl reboot 2>/dev/null
    while now=$(boot); [ -z "$now" ] || [ "$now" = "$before" ]; do sleep 0.1; done
    ssh director1 'ls /run/mark /etc/mark 2>/dev/null; ipvsadm -Sn'
    """
    done = finish([*RUN, "--", "sh", "-c", script])
    assert done.stdout == "/etc/mark\n", done.stderr


def test_nothing_is_left_of_one_that_is_killed() -> None:
    fleet = start([*RUN, "--", "sh", "-c", "echo up; exec sleep 600"])
    processes = descendants(fleet.pid)
    # At the least a first process, the command, and a kernel with its own.
    assert len(processes) > 3
    fleet.kill()
    wait_until_gone(processes)
    fleet.wait()
    assert fleet.stdout
    fleet.stdout.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without sudo")
def test_an_ordinary_user_is_told_what_is_missing() -> None:
    done = finish([*NOBODY, "env", "PATH=/usr/bin:/bin", *RUN, "--", "true"])
    assert done.returncode == 125
    assert "need root" in done.stderr
    assert "sudo" in done.stderr
