"""The model dialect on a real kernel: what ipvsadm says of it, and every exit status."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

WEB = """\
services:
- address: tcp://192.0.2.1:80
  sched: wrr
  destinations:
  - address: 10.0.0.1:8080
    weight: 5
    forward: nat
  - address: 10.0.0.2:8080
    weight: 3
    forward: nat
"""
WEB_RULES = [
    "-A -t 192.0.2.1:80 -s wrr",
    "-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 5",
    "-a -t 192.0.2.1:80 -r 10.0.0.2:8080 -m -w 3",
]
#: Everything that ipvsadm saves; thresholds it does not.
THRESHOLDS = "-e -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 0 -x 100 -y 50"
EVERYTHING = (
    "-A -t 192.0.2.1:80 -s wrr -p 300 -M 255.255.255.0",
    "-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 0",
    "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 65535",
    "-A -u 192.0.2.1:53 -s rr -o",
    "-A -u 192.0.2.1:5060 -s rr -p 60 --pe sip -o",
    "-A -t 192.0.2.2:80 -s mh -b mh-fallback,mh-port",
    "-A -t 192.0.2.3:80 -s sh -b sh-port",
    "-A -t 192.0.2.4:0 -s wlc -p 360",
    "-a -t 192.0.2.4:0 -r 10.0.0.1:0 -g -w 1",
    "-A -t [2001:db8::1]:443 -s sed -p 300 -M 64",
    "-a -t [2001:db8::1]:443 -r [2001:db8::2]:443 -i -w 1 --tun-type ipip",
    "-A --sctp-service 192.0.2.1:9 -s lblcr",
    "-a --sctp-service 192.0.2.1:9 -r 10.0.0.1:10 -m -w 1",
    "-A -f 7 -s nq",
    "-a -f 7 -r 10.0.0.1:0 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum",
    "-a -f 7 -r 10.0.0.2:0 -i -w 1 --tun-type gre --tun-nocsum",
    "-A -f 7 -6 -s dh",
)


def test_apply_makes_what_ipvsadm_shows(host):
    done = host.ipvsctl("apply", "-f", "-", stdin=WEB)
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "Applied configuration from -\n",
        "",
    )
    assert host.rules() == WEB_RULES
    assert host.ipvsctl("get").stdout == WEB
    assert host.ipvsctl("changeset", "-f", host.write(WEB)).stdout == "{}\n"


def test_get_applied_again_changes_nothing_and_makes_the_same_of_an_empty_table(host):
    host.ipvsadm(*EVERYTHING, THRESHOLDS, "--set 100 50 25")
    host.ipvsadm("--start-daemon backup --mcast-interface lo --syncid 3")
    rest = told(host)
    assert host.rules() == sorted(EVERYTHING)
    assert re.search(r"10.0.0.1:8080 +100 +50 ", rest)
    path = host.write(host.ipvsctl("get").stdout)
    done = host.ipvsctl("apply", "-f", path, "--dry-run")
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [f"Nothing was changed; changes that {path} needs: 0"],
    )
    assert host.ipvsctl("changeset", "-f", path).stdout == "{}\n"

    host.empty()
    assert told(host) != rest
    assert host.ipvsctl("-q", "apply", "-f", path).stdout == ""
    assert host.rules() == sorted(EVERYTHING)
    assert told(host) == rest
    assert host.ipvsctl("get").stdout == path.read_text()


def told(host):
    """What ipvsadm says beyond rules."""
    return "".join(
        host.ipvsadm(f"-L -n {words}") for words in ("--timeout", "--daemon", "--thresholds")
    )


def test_a_tunnel_to_another_port_which_ipvsadm_cannot_make(host):
    text = WEB.replace(": nat", ": tunnel").replace("8080", "100")
    done = host.ipvsctl("apply", "-f-", stdin=text)
    assert done.returncode == 0
    assert "its packets arrive at port 80" in done.stderr
    assert "- address: 10.0.0.1:100\n" in host.ipvsctl("get").stdout


def test_a_model_takes_the_place_of_another(host):
    host.ipvsadm(*EVERYTHING, THRESHOLDS)
    done = host.ipvsctl("changeset", "-f-", stdin=WEB)
    words = re.findall(r"^- type: (\S+)$", done.stdout, re.MULTILINE)
    assert words.count("delete-service") == 9
    assert {"add-destination", "update-destination", "delete-destination"} <= set(words)
    assert host.ipvsctl("apply", "-f-", stdin=WEB).returncode == 0
    # What the model does not speak about is as it was.
    assert host.rules() == [
        "-A -t 192.0.2.1:80 -s wrr -p 300 -M 255.255.255.0",
        *WEB_RULES[1:],
    ]
    assert re.search(r"10.0.0.1:8080 +100 +50 ", told(host))
    assert host.ipvsctl("apply", "-f-", stdin="{}").returncode == 0
    assert host.rules() == []
    assert host.ipvsctl("get").stdout == "{}\n"


def test_keep_weights(host):
    host.ipvsadm(*WEB_RULES)
    changed = WEB.replace("weight: 5", "weight: 50").replace("wrr", "rr")
    host.ipvsctl("apply", "--keep-weights", "-f-", stdin=changed)
    assert host.rules() == [WEB_RULES[0].replace("wrr", "rr"), *WEB_RULES[1:]]


def test_parameters(host):
    text = WEB.replace("192.0.2.1:80", "${host.lo}:${env.${deep.name}}")
    sources = host.write(json.dumps({"deep": {"name": "CTL_PORT"}}), "p.json")
    host.environ.update(
        CTL_PORT="81", IPVSCTL_PARAMS_HOST_ENV="1", IPVSCTL_PARAMS_FILE=str(sources)
    )
    done = host.ipvsctl("--params-network", "apply", "-f-", stdin=text)
    assert (done.returncode, done.stderr) == (0, "")
    assert "-A -t 127.0.0.1:81 -s wrr" in host.rules()


def test_of_another_namespace(host):
    subprocess.run(["ip", "netns", "add", "ctl"], check=True)
    try:
        subprocess.run("ip -n ctl link set lo up".split(), check=True)
        subprocess.run("ip -n ctl address add 192.0.2.77/32 dev lo".split(), check=True)
        text = WEB.replace("192.0.2.1", "${host.lo_1}")
        words = ("--netns", "ctl", "--params-network", "apply", "-f-")
        done = host.ipvsctl(*words, stdin=text)
        assert (done.returncode, done.stderr) == (0, "")
        assert host.rules() == []
        inside = subprocess.run(
            "ip netns exec ctl ipvsadm -S -n".split(), capture_output=True, text=True, check=True
        )
        assert "-A -t 192.0.2.77:80 -s wrr" in inside.stdout
    finally:
        subprocess.run(["ip", "netns", "del", "ctl"], check=True)


def test_set_weight(host):
    host.ipvsadm(*WEB_RULES)
    handles = ("--service", "tcp://192.0.2.1:80", "--destination", "10.0.0.1:8080")
    done = host.ipvsctl("-v", "set", "weight", "100", *handles)
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "",
        "INFO Updated weight to 100 for service tcp://192.0.2.1:80/10.0.0.1:8080\n",
    )
    assert host.rules()[1:] == [WEB_RULES[1].replace("-w 5", "-w 100"), WEB_RULES[2]]
    done = host.ipvsctl("-v", "set", "weight", "0", *handles, "--time", "2")
    assert re.findall(r"to (\d+) for", done.stderr) == ["50", "0"]
    assert host.rules()[1] == WEB_RULES[1].replace("-w 5", "-w 0")


def test_interrupted(host):
    host.ipvsadm(*WEB_RULES)
    handles = ("--service", "tcp://192.0.2.1:80", "--destination", "10.0.0.1:8080")
    words = ("-v", "set", "weight", "1000", *handles, "--time", "900")
    line = [sys.executable, "-m", "ipvsman.ctl", *words]
    with subprocess.Popen(line, env=host.environ, stderr=subprocess.PIPE, text=True) as process:
        assert "Updated weight to 6 " in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        told = "interrupted at weight 6 of service tcp://192.0.2.1:80/10.0.0.1:8080\n"
        assert process.stderr.read() == told
    assert host.rules()[1] == WEB_RULES[1].replace("-w 5", "-w 6")


def test_no_service_is_in_the_way_of_another(host):
    host.ipvsadm("-A -t [2001:db8::1]:80 -s wlc")
    done = host.ipvsctl("apply", "--no-purge", "-f-", stdin=WEB)
    assert done.returncode == 0
    assert host.rules() == sorted([*WEB_RULES, "-A -t [2001:db8::1]:80 -s wlc"])


# -- exit statuses


@pytest.mark.parametrize(
    "status, words, stdin",
    [
        (0, ["validate", "-f-"], WEB),
        (2, ["apply", "--frob"], ""),
        (2, ["set"], ""),
        (2, [], ""),
        (3, ["frob"], ""),
        (20, ["--netns", "nowhere", "get"], ""),
        (30, ["apply", "-f", "/nowhere"], ""),
        (30, ["apply", "-f", ""], ""),
        (30, ["apply", "-f-"], "services: [\n"),
        (30, ["apply", "-f-"], WEB.replace("5", "NaN")),
        (30, ["--params-file=/etc/hostname", "apply", "-f-"], WEB),
        (31, ["apply", "-f-", "--allowed-actions=us,ds"], WEB),
        (32, ["apply", "-f-"], WEB.replace("wrr", "nosuch")),
        (31, ["apply", "-f-"], WEB.replace("10.0.0.2", "224.0.0.1")),
        (32, ["apply", "-f-"], WEB.replace("192.0.2.1:80", "192.0.2.1:99999")),
        (32, ["validate", "-f-"], WEB.replace("tcp:", "tcps:")),
        (33, ["apply", "-f-", "--allowed-actions=zz"], WEB),
        (33, ["set", "weight", "65536", "-s", "x", "-d", "y"], ""),
        (33, ["set", "weight", "1", "-s", "x"], ""),
        (34, ["set", "weight", "1", "-s", "tcp://192.0.2.1:80", "-d", "10.0.0.1:80"], ""),
        (35, ["apply", "-f-"], WEB.replace("192.0.2.1", "${host.lo}")),
        (50, ["--params-url=http://127.0.0.1:9/", "apply", "-f-"], WEB),
        (51, ["--params-file=/nowhere", "apply", "-f-"], WEB),
    ],
)
def test_exit_status(host, status, words, stdin):
    done = host.ipvsctl(*words, stdin=stdin)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert bool(done.stderr) is bool(status)
    assert not (status and done.stdout)
    partly = "224.0.0.1" in stdin
    assert host.rules() == (WEB_RULES[:2] if partly else [])
    if partly:
        assert "done:\n- add service tcp://192.0.2.1:80: scheduler wrr\n" in done.stderr
        assert "refused to add destination 224.0.0.1:8080" in done.stderr


def test_without_the_privilege(host):
    words = "setpriv --bounding-set -net_admin --inh-caps -net_admin".split()
    for verb, status in (("get", 21), ("apply", 21)):
        done = host.ipvsctl(verb, *(["-f-"] if verb == "apply" else []), stdin=WEB, before=words)
        assert done.returncode == status
        assert done.stderr.startswith("Unable to get current ipvs config: ")
        assert "CAP_NET_ADMIN" in done.stderr
    assert host.ipvsctl("validate", "-f-", stdin=WEB, before=words).returncode == 0


def test_output_that_cannot_be_written(host):
    host.ipvsadm(*WEB_RULES)
    with open("/dev/full", "w", encoding="ascii") as full:
        done = host.ipvsctl("get", stdout=full)
    assert (done.returncode, done.stderr) == (100, "cannot write: No space left on device\n")
    done = host.ipvsctl("get", before=["sh", "-c", '"$@" | true; echo ok', "sh"])
    assert (done.stdout, done.stderr) == ("ok\n", "")


@pytest.mark.skipif(os.environ.get("IPVS_LAB") != "uml", reason="takes a kernel of its own")
def test_a_kernel_without_ipvs(host):
    switch = Path("/proc/sys/kernel/modprobe")
    usual = switch.read_text(encoding="ascii")
    fake = host.write("#!/bin/sh\necho no such module >&2\nexit 1\n", "modprobe")
    fake.chmod(0o755)
    own_path = host.environ["PATH"]
    loaded = re.findall(r"^ip_vs\w*", Path("/proc/modules").read_text(), re.MULTILINE)
    subprocess.run(["modprobe", "-r", *(name for name in loaded if name != "ip_vs")], check=True)
    subprocess.run(["modprobe", "-r", "ip_vs"], check=True)
    try:
        # Whoever forbids it,
        switch.write_text("/bin/false", encoding="ascii")
        host.environ["PATH"] = f"{host.place}:{own_path}"
        done = host.ipvsctl("get")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.endswith("modprobe ip_vs said: no such module\n")
        # or sees to it himself,
        host.environ["SKIP_IPVSKERNELREQ"] = "1"
        done = host.ipvsctl("get")
        assert done.returncode == 20
        assert "this kernel has no IPVS at present" in done.stderr
        del host.environ["SKIP_IPVSKERNELREQ"]
        # else it is loaded.
        host.environ["PATH"] = own_path
        assert host.ipvsctl("get").stdout == "{}\n"
    finally:
        switch.write_text(usual, encoding="ascii")
