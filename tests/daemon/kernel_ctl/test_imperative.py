"""The imperative dialect on a real table: tests/lab/run -- .venv/bin/python -m pytest HERE"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

VS = "--vip 192.0.2.1 --vport 80"
SERVICES = {
    f"service add {VS} --scheduler wrr": "-A -t 192.0.2.1:80 -s wrr",
    "service add --vip 192.0.2.1 --vport 53 --proto udp -s rr --flags one-packet": (
        "-A -u 192.0.2.1:53 -s rr -o"
    ),
    "service add --vip 192.0.2.1 --vport 36412 --proto SCTP -s lc": (
        "-A --sctp-service 192.0.2.1:36412 -s lc"
    ),
    "service add --vip 192.0.2.2 --vport 80 -s wlc --timeout 600 --netmask 24": (
        "-A -t 192.0.2.2:80 -s wlc -p 600 -M 255.255.255.0"
    ),
    "svc new -vip 2001:db8::1 -vport 443 -s sh -b sh-fallback,sh-port -timeout 60 -M 64": (
        "-A -t [2001:db8::1]:443 -s sh -p 60 -M 64 -b sh-fallback,sh-port"
    ),
    "service add --fwmark 1 -s rr": "-A -f 1 -s rr",
    "service add --fwmark 2 --family inet6 -s nq": "-A -f 2 -6 -s nq",
}
SERVERS = {
    f"server add {VS} --rip 10.0.0.1 --rport 8080 --fwd masq --weight 10": (
        "-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 10"
    ),
    f"rs a {VS} -rip=10.0.0.2 -rport=80 -forward=dr -w=0": (
        "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 0"
    ),
    "server add --vip 192.0.2.2 --vport 80 --rip 10.0.0.3 --rport 80 --fwd tun -w 2"
    " --tun-type gue --tun-port 6080": (
        "-a -t 192.0.2.2:80 -r 10.0.0.3:80 -i -w 2 --tun-type gue --tun-port 6080 --tun-nocsum"
    ),
    "server add --fwmark 1 --rip 10.0.0.1 --rport 0 --fwd dr -w 1": "-a -f 1 -r 10.0.0.1:0 -g -w 1",
    "server add --fwmark 2 --family inet6 --rip fd00::2 --rport 0 --fwd dr -w 1": (
        "-a -f 2 -6 -r [fd00::2]:0 -g -w 1"
    ),
}


def rule(line):
    """A rule whose options ipvsadm may have said in another order."""
    words = line.split()
    parts, part = [], []
    for word in words:
        if word.startswith("-") and part:
            parts.append(" ".join(part))
            part = []
        part.append(word)
    return frozenset([*parts, " ".join(part)])


def silent(done):
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def refused(done, line):
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(line)


def test_ipvsadm_sees_what_was_made(host):
    for line in [*SERVICES, *SERVERS]:
        silent(host.ipvsctl(*line.split()))
    expected = [*SERVICES.values(), *SERVERS.values()]
    assert set(map(rule, host.rules())) == set(map(rule, expected))
    # What an update does not say stays.
    silent(host.ipvsctl(*"service update --vip 192.0.2.2 --vport 80 --scheduler rr".split()))
    silent(host.ipvsctl(*f"server update {VS} --rip 10.0.0.1 --rport 8080 -w 3".split()))
    rules = set(map(rule, host.rules()))
    assert rule("-A -t 192.0.2.2:80 -s rr -p 600 -M 255.255.255.0") in rules
    assert rule("-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 3") in rules
    # And away again.
    silent(host.ipvsctl(*f"server del {VS} --rip 10.0.0.1 --rport 8080".split()))
    silent(host.ipvsctl(*"server flush --vip 192.0.2.2 --vport 80".split()))
    silent(host.ipvsctl(*"service del --fwmark 2 --family inet6".split()))
    gone = ("10.0.0.1:8080", "10.0.0.3", "-f 2 ")
    rules = host.rules()
    assert len(rules) == len(expected) - 4
    assert not any(word in line for word in gone for line in rules)
    silent(host.ipvsctl("flush", "--yes"))
    assert host.rules() == []


def test_what_ipvsadm_made_is_listed(host):
    host.ipvsadm(*SERVICES.values(), *SERVERS.values())
    host.ipvsadm("-e -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 10 -x 100 -y 10")
    done = host.ipvsctl("service", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "Protocol Vip:Vport (Scheduler)",
        "UDP 192.0.2.1:53 (rr)",
        "TCP 192.0.2.1:80 (wrr)",
        "SCTP 192.0.2.1:36412 (lc)",
        "TCP 192.0.2.2:80 (wlc)",
        "TCP [2001:db8::1]:443 (sh)",
        "FWM 1 (rr)",
        "FWM 2/inet6 (nq)",
    ]
    assert host.ipvsctl("server", "list", *VS.split()).stdout.splitlines() == [
        "Rip:Rport Weight (Forward) Threshold(lower-upper)",
        "10.0.0.1:8080 10 (masq) 10-100",
        "10.0.0.2:80 0 (dr) 0-0",
    ]
    six = host.ipvsctl("server", "list", "--fwmark", "2", "--family", "inet6").stdout
    assert six.splitlines()[1] == "[fd00::2]:0 1 (dr) 0-0"
    found = json.loads(host.ipvsctl("service", "list", "-o", "json").stdout)
    assert [len(each["destinations"]) for each in found["services"]] == [0, 2, 0, 1, 0, 1, 1]
    assert found["services"][3]["netmask"] == "255.255.255.0"


def test_ipvsadm_restores_a_service(host):
    host.ipvsadm(*SERVICES.values(), *SERVERS.values())
    before = host.rules()
    for name in (VS, "--fwmark 2 --family inet6"):
        saved = host.ipvsctl("service", "string", *name.split(), "--ipvsadm").stdout
        silent(host.ipvsctl("service", "del", *name.split()))
        assert len(host.rules()) < len(before)
        subprocess.run(["ipvsadm", "-R"], input=saved, text=True, check=True)
        assert host.rules() == before
    # What it has no words for it would take for something else.
    silent(
        host.ipvsctl(
            "server",
            "add",
            *VS.split(),
            *"--rip 10.0.0.9 --rport 80".split(),
            *"--forward local --weight 1".split(),
        )
    )
    saved = host.ipvsctl("service", "string", *VS.split(), "--ipvsadm").stdout
    silent(host.ipvsctl("service", "del", *VS.split()))
    subprocess.run(["ipvsadm", "-R"], input=saved, text=True, check=True)
    assert host.rules() == before


def test_the_kernels_answers(host):
    host.ipvsadm("-A -t 192.0.2.1:80 -s wrr", "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m")
    before = host.rules()
    vs, gone = VS.split(), "--vip 192.0.2.9 --vport 1".split()
    rs, no = "--rip 10.0.0.1 --rport 80".split(), "--rip 10.0.0.9 --rport 80".split()
    how = "--fwd dr --weight 1".split()
    exists, process, entry = "file exists: ", "no such process: ", "no such file or directory: "
    refused(host.ipvsctl("service", "add", *vs), f"{exists}TCP 192.0.2.1:80\n")
    refused(host.ipvsctl("server", "add", *vs, *rs, *how), f"{exists}10.0.0.1:80 of TCP 192.0")
    for command in ("update", "del", "zero", "get"):
        refused(host.ipvsctl("service", command, *gone), f"{process}TCP 192.0.2.9:1\n")
    refused(host.ipvsctl("server", "add", *gone, *rs, *how), f"{process}TCP 192.0.2.9:1\n")
    refused(host.ipvsctl("server", "list", *gone), f"{process}TCP 192.0.2.9:1\n")
    refused(host.ipvsctl("server", "update", *vs, *no), f"{entry}10.0.0.9:80 of TCP 192.0.2.1:80")
    refused(host.ipvsctl("server", "del", *vs, *no), f"{entry}10.0.0.9:80 of TCP 192.0.2.1:80")
    # These are the kernel's own.
    refused(host.ipvsctl("service", "add", *gone, "-s", "nonsense"), f"{entry}add service tcp://")
    refused(host.ipvsctl("service", "update", *vs, "-s", "nonsense"), f"{entry}edit service tcp:")
    many = "--rip 224.0.0.1 --rport 80".split()
    refused(host.ipvsctl("server", "add", *vs, *many, *how), "invalid argument: add destination ")
    assert host.rules() == before


def test_exit_statuses(host):
    host.ipvsadm("-A -t 192.0.2.1:80 -s wrr")
    for words, status in {
        "service": 0,
        "service list --help": 0,
        f"service check {VS}": 0,
        "service check --vip 192.0.2.9 --vport 1": 0,
        "service check --vip 192.0.2.9 --vport 1 --exit-code": 1,
        f"service check {VS} --exit-code": 0,
        "service check": 1,
        "service list --nonsense": 1,
        "service nonsense": 3,
        "nonsense": 3,
        "flush": 1,
        "connection show --path /none": 1,
        "--netns none service list": 1,
    }.items():
        done = host.ipvsctl(*words.split())
        assert (words, done.returncode) == (words, status)
        assert bool(done.stderr) == bool(status) or "--exit-code" in words
        assert "Traceback" not in done.stderr
    assert host.rules() == ["-A -t 192.0.2.1:80 -s wrr"]


def test_timeouts(host):
    silent(host.ipvsctl("timeout", "set", "--tcp", "100", "--udp", "0"))
    assert host.ipvsadm("-L --timeout") == "Timeout (tcp tcpfin udp): 100 120 300\n"
    host.ipvsadm("--set 7200 60 30")
    assert host.ipvsctl("timeout", "show").stdout == "Timeout of tcp tcpfin udp\n7200    60    30\n"


def test_sync_daemons(host):
    subprocess.run("ip link add sync0 type dummy".split(), check=True)
    subprocess.run("ip addr add 10.77.0.1/24 dev sync0".split(), check=True)
    subprocess.run("ip link set sync0 up".split(), check=True)
    master = "daemon add --state master --sync-id 7 --mcast-ifn sync0".split()
    try:
        silent(host.ipvsctl(*master, "--maxlen", "1400", "--port", "9000", "--ttl", "3"))
        assert host.ipvsadm("-L --daemon -n") == (
            "master sync daemon (mcast=sync0, syncid=7, maxlen=1400, group=224.0.0.81, port=9000,"
            " ttl=3)\n"
        )
        refused(host.ipvsctl(*master), "file exists: master sync daemon, on sync0\n")
        host.ipvsadm("--start-daemon backup --mcast-interface sync0 --syncid 9")
        assert host.ipvsctl("daemon", "show").stdout == (
            "State SyncId McastIfn\nmaster 7 sync0\nbackup 9 sync0\n"
        )
        for role in ("master", "backup"):
            silent(host.ipvsctl("daemon", "del", "--state", role))
        assert host.ipvsadm("-L --daemon") == ""
        refused(host.ipvsctl("daemon", "del", "--state", "master"), "no such process: master sync")
        none = "daemon add --state backup --sync-id 1 --mcast-ifn none0".split()
        refused(host.ipvsctl(*none), "no such device: start backup sync daemon: ")
    finally:
        subprocess.run("ip link del sync0".split(), check=True)


def test_another_namespace_s_table(host):
    subprocess.run(["ip", "netns", "add", "other"], check=True)
    try:
        silent(host.ipvsctl("--netns", "other", "service", "add", *VS.split()))
        assert host.rules() == []
        assert len(host.ipvsctl("--netns", "other", "service", "list").stdout.splitlines()) == 2
        silent(host.ipvsctl("--netns", "other", "flush", "--yes"))
    finally:
        subprocess.run(["ip", "netns", "delete", "other"], check=True)


# -- traffic


@contextmanager
def served(host):
    """A service of this host, on this host, with one connection that stays open."""
    subprocess.run("ip link set lo up".split(), check=True)
    subprocess.run("ip addr add 10.78.0.1/32 dev lo".split(), check=True)
    listener = socket.create_server(("10.78.0.1", 8078))
    host.ipvsadm("-A -t 10.78.0.1:8078 -s rr", "-a -t 10.78.0.1:8078 -r 10.78.0.1:8078 -m")
    try:
        with socket.create_connection(("10.78.0.1", 8078)) as client, listener.accept()[0] as end:
            yield client, end
    finally:
        listener.close()
        subprocess.run("ip addr del 10.78.0.1/32 dev lo".split(), check=True)


def eventually(condition, deadline=30):
    """What the kernel does in its own time is waited for."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "what was waited for does not happen"
        time.sleep(0.05)


