"""Labs as seen from the outside, for the tests of the runner: how they are started and watched."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUN = str(HERE / "run")
UML = [RUN, "--backend", "uml"]
# The `host` backend needs root on a kernel with ip_vs: a guest is such a host, everywhere alike.
HOST_IN_UML = [*UML, "--env", "*", "--", RUN, "--backend", "host"]
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def finish(
    command: list[str],
    *,
    given: bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    new_session: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """Run to the end, with both outputs."""
    return subprocess.run(
        command,
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
        cwd=cwd,
        env=env,
        start_new_session=new_session,
    )


def start(command: list[str], *, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a lab, and return once its command has said `up`."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=env)
    assert process.stdout
    assert process.stdout.readline() == b"up\n"
    return process


def descendants(pid: int) -> set[int]:
    """Every process that this one started, directly or not."""
    parents = {child: parent for child, (_state, parent) in _processes().items()}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def wait_until_gone(pids: set[int]) -> None:
    """Wait for the end of processes that are about to end, and fail if they do not."""
    deadline = time.monotonic() + 5
    # When the dead are buried is up to the machine's first process.
    while left := {pid for pid, (state, _parent) in _processes().items() if state != "Z"} & pids:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.05)


def _processes() -> dict[int, tuple[str, int]]:
    """The state and the parent of every process."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses may hold anything.
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(status.parent.name)] = (state, int(parent))
    return found


def as_ordinary_user(command: list[str]) -> list[str]:
    """Give root's rights away, if we have them."""
    return [*NOBODY, *command] if os.geteuid() == 0 else command
