"""Which host paths a guest with a /tmp and /run of its own must nevertheless see.

Everything else is where it is on the host anyway.  The rule: what the command names, by its
arguments, its environment or the place it is started in.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from job import Job

# The guest has its own.
HIDDEN = ("/tmp/", "/run/")


def visible(job: Job, executable: str | None) -> list[str]:
    """Directories and files to show to the guest, none of them inside of another."""
    wanted = {
        _whole(path)
        for name in _named(job, executable)
        for path in _spellings(name)
        if _hidden(path) and os.path.lexists(path)
    }
    outermost: list[str] = []
    for path in sorted(wanted):
        if not any(path.startswith(outer + "/") for outer in outermost):
            outermost.append(path)
    return outermost


def _named(job: Job, executable: str | None) -> Iterator[str]:
    yield from job.visible
    yield os.path.dirname(os.path.abspath(__file__))
    yield job.cwd
    if executable:
        yield executable
    for argument in job.command[1:]:
        # Both `path` and `--option=path`.
        for word in (argument, argument.partition("=")[2]):
            if word:
                yield os.path.join(job.cwd, word)
    yield from _absolute(job.environment.values())


def _spellings(path: str) -> Iterator[str]:
    """Where a path is, and where it leads to when it is itself a link, as a venv's python is."""
    directory, name = os.path.split(os.path.abspath(path))
    yield os.path.join(os.path.realpath(directory), name)
    yield os.path.realpath(path)


def _absolute(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield from (path for path in value.split(":") if path.startswith("/"))


def _hidden(path: str) -> bool:
    return path.startswith(HIDDEN)


def _whole(path: str) -> str:
    """The thing that a path is a piece of: a checkout, a virtual environment, a directory."""
    place = path if os.path.isdir(path) else os.path.dirname(path)
    whole = place
    outer = place
    while _hidden(outer):
        if os.path.basename(outer) == "ansible_collections":
            # The collections beside ours are what ours depends on.
            return outer
        if os.path.exists(os.path.join(outer, ".git")) or os.path.exists(
            os.path.join(outer, "pyvenv.cfg")
        ):
            whole = outer
        outer = os.path.dirname(outer)
    return whole if _hidden(whole) else path
