"""What goes wrong is told in a line on stderr, and never by a traceback."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import socket
import subprocess
import time

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.face.rig import WEB
from ipvsman.lock import Lock

PATIENCE = 60
#: Root that may not what only root may: whose file it is, his permissions count.
POWERLESS = (
    ["setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search,-net_admin"]
    if os.geteuid() == 0
    else []
)


@pytest.fixture
def powerless(command):
    """Runs the program to its end without privileges."""

    def run(*arguments):
        line = [*POWERLESS, *command(*arguments)]
        return subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE, check=False)

    return run


def plain(done):
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done


@pytest.mark.parametrize("folder", ["groups", "."])
def test_drop_ins_that_may_not_be_read(ipvsman, powerless, folder):
    (ipvsman.etc / folder).chmod(0)
    done = plain(powerless("--config-dir", ipvsman.etc, "--test"))
    (ipvsman.etc / folder).chmod(0o755)
    assert done.returncode == 2
    assert done.stderr.startswith("ipvsman: load failed: ")
    assert "Permission denied" in done.stderr


def test_a_file_that_may_not_be_read(ipvsman, powerless):
    (ipvsman.etc / "groups/web.yaml").chmod(0)
    done = plain(powerless("--config-dir", ipvsman.etc, "--list-services"))
    assert done.returncode == 2
    assert "groups/web.yaml: cannot be read: Permission denied" in done.stderr


def test_a_socket_that_one_may_not_talk_to(ipvsman, powerless):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(ipvsman.socket))
        listener.listen()
        ipvsman.socket.chmod(0)
        config = ("--config-dir", ipvsman.etc)
        done = plain(powerless(*config, "--reload"))
        assert done.returncode == 2
        assert "no permission to ask the daemon" in done.stderr
        done = plain(powerless(*config, "--disable-group", "web"))
        assert done.returncode == 1
        assert done.stdout.startswith("runtime override apply failed: remembered for the next")
        held = Lock(str(ipvsman.lock_file))
        held.acquire()
        done = plain(powerless(*config, "--disable-group", "web"))
        held.release()
        assert done.returncode == 1
        assert "no permission to ask the daemon" in done.stdout
        assert "is held by process" in done.stdout


@pytest.mark.parametrize(
    "action, status",
    [
        ("--status", 2),
        ("--status-detailed", 2),
        ("--stats", 2),
        ("--dump", 2),
        ("--diff", 2),
        ("--reset", 2),
    ],
)
def test_a_user_may_not_read_the_kernel(ipvsman, powerless, action, status):
    done = plain(powerless("--config-dir", ipvsman.etc, action))
    assert done.returncode == status
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("ipvsman: ")


def reload_by(answer, ipvsman, command):
    """Status and error of a reload that is answered so by whatever listens."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(ipvsman.socket))
        listener.listen()
        with subprocess.Popen(
            command("--config-dir", ipvsman.etc, "--reload"), stderr=subprocess.PIPE, text=True
        ) as running:
            connection, _unused = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
            _unused, told = running.communicate(timeout=PATIENCE)
    return running.returncode, told


def test_what_listens_is_no_daemon(ipvsman, command):
    status, told = reload_by(b"220 mail.example ESMTP\r\n", ipvsman, command)
    assert status == 2
    assert "does not answer" in told
    assert "Traceback" not in told


def test_json_that_is_none(ipvsman, command):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n"
    status, told = reload_by(head + b"{", ipvsman, command)
    assert status == 2
    assert "is not the daemon" in told


def many(ipvsman):
    rows = "".join(f"    - {{address: 10.{n // 250}.{n % 250}.1}}\n" for n in range(3000))
    ipvsman.write(
        "groups/web.yaml",
        re.sub(r"  backends:\n(    - .*\n)+", f"  backends:\n{rows}", WEB),
    )


def test_a_reader_that_has_gone(ipvsman, command):
    many(ipvsman)
    line = command("--config-dir", ipvsman.etc, "--list-backends")
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as running:
        assert running.stdout.read(9) == b"# backend"
        running.stdout.close()
        told = running.stderr.read()
        assert running.wait(PATIENCE) == 0
    assert told == b""


