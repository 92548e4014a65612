"""The command runs in the lab as it would without one.  These tests start labs themselves."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from outside import UML, finish


class TestCommand:
    @pytest.mark.parametrize("script, status", [("exit 255", 255), ("kill -9 $$", 137)])
    def test_status(self, lab: list[str], script: str, status: int) -> None:
        assert finish([*lab, "--", "sh", "-c", script]).returncode == status

    def test_not_found(self, lab: list[str]) -> None:
        done = finish([*lab, "--", "no-such-command"])
        assert done.returncode == 127
        assert b"no-such-command" in done.stderr

    def test_not_executable(self, lab: list[str]) -> None:
        assert finish([*lab, "--", "/etc/passwd"]).returncode == 126

    def test_the_table_is_real_empty_and_ours(self, lab: list[str]) -> None:
        script = "ipvsadm -Sn; ipvsadm -A -t 192.0.2.1:80 -s rr && ipvsadm -Sn"
        done = finish([*lab, "--", "sh", "-c", script])
        assert done.stdout == b"-A -t 192.0.2.1:80 -s rr\n"
        assert done.stderr == b""

    def test_streams_are_exact(self, lab: list[str], tmp_path: Path) -> None:
        blob = os.urandom(3_000_000)
        source = tmp_path / "blob"
        source.write_bytes(blob)
        done = finish([*lab, "--", "sh", "-c", 'echo first >&2; cat "$1"', "sh", str(source)])
        assert done.stdout == blob
        assert done.stderr == b"first\n"

    def test_arguments_are_exact(self, lab: list[str]) -> None:
        words = ["", "a b", "'", '"', "$HOME", "\\", "*", "a\nb", "ü", "--env"]
        done = finish([*lab, "--", "printf", "%s|", *words])
        assert done.stdout == "".join(f"{word}|" for word in words).encode()

    def test_stdin_is_given_when_asked_for(self, lab: list[str]) -> None:
        blob = os.urandom(100_000)
        outer = [*UML, "--stdin", *lab[len(UML) :]]
        assert finish([*outer, "--stdin", "--", "cat"], given=blob).stdout == blob

    def test_stdin_is_empty_otherwise(self, lab: list[str]) -> None:
        assert finish([*lab, "--", "cat"], given=b"unwanted").stdout == b""

    def test_a_daemon_left_behind_does_not_hang_it(self, lab: list[str]) -> None:
        done = finish([*lab, "--", "sh", "-c", "sleep 100 & echo done"])
        assert (done.returncode, done.stdout) == (0, b"done\n")


class TestSurroundings:
    def test_environment(self, lab: list[str]) -> None:
        options = ["--env", "WANTED", "--env", "GIVEN=a  b"]
        ours = {"WANTED": "yes", "UNWANTED": "no", "PYTHONUNBUFFERED": "1", "IPVS_OF_OURS": "too"}
        done = finish([*lab, *options, "--", "env"], env={**os.environ, **ours})
        theirs = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
        assert theirs.items() >= {"WANTED": "yes", "GIVEN": "a  b", "IPVS_OF_OURS": "too"}.items()
        assert theirs["IPVS_LAB"] == lab[-1]
        assert not theirs.keys() & {"UNWANTED", "PYTHONUNBUFFERED"}

    def test_current_directory(self, lab: list[str], tmp_path: Path) -> None:
        place = tmp_path / "with spaces, and commas"
        place.mkdir()
        (place / "file").write_text("here\n")
        done = finish([*lab, "--", "sh", "-c", "pwd; cat file"], cwd=place)
        assert done.stdout.decode() == f"{place}\nhere\n"

    def test_network(self, lab: list[str]) -> None:
        script = "ls -A /run/netns 2>/dev/null; ip netns add one && ip netns; ip -o link show up"
        done = finish([*lab, "--", "sh", "-c", script])
        first, second, *more = done.stdout.decode().splitlines()
        assert (first, second.split()[1], more) == ("one", "lo:", [])

    def test_modules(self, lab: list[str]) -> None:
        count = ["grep", "-c", "^ip_vs_sed ", "/proc/modules"]
        assert finish([*lab, "--", *count]).stdout == b"0\n"
        assert finish([*lab, "--module", "ip_vs_sed", "--", *count]).stdout == b"1\n"

    def test_unknown_module(self, lab: list[str]) -> None:
        done = finish([*lab, "--module", "no_such_module", "--", "true"])
        assert done.returncode == 125
        assert b"no_such_module" in done.stderr

    def test_writes_are_private(self, tmp_path: Path) -> None:
        script = "echo guest >ours && cat ours && echo x >/etc/ipvs-lab-test && rm /etc/passwd"
        (tmp_path / "ours").write_text("host\n")
        done = finish([*UML, "--", "sh", "-c", script], cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, b"guest\n")
        assert (tmp_path / "ours").read_text() == "host\n"
        assert not Path("/etc/ipvs-lab-test").exists()
        assert Path("/etc/passwd").exists()

    def test_writes_are_kept_where_asked_for(self, tmp_path: Path) -> None:
        out = tmp_path / "o u,t"
        out.mkdir()
        script = "echo kept >'o u,t/file' && echo lost >file"
        assert finish([*UML, "--rw", "o u,t", "--", "sh", "-c", script], cwd=tmp_path).stderr == b""
        assert (out / "file").read_text() == "kept\n"
        assert not (tmp_path / "file").exists()

    def test_paths_of_tmp_are_kept_when_named(self) -> None:
        with tempfile.NamedTemporaryFile(dir="/tmp", suffix=" x") as file:
            file.write(b"content")
            file.flush()
            hidden = f"cat '{file.name}' || ls -A /tmp"
            env = {"PATH": os.defpath}
            for options, words, content in (
                ([], ["sh", "-c", hidden], b""),
                (["--keep", file.name], ["sh", "-c", hidden], b"content"),
                ([], ["cat", file.name], b"content"),
            ):
                done = finish([*UML, *options, "--", *words], cwd=Path("/"), env=env)
                assert done.stdout == content

    def test_a_virtual_environment_below_tmp(self) -> None:
        with tempfile.TemporaryDirectory(dir="/tmp") as directory:
            venv = [sys.executable, "-m", "venv", "--without-pip", directory]
            subprocess.run(venv, check=True)
            program = [f"{directory}/bin/python", "-c", "import sys; print(sys.prefix)"]
            assert finish([*UML, "--", *program], cwd=Path("/")).stdout.decode() == f"{directory}\n"


class TestStandardDescriptors:
    @pytest.mark.parametrize("closed", ["<&-", "<&- >&- 2>&-"])
    def test_closed(self, lab: list[str], closed: str) -> None:
        done = finish(["sh", "-c", f'"$@" {closed}', "sh", *lab, "--", "sh", "-c", "cat; exit 7"])
        assert done.returncode == 7

    def test_without_a_terminal(self) -> None:
        done = finish([*UML, "--", "echo", "alone"], new_session=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"alone\n", b"")

    def test_the_command_sees_no_terminal(self) -> None:
        ours, theirs = pty.openpty()
        try:
            script = "for fd in 0 1 2; do [ -t $fd ] && exit 1; done; exit 0"
            command = [*UML, "--", "sh", "-c", script]
            subprocess.run(command, check=True, stdin=theirs, stdout=theirs, stderr=theirs)
        finally:
            os.close(ours)
            os.close(theirs)

    def test_a_reader_that_has_enough(self) -> None:
        lab = subprocess.Popen([*UML, "--", "yes"], stdout=subprocess.PIPE)
        assert lab.stdout
        assert lab.stdout.readline() == b"y\n"
        lab.stdout.close()
        assert lab.wait(timeout=20) == 128 + signal.SIGPIPE
