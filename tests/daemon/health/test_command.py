from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.health.servers import judged, verdict_on
from ipvsman.health.checks import command
from ipvsman.health.spec import CommandProbe, Verdict


def shell(script: str, timeout: float = 20.0, **options) -> Verdict:
    return judged(CommandProbe(("/bin/sh", "-c", script), **options), timeout)


def alive(pid: int) -> bool:
    """Whether a process runs still; one that nobody has buried does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


@pytest.mark.parametrize(
    "script, ok, message",
    [
        ("true", True, "status 0"),
        ("echo all is well", True, "all is well"),
        ("echo one; echo two >&2; echo; echo ' '", True, "two"),
        ("printf 'a\\033[1mb\\tc\\000d'", True, "a [1mb c d"),
        ("exit 3", False, "status 3"),
        ("echo no disk; exit 1", False, "status 1: no disk"),
        ("kill -TERM $$", False, "killed by SIGTERM"),
        ("echo é; printf '\\377'; exit 2", False, "status 2: �"),
    ],
)
def test_how_it_ends(script, ok, message):
    verdict = shell(script)
    assert (verdict.ok, verdict.message) == (ok, message)


def test_what_it_is_told(monkeypatch):
    monkeypatch.setenv("IPVSMAN_API_TOKEN", "secret")
    verdict = shell("env | sort | tr '\\n' ' '", address="2001:db8::1", port=53)
    assert "IPVSMAN_ADDRESS=2001:db8::1 IPVSMAN_PORT=53" in verdict.message
    assert "PATH=" in verdict.message
    assert "secret" not in verdict.message


def test_arguments_are_no_shell_words():
    verdict = judged(CommandProbe(("/bin/echo", "$HOME; exit 1", "a  b")))
    assert verdict.message == "$HOME; exit 1 a b"


def test_it_reads_nothing_and_has_no_descriptor_of_ours():
    with open(os.devnull, "rb") as ours:
        os.set_inheritable(ours.fileno(), True)
        verdict = shell("cat; ls /proc/self/fd | tr '\\n' ' '")
    assert verdict.message.split()[:3] == ["0", "1", "2"]
    assert len(verdict.message.split()) == 4  # and the directory that ls reads


def test_big_output_is_read_and_only_its_end_kept():
    verdict = shell("head -c 5000000 /dev/zero | tr '\\0' x; echo; echo end")
    assert (verdict.ok, verdict.message) == (True, "end")
    verdict = shell("head -c 5000000 /dev/zero | tr '\\0' x")
    assert verdict.ok
    assert len(verdict.message) == 200


@pytest.mark.parametrize(
    "script",
    [
        "sleep 60",
        "trap '' TERM INT HUP; while :; do sleep 60; done",
        "kill -STOP $$",
        "exec >&- 2>&-; sleep 60",
    ],
)
def test_its_time_is_up(script):
    verdict = shell(script, timeout=0.3)
    assert not verdict.ok
    assert verdict.message == "timed out after 0.3 s while running the command"
    assert verdict.duration < 10


def test_what_it_leaves_running_is_killed(tmp_path):
    file = tmp_path / "pid"
    for script in (f"sleep 60 & echo $! > {file}", f"sleep 60 & echo $! > {file}; wait"):
        shell(script, timeout=1.0)
        pid = int(file.read_text())
        for _unused in range(200):
            if not alive(pid):
                break
            signal.sigtimedwait([], 0.01)
        assert not alive(pid)


def test_what_leaves_the_session_holds_up_nobody(tmp_path):
    file = tmp_path / "pid"
    verdict = shell(f"setsid sh -c 'echo $$ > {file}; exec sleep 60' & echo gone; sleep 0.3")
    assert (verdict.ok, verdict.message) == (True, "gone")
    os.kill(int(file.read_text()), signal.SIGKILL)


BOMB = """
import os, sys, time
started = int(sys.argv[1])
while started:  # bounded, but faster than anything that kills one after the other
    started -= 1
    if os.fork() == 0:
        time.sleep(60)
time.sleep(60)
"""


def test_one_that_forks_and_forks_is_killed_whole():
    async def main():
        mark = f"bomb-{os.getpid()}"
        probe = CommandProbe((sys.executable, "-c", BOMB, "60", mark))
        verdict = await verdict_on(probe, timeout=1.0)
        for _unused in range(500):
            left = [
                pid
                for pid in os.listdir("/proc")
                if pid.isdigit() and alive(int(pid)) and mark in _command_line(pid)
            ]
            if not left:
                return verdict
            await asyncio.sleep(0.02)
        raise AssertionError(left)

    assert not asyncio.run(main()).ok


def _command_line(pid: str) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


@pytest.mark.parametrize("argv", [("/nowhere/command",), ("/etc/passwd",), ("/bin/echo", "\0"), ()])
def test_what_cannot_be_run_is_no_verdict(argv):
    verdict = judged(CommandProbe(argv))
    assert not verdict.ok
    assert verdict.message.startswith(f"cannot be probed: cannot run {''.join(argv[:1])}")


def test_one_that_cannot_be_killed_is_not_started_again(monkeypatch):
    monkeypatch.setattr(command, "BURIAL", 0.05)
    probe = CommandProbe(("/bin/sleep", "60"))
    killpg = os.killpg
    monkeypatch.setattr(command.os, "killpg", lambda *_unused: None)
    assert judged(probe, timeout=0.1).message.startswith("timed out")
    (process,) = list(command.UNDEAD.values())
    verdict = judged(probe)
    assert not verdict.ok
    assert verdict.message == "the process of an earlier run hangs and cannot be killed"
    # Others are run, and once it has ended, so is this one.
    assert shell("true").ok
    killpg(process.pid, signal.SIGKILL)
    while command.UNDEAD:
        shell("true")
    monkeypatch.setattr(command.os, "killpg", killpg)
    assert judged(probe, timeout=0.1).message.startswith("timed out")
    assert not command.UNDEAD