def counted(host):
    """What ipvsadm shows of the service: connections, packets in and out, bytes in and out."""
    return host.ipvsadm("-Ln --stats --exact -t 10.78.0.1:8078").splitlines()[-2].split()


def test_connections_and_counters(host):
    name = "--vip 10.78.0.1 --vport 8078".split()
    with served(host) as (client, end):
        port = client.getsockname()[1]
        line = f"TCP 10.78.0.1 {port} 10.78.0.1 8078 10.78.0.1 8078 ESTABLISHED "
        (shown,) = host.ipvsctl("connection", "show").stdout.splitlines()[1:]
        assert shown.startswith(line)
        assert f"10.78.0.1:{port}" in host.ipvsadm("-Lnc")
        show = ("connection", "show", "--count")
        assert host.ipvsctl(*show, *name, "--state", "ESTABLISHED").stdout == "1\n"
        assert host.ipvsctl(*show, "--client", "10.79.0.0/16").stdout == "0\n"
        # The kernel adds up its counters every other second.
        client.sendall(b"x" * 1000)
        assert end.recv(1000)
        eventually(lambda: int(counted(host)[5]) >= 1000)
        stats = json.loads(host.ipvsctl("service", "get", *name, "-s", "-o", "json").stdout)
        (service,) = stats["services"]
        counters = service["counters"]
        assert counters["connections"] == int(counted(host)[2]) == 1
        assert counters["bytes_in"] >= 1000
        listed = host.ipvsctl("server", "list", *name, "--stats").stdout.splitlines()[1].split()
        assert listed[:7] == ["10.78.0.1:8078", "1", "(masq)", "0-0", "1", "0", "0"]
        silent(host.ipvsctl("service", "zero", *name))
        cells = host.ipvsctl("service", "list", "--stats").stdout.splitlines()[1].split()
        assert cells[:4] == ["TCP", "10.78.0.1:8078", "(rr)", "0"]


