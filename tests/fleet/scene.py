"""What is there before the story begins, and how its tests look at it.

The tests are a story: each begins where the one before ended, since a host takes half a minute to
install.  The files are its chapters, in the order of their names.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from addresses import CLIENT
from loadclient import ask
from node import Node
from remote import Remote, on_all
from traffic import PATIENCE, WEBSERVER

#: Virtual addresses: by direct routing over IPv4 and IPv6, and by a tunnel.
DIRECT_4 = "10.77.0.100"
DIRECT_6 = "fd77::100"
TUNNELLED = "10.77.0.101"
VIPS = (DIRECT_4, DIRECT_6, TUNNELLED)
#: That is served by real2, and by real1 while real2 is down.
SPARED = "10.77.0.102"
#: The place of real1 there, a fallback without weight.
WAITING = ("10.77.0.102:80", "10.77.0.21:80")
TOKEN = "open-sesame-said-the-fleet"
API_PORT = 9111

WEB_UNIT = """\
[Unit]
After=network.target
[Service]
ExecStart=/usr/bin/python3 /opt/webserver.py %H 80 --keep-open
[Install]
WantedBy=multi-user.target
"""


class Fleet:
    """The four hosts, the router in front of them and the client behind it."""

    def __init__(self) -> None:
        groups = json.loads(Path(os.environ["ANSIBLE_INVENTORY"]).read_text())["all"]["children"]
        hosts = {
            name: Remote(name, said["fleet_ipv4"], said["fleet_ipv6"])
            for group in groups.values()
            for name, said in group["hosts"].items()
        }
        self.director1, self.director2 = self.directors = [hosts["director1"], hosts["director2"]]
        self.real1, self.real2 = self.reals = [hosts["real1"], hosts["real2"]]
        self.all = [*self.directors, *self.reals]
        # A host answers before all of its units are up, which would be a change of its own.
        on_all(self.all, Remote.settle)
        on_all(self.reals, _serve_web)
        self.route_by(self.director1)

    def route_by(self, director: Remote) -> None:
        """Have the router send the virtual addresses' packets to this director."""
        for vip in (*VIPS, SPARED):
            by = director.v6 if ":" in vip else director.v4
            subprocess.run(["ip", "route", "replace", vip, "via", by], check=True)

    def who_answers(self, vip: str, requests: int = 6) -> dict[str, int]:
        """Who answers so many requests of the client, each on its own connection."""
        answers: dict[str, int] = {}
        with Node(CLIENT, 0).inside():
            for _request in range(requests):
                name = ask(vip, 80, PATIENCE)
                answers[name] = answers.get(name, 0) + 1
        return answers


def _serve_web(host: Remote) -> None:
    host.write("/opt/webserver.py", Path(WEBSERVER).read_text())
    host.write("/etc/systemd/system/web.service", WEB_UNIT)
    host.run("systemctl enable --quiet --now web")


def weights(host: Remote) -> dict[str, dict[str, int]]:
    """The weight of each destination of each service in a director's kernel, as ipvsadm has it."""
    found: dict[str, dict[str, int]] = {}
    for line in host.table().splitlines():
        words = line.split()
        if words[0] == "-a":
            found.setdefault(words[2], {})[words[4]] = int(words[words.index("-w") + 1])
    return found


def is_out(directors: Sequence[Remote], real: Remote) -> bool:
    """Whether none of these directors gives a real server any more connections to its port 80."""
    addresses = (f"{real.v4}:80", f"[{real.v6}]:80")
    return not any(
        weight
        for table in on_all(directors, weights).values()
        for destinations in table.values()
        for address, weight in destinations.items()
        if address in addresses
    )


def packets(host: Remote) -> int:
    """How many packets came for a director's services since these are in its kernel.

    Connections would be too few: one that comes from where another has just ended is not counted.
    """
    lines = host.run("ipvsadm -Ln --stats --exact").splitlines()
    return sum(int(line.split()[3]) for line in lines if line.startswith("TCP"))


def put_groups(host: Remote, groups: list[object]) -> None:
    """Tell a director's daemon further groups by its API, as a program of the site would."""
    body = json.dumps({"groups": groups}).encode()
    assert ask_api(host, "config?wait=1", body)["applied"] is True


def running_version(host: Remote) -> str:
    """Which version a director's daemon says it is."""
    return str(ask_api(host, "about")["version"])


def ask_api(host: Remote, route: str, body: bytes | None = None) -> dict[str, object]:
    """Ask a director's API, or tell it something, as a program of the site would."""
    request = urllib.request.Request(
        f"http://{host.v4}:{API_PORT}/v1/{route}",
        data=body,
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        method="PUT" if body else "GET",
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return dict(json.load(answer))
