"""One-shot actions on a real table: tests/lab/run -- .venv/bin/python -m pytest HERE"""

from __future__ import annotations

import json
import subprocess

SOME = (
    "-A -t 192.0.2.1:80 -s wrr -p 300",
    "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 5",
    "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 3",
)
STRANGE = (
    "-A -t 203.0.113.9:25 -s rr",
    "-a -t 203.0.113.9:25 -r 10.0.0.1:25 -m -w 7",
)
EVERY = (
    "-A -t 192.0.2.1:80 -s wlc",
    "-A -u 192.0.2.1:53 -s rr -o",
    "-A --sctp-service 192.0.2.1:36412 -s lc",
    "-A -t [2001:db8::1]:443 -s sh -b sh-fallback,sh-port",
    "-A -u [2001:db8::1]:443 -s mh -p 60 -M 64",
    "-A -t 192.0.2.2:80 -s wrr -p 600 -M 255.255.255.0",
    "-A -f 1 -s rr",
    "-A -f 2 -s nq -6",
    "-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 10 -x 100 -y 10",
    "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 0",
    "-a -t 192.0.2.2:80 -r 10.0.0.2:80 -i -w 2 --tun-type ipip",
    "-a -t 192.0.2.2:80 -r 10.0.0.3:80 -i -w 2 --tun-type gue --tun-port 6080 --tun-nocsum",
    "-a -t 192.0.2.2:80 -r 10.0.0.4:80 -i -w 2 --tun-type gre --tun-csum",
    "-a -t [2001:db8::1]:443 -r [fd00::1]:443 -m -w 65535",
    "-a -f 1 -r 10.0.0.1:0 -g -w 1",
    "-a -f 2 -6 -r [fd00::2]:0 -g -w 1",
)


def by_service(lines):
    """Each service with its destinations: what the hash table puts in some order, in none."""
    found, name = {}, ()
    for line in lines:
        words = line.split()
        if words[0] == "-A":
            name = line
            found[name] = set()
        else:
            found[name].add(line)
    return found


def test_dump_is_what_ipvsadm_saves(host):
    host.ipvsadm(*EVERY)
    done = host.ipvsman("--dump")
    assert (done.returncode, done.stderr) == (0, "")
    # Thresholds are more than it saves, and what it restores.
    assert "-x 100 -y 10" in done.stdout
    ours, theirs = done.stdout.replace(" -x 100 -y 10", "").splitlines(), host.rules()
    assert sorted(ours) == sorted(theirs)
    assert by_service(ours) == by_service(theirs)
    assert len(ours) == len(EVERY)


def test_a_dump_can_be_restored(host):
    host.ipvsadm(*EVERY)
    before = host.rules()
    dump = host.etc.parent / "dump"
    dump.write_text(host.ipvsman("--dump").stdout)
    host.ipvsadm("-C")
    with dump.open() as stream:
        subprocess.run(["ipvsadm", "-R"], stdin=stream, check=True)
    assert sorted(host.rules()) == sorted(before)
    assert host.ipvsman("--dump").stdout == dump.read_text()


def test_stats_are_those_of_the_kernel(host):
    host.ipvsadm(*EVERY)
    data = json.loads(host.ipvsman("--stats", "--output=json").stdout)
    assert len(data["services"]) == 8
    assert sum(len(row["reals"]) for row in data["services"]) == 8
    table = host.ipvsman("-S").stdout.splitlines()
    assert table[0].split()[0] == "TYPE"
    assert len(table) == 2 + 16


def test_status_of_what_is_there(host):
    assert host.ipvsman("--status").returncode == 1
    host.ipvsadm(*SOME)
    done = host.ipvsman("--status", "--filter-group", "web")
    assert "[UP] tcp 192.0.2.1:80 group=web frontend=http sched=wrr live=True" in done.stdout
    assert "live=False" in host.ipvsman("--status").stdout
    host.ipvsadm("-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 4")
    done = host.ipvsman("--status-detailed", "--filter-backend", "10.0.0.1", "--only-active")
    assert "  - [UP] 10.0.0.1:80 weight=4/5 (actual/desired)" in done.stdout


def test_a_toggle_without_a_daemon_is_in_the_kernel(host):
    host.ipvsadm(*SOME, *STRANGE)
    before = host.weights()
    first = ("192.0.2.1:80", "10.0.0.1:80")
    done = host.ipvsman("--disable-backend", "web/10.0.0.1")
    assert (done.returncode, done.stdout) == (0, "runtime overrides applied\n")
    # Weight 0, in the pool still: connections end in their own time. Nothing else is touched.
    assert host.weights() == {**before, first: 0}
    assert host.ipvsman("--enable-backend", "web/10.0.0.1").returncode == 0
    assert host.weights() == before
    host.ipvsman("--disable-group", "web")
    assert host.weights() == {
        ("192.0.2.1:80", "10.0.0.1:80"): 0,
        ("192.0.2.1:80", "10.0.0.2:80"): 0,
        ("203.0.113.9:25", "10.0.0.1:25"): 7,
    }


def test_reset_removes_what_is_ours(host):
    host.ipvsadm(*SOME, *STRANGE)
    host.state.mkdir()
    (host.state / "owned.json").write_text(
        json.dumps({"version": 1, "data": ["tcp://192.0.2.1:80", "tcp://192.0.2.77:80"]})
    )
    done = host.ipvsman("--reset")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert host.rules() == list(STRANGE)


def test_a_difference_is_only_told(host):
    host.ipvsadm(*SOME, *STRANGE)
    before = host.rules()
    done = host.ipvsman("--diff")
    assert done.returncode == 1
    assert "2001:db8::1" in done.stdout
    assert "203.0.113.9" not in done.stdout
    assert host.rules() == before


def test_another_namespace_s_table(host):
    subprocess.run(["ip", "netns", "add", "other"], check=True)
    try:
        host.ipvsadm(*SOME)
        assert host.ipvsman("--dump", "--netns", "other").stdout == ""
        assert len(host.ipvsman("--dump").stdout.splitlines()) == 3
    finally:
        subprocess.run(["ip", "netns", "delete", "other"], check=True)


def test_a_namespace_that_is_not_there(host):
    done = host.ipvsman("--dump", "--netns", "none")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