def test_rates_by_the_counters(host):
    name = "--vip 10.78.0.1 --vport 8078".split()
    with served(host) as (client, end):
        enough = threading.Event()

        def talk():
            while not enough.is_set():
                client.sendall(b"x" * 1000)
                end.recv(1000)

        talker = threading.Thread(target=talk)
        talker.start()
        try:
            words = ("service", "get", *name, "--rate", "4", "-o", "json")
            (service,) = json.loads(host.ipvsctl(*words).stdout)["services"]
        finally:
            enough.set()
            talker.join()
    rates = service["rates"]
    assert rates["source"] == "counters"
    assert rates["seconds"] >= 4
    assert rates["bytes_in"] > 1000 * rates["packets_in"] / 2 > 0


def test_who_has_seen_enough_ends_a_watch(host):
    host.ipvsadm("-A -t 192.0.2.1:80 -s wrr")
    line = [sys.executable, "-m", "ipvsman.ctl", "service", "list", "--watch", "0.1"]
    with subprocess.Popen(
        line, env=host.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watching:
        seen = [watching.stdout.readline() for _line in range(5)]
        watching.stdout.close()
        assert watching.wait(timeout=60) == 0
        assert watching.stderr.read() == ""
    assert seen[:2] == seen[3:] == ["Protocol Vip:Vport (Scheduler)\n", "TCP 192.0.2.1:80 (wrr)\n"]
    assert seen[2] == "\n"


def test_without_privilege(host):
    for words in ("service list", f"service add {VS}"):
        line = [sys.executable, "-m", "ipvsman.ctl", *words.split()]
        done = subprocess.run(
            ["setpriv", "--bounding-set", "-net_admin", *line],
            env=host.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (1, "")
        (told,) = done.stderr.splitlines()
        assert "needs root, or CAP_NET_ADMIN" in told
    assert host.rules() == []
