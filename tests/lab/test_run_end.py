"""The lab ends, whatever ends it, or says why there is none.  These tests start it themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from outside import NOBODY, RUN, UML, as_ordinary_user, descendants, finish, start, wait_until_gone


class TestEnd:
    def test_time_limit(self, lab: list[str]) -> None:
        done = finish([*lab, "--timeout", "4", "--", "sh", "-c", "echo early; sleep 50"])
        assert (done.returncode, done.stdout) == (124, b"early\n")
        assert done.stderr == b"run: timed out after 4 s\n"

    def test_time_limit_when_nobody_reads(self) -> None:
        lab = subprocess.Popen([*UML, "--timeout", "2", "--", "yes"], stdout=subprocess.PIPE)
        assert lab.wait(timeout=20) == 124
        assert lab.stdout
        lab.stdout.close()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_signals_end_it(self, number: signal.Signals) -> None:
        with start([*UML, "--", "sh", "-c", "echo up; sleep 50"]) as lab:
            pids = descendants(lab.pid)
            lab.send_signal(number)
            assert lab.wait(timeout=20) == 128 + number
        assert len(pids) > 2
        wait_until_gone(pids)

    @pytest.mark.parametrize("number, status", [("TERM", "143"), ("KILL", "137")])
    def test_signals_end_the_host_backend(self, number: str, status: str) -> None:
        script = (
            'number=$1; shift; "$@" & until pgrep -x sleep >/dev/null; do :; done; '
            "kill -$number $!; wait $!; echo $?; while pgrep -x sleep >/dev/null; do :; done"
        )
        host = [RUN, "--backend", "host", "--", "sleep", "50"]
        done = finish([*UML, "--timeout", "30", "--", "sh", "-c", script, "sh", number, *host])
        assert (done.returncode, done.stdout.decode()) == (0, f"{status}\n")

    def test_killed_it_leaves_nothing(self, tmp_path: Path) -> None:
        mounts = Path("/proc/self/mountinfo").read_text()
        command = [*UML, "--", "sh", "-c", "echo up; sleep 50"]
        with start(command, env={**os.environ, "TMPDIR": str(tmp_path)}) as lab:
            pids = descendants(lab.pid)
            lab.kill()
            lab.wait(timeout=20)
        assert len(pids) > 2
        wait_until_gone(pids)
        assert list(tmp_path.iterdir()) == []
        # The name that UML gives to the file of the guest's memory.
        assert list(Path("/dev/shm").glob("vm_file*")) == []
        assert Path("/proc/self/mountinfo").read_text() == mounts

    def test_two_at_once(self) -> None:
        labs = []
        for number in (1, 2):
            script = (
                f"ipvsadm -A -t 192.0.2.{number}:80 -s rr; date +%s.%N; sleep 2; "
                "ipvsadm -Sn; date +%s.%N"
            )
            labs.append(subprocess.Popen([*UML, "--", "sh", "-c", script], stdout=subprocess.PIPE))
        (from1, table1, to1), (from2, table2, to2) = (
            lab.communicate(timeout=60)[0].decode().splitlines() for lab in labs
        )
        assert table1 == "-A -t 192.0.2.1:80 -s rr"
        assert table2 == "-A -t 192.0.2.2:80 -s rr"
        assert max(float(from1), float(from2)) < min(float(to1), float(to2))


class TestPlaces:
    def test_an_ordinary_user(self, checkout: Path) -> None:
        script = "ipvsadm -A -t 192.0.2.1:80 -s rr && ipvsadm -Sn && touch /etc/private && pwd"
        lab = [str(checkout / "run"), "--backend", "uml"]
        done = finish(as_ordinary_user([*lab, "--", "sh", "-c", script]), cwd=checkout)
        assert done.stdout.decode() == f"-A -t 192.0.2.1:80 -s rr\n{checkout}\n"
        assert (done.returncode, done.stderr) == (0, b"")

    def test_a_checkout_below_tmp(self, checkout: Path) -> None:
        (checkout.parent.parent / ".git").mkdir()
        lab = ["tests/lab/run", "--backend", "uml", "--"]
        done = finish([*lab, "ls", "-A"], cwd=checkout.parent.parent)
        assert done.stdout == b".git\ntests\n"

    def test_a_collection_sees_its_neighbours(self) -> None:
        with tempfile.TemporaryDirectory(dir="/tmp") as directory:
            ours = Path(directory, "ansible_collections", "lvs", "ipvs")
            ours.mkdir(parents=True)
            neighbour = Path(directory, "ansible_collections", "ansible", "posix")
            neighbour.mkdir(parents=True)
            assert finish([*UML, "--", "ls", "../../ansible"], cwd=ours).stdout == b"posix\n"


class TestNoLab:
    def test_programs_are_missing(self) -> None:
        done = finish([sys.executable, *UML, "--", "true"], env={"PATH": "/nonexistent"})
        assert done.returncode == 125
        assert b"apt-get install" in done.stderr
        assert b"user-mode-linux" in done.stderr

    def test_neither_backend(self, checkout: Path) -> None:
        lab = ["env", "PATH=/nonexistent", "/usr/bin/python3", str(checkout / "run"), "--", "true"]
        done = finish([*UML, "--", *NOBODY, *lab])
        assert done.returncode == 125
        assert b"host: needs root\n" in done.stderr
        assert b"user-mode-linux" in done.stderr

    def test_no_namespaces(self, checkout: Path) -> None:
        script = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"'
        lab = [str(checkout / "run"), "--backend", "uml", "--mem", "64", "--", "true"]
        done = finish([*UML, "--", "sh", "-c", script, "sh", *NOBODY, *lab])
        assert done.returncode == 125
        assert b"user.max_user_namespaces" in done.stderr

    def test_no_room_for_the_memory(self) -> None:
        done = finish([*UML, "--mem", "99999999", "--", "true"])
        assert done.returncode == 125
        assert b"99999999 MiB" in done.stderr

    def test_the_guest_panics(self) -> None:
        done = finish([*UML, "--", "sh", "-c", "echo c >/proc/sysrq-trigger; sleep 50"])
        assert done.returncode == 125
        assert b"the lab failed; the end of its log" in done.stderr
        assert b"sysrq" in done.stderr

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["--"],
            ["--no-such-option"],
            ["--backend", "none", "--", "true"],
            ["--rw", "/etc/passwd", "true"],
            ["--keep", "/nowhere", "true"],
        ],
    )
    def test_a_wrong_command_line(self, arguments: list[str]) -> None:
        done = finish([RUN, *arguments])
        assert done.returncode == 125
        assert b"usage: run" in done.stderr

    def test_an_unknown_backend_in_the_environment(self) -> None:
        done = finish([RUN, "--", "true"], env={**os.environ, "IPVS_LAB_BACKEND": "none"})
        assert done.returncode == 125
        assert b"none" in done.stderr

    def test_the_log_on_demand(self) -> None:
        done = finish([*UML, "--verbose", "--", "sh", "-c", "echo noise >/dev/kmsg; echo out"])
        assert (done.returncode, done.stdout) == (0, b"out\n")
        assert done.stderr != b""
