"""What the command beside a fleet finds: the network, who serves packages, ssh, the inventory."""

from __future__ import annotations

import functools
import http.server
import json
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

import namespaces
from addresses import (
    CLIENT,
    CLIENT_4,
    CLIENT_6,
    CLIENTS_ROUTER_4,
    CLIENTS_ROUTER_6,
    DEPOT,
    DEPOT_PORT,
    ROUTER_4,
    ROUTER_6,
    Host,
)
from guests import STATE

SSH_CONFIG = STATE / "ssh_config"
INVENTORY = STATE / "inventory.json"
CONTROL_PATH = STATE / "ssh-%r-%n"

SSH = f"""\
Host *
    User root
    IdentityFile {STATE}/key
    IdentitiesOnly yes
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    GlobalKnownHostsFile /dev/null
    LogLevel ERROR
    ControlMaster auto
    ControlPersist 60
    ControlPath {CONTROL_PATH}
    ServerAliveInterval 5
"""


def lay_network(hosts: list[Host]) -> None:
    """The bridge that is the hosts' network, and the client behind the router."""
    _ip(f"netns add {CLIENT}")
    _ip(
        "link set lo up",
        "link add hosts type bridge",
        "link set hosts up",
        f"addr add {ROUTER_4}/24 dev hosts",
        f"addr add {ROUTER_6}/64 dev hosts nodad",
        f"link add clients type veth peer name eth0 netns {CLIENT}",
        "link set clients up",
        f"addr add {CLIENTS_ROUTER_4}/24 dev clients",
        f"addr add {CLIENTS_ROUTER_6}/64 dev clients nodad",
        *(f"tuntap add {host.name} mode tap" for host in hosts),
        *(f"link set {host.name} master hosts up" for host in hosts),
    )
    _ip(
        "link set lo up",
        "link set eth0 up",
        f"addr add {CLIENT_4}/24 dev eth0",
        f"addr add {CLIENT_6}/64 dev eth0 nodad",
        f"route add default via {CLIENTS_ROUTER_4}",
        f"route add default via {CLIENTS_ROUTER_6}",
        inside=CLIENT,
    )
    for family in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        Path("/proc/sys/net", family).write_text("1")


def _ip(*lines: str, inside: str | None = None) -> None:
    place = ["-netns", inside] if inside else []
    subprocess.run(["ip", *place, "-batch", "-"], input="\n".join(lines), text=True, check=True)


class Depot(http.server.SimpleHTTPRequestHandler):
    """Serves files and tells nobody about it."""

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


def serve(directories: Mapping[str, Path]) -> None:
    """Serve directories to the hosts, from a thread."""
    depot = STATE / "depot"
    depot.mkdir()
    for name, directory in directories.items():
        (depot / name).symlink_to(directory)
    handler = functools.partial(Depot, directory=str(depot))
    server = http.server.ThreadingHTTPServer((ROUTER_4, DEPOT_PORT), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def write_ssh(hosts: list[Host]) -> None:
    """A key, and a configuration by which plain `ssh director1` gets there."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(STATE / "key")], check=True
    )
    SSH_CONFIG.write_text(SSH)
    names = STATE / "names"
    lines = Path("/etc/hosts").read_text() + "".join(f"{host.v4} {host.name}\n" for host in hosts)
    names.write_text(lines)
    # In our own mount namespace: the machine's files are what they were.
    for ours, theirs in ((names, "/etc/hosts"), (SSH_CONFIG, "/etc/ssh/ssh_config")):
        namespaces.mount(str(ours), theirs, None, namespaces.MS_BIND)


def write_inventory(hosts: list[Host]) -> None:
    """An inventory with the groups, and how to get to their hosts."""
    groups: dict[str, dict[str, dict[str, object]]] = {"directors": {}, "realservers": {}}
    for host in hosts:
        groups[host.group][host.name] = {"fleet_ipv4": host.v4, "fleet_ipv6": host.v6}
    variables = {
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_pipelining": True,
        # By this Ansible sees that there is no need for sudo.
        "ansible_user": "root",
        "fleet_wheels": f"{DEPOT}/wheels/",
    }
    children = {name: {"hosts": members} for name, members in groups.items()}
    INVENTORY.write_text(
        json.dumps({"all": {"vars": variables, "children": children}}, indent=2) + "\n"
    )


def environment() -> dict[str, str]:
    """What the command is told."""
    return {
        "ANSIBLE_INVENTORY": str(INVENTORY),
        # The connections are shared with everybody's: what ssh_config says is what holds.
        "ANSIBLE_SSH_ARGS": f"-F {SSH_CONFIG} -o ControlPersist=60 -o ControlPath={CONTROL_PATH}",
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "FLEET_DIR": str(STATE),
        "FLEET_SSH_CONFIG": str(SSH_CONFIG),
        "FLEET_WHEELS": f"{DEPOT}/wheels/",
    }
