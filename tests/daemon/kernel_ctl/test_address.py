"""Local addresses on a real table, and their rules as netfilter's own tools show them."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

VS = "--vip 192.0.2.1 --vport 80"
LOCAL = ("10.2.0.1/32", "10.2.0.2/32", "fd02::1/128")
VS6 = "--vip 2001:db8::1 --vport 53 --proto udp"


def silent(done):
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def run(host, line):
    silent(host.ipvsctl(*line.split()))


def rules(ip):
    """What comes from where, of our rules alone, by the tools of whichever program wrote them."""
    return by_nft(ip) or by_iptables(ip)


def by_nft(ip):
    """None where the kernel has no nftables for IP (as the lab's), or no table of ours."""
    listed = subprocess.run(
        ["nft", "list", "table", ip, "lvs_ipvs"], check=False, capture_output=True
    )
    found = re.findall(r"daddr != (\S+) snat to (.*)", listed.stdout.decode())
    return [(vip, word) for vip, source in found for word in re.findall(r"[\da-f.:]{3,}", source)]


def by_iptables(ip):
    command = f"{ip}tables-legacy-save -t nat"
    saved = subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout
    lines = [line.split() for line in saved.splitlines() if "--to-source" in line]
    return [(words[words.index("--ctorigdst") + 1], words[-1]) for words in lines]


def tracked():
    with open("/proc/sys/net/ipv4/vs/conntrack", encoding="ascii") as file:
        return file.read() == "1\n"


@pytest.fixture(autouse=True)
def _on_this_host():
    """Others are warned of."""
    for address in LOCAL:
        subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
    yield
    for address in LOCAL:
        subprocess.run(["ip", "address", "del", address, "dev", "lo"], check=True)


def test_netfilter_has_what_was_made(host):
    for line in (
        f"service add {VS} -s rr",
        f"service add {VS6} -s rr",
        f"server add {VS} --rip 10.0.0.1 --rport 80 --fwd masq --weight 1",
        f"server add {VS6} --rip fd00::1 --rport 53 --fwd masq --weight 1",
        f"address add {VS} --lip 10.2.0.1,10.2.0.2",
        f"address add {VS6} --lip fd02::1",
    ):
        run(host, line)
    assert tracked()
    assert rules("ip") == [("192.0.2.1", "10.2.0.1"), ("192.0.2.1", "10.2.0.2")]
    assert rules("ip6") == [("2001:db8::1", "fd02::1")]
    done = host.ipvsctl(*f"address list {VS}".split())
    assert done.stdout == "Addr Conflict Connection\n10.2.0.1 0 0\n10.2.0.2 0 0\n"
    listed = host.ipvsctl(*f"server list {VS}".split()).stdout
    assert "10.0.0.1:80 1 (fnat) 0-0\n" in listed
    run(host, f"address del {VS} --lip 10.2.0.1")
    assert rules("ip") == [("192.0.2.1", "10.2.0.2")]
    run(host, f"service del {VS}")
    assert rules("ip") == []
    run(host, "flush --yes")
    assert rules("ip6") == []


def test_a_document_has_them_and_is_the_same_both_ways(host):
    model = host.write(
        "services:\n- address: tcp://192.0.2.1:80\n  sched: rr\n  local_addresses: [10.2.0.1]\n"
        "  destinations:\n  - address: 10.0.0.1:80\n    weight: 1\n    forward: fnat\n"
    )
    assert host.ipvsctl("apply", "-f", model).returncode == 0
    assert rules("ip") == [("192.0.2.1", "10.2.0.1")]
    got = host.ipvsctl("get").stdout
    assert "local_addresses:\n" in got
    assert host.ipvsctl("changeset", "-f", "-", stdin=got).stdout == "{}\n"
    assert host.ipvsctl("changeset", "-f", model).stdout == "{}\n"
    told = json.loads(host.ipvsctl("service", "list", "-o", "json").stdout)
    assert told["services"][0]["local_addresses"] == ["10.2.0.1"]
    run(host, "flush --yes")
    assert rules("ip") == []
