"""What is made once and used by every fleet: directories, named by what went into them.

One that is not complete never has its final name, and one that a fleet uses is not removed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import namespaces
from job import LabError


def place() -> Path:
    """Where it is kept."""
    given = os.environ.get("XDG_CACHE_HOME")
    return (Path(given) if given else Path.home() / ".cache") / "lvs-ipvs-fleet"


@contextmanager
def entry(kind: str, ingredients: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """The directory of that kind of these ingredients, made if need be; ours inside the `with`."""
    place().mkdir(parents=True, exist_ok=True)
    name = f"{kind}-{hashlib.sha256(ingredients.encode()).hexdigest()[:16]}"
    path = place() / name
    with _locked(place() / f"{kind}.lock", fcntl.LOCK_EX):
        if not path.is_dir():
            _sweep(kind)
            _make(path, make)
        held = os.open(path, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_SH)
    try:
        yield path
    finally:
        os.close(held)


def _make(path: Path, make: Callable[[Path], None]) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.mkdir()
    print(f"fleet: making {path} (once)", file=sys.stderr, flush=True)
    start = time.monotonic()

    def child() -> int:
        # Whatever is mounted in there goes with this process, before anybody tidies up.
        namespaces.unshare(namespaces.CLONE_NEWNS)
        try:
            make(unfinished)
        except LabError as error:
            print(f"fleet: {error}", file=sys.stderr)
            return 1
        return 0

    pid = namespaces.fork_bound(child)
    try:
        failed = os.waitpid(pid, 0)[1] != 0
    except BaseException:
        namespaces.end(pid)
        shutil.rmtree(unfinished)
        raise
    if failed:
        raise LabError(f"{path.name} could not be made; what there is of it: {unfinished}")
    unfinished.rename(path)
    print(f"fleet: made in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


def _sweep(kind: str) -> None:
    """Away with earlier ones that nobody uses, and with what was not finished."""
    for old in place().glob(f"{kind}-*"):
        held = os.open(old, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(old)
        finally:
            os.close(held)


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    with open(path, "w") as lock:
        fcntl.flock(lock, how)
        yield


def run(command: str, *, given: str = "", cwd: Path | None = None) -> str:
    """Run a command of plain words that makes a piece of it; what it writes to stdout."""
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")
    done = subprocess.run(
        command.split(),
        input=given,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
    )
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise LabError(f"`{command}` fails:\n{end}")
    return done.stdout
