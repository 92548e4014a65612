"""What the lab is asked to do: one command, its surroundings and its limits."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LAB_FAILED = 125
TIMED_OUT = 124
NOT_EXECUTABLE = 126
NOT_FOUND = 127

# A whole environment would make a test depend on whose shell started it.
PASSED_ON = (
    "PATH HOME USER LOGNAME SHELL TERM LANG LC_* TZ CI GITHUB_* VIRTUAL_ENV PYTHON* PYTEST* "
    "ANSIBLE_* COVERAGE* TOX_* NOX* HYPOTHESIS_* NO_COLOR FORCE_COLOR PY_COLORS IPVS*"
).split()


class LabError(Exception):
    """There is no lab: the message says why and what to do about it."""


@dataclass(frozen=True)
class Job:
    """One command to run in a lab."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: str
    timeout: float = 600.0
    writable: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    stdin: bool = False
    memory: int = 1024
    modules: tuple[str, ...] = ()
    verbose: bool = False


def environment(ours: Mapping[str, str], wishes: Iterable[str], backend: str) -> dict[str, str]:
    """Choose from our environment what COMMAND gets; a wish is NAME, NAME=VALUE or a pattern."""
    wishes = list(wishes)
    patterns = PASSED_ON + [wish for wish in wishes if "=" not in wish]
    chosen = {
        name: value
        for name, value in ours.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }
    # An unbuffered Python reads a script on its standard input (Ansible's pipelining) one byte per
    # system call, which costs seconds per task where system calls are dear.
    if "PYTHONUNBUFFERED" not in wishes:
        chosen.pop("PYTHONUNBUFFERED", None)
    chosen.setdefault("HOME", "/root")
    chosen.setdefault("PATH", os.defpath)
    for wish in wishes:
        name, given, value = wish.partition("=")
        if given:
            chosen[name] = value
    chosen["IPVS_LAB"] = backend
    return chosen


def exit_status(returncode: int) -> int:
    """Turn subprocess's return code into the shell's: a death by signal N is 128+N."""
    return returncode if returncode >= 0 else 128 - returncode
