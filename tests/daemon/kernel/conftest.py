from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[2]

# A kernel's clock and modules are everybody's who runs on it: only where nobody else does.
collect_ignore = [] if os.environ.get("IPVS_LAB") == "uml" else ["test_whole_kernel.py"]

# The lab's hosts.
sys.path.insert(0, str(HERE.parents[1] / "lab"))

from ansible_collections.lvs.ipvs.tests.daemon.kernel.running import (  # noqa: E402
    Director,
    Installed,
    group,
    wait_for,
)

from loadclient import Summary, load  # noqa: E402
from topology import VIP, WEBSERVER, Topology  # noqa: E402


class Load:
    """A request every few milliseconds, from now until it is asked how they went."""

    def __init__(self, net):
        self._net = net
        self._end = threading.Event()
        self._summary = Summary()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self):
        # A network belongs to a thread.
        with self._net.client.inside():
            while not self._end.wait(0.01):
                one = load(VIP.v4, count=1, timeout=5)
                self._summary.requests += 1
                self._summary.failed += one.failed
                for what in one.errors:
                    self._summary.errors[what] = self._summary.errors.get(what, 0) + 1

    def goes_on(self, requests=5):
        """So many more requests are sent from here on, however slow they are."""
        wanted = self._summary.requests + requests
        wait_for(lambda: self._summary.requests >= wanted, f"{requests} more requests")

    def ended(self):
        self._end.set()
        self._thread.join()
        return self._summary


class Servers:
    """The real servers' web servers, each of which can die and come back."""

    def __init__(self, net):
        self._net = net
        self._running = {}

    def up(self, *numbers, port=80):
        for number in numbers:
            node = self._net.real_servers[number - 1]
            words = [sys.executable, WEBSERVER, node.name, str(port)]
            self._running[number, port] = node.start(words, stdout=subprocess.PIPE)
        for number in numbers:
            assert self._running[number, port].stdout.readline() == "ready\n"

    def down(self, *numbers, port=80):
        for number in numbers:
            process = self._running.pop((number, port))
            process.kill()
            process.wait()

    def all_down(self):
        for number, port in list(self._running):
            self.down(number, port=port)


@pytest.fixture(scope="session")
def net():
    subprocess.run(["modprobe", "-a", "ip_vs_wrr", "ip_vs_rr", "ip_vs_wlc"], check=True)
    with Topology(real_servers=3) as made:
        made.route_replies()
        yield made


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("installed"), CHECKOUT)


@pytest.fixture
def servers(net):
    made = Servers(net)
    yield made
    made.all_down()


@pytest.fixture
def daemon(net, installed, tmp_path):
    """A daemon on the director; afterwards neither it nor its table is left."""
    made = Director(net.director, tmp_path, installed)
    yield made
    made.close()
    net.director.run("ipvsadm -C")


@pytest.fixture
def load_on(net):
    """Load on the virtual address, from now on."""
    made = []

    def start():
        made.append(Load(net))
        return made[-1]

    yield start
    for each in made:
        each.ended()


@pytest.fixture
def ask(net):
    """Some requests, one after the other: who answered, and how many failed."""

    def asked(count=30):
        with net.client.inside():
            return load(VIP.v4, count=count, timeout=3)

    return asked


@pytest.fixture
def serving(daemon, servers):
    """Three real servers, and a daemon that has found them up."""

    servers.up(1, 2, 3)
    daemon.drop_in(group("10.2.0.11", "10.2.0.12", "10.2.0.13"))
    daemon.start()
    daemon.wait_table(pool(1, 1, 1))
    return daemon


def pool(*weights, vip="10.1.0.100:80"):
    """The table with one service and the three real servers."""
    return {vip: {f"10.2.0.1{n}:80": weight for n, weight in enumerate(weights, 1)}}
