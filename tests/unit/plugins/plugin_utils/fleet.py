"""Directors as ipvs_director_info returns them, for the tests of reports."""

from __future__ import annotations

from typing import Any


def row(
    address: str, weight: int = 1, forwarding: str = "direct", port: int = 80
) -> dict[str, Any]:
    """A destination."""
    return {"address": address, "port": port, "weight": weight, "forwarding": forwarding}


def service(name: str, *rows: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """A service."""
    return {
        "service": name,
        "scheduler": "wlc",
        "flags": [],
        "persistence": None,
        "netmask": None,
        "engine": None,
        "destinations": list(rows),
        **settings,
    }


WEB = service("tcp://192.0.2.1:80", row("10.0.0.11"), row("10.0.0.12"))


def director(**changed: Any) -> dict[str, Any]:
    """A director with which nothing is wrong; sysctls and daemon: what is otherwise of them."""
    sysctls = {
        "net.ipv4.ip_forward": "1",
        "net.ipv6.conf.all.forwarding": "1",
        "net.ipv4.vs.conn_reuse_mode": "1",
        "net.ipv4.vs.conntrack": "0",
        "net.ipv4.vs.expire_nodest_conn": "1",
        "net.ipv4.vs.expire_quiescent_template": "1",
        "net.ipv4.vs.run_estimation": "1",
        "net.ipv4.vs.drop_entry": "0",
        **changed.pop("sysctls", {}),
    }
    running = {
        "running": True,
        "version": "0.1.0",
        "program": "/usr/lib/ipvsman/versions/0.1.0-abc",
        "config_digest": "0123456789abcdef",
        "reload_error": "",
        "apply_error": "",
        "ready": True,
        "drift": [],
        "warnings": [],
        "overrides": [],
        "services": [],
        **changed.pop("daemon", {}),
    }
    return {
        "available": True,
        "release": "6.1.0-13-amd64",
        "version": "1.2.1",
        "connection_table_size": 4096,
        "services": [WEB],
        "elsewhere": [],
        "timeouts": {"tcp": 900, "tcp_fin": 120, "udp": 300},
        "sync_daemons": [],
        "entries": {"local": 0, "synced": 0},
        "sysctls": sysctls,
        "addresses": [
            {"address": "10.0.0.1", "interface": "eth0", "answers_arp": True},
            {"address": "192.0.2.1", "interface": "lo", "answers_arp": False},
        ],
        "managers": ["ipvsman"],
        "daemon": running,
        **changed,
    }
