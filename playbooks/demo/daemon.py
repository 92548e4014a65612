"""The second act: the daemon keeps the table by drop-ins, while requests flow all the time."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from clients import Requests, watching
from story import CYAN, Story, heading, paint, say, show

from topology import VIP, WEBSERVER, Topology

DROP_INS = Path(__file__).resolve().parent / "drop-ins"

SERVICE = (
    "ipvsman --service --config-dir drop-ins --state-dir state --interval 1 --reload-interval 1"
    " --api-enable --prometheus-metrics"
)
BAD = """\
group: api
frontends:
  - {name: api, vip: 10.1.0.100, proto: tcp, port: 70000}
schedular: rr
healthcheck: {type: tcp}
"""
#: A line of the daemon's log: its time, what it says, of what kind it is.
LINE = re.compile(r"\S+T([\d:.]+)\S* \w+ (.*?) kind=(\w+)")
METRICS = 'last_reload_successful|drift_total|transitions_total|probes_total.*"http"'
#: What an answer to a turn or a change may take; far more than it does, for a host that is busy.
PATIENCE = 10.0


class Daemon(Story):
    """The chapters."""

    TITLE = "Second act: the daemon ipvsman keeps the table, by health checks"

    def __init__(self, net: Topology) -> None:
        super().__init__(net)
        #: How many lines of the log have been looked at, and when rs2 was seen to be out.
        self._told = 0
        self._out = 0.0

    def play(self) -> None:
        """Tell it."""
        with tempfile.TemporaryDirectory() as place:
            self.place = Path(place)
            self.drop_in()
            with self.daemon() as process, Requests(self.net.client, pause=0.03) as requests:
                self.dies_and_returns(requests)
                self.drift()
                self.bad_file(requests)
                self.metrics()
                self.ends(process, requests)

    def drop_in(self) -> None:
        """What is configured."""
        heading("1. A drop-in says which services there shall be, and how servers are probed")
        shutil.copytree(DROP_INS, self.place / "drop-ins")
        show((DROP_INS / "groups/web.yaml").read_text(encoding="utf-8").partition("---\n")[2])
        said = self.command("ipvsman --test --config-dir drop-ins")
        self.claim("it has no fault", said == "validation ok\n")

    @contextlib.contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """The daemon, for as long as the `with` lasts."""
        heading("2. The daemon")
        say(paint(CYAN, f"  $ {SERVICE} &".replace(" --api", " \\\n      --api")))
        with self.net.director.inside(), (self.place / "log").open("wb") as log:
            process = subprocess.Popen(SERVICE.split(), cwd=self.place, stderr=log)
        try:
            self.soon(lambda: "running, pid" in self.log() and self.log().count("-> up") == 3)
            self.told("change|life")
            said = self.command("ipvsman --status")
            self.claim("all is as it shall be", "backends_up=3/3" in said)
            yield process
            if self.failed:
                heading("The daemon's log")
                show(self.log())
        finally:
            process.kill()
            process.wait()

    def dies_and_returns(self, requests: Requests) -> None:
        """One web server ends, and is started again."""
        heading("3. The web server of rs2 dies while requests flow, and comes back")
        server = self.net.real_servers[1]
        with watching(self.net.director, server.back.v4) as seen:
            died = time.monotonic()
            server.stop()
            self.soon(lambda: 0 in seen and "weight 1 -> 0" in self.log())
        down = seen.get(0)
        self._out = down or died
        self.told("transition|change")
        self.claim(f"weight 0 after {down - died:.2f} s" if down else "weight 0", down is not None)
        # Requests flow meanwhile; and what the status says of the kernel may be a second old.
        time.sleep(1.5)
        said = self.command("ipvsman --status-detailed --filter-backend 10.2.0.12")
        self.claim(
            "the status says so, and why",
            "[DOWN]" in said and "reason='down: connection refused'" in said,
        )
        after = requests.by_server(self._out)
        lost = requests.lost_since(self._out)
        self.claim(
            f"{len(requests.lost) - lost} requests were lost until then, {lost} after that;"
            f" answered by {', '.join(f'{name} {count}' for name, count in sorted(after.items()))}",
            down is not None and lost == 0 and after.keys() == {"rs1", "rs3"},
        )
        with watching(self.net.director, server.back.v4) as seen:
            words = [sys.executable, WEBSERVER, "rs2", "--keep-open", "80"]
            ready = server.start(words, stdout=subprocess.PIPE).stdout
            assert ready
            ready.readline()
            returned = time.monotonic()
            self.soon(lambda: 1 in seen and "weight 0 -> 1" in self.log())
        self.told("transition|change")
        up = seen.get(1)
        self.claim(f"weight 1 after {up - returned:.2f} s" if up else "weight 1", up is not None)

    def drift(self) -> None:
        """By hand, and back."""
        heading("4. Somebody removes rs3 by hand")
        before = self.rules()
        self.command(f"ipvsadm -d -t {VIP.v4}:80 -r 10.2.0.13")
        self.soon(lambda: sorted(self.rules()) == sorted(before))
        self.told("drift")
        self.claim("the table is what it was before", sorted(self.rules()) == sorted(before))

    def bad_file(self, requests: Requests) -> None:
        """A drop-in with mistakes."""
        heading("5. A drop-in with mistakes")
        before = self.rules()
        (self.place / "drop-ins/groups/api.yaml").write_text(BAD, encoding="utf-8")
        self.command("cat -n drop-ins/groups/api.yaml")
        since = time.monotonic()
        said = self.command("ipvsman --reload --config-dir drop-ins", status=2)
        places = re.findall(r"api\.yaml:(\d+):\d+: ", said)
        self.claim("each mistake is told with its place", places == ["3", "4"])
        self.soon(lambda: "reload refused" in self.log())
        self.told("reload")
        answered = requests.by_server(since)
        self.claim(
            "the daemon, which looks for new drop-ins itself, goes on with what it has",
            self.rules() == before and answered.keys() == {"rs1", "rs2", "rs3"},
        )

    def metrics(self) -> None:
        """What Prometheus gets."""
        heading("6. What Prometheus is told of all this")
        said = self.command(f"curl -s localhost:9111/metrics | grep -E '^ipvsman_({METRICS})'")
        expected = ("drift_total 1.0", "last_reload_successful 0.0")
        self.claim(
            "the drift and the refused reload are in it",
            all(f"ipvsman_{line}\n" in said for line in expected),
        )

    def ends(self, process: subprocess.Popen[bytes], requests: Requests) -> None:
        """The daemon is stopped."""
        heading("7. The daemon is stopped")
        before = self.rules()
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        status = process.wait(PATIENCE)
        ended = time.monotonic()
        self.told("life")
        self.claim(f"status {status} after {ended - asked:.1f} s", status == 0)
        self.soon(lambda: sum(requests.by_server(ended).values()) >= 30)
        self.claim(
            f"its {len(before)} rules stay, and all three servers answer",
            self.rules() == before and requests.by_server(ended).keys() == {"rs1", "rs2", "rs3"},
        )
        lost = len(requests.lost)
        self.claim(
            f"of {len(requests.answers) + lost} requests in this act {lost} were lost: those sent"
            " to rs2 before it was found dead",
            requests.lost_since(self._out) == 0,
        )

    def log(self) -> str:
        """What the daemon has said so far."""
        return (self.place / "log").read_text(encoding="utf-8")

    def told(self, kinds: str) -> None:
        """Show what the daemon has logged of these kinds since the last time, without the keys."""
        lines = self.log().splitlines()
        for line in lines[self._told :]:
            found = LINE.match(line)
            if found and re.fullmatch(kinds, found.group(3)):
                show(f"{found.group(1)} {found.group(2)}")
        self._told = len(lines)

    @staticmethod
    def soon(happened: Callable[[], bool]) -> None:
        """Wait until it has happened; not for ever."""
        deadline = time.monotonic() + PATIENCE
        while not happened() and time.monotonic() < deadline:
            time.sleep(0.05)