def test_an_output_that_takes_nothing(ipvsman, process):
    with open("/dev/full", "wb") as full:
        done = process(
            "--config-dir",
            ipvsman.etc,
            "--test",
            capture_output=False,
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "ipvsman: No space left on device"
    plain(done)


def test_an_output_that_is_closed(ipvsman, command):
    words = command("--config-dir", str(ipvsman.etc), "--test")
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *words],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0
    plain(done)


def test_an_output_without_letters(ipvsman, process):
    ipvsman.write("groups/web.yaml", WEB.replace("group: web", "group: wäb"))
    done = process(
        "--config-dir",
        ipvsman.etc,
        "--list-services",
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0
    assert "group=w\\xe4b" in plain(done).stdout


def test_ctrl_c(ipvsman, command):
    line = command("--config-dir", ipvsman.etc, "--list-services", "--watch", "60")
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout.readline() == b"# services\n"
        running.send_signal(signal.SIGINT)
        _unused, told = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert told == b""


def test_an_internal_error(ipvsman, monkeypatch):
    def fails(_desired):
        raise KeyError("oops")

    monkeypatch.setattr("ipvsman.face.report.services", fails)
    said = ipvsman("--list-services")
    assert (said.status, said.out) == (2, "")
    assert said.err == "ipvsman: internal error: KeyError: 'oops'\n"
    assert "Traceback" in ipvsman("--list-services", "--debug").err.replace("\\n", "\n")


# -- watching


def test_watch_shows_it_again(ipvsman, command):
    line = command("--config-dir", ipvsman.etc, "--list-services", "--watch", "0.1")
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as running:
        first = [running.stdout.readline() for _unused in range(4)]
        ipvsman.write("groups/web.yaml", WEB.replace("name: http", "name: other"))
        end = time.monotonic() + PATIENCE
        while "frontend=other" not in running.stdout.readline():
            assert time.monotonic() < end
        running.terminate()
    assert first[0] == "# services\n"
    assert "frontend=http" in first[2]


def test_what_changes_something_is_not_watched(ipvsman):
    assert ipvsman("--reset", "--watch", "0").status == 0
    assert ipvsman("--disable-group", "web", "--watch", "0").status == 0


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, line, environment=None):
        self._ours, theirs = pty.openpty()
        self.running = subprocess.Popen(
            line, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)

    def until(self, text):
        said = b""
        end = time.monotonic() + PATIENCE
        while text not in said:
            ready, _unused, _unused = select.select(
                [self._ours], [], [], max(0, end - time.monotonic())
            )
            assert ready, said
            try:
                said += os.read(self._ours, 65536)
            except OSError:  # the other end has gone
                break
        return said

    def close(self):
        self.running.terminate()
        self.running.wait(PATIENCE)
        os.close(self._ours)


@pytest.fixture
def terminal():
    opened = []

    def run(line, **environment):
        opened.append(Terminal(line, {**os.environ, **environment} if environment else None))
        return opened[-1]

    yield run
    for each in opened:
        each.close()


TABLE = """
from ipvsman.actions import act
from ipvsman.ipvs.memory import MemoryTable
act.opener = lambda _options: MemoryTable
"""


def test_colours_on_a_terminal(ipvsman, command, terminal):
    line = command("--config-dir", ipvsman.etc, "--status", before=TABLE)
    said = terminal(line, NO_COLOR="").until(b"192.0.2.2:80 ")
    assert b"status=\x1b[33mDEGRADED\x1b[0m services=3" in said


def test_no_colours_where_they_are_refused(ipvsman, command, terminal):
    line = command("--config-dir", ipvsman.etc, "--status", before=TABLE)
    assert b"\x1b[3" not in terminal(line, NO_COLOR="1").until(b"192.0.2.2:80 ")
    line = command("--config-dir", ipvsman.etc, "--status", "--no-color", before=TABLE)
    assert b"\x1b[3" not in terminal(line).until(b"192.0.2.2:80 ")


def test_watching_on_a_terminal_begins_at_the_top(ipvsman, command, terminal):
    line = command("--config-dir", ipvsman.etc, "--status", "--watch", "0.1", before=TABLE)
    screen = terminal(line)
    top = b"\x1b[H\x1b[2J"
    assert screen.until(top).startswith(top)
    screen.until(top)
