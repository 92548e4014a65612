from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
from ipvsman.lock import Lock, Locked


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "run" / "lock")


def test_it_holds_our_pid_while_it_is_held_and_nothing_afterwards(path):
    lock = Lock(path)
    assert lock.holder() is None
    lock.acquire()
    with open(path) as file:
        assert file.read() == f"{os.getpid()}\n"
    assert Lock(path).holder() == os.getpid()
    lock.release()
    with open(path) as file:
        assert file.read() == ""
    assert lock.holder() is None
    lock.release()


def test_it_is_kept_where_somebody_removes_the_file(path):
    """Or a second daemon would find nobody who has it."""
    lock = Lock(path)
    assert lock.keep()
    lock.acquire()
    assert lock.keep()
    before = set(os.listdir("/proc/self/fd"))
    os.unlink(path)
    assert lock.keep() is False
    assert set(os.listdir("/proc/self/fd")) == before
    assert lock.keep() is True
    with pytest.raises(Locked, match=f"is held by process {os.getpid()}$"):
        Lock(path).acquire()
    # Somebody was quicker: he has it, and it is told.
    os.unlink(path)
    other = Lock(path)
    other.acquire()
    with pytest.raises(Locked):
        lock.keep()
    other.release()
    assert lock.keep() is False
    lock.release()
    assert Lock(path).holder() is None


def test_another_is_told_who_has_it(path):
    held = Lock(path)
    held.acquire()
    with pytest.raises(Locked, match=f"is held by process {os.getpid()}$"):
        Lock(path).acquire()
    held.release()
    again = Lock(path)
    again.acquire()
    again.release()


def test_one_that_becomes_free_in_a_moment_is_waited_for(path):
    held = Lock(path)
    held.acquire()
    thread = threading.Timer(0.2, held.release)
    thread.start()
    lock = Lock(path)
    lock.acquire()
    assert Lock(path).holder() == os.getpid()
    lock.release()
    thread.join()


def test_a_process_that_is_killed_holds_nothing(path):
    code = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX);"
        "f.write('%d' % 77); f.flush(); print('held', flush=True); time.sleep(60)"
    )
    os.makedirs(os.path.dirname(path))
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert Lock(path).holder() == 77
        process.kill()
    # Its pid is still in the file, and may be anybody's by now.
    assert Lock(path).holder() is None
    lock = Lock(path)
    lock.acquire()
    lock.release()
